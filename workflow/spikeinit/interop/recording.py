"""What runs through a network while it sees a batch: what layers receive, what neurons receive and emit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

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


class Recorder(AbstractContextManager["Recorder"]):
    """Records layers and neurons of a network while it is entered.

        with Recorder(structure.layers, structure.neurons) as recorder:
            run_once(network, batch, None, structure.neurons)
        recorder.neurons[0].spike_counts

    Tensors are kept as the network makes them, with their gradients. `clear` lets go of them between two batches.
    """

    def __init__(self, layers: list[Layer], neurons: list[Neurons]) -> None:
        self.layers = [LayerSignals(layer) for layer in layers]
        self.neurons = [NeuronSignals(each) for each in neurons]
        self._handles: list[Any] = []

    def __enter__(self) -> Recorder:
        for layer in self.layers:
            self._watch(layer.layer.module, self._layer_hook(layer))
        for neurons in self.neurons:
            self._watch(neurons.neurons.module, self._neuron_hook(neurons))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def clear(self) -> None:
        """Let go of all that was recorded."""
        for layer in self.layers:
            layer.received.clear()
        for neurons in self.neurons:
            neurons.currents.clear()
            neurons.spikes.clear()

    def _watch(self, module: nn.Module, hook: Callable[..., None]) -> None:
        self._handles.append(module.register_forward_hook(hook, with_kwargs=True))

    @staticmethod
    def _layer_hook(signals: LayerSignals) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            signals.received.append(first_tensor(given, named))

        return hook

    @staticmethod
    def _neuron_hook(signals: NeuronSignals) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            received = first_tensor(given, named)
            current, spikes = signals.neurons.signals(received, output)
            signals.currents.append(current)
            signals.spikes.append(spikes)

        return hook


def first_tensor(given: tuple[Any, ...], named: dict[str, Any]) -> torch.Tensor:
    """The first tensor that a module is called with."""
    return next(value for value in (*given, *named.values()) if isinstance(value, torch.Tensor))
