"""One builder from a network description to a module, for spiking and for analogue networks.

Weights see all steps and images at once; only the neurons walk through time. That keeps the processor in large matrix
products and is exact, since weights carry no state. An analogue network is the same thing with one step and an
activation in the place of neurons.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn

from spikeinit.datasets.load import Images
from spikeinit.errors import UserError
from spikeinit.networks import describe
from spikeinit.networks.layers import (
    Conv,
    Dense,
    Dropout,
    Encoder,
    Layer,
    Network,
    Normalization,
    Pool,
    Residual,
)
from spikeinit.networks.modules import (
    Convolution,
    DropoutMask,
    EncodingNeurons,
    Part,
    Pooling,
    ResidualBlock,
    StepNormalization,
    Trace,
    WeightedLayer,
    merge_steps,
)
from spikeinit.networks.sizes import PartSize, Shape, behind, images_at_once, misfit, part_sizes, shortcut, window
from spikeinit.neurons.layer import IntegrateAndFire
from spikeinit.randomness import draws, stream
from spikeinit.specs import EvaluateSpec, NetworkSpec, NeuronSpec, TrainSpec

MakeNeuron = Callable[[Shape], nn.Module]
"""From the shape of a layer (without steps and batch) to its neurons or activation."""


class FeedForward(nn.Module):
    """A feed-forward network over [T, B, C, H, W] input.

    Of an input that is one step repeated (an expanded view, as `encode` gives for static encodings) the first layer's
    weights see that step only: their result is the same at every step.

    sizes: the values of each part, where they are known; they decide how many images run together.
    """

    def __init__(self, parts: list[Part], sizes: Sequence[PartSize] = ()) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.sizes = tuple(sizes)

    def forward(
        self, inputs: torch.Tensor, *, keep_received: bool = False, keep_currents: bool = False
    ) -> tuple[torch.Tensor, Trace]:
        """Output [T, B, classes], and a trace with the spikes of every layer that has neurons."""
        trace = Trace(inputs.shape[0], keep_received, keep_currents)
        for merged in self.walk(inputs, trace):  # noqa: B007
            pass
        return merged.unflatten(0, (trace.timesteps, -1)), trace

    def walk(self, inputs: torch.Tensor, trace: Trace) -> Iterator[torch.Tensor]:
        """The merged output [T*B, ...] of each of `parts` in turn, as soon as it has run.

        Who clears the trace in between holds the values of one part at a time, those of all T steps.
        """
        first, *others = self.parts
        if is_repeated(inputs) and isinstance(first, WeightedLayer) and not first.normalization:
            merged = first.forward_repeated(merge_steps(inputs[:1]), trace)
        else:
            merged = first(merge_steps(inputs), trace)
        yield merged
        for part in others:
            merged = part(merged, trace)
            yield merged

    def output(self, inputs: torch.Tensor) -> torch.Tensor:
        """Output [T, B, classes] alone, without a trace: one part is held at a time, and so many images as fit."""
        size = images_at_once(self.sizes, inputs.shape[0], inputs.shape[1])
        found = []
        for images in inputs.split(size, 1):
            trace = Trace(inputs.shape[0])
            for merged in self.walk(images, trace):  # noqa: B007
                trace.clear()
            found.append(merged.unflatten(0, (trace.timesteps, -1)))
        return torch.cat(found, 1)

    @property
    def fires_first(self) -> bool:
        """Whether neurons stand before the first weights, so that these receive spikes whatever the input is."""
        ahead = itertools.takewhile(lambda part: not part.weighted_layers(), self.parts)
        return any(isinstance(part, EncodingNeurons) for part in ahead)

    def weighted_layers(self) -> list[WeightedLayer]:
        """All layers with weights, first to last."""
        return [layer for part in self.parts for layer in part.weighted_layers()]

    def neurons(self) -> list[nn.Module]:
        """The neurons (or activations) of all active layers, in the order of a trace's spikes."""
        return [neuron for part in self.parts for neuron in part.neurons()]

    def layer_inputs(self, inputs: torch.Tensor, index: int) -> torch.Tensor:
        """What weighted layer `index` receives, [T*B, ...], when the network sees `inputs` [T, B, C, H, W]."""
        device = self.weighted_layers()[index].weight.device
        return self(inputs.to(device), keep_received=True)[1].received[index].flatten(0, 1)

    def potentials(self, inputs: torch.Tensor, index: int, received: torch.Tensor) -> torch.Tensor:
        """Membrane potentials [T, B, ...] before the reset behind layer `index`, or its currents where none fires.

        received: what it gets, [T*B, ...], from `layer_inputs` of the same `inputs` [T, B, C, H, W].
        """
        layer = self.weighted_layers()[index]
        current = layer.current(received).unflatten(0, (len(inputs), -1))
        return current if layer.neuron is None else layer.neuron.potential(current)

    def set_generators(
        self, *, dropout: torch.Generator | None = None, initial_potential: torch.Generator | None = None
    ) -> None:
        """Where dropout and random initial potentials draw from, on the network's device; None changes nothing."""
        for part in self.modules():
            if isinstance(part, DropoutMask):
                part.generator = dropout or part.generator
            elif isinstance(part, IntegrateAndFire):
                part.generator = initial_potential or part.generator


def is_repeated(inputs: torch.Tensor) -> bool:
    """Whether all time steps are one and the same memory."""
    return inputs.shape[0] > 1 and inputs.stride(0) == 0


def build(
    spec: NetworkSpec,
    neuron: NeuronSpec,
    *,
    input_shape: Shape,
    classes: int,
    generator: torch.Generator,
    timesteps: int = 1,
    kernel: str = "auto",
) -> FeedForward:
    """The spiking network of `spec` for images of `input_shape` (C, H, W), on the CPU.

    Decays are drawn from `generator`. Weights hold PyTorch's own draw until `spikeinit.initializers.initialize` sets
    them. `timesteps` matters to normalisation per step only. Raises `UserError` for images that are too small.
    """

    def neurons(shape: Shape) -> nn.Module:
        return IntegrateAndFire(neuron, shape, generator=generator, kernel=kernel)

    network = describe(spec.name, classes=classes, width=spec.width, **spec.options)
    return assemble(network, input_shape, neurons, timesteps)


def new_network(spec: TrainSpec | EvaluateSpec, seed: int, images: Images, kernel: str) -> FeedForward:
    """The spiking network of `spec` for `images`, on the CPU, with the decays that `seed` draws.

    Training and evaluation build it alike, so that trained weights fit. Weights hold PyTorch's own draw.
    """
    return build(
        spec.network,
        spec.neuron,
        input_shape=images.shape,
        classes=images.classes,
        generator=stream(draws(seed, spec.apart), "neurons"),
        timesteps=spec.encoding.timesteps,
        kernel=kernel,
    )


def published_fan_ins(spec: NetworkSpec, images: Images) -> list[int]:
    """Inputs of a neuron of each weighted layer, first to last, in the network of `spec` at width 1, for `images`."""
    network = describe(spec.name, classes=images.classes, **spec.options)
    with torch.device("meta"):
        module = assemble(network, images.shape, lambda shape: nn.Identity())
    return [layer.weight[0].numel() for layer in module.weighted_layers()]


def assemble(network: Network, input_shape: Shape, make_neuron: MakeNeuron, timesteps: int = 1) -> FeedForward:
    """A module of a description, with `make_neuron(shape)` behind every layer that is active.

    input_shape: (C, H, W). Raises `UserError` for a layer that cannot stand where it does, as `sizes.misfit` says.
    """
    parts = _Assembly(input_shape, make_neuron, timesteps).parts(network.layers)
    return FeedForward(parts, part_sizes(network, input_shape))


class _Assembly:
    """Walks a list of layers, keeping the shape of the signal and what it averages over."""

    def __init__(self, shape: Shape, make_neuron: MakeNeuron, timesteps: int) -> None:
        self.shape = shape
        self.make_neuron = make_neuron
        self.timesteps = timesteps
        self.pooled = 1
        self.count = 0

    def parts(self, layers: tuple[Layer, ...]) -> list[Part]:
        parts: list[Part] = []
        for index, layer in enumerate(layers):
            if problem := misfit(layer, self.shape):
                raise UserError(problem)
            if isinstance(layer, (Conv, Dense)):
                parts.append(self.weighted(layer, _normalization_behind(layers, index)))
            elif isinstance(layer, Encoder):
                self.pooled = 1
                parts.append(EncodingNeurons(self.make_neuron(self.shape)))
            elif isinstance(layer, Residual):
                parts.append(self.residual(layer))
            elif isinstance(layer, Pool):
                parts.append(self.pooling(layer))
            elif isinstance(layer, Dropout):
                parts.append(DropoutMask(layer.rate))
        return parts

    def weighted(self, layer: Conv | Dense, normalization: Normalization | None) -> WeightedLayer:
        if isinstance(layer, Conv):
            operation = Convolution(
                self.shape[0], layer.channels, layer.kernel, layer.stride, layer.padding, bias=layer.bias
            )
            operation = operation.to(memory_format=torch.channels_last)
        else:
            operation = nn.Linear(math.prod(self.shape), layer.features, bias=layer.bias)
        pooled, self.pooled, self.shape = self.pooled, 1, behind(layer, self.shape)
        self.count += 1
        neuron = self.make_neuron(self.shape) if layer.active else None
        return WeightedLayer(f"layer_{self.count}", operation, self.normalization(normalization), neuron, pooled)

    def normalization(self, layer: Normalization | None) -> nn.Module | None:
        if layer is None:
            return None
        convolution = len(self.shape) == 3
        if layer.over == "step":
            return StepNormalization(self.shape[0], self.timesteps, convolution, layer.eps)
        return (nn.BatchNorm2d if convolution else nn.BatchNorm1d)(self.shape[0], layer.eps)

    def residual(self, layer: Residual) -> ResidualBlock:
        entered, pooled = self.shape, self.pooled
        body = [
            self.weighted(item, _normalization_behind(layer.body, index))
            for index, item in enumerate(layer.body)
            if isinstance(item, Conv)
        ]
        projection, left = shortcut(layer, entered), self.shape
        beside = None
        if projection is not None:
            self.shape, self.pooled = entered, pooled
            beside = self.weighted(projection, _normalization_behind(layer.body, len(layer.body) - 2))
        return ResidualBlock(body, beside, self.make_neuron(left))

    def pooling(self, layer: Pool) -> Pooling:
        if layer.kind == "average":
            self.pooled *= math.prod(window(layer, self.shape))
        self.shape = behind(layer, self.shape)
        return Pooling(layer.kind, layer.size)


def _normalization_behind(layers: tuple[Layer, ...], index: int) -> Normalization | None:
    behind = layers[index + 1] if index + 1 < len(layers) else None
    return behind if isinstance(behind, Normalization) else None
