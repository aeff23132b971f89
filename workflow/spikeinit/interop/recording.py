"""What runs through a network while it sees a batch: what layers receive, what neurons receive and emit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import torch
from torch import nn

from spikeinit.interop.structure import Layer, Neurons


@dataclass
class LayerSignals:
    """What a layer received, call by call, each as it came."""

    layer: Layer
    received: list[torch.Tensor] = field(default_factory=list)


@dataclass
class NeuronSignals:
    """What neurons received and emitted, call by call, each [T, B, ...]: T = 1 where a call is a time step."""

    neurons: Neurons
    currents: list[torch.Tensor] = field(default_factory=list)
    spikes: list[torch.Tensor] = field(default_factory=list)

    @property
    def current(self) -> torch.Tensor:
        """Input currents [T, B, ...] of all steps."""
        return torch.cat(self.currents)

    @property
    def spike_counts(self) -> torch.Tensor:
        """Spikes [T, B, ...] of all steps."""
        return torch.cat(self.spikes)


class Watcher(AbstractContextManager["Watcher"]):
    """Sees every call of layers and neurons of a network while it is entered: a base class."""

    def __init__(self, layers: Sequence[nn.Module], neurons: Sequence[Neurons]) -> None:
        self._layers, self._neurons = layers, neurons
        self._handles: list[Any] = []

    def layer_called(self, place: int, received: torch.Tensor) -> None:
        """Layer number `place` was called with what it received, as it came."""

    def neurons_called(self, place: int, current: torch.Tensor, spikes: torch.Tensor, output: torch.Tensor) -> None:
        """Neurons number `place` were called.

        current, spikes: what they received and emitted, [T, B, ...]; T = 1 where a call is a time step. output: the
        tensor with the spikes as the module returned it.
        """

    def __enter__(self) -> Self:
        for place, module in enumerate(self._layers):
            self._watch(module, self._layer_hook(place))
        for place, neurons in enumerate(self._neurons):
            self._watch(neurons.module, self._neuron_hook(place, neurons))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _watch(self, module: nn.Module, hook: Callable[..., None]) -> None:
        self._handles.append(module.register_forward_hook(hook, with_kwargs=True))

    def _layer_hook(self, place: int) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            self.layer_called(place, first_tensor(given, named))

        return hook

    def _neuron_hook(self, place: int, neurons: Neurons) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            received = first_tensor(given, named)
            emitted = output[0] if isinstance(output, tuple) else output
            current, spikes = neurons.signals(received, output)
            self.neurons_called(place, current, spikes, emitted)

        return hook


class Recorder(Watcher):
    """Records layers and neurons of a network while it is entered.

        with Recorder(structure.layers, structure.neurons) as recorder:
            run_once(network, batch, None, structure.neurons)
        recorder.neurons[0].spike_counts

    Tensors are kept as the network makes them, with their gradients. `clear` lets go of them between two batches.
    """

    def __init__(self, layers: list[Layer], neurons: list[Neurons]) -> None:
        super().__init__([layer.module for layer in layers], neurons)
        self.layers = [LayerSignals(layer) for layer in layers]
        self.neurons = [NeuronSignals(each) for each in neurons]

    def layer_called(self, place: int, received: torch.Tensor) -> None:
        self.layers[place].received.append(received)

    def neurons_called(self, place: int, current: torch.Tensor, spikes: torch.Tensor, output: torch.Tensor) -> None:
        self.neurons[place].currents.append(current)
        self.neurons[place].spikes.append(spikes)

    def clear(self) -> None:
        """Let go of all that was recorded."""
        for layer in self.layers:
            layer.received.clear()
        for neurons in self.neurons:
            neurons.currents.clear()
            neurons.spikes.clear()


def first_tensor(given: tuple[Any, ...], named: dict[str, Any]) -> torch.Tensor:
    """The first tensor that a module is called with."""
    return next(value for value in (*given, *named.values()) if isinstance(value, torch.Tensor))
