"""The layers of a network in the order in which data meets them, and the neurons behind each.

The order is that of the calls: of a batch that runs through the network, or, where none is given, of a symbolic one
(torch.fx). The neurons behind a layer are those that are called next. Both branches of a residual block thus lead to
the neurons behind their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.nn.parameter import UninitializedParameter

from spikeinit.errors import UserError
from spikeinit.interop.dynamics import Dynamics
from spikeinit.interop.libraries import Reader, reader

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers whose weights are drawn."""
TENSORS_OF_WEIGHTS = 2
"""Parameters of at least so many dimensions are weights; biases, thresholds and normalisations have fewer."""

Run = Callable[[nn.Module, Any], Any]
"""How a batch runs through a network: (network, batch) -> anything."""


@dataclass(frozen=True)
class Neurons:
    """A module that fires. name: in the network. reader: None for one that only the caller knows."""

    name: str
    module: nn.Module
    reader: Reader | None
    dynamics: Dynamics | None

    def signals(self, received: torch.Tensor, output: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Input current and spike counts of one call, both [T, B, ...].

        A module that only the caller knows is taken to see single steps, and to emit its spikes first.
        """
        if self.reader is not None:
            return self.reader.signals(received, output)
        spikes = output[0] if isinstance(output, tuple) else output
        return received.unsqueeze(0), spikes.unsqueeze(0)


@dataclass(frozen=True)
class Layer:
    """A layer with weights and the neurons behind it, None if there are none. name: of its module in the network."""

    name: str
    module: nn.Module
    neurons: Neurons | None


@dataclass(frozen=True)
class Structure:
    """A network's layers and neurons in the order in which data meets them, and its other weights by name.

    never_reached: layers that no data meets. others: what they belong to, such as "recurrent weights of lif1".
    """

    layers: list[Layer]
    neurons: list[Neurons]
    never_reached: list[str]
    others: dict[str, str]


def structure(
    network: nn.Module,
    batch: Any = None,
    *,
    run: Run | None = None,
    told: Mapping[str, Dynamics] | None = None,
) -> Structure:
    """The layers and neurons of `network`.

    batch: runs through the network once, in evaluation mode and without gradients; None for a symbolic one. run: how;
    None calls `network(batch)`. told: the dynamics of neurons by the name of their module, for those that are not read.

    UserError for names in `told` that the network has not, for a network without a layer that has weights, for weights
    that cannot be set, and for a network that a symbolic batch cannot pass through.
    """
    firing, weighted = members(network, told or {})
    _check_weights(weighted)
    interesting = {**weighted, **{name: neurons.module for name, neurons in firing.items()}}
    if batch is None:
        called = _called_by_a_symbol(network, interesting)
    else:
        called = _called_by(network, batch, run, interesting, list(firing.values()))
    layers: list[Layer] = []
    tied = {}
    for place, name in enumerate(called):
        if name in weighted and name not in called[:place]:
            owner = next((layer.name for layer in layers if layer.module.weight is weighted[name].weight), None)
            if owner is not None:
                tied[name] = f"its weights are those of {owner}"
                continue
            behind = next((firing[later] for later in called[place:] if later in firing), None)
            layers.append(Layer(name, weighted[name], behind))
    reached = [firing[name] for name in dict.fromkeys(called) if name in firing]
    missed = [name for name in weighted if name not in called]
    return Structure(layers, reached, missed, tied | other_weights(network, weighted, firing))


def members(network: nn.Module, told: Mapping[str, Dynamics | None]) -> tuple[dict[str, Neurons], dict[str, nn.Module]]:
    """The modules of `network` that fire, and its layers with weights, by name, in the order of its modules.

    told: the dynamics of neurons by the name of their module, for those that are not read; None for unknown ones.

    UserError for names in `told` that the network has not, and for a network without a layer that has weights.
    """
    modules = dict(network.named_modules())
    unknown = sorted(set(told) - set(modules))
    if unknown:
        raise UserError(f"neurons: the network has no module {', '.join(map(repr, unknown))}; it has {_some(modules)}")
    firing = {name: neurons for name, module in modules.items() if (neurons := _neurons(name, module, told))}
    weighted = {
        name: module
        for name, module in modules.items()
        if isinstance(module, WEIGHTED) and not _inside(name, firing) and name not in firing
    }
    if not weighted:
        kinds = ", ".join(kind.__name__ for kind in WEIGHTED)
        raise UserError(f"{type(network).__name__} has no layer with weights ({kinds}), so there is nothing to look at")
    lazy = [name for name, module in weighted.items() if isinstance(module.weight, UninitializedParameter)]
    if lazy:
        raise UserError(f"{', '.join(lazy)}: lazy layers have no weights yet: let the network run on a batch first")
    return firing, weighted


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """All modules in evaluation mode, and back in their own modes afterwards."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def run_once(network: nn.Module, batch: Any, run: Run | None, firing: Sequence[Neurons]) -> Any:
    """What the network makes of a batch from fresh potentials; the potentials are forgotten afterwards too.

    UserError as `call` raises.
    """
    _start_anew(firing)
    try:
        return call(network, batch, run)
    finally:
        _start_anew(firing)


def call(network: nn.Module, batch: Any, run: Run | None) -> Any:
    """What the network makes of a batch.

    UserError for a batch on another device than the network; and what the network raises, with its batch's shape.
    """
    where = next((tensor.device for tensor in (*network.parameters(), *network.buffers())), None)
    if isinstance(batch, torch.Tensor) and where is not None and batch.device != where:
        raise UserError(f"the batch is on {batch.device} and the network on {where}: move one of them")
    try:
        return (run or nn.Module.__call__)(network, batch)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        shape = f" of shape {list(batch.shape)}" if isinstance(batch, torch.Tensor) else ""
        raise UserError(
            f"{type(network).__name__} fails on the batch{shape}: {error}. Give a batch as the network takes it, or "
            "`run`, a function (network, batch) that calls it"
        ) from error


def _start_anew(firing: Sequence[Neurons]) -> None:
    for neurons in firing:
        if neurons.reader is not None:
            neurons.reader.start_anew()


def _neurons(name: str, module: nn.Module, told: Mapping[str, Dynamics | None]) -> Neurons | None:
    read = reader(module)
    if read is None and name not in told:
        return None
    return Neurons(name, module, read, told.get(name) or (read.dynamics() if read else None))


def _inside(name: str, firing: Mapping[str, Neurons]) -> bool:
    return any(name.startswith(f"{owner}.") for owner in firing)


def _called_by(
    network: nn.Module, batch: Any, run: Run | None, interesting: Mapping[str, nn.Module], firing: Sequence[Neurons]
) -> list[str]:
    called: list[str] = []

    def note(name: str) -> Callable[..., None]:
        return lambda module, received: called.append(name)

    handles = [module.register_forward_pre_hook(note(name)) for name, module in interesting.items()]
    try:
        with torch.no_grad(), evaluation_mode(network):
            run_once(network, batch, run, firing)
    finally:
        for handle in handles:
            handle.remove()
    return called


class _Tracer(fx.Tracer):
    def __init__(self, interesting: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.interesting = set(interesting.values())

    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        return module in self.interesting or super().is_leaf_module(module, qualified_name)


def _called_by_a_symbol(network: nn.Module, interesting: Mapping[str, nn.Module]) -> list[str]:
    if "" in interesting:  # the network is a single layer itself, which a tracer would look into
        return [""]
    try:
        graph = _Tracer(interesting).trace(network)
    except Exception as error:  # whatever the network's own code does with a symbol
        raise UserError(
            f"the order of the layers of {type(network).__name__} cannot be found without data ({error}): give `batch`,"
            " a batch as the network takes it"
        ) from error
    return [node.target for node in graph.nodes if node.op == "call_module" and node.target in interesting]


def _check_weights(weighted: Mapping[str, nn.Module]) -> None:
    """UserError that names the layers whose weights are no parameters of their own."""
    computed = [name for name, module in weighted.items() if not isinstance(module.weight, nn.Parameter)]
    if computed:
        raise UserError(
            f"{', '.join(computed)}: the weights are computed from other tensors (weight_norm or another "
            "parametrisation), so that setting them would change nothing: remove it, initialise, and put it back"
        )


def other_weights(
    network: nn.Module, weighted: Mapping[str, nn.Module], firing: Mapping[str, Neurons]
) -> dict[str, str]:
    """Weights that belong to none of the layers, and to what they belong."""
    found = {}
    for name, parameter in network.named_parameters():
        owner, _, _ = name.rpartition(".")
        if parameter.dim() < TENSORS_OF_WEIGHTS or owner in weighted:
            continue
        neurons = next((each for each in firing if owner == each or owner.startswith(f"{each}.")), None)
        kind = type(network.get_submodule(owner)).__name__
        found[name] = f"weights of the neurons {neurons}" if neurons is not None else f"weights of a {kind}"
    return found


def _some(names: Mapping[str, Any]) -> str:
    listed = [repr(name) for name in names if name]
    return ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")
