"""What one pass of a batch shows: which layers drive which neurons, what arrives there, and what comes out.

Who drives whom is read from the graph that PyTorch keeps of the pass, from the current of the neurons back to the next
outputs of layers and neurons. So branches, shared modules and networks that are called step by step are told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import torch
from torch import nn

from spikeinit.errors import UserError
from spikeinit.interop.dynamics import Dynamics
from spikeinit.interop.recording import Hooks, first_tensor
from spikeinit.interop.structure import Neurons

RESHAPING = frozenset(
    (
        *("Alias", "AsStrided", "Cat", "Clone", "Permute", "Reshape", "ReshapeAlias", "Select", "Slice", "Squeeze"),
        *("Stack", "T", "Transpose", "Unbind", "Unsqueeze", "UnsafeView", "View"),
    )
)
"""Steps of a graph that move values without changing them, as PyTorch calls them."""
ACTIVATIONS = frozenset(
    (
        *("Celu", "Clamp", "Elu", "Gelu", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyRelu", "LogSigmoid", "Mish"),
        *("LogSoftmax", "PreluKernel", "Relu", "Selu", "Sigmoid", "Silu", "Softmax", "Softplus", "Tanh", "Threshold"),
    )
)
"""Steps of a graph that make two layers more than one linear map."""


@dataclass(eq=False)
class LayerRecord:
    """A layer with weights: what it received, over all calls, and from where.

    sources: the outputs that its input was made of, and the steps of the graph in between; empty for data.
    inputs: what it received, call by call, without graph. outputs: with their graph.
    """

    name: str
    module: nn.Module
    total: torch.Tensor | float = 0.0
    square: torch.Tensor | float = 0.0
    count: int = 0
    sources: dict[Any, frozenset[str]] | None = None
    inputs: list[torch.Tensor] = field(default_factory=list)
    outputs: list[torch.Tensor] = field(default_factory=list)

    @property
    def input_mean(self) -> float:
        return float(self.total) / self.count

    @property
    def input_square(self) -> float:
        """Mean square of what it received; for spikes their rate."""
        return float(self.square) / self.count

    @property
    def driver(self) -> Site | None:
        """The neurons whose spikes it receives as they are."""
        return _unchanged(self.sources, Site)


@dataclass(eq=False)
class Site:
    """Neurons behind the layers that drive them; a module that serves in several places has a site for each.

    currents: without graph, [T, B, ...] of each call. received: the same as the module received them, with their graph.
    spikes: per neuron [...], over all steps and images. always: whether it has fired at every one of them.
    stale: whether it would have started from potentials of an earlier batch.
    """

    neurons: Neurons
    layers: tuple[LayerRecord, ...]
    direct: bool = False
    stale: bool = False
    currents: list[torch.Tensor] = field(default_factory=list)
    received: list[torch.Tensor] = field(default_factory=list)
    spikes: torch.Tensor | None = None
    always: torch.Tensor | None = None

    @property
    def dynamics(self) -> Dynamics | None:
        return self.neurons.dynamics

    @property
    def steps(self) -> int:
        return sum(len(current) for current in self.currents)

    @property
    def images(self) -> int:
        return self.currents[0].shape[1]

    @property
    def current(self) -> torch.Tensor:
        """Input currents [T, B, ...]."""
        return torch.cat(self.currents)

    @property
    def name(self) -> str:
        return self.layers[0].name if self.layers else self.neurons.name


class Observer(Hooks):
    """Watches the layers and neurons of a network while it is entered.

    order: layers and sites in the order in which data meets them first.
    """

    def __init__(self, firing: Mapping[str, Neurons], weighted: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.firing, self.weighted = firing, weighted
        self.layers: dict[str, LayerRecord] = {}
        self.sites: dict[tuple[str, tuple[str, ...]], Site] = {}
        self.order: list[LayerRecord | Site] = []
        self._made_by: dict[Any, LayerRecord | Site] = {}
        self._last: LayerRecord | None = None
        self._called: set[str] = set()
        self._stale: set[str] = set()

    def place_hooks(self) -> None:
        for name, module in self.weighted.items():
            self.after(module, self._layer_hook(name))
        for neurons in self.firing.values():
            if neurons.reader is not None:
                self.before(neurons.module, self._fresh_hook(neurons))
            self.after(neurons.module, self._neuron_hook(neurons))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)
        self._made_by.clear()

    def _fresh_hook(self, neurons: Neurons) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            if neurons.name in self._called:
                return
            self._called.add(neurons.name)
            handed = sum(value is not None for value in (*given, *named.values())) > 1
            if not handed and neurons.reader.left_over():
                self._stale.add(neurons.name)
            neurons.reader.start_anew()

        return hook

    def _layer_hook(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: torch.Tensor) -> None:
            if name not in self.layers:
                self.layers[name] = LayerRecord(name, module)
                self.order.append(self.layers[name])
            record, received = self.layers[name], first_tensor(given, named)
            if record.sources is None:
                record.sources = self._sources(received)
            values = received.detach()
            record.total += values.sum(dtype=torch.float64)
            record.square += torch.linalg.vector_norm(values, dtype=torch.float64) ** 2
            record.count += values.numel()
            record.inputs.append(values)
            record.outputs.append(output)
            self._made(output, record)
            self._last = record

        return hook

    def _neuron_hook(self, neurons: Neurons) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            received = first_tensor(given, named)
            current, spikes = neurons.signals(received, output)
            if current.dim() < 3:
                raise UserError(
                    f"{neurons.name} receives a tensor of shape {list(received.shape)}, which has no dimension for the "
                    "images: give a batch with one, such as batch.unsqueeze(0) for a single image"
                )
            site = self._site(neurons, self._sources(received))
            site.currents.append(current.detach())
            site.received.append(received)
            spikes = spikes.detach()
            total, always = spikes.sum((0, 1), dtype=torch.float64), (spikes > 0).flatten(0, 1).all(0)
            if site.spikes is None:
                site.spikes, site.always = total, always
            elif site.spikes.shape != total.shape:
                raise UserError(
                    f"{neurons.name} has {list(site.spikes.shape)} neurons in one call and {list(total.shape)} in "
                    "another behind the same layer: give images of one size"
                )
            else:
                site.spikes, site.always = site.spikes + total, site.always & always
            for tensor in output if isinstance(output, tuple) else (output,):
                self._made(tensor, site)

        return hook

    def _site(self, neurons: Neurons, sources: dict[Any, frozenset[str]]) -> Site:
        layers = tuple(source for source in sources if isinstance(source, LayerRecord))
        if not sources and self._last is not None and self._last.outputs[-1].grad_fn is None:
            layers, sources = (self._last,), {self._last: frozenset(("unknown",))}  # no graph to read: frozen weights
        key = (neurons.name, tuple(sorted(layer.name for layer in layers)))
        if key not in self.sites:
            layers = tuple(layer for layer in self.layers.values() if layer in layers)
            direct = _unchanged(sources, LayerRecord) is not None
            self.sites[key] = Site(neurons, layers, direct, neurons.name in self._stale)
            self.order.append(self.sites[key])
        return self.sites[key]

    def _made(self, tensor: Any, maker: LayerRecord | Site) -> None:
        if isinstance(tensor, torch.Tensor) and tensor.grad_fn is not None:
            self._made_by[tensor.grad_fn] = maker

    def _sources(self, tensor: torch.Tensor) -> dict[Any, frozenset[str]]:
        """The layers and neurons whose outputs a tensor was made of, and the names of the steps in between."""
        found: dict[Any, frozenset[str]] = {}
        open_ends, seen = [(tensor.grad_fn, frozenset())], set()
        while open_ends:
            node, passed = open_ends.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            maker = self._made_by.get(node)
            if maker is not None:
                found[maker] = found.get(maker, frozenset()) | passed
            else:
                passed = passed | {node.name().partition("Backward")[0]}
                open_ends += [(before, passed) for before, _ in node.next_functions]
        return found


def activated(passed: frozenset[str]) -> bool:
    """Whether one of these steps of a graph is an activation function."""
    return not passed.isdisjoint(ACTIVATIONS)


def _unchanged(sources: Mapping[Any, frozenset[str]] | None, kind: type) -> Any:
    """The one source, if it is of that kind and its values come as they are; else None."""
    if not sources or len(sources) > 1:
        return None
    ((source, passed),) = sources.items()
    return source if isinstance(source, kind) and passed <= RESHAPING else None
