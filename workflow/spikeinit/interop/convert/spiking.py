"""A converted network as a plain module: images in, the mean over the steps of its outputs out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import fx, nn

from spikeinit.errors import UserError
from spikeinit.interop.convert.over_time import neurons_of
from spikeinit.interop.convert.report import Calibration, report

if TYPE_CHECKING:
    import pandas as pd

COPIES = 4
"""Values held for each value that flows: its own, and what neurons and convolutions need while they work."""


class SpikingModule(nn.Module):
    """A converted network: images in, the mean over the steps of its outputs out.

    timesteps: T, for which the thresholds were chosen. method, max_pooling: as they were given to `convert`. Made by
    `convert`; `state_dict` holds weights, thresholds and initial potentials. It has no state between calls, and is the
    same in training and evaluation mode.
    """

    def __init__(
        self, network: fx.GraphModule, *, timesteps: int, method: str, max_pooling: str, calibration: Calibration
    ) -> None:
        super().__init__()
        self.network = network
        self.timesteps, self.method, self.max_pooling = timesteps, method, max_pooling
        self._calibration = calibration

    @property
    def neurons(self) -> dict[str, nn.Module]:
        """The neurons of each layer by name, in the order in which they run; their signals are [T, B, ...]."""
        return neurons_of(self.network)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Mean output [B, ...] over `timesteps` steps, at each of which the network sees `images` [B, ...]."""
        self._check(images, 0)
        size = self.images_at_once(images, self.timesteps)
        found = [self._run(part, 1, self.timesteps).mean(0) for part in images.split(size)]
        return torch.cat(found)

    def outputs(self, images: torch.Tensor) -> torch.Tensor:
        """Output [T, B, ...] of each step for `images` [B, ...]; the mean over the first t is the answer after t."""
        self._check(images, 0)
        size = self.images_at_once(images, self.timesteps)
        return torch.cat([self._run(part, 1, self.timesteps) for part in images.split(size)], 1)

    def steps(self, sequence: torch.Tensor) -> torch.Tensor:
        """Output [T, B, ...] of each step for a `sequence` [T, B, ...] of inputs, such as spikes; T may be any."""
        self._check(sequence, 1)
        timesteps = len(sequence)
        size = self.images_at_once(sequence[0], timesteps)
        parts = sequence.split(size, 1)
        return torch.cat([self._run(part.flatten(0, 1), timesteps, timesteps) for part in parts], 1)

    def report(self) -> pd.DataFrame:
        """One row per layer of neurons, as `spikeinit.interop.convert.report` says, on the calibration images."""
        return report(self, self._calibration)

    def images_at_once(self, images: torch.Tensor, timesteps: int) -> int:
        """How many images like `images` [B, ...] run together within `networks.sizes.FORWARD_BYTES`, at least one."""
        return self._calibration.images_at_once(images, timesteps * COPIES)

    def _run(self, merged: torch.Tensor, steps: int, timesteps: int) -> torch.Tensor:
        return self.network(merged, steps, timesteps).unflatten(0, (timesteps, -1))

    def _check(self, images: torch.Tensor, dimension: int) -> None:
        expected = self._calibration.shape
        what = "steps [T, B, ...]" if dimension else "images [B, ...]"
        if images.dim() != len(expected) + dimension + 1 or 0 in images.shape:
            shape = ", ".join(map(str, expected))
            raise UserError(
                f"input of shape {list(images.shape)}: give {what} with at least one image; one of calibration was "
                f"[{shape}]"
            )
        weight = next((each for each in self.parameters() if each.is_floating_point()), None)
        if weight is not None and weight.device != images.device:
            raise UserError(f"the network is on {weight.device} and its input on {images.device}; bring both to one")
