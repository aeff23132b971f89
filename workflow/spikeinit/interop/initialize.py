"""Initialise a network that any code has built.

>>> import torch, snntorch, spikeinit
>>> network = torch.nn.Sequential(
...     torch.nn.Linear(784, 100), snntorch.Leaky(beta=0.9, init_hidden=True),
...     torch.nn.Linear(100, 10), snntorch.Leaky(beta=0.9, init_hidden=True),
... )
>>> table = spikeinit.initialize(network, "micheli2024", generator=torch.Generator().manual_seed(0))
>>> table.law_variance.round(5).tolist()
[0.00804, 0.06303]
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import torch
from torch import nn

from spikeinit.errors import UserError
from spikeinit.initializers import registry, sampling
from spikeinit.interop.dynamics import Told, told_dynamics
from spikeinit.interop.libraries import known_neurons
from spikeinit.interop.recording import Recorder
from spikeinit.interop.structure import Layer, Neurons, Run, Structure, evaluation_mode, run_once, structure


def initialize(
    network: nn.Module,
    name: str,
    *,
    generator: torch.Generator,
    batch: Any = None,
    run: Run | None = None,
    neurons: Mapping[str, Told] | None = None,
    bias: Literal["law", "framework", "zero"] = "law",
    layers: Literal["all", "hidden"] = "all",
    **parameters: Any,
) -> pd.DataFrame:
    """Draw all weights and biases of `network` in place; a table of what was set.

    The layers are `Linear` and `Conv1d` to `Conv3d`, in the order in which data meets them. Threshold, decay and gain
    of a law are those of the neurons behind the layer, read from the modules of snnTorch, SpikingJelly, norse and
    sinabs; for a last layer without neurons they are those of the layer before it. Recurrent weights, which belong to
    the neurons, and weights of other modules are left alone and stand in the table with a note.

    name: of the initialiser, `spikeinit.initializers.registry.names()` lists them. generator: a CPU generator.
    batch: encoded data as the network takes it, for initialisers that look at data; it also shows the order of layers
    where a symbolic trace cannot. run: how the network runs on it, `run(network, batch)`, if `network(batch)` is not
    enough, as for a network that is called once for every time step. neurons: what neurons do that are not read, by the
    name of their module, such as {"lif1": {"threshold": 1.0, "decay": 0.9}}. bias, layers: as in
    `initializers.sampling.initialize`. parameters: of the law, for all layers; they go before what is read.

    The table has a row for each layer: `layer`, `kind`, `fan_in`, `fan_out`, `neurons` (the module behind), their
    `library`, `threshold`, `decay`, `gain`, `synapse_decay` and `reset`, the law's `law_mean` and `law_variance` of one
    weight, the drawn `weight_mean` and `weight_variance`, the `bias` (mean, NaN without one), and a `note`.

    UserError for unknown names and parameters, for missing data, where a law needs to know neurons that are not known,
    and for a network without layers that have weights.
    """
    initializer = registry.get(name)
    told = {module: told_dynamics(module, values) for module, values in (neurons or {}).items()}
    found = structure(network, batch, run=run, told=told)
    if batch is None and initializer.needs_inputs(parameters):
        raise UserError(f"{name} looks at data: give `batch`, encoded data as the network takes it")
    _check_neurons(initializer, found, parameters)
    view = _View(network, found, run)
    with evaluation_mode(network):
        laws = sampling.initialize(
            view, name, generator=generator, bias=bias, layers=layers, inputs=batch, **parameters
        )
    return _table(found, laws)


@dataclass(frozen=True)
class _Behind:
    """The neurons behind a layer as `sampling` sees them."""

    neurons: Neurons

    @property
    def threshold_value(self) -> float:
        return self.neurons.dynamics.threshold_value

    @property
    def decay_value(self) -> float:
        return self.neurons.dynamics.decay_value

    @property
    def gain_value(self) -> float:
        return self.neurons.dynamics.gain_value

    def set_threshold(self, value: float) -> None:
        if self.neurons.reader is None:
            raise UserError(
                f"{self.neurons.name}: this initialiser sets thresholds, and how {type(self.neurons.module).__name__} "
                f"keeps its threshold is not known; known neurons are {known_neurons()}"
            )
        self.neurons.reader.set_threshold(value)


class _Layer:
    """A layer as `sampling` sees it."""

    def __init__(self, layer: Layer) -> None:
        self.name = layer.name
        self.weight, self.bias = layer.module.weight, layer.module.bias
        known = layer.neurons is not None and layer.neurons.dynamics is not None
        self.neuron = _Behind(layer.neurons) if known else None


class _View:
    """A network as `sampling` sees it; it is in evaluation mode already."""

    training = False

    def __init__(self, network: nn.Module, found: Structure, run: Run | None) -> None:
        self.network, self.found, self.run = network, found, run
        self.layers = [_Layer(layer) for layer in found.layers]

    def train(self, mode: bool = True) -> None:
        """Nothing: the modules of the network may be in modes of their own."""

    def weighted_layers(self) -> list[_Layer]:
        return self.layers

    def layer_inputs(self, inputs: Any, index: int) -> torch.Tensor:
        """What the layer receives in all of its calls, [calls * B, ...]."""
        return torch.cat(self._recorded([self.found.layers[index]], [], inputs).received[0])

    def potentials(self, inputs: Any, index: int, received: torch.Tensor) -> torch.Tensor:
        """Potentials [T, B, ...] of the neurons behind the layer, or where none are known its output, call by call."""
        layer = self.found.layers[index]
        if self.layers[index].neuron is None:
            return layer.module(received)
        currents = self._recorded([], [layer.neurons], inputs).currents[0]
        return layer.neurons.dynamics.run(torch.cat(currents))[0]

    def _recorded(self, layers: list[Layer], neurons: list[Neurons], inputs: Any) -> Recorder:
        with Recorder(layers, neurons) as recorder:
            run_once(self.network, inputs, self.run, self.found.neurons)
        return recorder


def _check_neurons(initializer: registry.Initializer, found: Structure, given: Collection[str]) -> None:
    """UserError that names all layers whose law needs neurons that are not known."""
    needed = [key for key in registry.NEURON_PARAMETERS if key in initializer.parameters and key not in given]
    if not needed:
        return
    unknown, before = [], None
    for layer in found.layers:
        before = layer.neurons or before
        if before is None:
            unknown.append(f"{layer.name} (no module behind it is known to fire)")
        elif before.dynamics is None:
            unknown.append(f"{layer.name} (behind it fires {before.name}, a {type(before.module).__name__})")
    if unknown:
        arguments = ", ".join(f"{key}=..." for key in needed)
        raise UserError(
            f"{initializer.name} depends on the {', '.join(needed)} of the neurons behind a layer, and they are not "
            f"known behind {', '.join(unknown)}. Give {arguments} for all layers, or neurons={{'name of the module': "
            f"{{'threshold': ..., 'decay': ...}}}}. Neurons that are read are {known_neurons()}"
        )


def _table(found: Structure, laws: list[sampling.Law | None]) -> pd.DataFrame:
    rows, neurons = [], None
    for layer, law in zip(found.layers, laws, strict=True):
        neurons = layer.neurons or neurons
        weight, bias = layer.module.weight.detach(), layer.module.bias
        fan_in, fan_out = sampling.fans(weight)
        dynamics = None if neurons is None else neurons.dynamics
        rows.append(
            {
                "layer": layer.name,
                "kind": type(layer.module).__name__,
                "fan_in": fan_in,
                "fan_out": fan_out,
                "neurons": None if layer.neurons is None else layer.neurons.name,
                "library": None if dynamics is None else dynamics.library,
                "threshold": None if dynamics is None else dynamics.threshold_value,
                "decay": None if dynamics is None else dynamics.decay_value,
                "gain": None if dynamics is None else dynamics.gain_value,
                "synapse_decay": None if dynamics is None else dynamics.synapse_decay_value,
                "reset": None if dynamics is None else dynamics.reset,
                "law_mean": None if law is None else law.mean,
                "law_variance": None if law is None else law.variance,
                "weight_mean": weight.double().mean().item(),
                "weight_variance": weight.double().var(correction=0).item(),
                "bias": None if bias is None else bias.detach().double().mean().item(),
                "note": _note(layer, law, neurons),
            }
        )
    rows += [{"layer": name, "note": "left alone: no data reaches it"} for name in found.never_reached]
    rows += [{"layer": name, "note": f"left alone: {owner}"} for name, owner in found.others.items()]
    return pd.DataFrame(rows)


def _note(layer: Layer, law: sampling.Law | None, neurons: Neurons | None) -> str:
    if law is None:
        return "PyTorch's default: first and last layer (layers='hidden')"
    if layer.neurons is None and neurons is not None:
        return f"no neurons behind it; values of {neurons.name}"
    return ""
