"""Counting spikes: per neuron and image (Pärna 2025, Eq. 7), silent and saturated neurons, histograms."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

SATURATED_RATE = 0.95
"""A neuron whose mean rate over the test images reaches this many spikes per step counts as saturated."""


class SpikeCounter:
    """Accumulates the spikes of one layer over batches of test images."""

    def __init__(self) -> None:
        self.images = 0
        self.image_steps = 0
        self.per_neuron: torch.Tensor | None = None
        self.histogram: torch.Tensor | None = None

    @property
    def timesteps(self) -> float:
        """Steps of an image, on average where they differ."""
        return self.image_steps / self.images

    def update(self, spikes: torch.Tensor) -> None:
        """Add the spikes [T, B, ...] of a batch; values 0 or 1."""
        self.add(spikes.sum(0), len(spikes))

    def add(self, counts: torch.Tensor, timesteps: int) -> None:
        """Add how often each neuron fired [B, ...] in so many steps."""
        self.images += len(counts)
        self.image_steps += len(counts) * timesteps
        summed = counts.sum(0, dtype=torch.float64)
        histogram = torch.bincount(counts.flatten().long(), minlength=timesteps + 1)
        self.per_neuron = summed if self.per_neuron is None else self.per_neuron + summed
        self.histogram = histogram if self.histogram is None else _sum(self.histogram, histogram)

    def row(self) -> dict[str, Any]:
        """Neurons; spikes per neuron and image, summed over the steps (Eq. 7) and their mean; fractions."""
        assert self.per_neuron is not None, "update() comes first"
        per_image = self.per_neuron / self.images
        rate = per_image / self.timesteps
        return {
            "neurons": per_image.numel(),
            "spikes_per_neuron": per_image.mean().item(),
            "spikes_per_neuron_and_step": rate.mean().item(),
            "silent_fraction": (per_image == 0).double().mean().item(),
            "saturated_fraction": (rate >= SATURATED_RATE).double().mean().item(),
        }

    def bins(self) -> list[tuple[int, int]]:
        """(spikes of a neuron during one image, how often that was seen), for 0 .. T spikes.

        There are more than T where a neuron fires several times in a step.
        """
        assert self.histogram is not None, "update() comes first"
        return list(enumerate(self.histogram.tolist()))


def _sum(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Of two histograms, the shorter one with zeros behind it."""
    shorter, longer = sorted((first, second), key=len)
    return longer + nn.functional.pad(shorter, (0, len(longer) - len(shorter)))
