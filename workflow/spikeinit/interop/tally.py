"""Sums of what runs through a network, over all batches: spikes of its neurons, operations of its layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
import torch
from torch import nn

from spikeinit.errors import UserError
from spikeinit.interop.heights import SpikeHeights
from spikeinit.interop.recording import Watcher
from spikeinit.interop.structure import Neurons
from spikeinit.measures.energy import energy
from spikeinit.measures.operations import dense_operations, spike_operations, synapses
from spikeinit.measures.spikes import SpikeCounter

ROUNDINGS = 4
"""A value counts as a whole number of spikes if it is one up to so many roundings of its precision."""


@dataclass
class _Calls:
    """What a layer did at one of its calls, over all batches: the first, or the second, and so on.

    synaptic: operations, if what it received are spikes. synapses: at all its passes, which are its operations if not.
    dense: at all its passes, padded zeros included. spikes: whether what it received are spikes.
    """

    synaptic: float = 0.0
    synapses: float = 0.0
    dense: int = 0
    spikes: bool = True


@dataclass
class _Layer:
    """One layer: its calls by their place in a batch, and how many inputs it worked on."""

    module: nn.Module
    calls: list[_Calls] = field(default_factory=list)
    passes: int = 0


@dataclass
class _Fired:
    """Spikes of each neuron in the current batch, [B, ...], over so many steps."""

    counts: torch.Tensor
    steps: int


class Tally(Watcher):
    """Sums over all batches; `layers` and `counters` are in the order in which modules are called.

    A network runs on a batch while the tally and its `heights` are entered, and `end_batch` follows. `images` is how
    many there were.
    """

    def __init__(self, firing: Mapping[str, Neurons], weighted: Mapping[str, nn.Module]) -> None:
        super().__init__(list(weighted.values()), list(firing.values()))
        self.names = list(weighted)
        self.firing = dict(firing)
        self.heights = SpikeHeights()
        self.layers: dict[str, _Layer] = {}
        self.counters: dict[str, SpikeCounter] = {}
        self.images = 0
        self._called: dict[str, int] = {}
        self._fired: dict[str, _Fired] = {}

    def layer_called(self, place: int, received: torch.Tensor) -> None:
        name, module = self.names[place], self._layers[place]
        layer = self.layers.setdefault(name, _Layer(module))
        number = self._called.get(name, 0)
        self._called[name] = number + 1
        if number == len(layer.calls):
            layer.calls.append(_Calls())
        calls = layer.calls[number]
        shape = _input_shape(module, received)
        spikes, whole = _spikes(received, self.heights.of(received))
        arriving = spikes.reshape(-1, *shape)
        operations = spike_operations(module, arriving.sum(0, dtype=torch.float64)).item()
        if not math.isfinite(operations):
            raise _not_finite(name)
        calls.synaptic += operations
        calls.synapses += len(arriving) * synapses(module, shape)
        calls.dense += len(arriving) * dense_operations(module, shape)
        calls.spikes &= whole
        layer.passes += len(arriving)

    def neurons_called(self, place: int, current: torch.Tensor, spikes: torch.Tensor, output: torch.Tensor) -> None:
        name, module = self._neurons[place].name, self._neurons[place].module
        if not torch.isfinite(current.sum(dtype=torch.float64)):
            raise _not_finite(name)
        if spikes.dim() < 3:
            raise UserError(
                f"{name}: its neurons received {list(current.shape[1:])}, which has no dimension of neurons behind that"
                " of the images: give batches [B, ...] at every step"
            )
        numbers, whole = _spikes(spikes)
        if not whole:
            raise UserError(
                f"{name}, a {type(module).__name__}, emits values that are no numbers of spikes, such as "
                f"{(spikes - spikes.round()).abs().max().item():.3g}: `count` is for neurons that fire"
            )
        if not _same_memory(spikes, output):
            self._note_height(numbers, output)
        fired = _Fired(numbers.sum(0), len(numbers))
        before = self._fired.get(name)
        if before is not None:
            self._check_shape(name, fired.counts.shape, before.counts.shape)
            fired = _Fired(before.counts + fired.counts, before.steps + fired.steps)
        self._fired[name] = fired

    def end_batch(self, labels: int | None) -> None:
        """Add what the last batch left; labels: how many images it has, if that is known."""
        sizes = {name: len(fired.counts) for name, fired in self._fired.items()}
        if not sizes:
            raise UserError(f"no neurons are called when the network runs: {', '.join(self.firing)}")
        first = next(iter(sizes))
        for name, size in sizes.items():
            if size != sizes[first]:
                raise UserError(f"{first} sees {sizes[first]} images and {name} {size}, in the same batch")
        if labels is not None and labels != sizes[first]:
            raise UserError(
                f"the batch has {labels} labels, and {first} sees {sizes[first]} images: does the network take time "
                "steps first? A `run`, a function (network, batch), can hand over the batch as it takes it"
            )
        for name, fired in self._fired.items():
            counter = self.counters.setdefault(name, SpikeCounter())
            if counter.per_neuron is not None:
                self._check_shape(name, fired.counts.shape[1:], counter.per_neuron.shape)
            counter.add(fired.counts, fired.steps)
        self.images += sizes[first]
        self._called.clear()
        self._fired.clear()

    def neuron_table(self) -> pd.DataFrame:
        """The rows of `Counts.neurons`."""
        rows = []
        for name, counter in self.counters.items():
            neurons, counted = self.firing[name], counter.row()
            number = counted.pop("neurons")
            rows.append(
                {
                    "neurons": name,
                    "kind": type(neurons.module).__name__,
                    "library": "" if neurons.reader is None else neurons.reader.library,
                    "count": number,
                    "timesteps": counter.timesteps,
                    "spikes": counter.per_neuron.sum().item() / counter.images,
                    **counted,
                }
            )
        return pd.DataFrame(rows)

    def operation_table(self, conventions: Sequence[str]) -> pd.DataFrame:
        """The rows of `Counts.operations`."""
        rows = []
        for name, layer in self.layers.items():
            counts = {
                "synaptic_operations": sum(call.synaptic for call in layer.calls if call.spikes) / self.images,
                "multiply_accumulates": sum(call.synapses for call in layer.calls if not call.spikes) / self.images,
            }
            rows.append(
                {
                    "layer": name,
                    "kind": type(layer.module).__name__,
                    "received": _received(layer.calls),
                    "passes": layer.passes / self.images,
                    "synapses": sum(call.synapses for call in layer.calls) / layer.passes,
                    **counts,
                    "dense_operations": sum(call.dense for call in layer.calls) / self.images,
                    **{f"energy_{convention}": energy(convention, **counts) for convention in conventions},
                }
            )
        return pd.DataFrame(rows)

    def _note_height(self, numbers: torch.Tensor, output: torch.Tensor) -> None:
        """Remember how high spikes are in what a module returned, if all are equally high and not 1."""
        spikes, sent = numbers.sum(dtype=torch.float64).item(), output.abs().sum(dtype=torch.float64).item()
        if spikes and sent and sent != spikes and _spikes(output, sent / spikes)[1]:
            self.heights.set(output, sent / spikes)

    @staticmethod
    def _check_shape(name: str, found: torch.Size, before: torch.Size) -> None:
        if found != before:
            raise UserError(
                f"{name}: its neurons had the shape {list(before)} and then {list(found)}; all batches need images of "
                "one size, and neurons at two places a module each"
            )


def _spikes(values: torch.Tensor, height: float = 1.0) -> tuple[torch.Tensor, bool]:
    """How many spikes of this height each value is, rounded, and whether all were whole numbers of them."""
    values = values.detach().abs()
    values = values if values.is_floating_point() else values.float()
    scaled = values if height == 1.0 else values / height
    numbers = scaled.round()
    allowed = ROUNDINGS * torch.finfo(values.dtype).eps * numbers.clamp(min=1)
    return numbers, bool(((scaled - numbers).abs() <= allowed).all())


def _input_shape(module: nn.Module, received: torch.Tensor) -> tuple[int, ...]:
    """Of one image: features, or channels and the axes of a map."""
    dimensions = 1 if isinstance(module, nn.Linear) else 1 + len(module.kernel_size)
    return tuple(received.shape[-dimensions:])


def _same_memory(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.data_ptr() == second.data_ptr()


def _received(calls: Sequence[_Calls]) -> str:
    kinds = {call.spikes: None for call in calls}
    return " and ".join("spikes" if spikes else "analogue" for spikes in kinds)


def _not_finite(name: str) -> UserError:
    return UserError(
        f"{name} received a value that is not a finite number (NaN or infinite): look at the batch and at the weights "
        "before it"
    )
