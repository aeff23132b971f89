"""What is counted of a converted network while its layers run one after the other, and let go of their spikes.

A layer's spikes [T, B, ...] are summed when it has run: over the steps for the error of its rate, over steps and images
for the operations of the layers behind it. Only sums without the dimension of time are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from spikeinit.conversion.convert import per_channel
from spikeinit.measures.operations import OperationCounter
from spikeinit.networks.modules import Part, Pooling, ResidualBlock

OF_NEURONS = ("spikes_per_neuron", "error", "quantization_error", "timing_error", "mean_activation")
"""What is counted of a layer of neurons: means over neurons and images."""


@dataclass
class Readout:
    """What was counted of one network on `images` images after `timesteps` steps.

    layers: for each layer of neurons the sums over images of what `OF_NEURONS` names.
    """

    timesteps: int
    operations: OperationCounter
    images: int = 0
    correct: int = 0
    agreeing: int = 0
    quantized_correct: int = 0
    layers: list[tuple[float, ...]] = field(default_factory=list)


def layer_sums(
    spikes: torch.Tensor, activation: torch.Tensor, quantizations: Sequence[torch.Tensor], ends: Sequence[int]
) -> list[tuple[float, ...]]:
    """For the first `ends` steps each, the sums over images of what `OF_NEURONS` names.

    spikes: [T, B, ...] of one layer. activation: [1, B, ...] in the analogue network. quantizations: [1, B, ...] in the
    network without time, one for each of `ends`, which ascend.
    """
    total = torch.zeros_like(spikes[0])
    count, start = 0, 0
    found = []
    for end, (quantization,) in zip(ends, quantizations, strict=True):
        total += spikes[start:end].sum(0)
        count += int(torch.count_nonzero(spikes[start:end]))
        start = end
        error, quantized = total / end - activation[0], activation[0] - quantization
        timing = quantization - spikes[:end].mean(0)  # 0 where all steps are equal, which the running total is not
        sums = [_image_sum(values) for values in (error.abs(), quantized.abs(), timing.abs(), activation[0])]
        found.append((count / total[0].numel(), *sums))
    return found


class Sent:
    """How many spikes every weighted layer is sent, summed over images and over the first `ends` steps each.

    Spikes have the height of their neuron's threshold, and are counted as one each. A positive and a negative spike in
    one window of average pooling have the mean 0, yet both cross the synapses behind it: spikes are counted before they
    are pooled. Behind maximum pooling they are counted where they arrive.
    """

    def __init__(self, ends: Sequence[int]) -> None:
        self.ends = ends
        self._signal: torch.Tensor | None = None  # what comes to the next part; None where only what it received tells
        self._height = torch.ones(())  # of a spike in it, [], [channels] or [channels, ...]; 1 for the analogue input

    def to(self, part: Part, received: Sequence[torch.Tensor], spikes: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """What the weighted layers of the next part are sent, float64 [ends, ...] each.

        received, spikes: of that part's weighted layers and neurons, [T, B, ...] each.
        """
        if isinstance(part, Pooling):
            averages = isinstance(part.pool, (nn.AvgPool2d, nn.AdaptiveAvgPool2d))
            self._signal = part.pool(self._signal) if averages and self._signal is not None else None
            self._height = part.pool(self._height) if self._height.dim() > 1 else self._height
            return []
        fired = iter(spikes)
        inside, height = self._signal, self._height
        found: list[torch.Tensor] = []
        for layer in part.weighted_layers():
            if isinstance(part, ResidualBlock) and layer is part.shortcut:
                inside, height = self._signal, self._height
            found.append(self._counted(received[len(found)], height) if inside is None else inside)
            if layer.neuron is not None:
                height = layer.neuron.threshold
                inside = self._counted(next(fired), height)
        if isinstance(part, ResidualBlock):
            height = part.neurons()[-1].threshold
            inside = self._counted(next(fired), height)
        self._signal, self._height = inside, height
        return found

    def _counted(self, values: torch.Tensor, height: torch.Tensor) -> torch.Tensor:
        return self._summed(values) / per_channel(height, values)

    def _summed(self, values: torch.Tensor) -> torch.Tensor:
        """Magnitudes of values [T, B, ...]; step by step, for their magnitudes would be as many again."""
        total = torch.zeros_like(values[0, 0], dtype=torch.float64)
        found, start = [], 0
        for end in self.ends:
            for step in values[start:end]:
                total += step.abs().sum(0)
            found.append(total.clone())
            start = end
        return torch.stack(found)


def _image_sum(values: torch.Tensor) -> float:
    """Mean over the neurons, summed over the images, of values [B, ...]."""
    return values.sum(dtype=torch.float64).item() / values[0].numel()
