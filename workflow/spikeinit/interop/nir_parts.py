"""A network as parts one behind the other, which is how it can be written as NIR: `nir` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import fx, nn

from spikeinit.conversion.convert import FIRING_TOLERANCE, NORMALIZATIONS, ConvertedNeuron, folded
from spikeinit.errors import UserError
from spikeinit.interop.convert.operations import SHAPE, TENSORS, name_of
from spikeinit.interop.convert.rewriting import called
from spikeinit.interop.convert.shapes import Shapes
from spikeinit.interop.convert.spiking import SpikingModule
from spikeinit.names.neurons import BEFORE_LEAK
from spikeinit.networks.build import FeedForward
from spikeinit.networks.modules import DropoutMask, EncodingNeurons, Pooling, WeightedLayer
from spikeinit.neurons.layer import IntegrateAndFire

WRITTEN = "Linear, Conv1d, Conv2d, average pooling in two dimensions, flattening, and neurons, one behind the other"


@dataclass(frozen=True)
class Neurons:
    """Neurons whose spikes have the height `amplitude`; `shift` is added to each current. All but `reset` float64."""

    threshold: torch.Tensor
    amplitude: torch.Tensor
    decay: torch.Tensor
    gain: torch.Tensor
    shift: torch.Tensor
    soft: bool


Part = tuple[str, nn.Module | Neurons]


def own_parts(network: FeedForward) -> Iterator[Part]:
    """The parts of a network of this package, batch normalisation folded."""
    for part in network.parts:
        if not isinstance(part, WeightedLayer | EncodingNeurons | Pooling | DropoutMask):
            raise UserError(f"{type(part).__name__} cannot be written as NIR; written are {WRITTEN}")
    for layer in network.weighted_layers():
        if layer.normalization is not None and not isinstance(layer.normalization, NORMALIZATIONS):
            raise UserError(
                f"{layer.name}: {type(layer.normalization).__name__} changes with the steps; NIR has no such"
            )
    for number, part in enumerate(folded(network).parts, start=1):
        if isinstance(part, WeightedLayer):
            if isinstance(part.operation, nn.Linear):
                yield f"flatten_{number}", nn.Flatten()
            yield part.name, part.operation
            if part.neuron is not None:
                yield f"{part.name}_neurons", _own_neurons(f"{part.name}_neurons", part.neuron)
        elif isinstance(part, EncodingNeurons):
            yield f"encoder_{number}", _own_neurons(f"encoder_{number}", part.neuron)
        elif isinstance(part, Pooling):
            if not isinstance(part.pool, nn.AvgPool2d | nn.AdaptiveAvgPool2d):
                raise UserError(f"pool_{number}: maximum pooling, which NIR does not have; use average pooling")
            yield f"pool_{number}", part.pool


def _own_neurons(name: str, neuron: nn.Module) -> Neurons:
    if isinstance(neuron, ConvertedNeuron):
        return _converted_neurons(name, neuron)
    if not isinstance(neuron, IntegrateAndFire):
        raise UserError(f"{name}: {type(neuron).__name__} cannot be written as NIR; written is integrate-and-fire")
    spec = neuron.spec
    decay = neuron.decay.detach().clamp(0, 1).double().cpu()
    if spec.spike_delay:
        raise UserError(f"{name} has the spike delay {spec.spike_delay}; NIR's neurons spike in the step itself")
    if neuron.starts_at_random or neuron.initial_potential.item() != 0:
        raise UserError(f"{name} has the initial potential {spec.initial_potential}; NIR's neurons start at 0")
    if spec.reset not in ("zero", BEFORE_LEAK) and not bool((decay == 1).all()):
        raise UserError(
            f"{name} subtracts the threshold after the leak; NIR's readers do so before it: use {BEFORE_LEAK!r}"
        )
    gain = 1 - decay if spec.gain == "one_minus_decay" else torch.full_like(decay, float(spec.gain))
    threshold = neuron.threshold.detach().double().cpu()
    one, zero = torch.ones_like(threshold), torch.zeros_like(threshold)
    return Neurons(threshold, one, decay, gain, zero, soft=spec.reset != "zero")


def _converted_neurons(name: str, neuron: nn.Module) -> Neurons:
    if not isinstance(neuron, ConvertedNeuron):
        raise UserError(f"{name}: {type(neuron).__name__} emits negative spikes, which NIR does not have")
    fraction = neuron.initial_fraction.detach().double().cpu()
    if bool((fraction.abs() > 2 * FIRING_TOLERANCE).any()):
        raise UserError(
            f"{name} starts at {fraction.mean().item():.3g} thresholds, and NIR's neurons start at 0; convert with a "
            'method whose bias shift is in the place of the initial potential ("mse_grid", "opt"), or "max"'
        )
    threshold = neuron.threshold.detach().double().cpu()
    one = torch.ones((), dtype=torch.float64)
    return Neurons(threshold, threshold, one, one, neuron.shift * threshold, soft=True)


def converted_parts(network: SpikingModule) -> Iterator[Part]:
    """The parts of a converted network, which must follow each other."""
    calibration, neurons = network._calibration, network.neurons
    graph = calibration.analogue
    weight = next(graph.parameters(), calibration.images)
    Shapes(graph).run(calibration.images[:1].to(weight))
    signal = next(node for node in graph.graph.nodes if node.op == "placeholder")
    for node, module in called(graph):
        if node.op in ("placeholder", "get_attr") or not node.meta[TENSORS]:
            continue
        inputs = [each for each in node.all_input_nodes if each.meta[SHAPE] is not None]
        name = str(node.target)
        if inputs != [signal]:
            raise UserError(f"{name} joins several signals or uses one twice; NIR is written for {WRITTEN}")
        signal = node
        if node.op == "output":
            return
        if name in neurons:
            yield name, _converted_neurons(name, neurons[name])
        elif isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.AvgPool2d | nn.AdaptiveAvgPool2d):
            yield name, module
        elif _flattens(node, module):
            yield node.name, nn.Flatten()
        else:
            raise UserError(f"{name} cannot be written as NIR; written are {WRITTEN}")


def _flattens(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether the operation leaves one dimension beside that of the images."""
    reshaping = isinstance(module, nn.Flatten) or name_of(node) in ("flatten", "reshape", "view")
    before, after = node.args[0].meta[SHAPE], node.meta[SHAPE]
    return reshaping and len(after) == 2 and after[0] == before[0]
