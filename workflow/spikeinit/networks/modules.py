"""The parts a network is assembled from.

Signals travel as [T*B, ...], all steps of all images in one call, convolutions in channels-last memory; only neurons
see them as [T, B, ...]. A `Trace` collects on the way what is counted later.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from spikeinit.kernels.convolution.routing import convolve


@dataclass
class Trace:
    """What one forward pass leaves behind.

    spikes: output [T, B, ...] of every layer with neurons, in order. currents: the input current [T, B, ...] of the
    same layers, if `keep_currents`. received: what every weighted layer got, [T, B, ...], in the order of
    `weighted_layers`, if `keep_received`; what is the same at every step, as a view.
    """

    timesteps: int
    keep_received: bool = False
    keep_currents: bool = False
    spikes: list[torch.Tensor] = field(default_factory=list)
    currents: list[torch.Tensor] = field(default_factory=list)
    received: list[torch.Tensor] = field(default_factory=list)

    def clear(self) -> None:
        """Let go of all that was collected, as a walk through a network does once it has counted a part."""
        for collected in (self.spikes, self.currents, self.received):
            collected.clear()


def merge_steps(inputs: torch.Tensor) -> torch.Tensor:
    """[T, B, C, H, W] as [T*B, C, H, W] in channels-last memory; other shapes only merged."""
    merged = inputs.flatten(0, 1)
    return merged.contiguous(memory_format=torch.channels_last) if merged.dim() == 4 else merged


class Part(nn.Module):
    """A part of a network: merged signal in, merged signal out."""

    def forward(self, merged: torch.Tensor, trace: Trace) -> torch.Tensor:
        raise NotImplementedError

    def weighted_layers(self) -> list[WeightedLayer]:
        """The layers with weights inside, in the order in which a trace lists what they received."""
        return []

    def firing(self) -> list[WeightedLayer | EncodingNeurons | ResidualBlock]:
        """The parts inside, itself included, whose `neuron` fires, in the order in which a trace lists their spikes."""
        return []

    def neurons(self) -> list[nn.Module]:
        """The neurons (or activations) inside, in the same order."""
        return [part.neuron for part in self.firing()]


class Convolution(nn.Conv2d):
    """A convolution by the routine that does the least work; a call of it is seen like one of any other module."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return convolve(self, image)


class WeightedLayer(Part):
    """A convolution or a fully connected layer, its normalisation, and the neurons (or activation) behind it.

    neuron is None where nothing follows: at a network's analogue output, or inside a residual block.
    `pooled` is how many neurons the value at one input averages over, 1 without average pooling before it.
    """

    def __init__(
        self,
        name: str,
        operation: nn.Conv2d | nn.Linear,
        normalization: nn.Module | None,
        neuron: nn.Module | None,
        pooled: int = 1,
    ) -> None:
        super().__init__()
        self.name = name
        self.operation = operation
        self.normalization = normalization
        self.neuron = neuron
        self.pooled = pooled

    @property
    def weight(self) -> nn.Parameter:
        return self.operation.weight

    @property
    def bias(self) -> nn.Parameter | None:
        return self.operation.bias

    def current(self, merged: torch.Tensor) -> torch.Tensor:
        """Input current [T*B, ...] of the neurons for the merged input [T*B, ...]."""
        current = self.operation(merged.flatten(1) if isinstance(self.operation, nn.Linear) else merged)
        return current if self.normalization is None else self.normalization(current)

    def forward(self, merged: torch.Tensor, trace: Trace) -> torch.Tensor:
        if trace.keep_received:
            trace.received.append(merged.unflatten(0, (trace.timesteps, -1)))
        return fire(self.neuron, self.current(merged), trace)

    def forward_repeated(self, step: torch.Tensor, trace: Trace) -> torch.Tensor:
        """`forward` for an input that is `step` [B, ...] at every time step."""
        if trace.keep_received:
            trace.received.append(step.expand(trace.timesteps, *step.shape))
        current = self.current(step)
        return fire(self.neuron, merge_steps(current.expand(trace.timesteps, *current.shape)), trace)

    def weighted_layers(self) -> list[WeightedLayer]:
        return [self]

    def firing(self) -> list[WeightedLayer | EncodingNeurons | ResidualBlock]:
        return [] if self.neuron is None else [self]


def fire(neuron: nn.Module | None, current: torch.Tensor, trace: Trace) -> torch.Tensor:
    """Let neurons see a merged current as [T, B, ...], and note their spikes."""
    if neuron is None:
        return current
    stepped = current.unflatten(0, (trace.timesteps, -1))
    spikes = neuron(stepped)
    trace.spikes.append(spikes)
    if trace.keep_currents:
        trace.currents.append(stepped)
    return spikes.flatten(0, 1)


class EncodingNeurons(Part):
    """Neurons whose input current is the network's input."""

    def __init__(self, neuron: nn.Module) -> None:
        super().__init__()
        self.neuron = neuron

    def forward(self, merged: torch.Tensor, trace: Trace) -> torch.Tensor:
        return fire(self.neuron, merged, trace)

    def firing(self) -> list[WeightedLayer | EncodingNeurons | ResidualBlock]:
        return [self]


class Pooling(Part):
    """Average or maximum over windows."""

    def __init__(self, kind: str, size: int | None) -> None:
        super().__init__()
        if size is None:
            self.pool = nn.AdaptiveAvgPool2d(1) if kind == "average" else nn.AdaptiveMaxPool2d(1)
        else:
            self.pool = nn.AvgPool2d(size) if kind == "average" else nn.MaxPool2d(size)

    def forward(self, merged: torch.Tensor, trace: Trace) -> torch.Tensor:
        return self.pool(merged)


class DropoutMask(Part):
    """Dropout with one mask per image for all steps, drawn from `generator` (set before training)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.generator: torch.Generator | None = None

    def forward(self, merged: torch.Tensor, trace: Trace) -> torch.Tensor:
        if not self.training or self.rate == 0:
            return merged
        signal = merged.unflatten(0, (trace.timesteps, -1))
        kept = torch.rand(signal.shape[1:], device=signal.device, generator=self.generator) >= self.rate
        return (signal * (kept.to(signal.dtype) / (1 - self.rate))).flatten(0, 1)


class StepNormalization(nn.Module):
    """Batch normalisation through time (BNTT, Kim & Panda 2021): statistics and scale of their own for each step.

    As published there is a scale but no shift. It must be told the number of steps it was built for.
    """

    def __init__(self, features: int, timesteps: int, convolution: bool, eps: float = 1e-5) -> None:
        super().__init__()
        make = nn.BatchNorm2d if convolution else nn.BatchNorm1d
        self.steps = nn.ModuleList([make(features, eps) for _ in range(timesteps)])
        for step in self.steps:
            step.bias.requires_grad_(False)

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        parts = current.chunk(len(self.steps))
        return torch.cat([step(part) for step, part in zip(self.steps, parts, strict=True)])


class ResidualBlock(Part):
    """The sum of a body and a shortcut, and the neurons behind it."""

    def __init__(self, body: list[WeightedLayer], shortcut: WeightedLayer | None, neuron: nn.Module) -> None:
        super().__init__()
        self.body = nn.ModuleList(body)
        self.shortcut = shortcut
        self.neuron = neuron

    def forward(self, merged: torch.Tensor, trace: Trace) -> torch.Tensor:
        signal = merged
        for layer in self.body:
            signal = layer(signal, trace)
        signal = signal + (merged if self.shortcut is None else self.shortcut(merged, trace))
        return fire(self.neuron, signal, trace)

    def weighted_layers(self) -> list[WeightedLayer]:
        return [*self.body, *([] if self.shortcut is None else [self.shortcut])]

    def firing(self) -> list[WeightedLayer | EncodingNeurons | ResidualBlock]:
        return [*(part for layer in self.body for part in layer.firing()), self]
