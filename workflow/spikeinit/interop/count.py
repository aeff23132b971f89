"""Count the spikes and the operations of a network that any code has built.

>>> import torch, snntorch, spikeinit
>>> network = torch.nn.Sequential(
...     torch.nn.Linear(784, 100), snntorch.Leaky(beta=0.9, init_hidden=True),
...     torch.nn.Linear(100, 10), snntorch.Leaky(beta=0.9, init_hidden=True),
... )
>>> spikes = (torch.rand(25, 8, 784, generator=torch.Generator().manual_seed(0)) < 0.1).float()
>>> counts = spikeinit.count(network, [spikes], run=lambda network, steps: [network(step) for step in steps])
>>> counts.operations[["layer", "received", "passes", "dense_operations"]].values.tolist()
[['0', 'spikes', 25.0, 1960000.0], ['2', 'spikes', 25.0, 25000.0]]

An operation is what happens at one synapse. A spike that crosses it is added to the potential behind it: a synaptic
operation. A layer whose input is analogue multiplies and adds at each synapse, whatever the value: a
multiply-accumulate. Biases, normalisation and the neurons themselves are not counted.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch
from torch import nn

from spikeinit.errors import UserError
from spikeinit.interop.counts import Counts
from spikeinit.interop.heights import SpikeHeights
from spikeinit.interop.libraries import known_neurons
from spikeinit.interop.recording import Watcher
from spikeinit.interop.structure import Neurons, Run, evaluation_mode, members, other_weights, run_once
from spikeinit.measures.energy import CONVENTIONS, energy
from spikeinit.measures.operations import dense_operations, spike_operations, synapses
from spikeinit.measures.spikes import SpikeCounter
from spikeinit.networks.build import is_repeated

ROUNDINGS = 4
"""A value counts as a whole number of spikes if it is one up to so many roundings of its precision."""


@torch.no_grad()
def count(
    network: nn.Module,
    loader: Iterable[Any],
    *,
    run: Run | None = None,
    neurons: Collection[str] | None = None,
    conventions: Sequence[str] = ("horowitz2014_45nm", "qiao2015"),
) -> Counts:
    """Spikes and operations of `network` on all batches of `loader`, as means per image.

    loader: batches of encoded data as the network takes them, each a tensor or a tuple that begins with one; the labels
    behind it only tell how many images there are. One batch is held at a time. run: how the network runs on a batch,
    `run(network, batch)`, if `network(batch)` is not enough, as for a network that is called once for every time step.
    neurons: names of modules that fire, beside those of snnTorch, SpikingJelly, norse, sinabs and this package, which
    are known; such a module sees single time steps [B, ...] and emits spikes, and `run` resets it. conventions: of
    energy, names in `spikeinit.measures.energy.CONVENTIONS`.

    The network runs in evaluation mode and without gradients, every batch from fresh potentials. Afterwards its modules
    are in their own modes again, and the potentials are forgotten.

    What a layer received counts as spikes where all of it are whole numbers, two as two spikes. Behind average pooling
    every spike of a window crosses the synapses of its mean. Each call of a layer is judged by itself, over all
    batches, so the result does not depend on how the images are divided into batches. A spike of a convolution reaches
    those outputs whose windows cover it.

    UserError for a network without known neurons or without layers that have weights, for no batches, for a batch that
    the network does not take or on another device, for values that are not finite, for neurons that emit something else
    than spikes or whose number changes, and for unknown names.
    """
    _check_conventions(conventions)
    told = dict.fromkeys(neurons or ())
    firing, weighted = members(network, told)
    if not firing:
        raise UserError(
            f"{type(network).__name__} has no module that is known to fire, so it has no spikes to count. Known neurons"
            f" are {known_neurons()}; name others with neurons=['name of the module']. An analogue network does all of "
            "its dense operations: `spikeinit.measures.operations.dense_operations` gives those of a layer"
        )
    if isinstance(loader, torch.Tensor):
        raise UserError(f"loader is a tensor of shape {list(loader.shape)}: give the batches, such as [tensor]")
    tally = _Tally(firing, weighted)
    with evaluation_mode(network):
        for given in loader:
            batch, labels = _split(given)
            with tally.heights, tally:
                run_once(network, batch, run, list(firing.values()))
            tally.end_batch(labels)
    if not tally.images:
        raise UserError("loader gives no batches: nothing was counted. An iterator that was used up gives none again")
    missed = {name: "no data reaches it" for name in weighted if name not in tally.layers}
    left_out = {**missed, **other_weights(network, weighted, firing)}
    return Counts(tally.images, tally.neuron_table(), tally.operation_table(conventions), left_out)


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


class _Tally(Watcher):
    """Sums over all batches; `layers` and `counters` in the order in which modules are called."""

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


def _split(given: Any) -> tuple[Any, int | None]:
    """The batch, and how many labels it comes with.

    One step that is repeated without memory of its own is laid out: a network of this package would run it once.
    """
    labels = None
    if isinstance(given, (tuple, list)):
        if not given:
            raise UserError("loader gives an empty batch: give tensors, or tuples of a tensor and labels")
        given, *others = given
        if others and isinstance(others[0], torch.Tensor) and others[0].dim():
            labels = len(others[0])
    if isinstance(given, torch.Tensor) and given.dim() and is_repeated(given):
        given = given.clone(memory_format=torch.contiguous_format)
    return given, labels


def _check_conventions(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in CONVENTIONS]
    if unknown:
        raise UserError(f"conventions: unknown {', '.join(map(repr, unknown))}; known are {', '.join(CONVENTIONS)}")


def _not_finite(name: str) -> UserError:
    return UserError(
        f"{name} received a value that is not a finite number (NaN or infinite): look at the batch and at the weights "
        "before it"
    )
