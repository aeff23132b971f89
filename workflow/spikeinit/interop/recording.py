"""What runs through a network while it sees a batch: its modules are watched from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from spikeinit.interop.structure import Layer, Neurons


class Hooks(AbstractContextManager["Hooks"]):
    """Hooks on modules that are there while it is entered: a base class, whose `place_hooks` puts them there."""

    def __init__(self) -> None:
        self._handles: list[RemovableHandle] = []

    def place_hooks(self) -> None:
        """Call `after` and `before` for every hook."""
        raise NotImplementedError

    def after(self, module: nn.Module, hook: Callable[..., None]) -> None:
        """`hook(module, arguments, named arguments, output)` is called after each call of the module."""
        self._handles.append(module.register_forward_hook(hook, with_kwargs=True))

    def before(self, module: nn.Module, hook: Callable[..., None]) -> None:
        """`hook(module, arguments, named arguments)` is called before each call of the module."""
        self._handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))

    def __enter__(self) -> Self:
        self.place_hooks()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()


class Watcher(Hooks):
    """Sees every call of layers and neurons of a network while it is entered: a base class."""

    def __init__(self, layers: Sequence[nn.Module], neurons: Sequence[Neurons]) -> None:
        super().__init__()
        self._layers, self._neurons = layers, neurons

    def layer_called(self, place: int, received: torch.Tensor) -> None:
        """Layer number `place` was called with what it received, as it came."""

    def neurons_called(self, place: int, current: torch.Tensor, spikes: torch.Tensor, output: torch.Tensor) -> None:
        """Neurons number `place` were called.

        current, spikes: what they received and emitted, [T, B, ...]; T = 1 where a call is a time step. output: the
        tensor with the spikes as the module returned it.
        """

    def place_hooks(self) -> None:
        for place, module in enumerate(self._layers):
            self.after(module, self._layer_hook(place))
        for place, neurons in enumerate(self._neurons):
            self.after(neurons.module, self._neuron_hook(place, neurons))

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
    """Records what layers and neurons of a network receive while it is entered.

        with Recorder(structure.layers, structure.neurons) as recorder:
            run_once(network, batch, None, structure.neurons)
        recorder.received[0]

    received: what each layer receives, call by call, each as it comes. currents: what each of the neurons receives,
    call by call, [T, B, ...]; T = 1 where a call is a time step. Tensors are kept as the network makes them.
    """

    def __init__(self, layers: Sequence[Layer], neurons: Sequence[Neurons]) -> None:
        super().__init__([layer.module for layer in layers], neurons)
        self.received: list[list[torch.Tensor]] = [[] for _ in layers]
        self.currents: list[list[torch.Tensor]] = [[] for _ in neurons]

    def layer_called(self, place: int, received: torch.Tensor) -> None:
        self.received[place].append(received)

    def neurons_called(self, place: int, current: torch.Tensor, spikes: torch.Tensor, output: torch.Tensor) -> None:
        self.currents[place].append(current)


def first_tensor(given: tuple[Any, ...], named: dict[str, Any]) -> torch.Tensor:
    """The first tensor that a module is called with."""
    return next(value for value in (*given, *named.values()) if isinstance(value, torch.Tensor))
