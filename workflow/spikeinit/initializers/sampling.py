"""From a law to the weights of a network: drawing, assigning, and what is measured on data on the way.

A network offers

    network.weighted_layers()             list of layers, first to last
    network.layer_inputs(inputs, index)   what layer `index` receives, [T*B, ...], for a batch `inputs`
    network.potentials(inputs, index, received)   membrane potentials [T, B, ...] before the reset of the neurons behind
                                          layer `index`, or its currents where none are, when it has received that
    network.training, network.train(mode) as every `torch.nn.Module`

and each of its layers

    .name, .weight ([out, in] or [out, in, k, k]), .bias (or None)
    .neuron                               None if the layer does not spike, else .threshold_value, .decay_value,
                                          .gain_value (means over the layer), .set_threshold(value)

`layer_inputs` and `potentials` are used by data-dependent initialisers only. All random numbers are drawn on the CPU in
single precision and then copied, so that weights depend neither on the device nor on the precision of the network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import torch

from spikeinit.errors import UserError
from spikeinit.initializers import registry
from spikeinit.initializers.law import Law

UNIT_VARIANCE_TOLERANCE = 0.01
"""How far from 1 lsuv leaves the variance of a layer's potentials (Mishkin & Matas: 0.1)."""
UNIT_VARIANCE_ATTEMPTS = 10


class Layer(Protocol):
    """A layer with weights, as described above."""

    name: str
    weight: torch.nn.Parameter
    bias: torch.nn.Parameter | None
    neuron: Any


class Network(Protocol):
    """A network, as described above."""

    training: bool

    def train(self, mode: bool = True) -> Any: ...

    def weighted_layers(self) -> list[Layer]: ...

    def layer_inputs(self, inputs: torch.Tensor, index: int) -> torch.Tensor: ...

    def potentials(self, inputs: torch.Tensor, index: int, received: torch.Tensor) -> torch.Tensor: ...


def initialize(
    network: Network,
    name: str,
    *,
    generator: torch.Generator,
    bias: Literal["law", "framework", "zero"] = "law",
    layers: Literal["all", "hidden"] = "all",
    inputs: torch.Tensor | None = None,
    published_fan_in: Sequence[int] | None = None,
    **parameters: Any,
) -> list[Law | None]:
    """Draw all weights and biases of `network` in place; the laws that the layers' weights were drawn from.

    The law is None for a layer that is left to PyTorch's default.

    generator: a CPU generator; the weights do not depend on what is chosen for the biases.
    bias: "law" as the initialiser says, "framework" PyTorch's default U(-1/sqrt(fan_in), 1/sqrt(fan_in)), or "zero".
    layers: "hidden" leaves the first and last layer to PyTorch's default, drawn from `generator` too.
    inputs: an encoded batch [T, B, ...], for initialisers that look at data (`Initializer.needs_inputs`). They look at
    the network in evaluation mode, without dropout.
    published_fan_in: one number per weighted layer, of a wider or narrower network that this one stands for. The
    initialiser's law is then that of its fan_in, scaled to the layer's own (`Law.for_fan_in`), and PyTorch's default
    biases keep the bound 1/sqrt(fan_in) of that network. None: the layer's own fan_in.
    parameters: of the law; threshold, decay and gain are otherwise those of the layer's neurons (for a layer that does
    not spike: of the spiking layer before it), input_rate and input_mean are otherwise measured on `inputs`.

    Raises `UserError` for unknown names and parameters, for missing inputs, for a network that is none as described
    above, and where a layer has no such law.
    """
    initializer = registry.get(name)
    if not hasattr(network, "weighted_layers"):
        raise UserError(
            f"network is a {type(network).__name__} without weighted_layers(): give a network that spikeinit builds, or"
            " one with the methods that spikeinit.initializers.sampling names; spikeinit.initializers.law gives the law"
            " of a single layer"
        )
    _check(initializer, generator, bias, layers, inputs, parameters)
    weighted = network.weighted_layers()
    published = [fans(layer.weight)[0] for layer in weighted] if published_fan_in is None else published_fan_in
    bias_generator = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=generator)))
    neuron, laws = None, []
    with torch.no_grad(), _evaluation_mode(network):
        for index, (layer, meant_for) in enumerate(zip(weighted, published, strict=True)):
            fan_in = fans(layer.weight)[0]
            neuron = layer.neuron if layer.neuron is not None else neuron
            if layers == "hidden" and index in (0, len(weighted) - 1):
                layer.weight.copy_(_framework_default(layer.weight.shape, fan_in, generator))
                _set_bias(layer, None, meant_for, bias_generator)
                laws.append(None)
                continue
            measured = _measure(network, index, inputs, initializer.measured(parameters))
            values = {**_of_neuron(neuron, initializer), **measured, **parameters}
            law = _law(initializer, layer, meant_for, values).for_fan_in(fan_in, published=meant_for)
            layer.weight.copy_(DRAWS[initializer.draw](layer.weight.shape, law, generator))
            _set_bias(layer, {"law": law.bias, "framework": None, "zero": 0.0}[bias], meant_for, bias_generator)
            if law.threshold is not None and layer.neuron is not None:
                layer.neuron.set_threshold(law.threshold)
            if initializer.adjust is not None:
                ADJUSTMENTS[initializer.adjust](network, index, inputs)
            laws.append(law)
    return laws


@contextmanager
def _evaluation_mode(network: Network) -> Iterator[None]:
    """What is measured then depends on nothing that training draws."""
    training = network.training
    network.train(False)
    try:
        yield
    finally:
        network.train(training)


def fans(weight: torch.Tensor) -> tuple[int, int]:
    """Fan-in and fan-out of a weight tensor, as `torch.nn.init` counts them."""
    return weight[0].numel(), weight.shape[0] * weight[0, 0].numel()


def independent(shape: torch.Size, law: Law, generator: torch.Generator) -> torch.Tensor:
    """Every weight by itself from the law."""
    if law.distribution == "normal":
        return torch.randn(shape, generator=generator) * law.standard_deviation + law.mean
    return (torch.rand(shape, generator=generator) * 2 - 1) * math.sqrt(3 * law.variance) + law.mean


def row_normalized(shape: torch.Size, law: Law, generator: torch.Generator) -> torch.Tensor:
    """U(-1, 1), then each neuron's weights scaled to a sum of squares of fan_in times the law's variance."""
    weight = torch.rand(shape, generator=generator) * 2 - 1
    rows = weight.flatten(1)
    rows *= math.sqrt(rows.shape[1] * law.variance) / torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return weight


def orthogonal(shape: torch.Size, law: Law, generator: torch.Generator) -> torch.Tensor:
    """A random matrix with orthogonal rows (columns, if there are fewer of them) and the law's mean square."""
    weight = torch.nn.init.orthogonal_(torch.empty(shape), generator=generator)
    return weight * math.sqrt(law.variance * max(weight.shape[0], weight[0].numel()))


def unit_variance(network: Network, index: int, inputs: torch.Tensor) -> None:
    """Scale a layer's weights until its potentials have variance one over steps, images and neurons."""
    layer = network.weighted_layers()[index]
    received = network.layer_inputs(inputs, index)
    for _ in range(UNIT_VARIANCE_ATTEMPTS):
        variance = network.potentials(inputs, index, received).var().item()
        if not (math.isfinite(variance) and variance > 0):
            raise UserError(
                f"{layer.name}: its potentials have variance {variance} on the batch, which no weights can scale to 1; "
                "give more images or time steps, or another initialiser"
            )
        if abs(variance - 1) <= UNIT_VARIANCE_TOLERANCE:
            return
        layer.weight.div_(math.sqrt(variance))


DRAWS = {"independent": independent, "row_normalized": row_normalized, "orthogonal": orthogonal}
"""How a weight tensor is drawn: (shape, law, generator) -> weights."""

ADJUSTMENTS = {"unit_variance": unit_variance}
"""What a batch of data changes in a layer that was just drawn: (network, index, inputs) -> None."""


def _check(
    initializer: registry.Initializer,
    generator: torch.Generator,
    bias: str,
    layers: str,
    inputs: torch.Tensor | None,
    parameters: Mapping[str, Any],
) -> None:
    for given, value, allowed in (("bias", bias, ("law", "framework", "zero")), ("layers", layers, ("all", "hidden"))):
        if value not in allowed:
            raise UserError(f"{given} = {value!r}: give one of {', '.join(allowed)}")
    if generator.device.type != "cpu":
        raise UserError(f"generator on {generator.device}: weights are drawn on the CPU; give a CPU generator")
    unknown = sorted(set(parameters) - set(initializer.parameters))
    if unknown:
        allowed = ", ".join(initializer.parameters) or "none"
        raise UserError(f"{initializer.name} takes no parameter {', '.join(unknown)}; it takes: {allowed}")
    for kind, choice, known in (("draw", initializer.draw, DRAWS), ("adjust", initializer.adjust, ADJUSTMENTS)):
        if choice is not None and choice not in known:
            raise UserError(f"{initializer.name} is registered with {kind} = {choice!r}; known: {', '.join(known)}")
    if inputs is None and initializer.needs_inputs(parameters):
        raise UserError(f"{initializer.name} looks at data: give `inputs`, an encoded batch [time steps, images, ...]")


def _of_neuron(neuron: Any, initializer: registry.Initializer) -> dict[str, float]:
    """Threshold, decay and gain of the neurons, as far as the law takes them."""
    if neuron is None:
        return {}
    taken = [name for name in registry.NEURON_PARAMETERS if name in initializer.parameters]
    return {name: getattr(neuron, f"{name}_value") for name in taken}


def _measure(network: Network, index: int, inputs: torch.Tensor | None, wanted: tuple[str, ...]) -> dict[str, float]:
    """Mean square ("input_rate") and mean ("input_mean") of what a layer receives; for spikes both are their rate."""
    if not wanted:
        return {}
    received = network.layer_inputs(inputs, index).float()
    values = {"input_rate": received.square().mean().item(), "input_mean": received.mean().item()}
    return {name: values[name] for name in wanted}


def _law(initializer: registry.Initializer, layer: Layer, fan_in: int, values: Mapping[str, Any]) -> Law:
    _, fan_out = fans(layer.weight)
    try:
        return initializer.law(fan_in, fan_out, **values)
    except ValueError as error:
        raise UserError(f"{initializer.name}, {layer.name}: {error}") from error


def _framework_default(shape: torch.Size, fan_in: int, generator: torch.Generator) -> torch.Tensor:
    """PyTorch's default for weights and biases: uniform within 1/sqrt(fan_in)."""
    return (torch.rand(shape, generator=generator) * 2 - 1) / math.sqrt(fan_in)


def _set_bias(layer: Layer, value: float | None, fan_in: int, generator: torch.Generator) -> None:
    """Set a layer's biases to `value`, or for None to PyTorch's default of a layer of `fan_in` inputs."""
    if layer.bias is None:
        return
    if value is None:
        layer.bias.copy_(_framework_default(layer.bias.shape, fan_in, generator))
    else:
        layer.bias.fill_(value)
