"""Recordings of an event camera: lists of events, binned into frames only when a batch of them is used.

Frames would be a hundred times larger: most pixels are silent in most milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

MICROSECONDS = 1000
"""Per millisecond."""


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
            rows = torch.arange(len(self), device=self.device)[rows]
        counts = self.offsets.diff()[rows]
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        shift = torch.repeat_interleave(self.offsets[:-1][rows] - offsets[:-1], counts)
        kept = torch.arange(len(shift), device=self.device) + shift
        return Recordings(self.address[kept], self.time[kept], offsets, self.sensor)

    def frames(self, timesteps: int, window_ms: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Frames [T, N, C, H, W]: 1 where at least one event fell into the window, else 0."""
        step = torch.div(self.time, window_ms * MICROSECONDS, rounding_mode="floor").long()
        recording = torch.repeat_interleave(torch.arange(len(self), device=self.device), self.offsets.diff())
        inside = step < timesteps
        frames = torch.zeros(timesteps, len(self), torch.Size(self.sensor).numel(), dtype=dtype, device=self.device)
        frames[step[inside], recording[inside], self.address[inside].long()] = 1
        return frames.unflatten(2, self.sensor)
