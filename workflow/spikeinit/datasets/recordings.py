"""Recordings of an event camera: lists of events, binned into frames only when a batch of them is used.

Frames would be a hundred times larger: most pixels are silent in most milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

MICROSECONDS = 1000
"""Per millisecond."""
TYPES = {"address": torch.int16, "time": torch.int32, "offsets": torch.int64}
"""Of the three tensors of recordings."""


@dataclass(frozen=True)
class Recordings:
    """N recordings on one device; indexing with a slice or row numbers gives the chosen ones, in that order.

    address: int16 [events], the flat index of (channel, row, column) in a frame of shape `sensor` (C, H, W).
    time: int32 [events], microseconds since the start of the recording. offsets: int64 [N + 1], recording i holds the
    events offsets[i] .. offsets[i + 1] - 1.
    """

    address: torch.Tensor
    time: torch.Tensor
    offsets: torch.Tensor
    sensor: tuple[int, int, int]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def problem(self) -> str:
        """What is wrong with the types of the three tensors, or with how they belong together; "" if nothing is."""
        for name, dtype in TYPES.items():
            tensor = getattr(self, name)
            if not isinstance(tensor, torch.Tensor) or tensor.dtype != dtype or tensor.dim() != 1:
                return f"{name} must be a tensor of {dtype} in one dimension"
        events = len(self.address)
        bounds = self.offsets[[0, -1]].tolist() if len(self.offsets) else None
        if bounds != [0, events] or len(self.time) != events or (self.offsets.diff() < 0).any():
            return "address, time and offsets do not belong together"
        if events and not 0 <= int(self.address.min()) <= int(self.address.max()) < torch.Size(self.sensor).numel():
            return f"addresses outside the sensor {list(self.sensor)}"
        return ""

    @property
    def shape(self) -> tuple[int, ...]:
        """[N, C, H, W], as of images."""
        return (len(self), *self.sensor)

    @property
    def device(self) -> torch.device:
        return self.address.device

    def to(self, device: str | torch.device) -> Recordings:
        """The same on another device."""
        return Recordings(self.address.to(device), self.time.to(device), self.offsets.to(device), self.sensor)

    def __getitem__(self, rows: slice | torch.Tensor) -> Recordings:
        if isinstance(rows, slice):
            first, last, step = rows.indices(len(self))
            if step == 1:
                offsets = self.offsets[first : max(first, last) + 1]
                events = slice(int(offsets[0]), int(offsets[-1]))
                return Recordings(self.address[events], self.time[events], offsets - offsets[0], self.sensor)
            rows = torch.arange(len(self), device=self.device)[rows]
        counts = self.offsets.diff()[rows]
        bounds = list(zip(self.offsets[rows].tolist(), (self.offsets[rows] + counts).tolist(), strict=True))
        # Piece by piece: the row number of every event would be larger than the events themselves.
        address, time = (
            torch.cat([values[:0], *(values[start:end] for start, end in bounds)])
            for values in (self.address, self.time)
        )
        return Recordings(address, time, torch.cat([counts.new_zeros(1), counts.cumsum(0)]), self.sensor)

    def frames(self, timesteps: int, window_ms: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Frames [T, N, C, H, W]: 1 where at least one event fell into the window, else 0."""
        step = torch.div(self.time, window_ms * MICROSECONDS, rounding_mode="floor").long()
        inside = step < timesteps
        frames = self._silence(timesteps, dtype)
        frames[step[inside], self._owner()[inside], self.address[inside].long()] = 1
        return frames.unflatten(2, self.sensor)

    def slices(self, timesteps: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Frames [T, N, C, H, W]: how many events a pixel had in each of T parts with equally many events.

        The last part also holds the remainder; a recording of fewer than T events has one in each of its first parts.
        """
        counts, owner = self.offsets.diff(), self._owner()
        rank = torch.arange(len(owner), device=self.device) - self.offsets[:-1][owner]
        part = (rank // (counts // timesteps).clamp(min=1)[owner]).clamp(max=timesteps - 1)
        frames = self._silence(timesteps, dtype)
        frames.index_put_((part, owner, self.address.long()), frames.new_ones(()), accumulate=True)
        return frames.unflatten(2, self.sensor)

    def _owner(self) -> torch.Tensor:
        """int64 [events], the recording that each event belongs to."""
        return torch.repeat_interleave(torch.arange(len(self), device=self.device), self.offsets.diff())

    def _silence(self, timesteps: int, dtype: torch.dtype) -> torch.Tensor:
        """Zeros [T, N, C * H * W]."""
        return torch.zeros(timesteps, len(self), torch.Size(self.sensor).numel(), dtype=dtype, device=self.device)
