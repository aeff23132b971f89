"""What is measured of every layer of neurons: one named entry for each quantity, and the sums that are kept of it.

For example, this entry of `MEASURED` measures the share of silent neurons:

    "silent": Quantity(lambda layer: layer.output.sum(0) == 0, per_neuron)

`layer.output` holds the spikes [T, B, ...] of one layer. The values, here one [B, ...] for every neuron and image, are
summed up in float64 and divided by the number of images and, because of `per_neuron`, by the number of neurons. That
one line adds the columns silent_1, silent_2, ... (one for each layer) to curves.csv and iterations.csv of every run
that train_snn or train_batch trains, and the column silent to spikes.csv of its evaluation. Checkpoints hold its sums.
Analogue networks and converted ones, whose neurons are others, are not measured so.

A quantity of the membrane potential needs the input current of the neurons, so it asks for it:

    "potential": Quantity(lambda layer: layer.neurons.potential(layer.current), per_neuron_and_step, of_current=True)

A name must not be that of a column which is there already. A further entry changes no bit of the other columns.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from spikeinit.networks.build import FeedForward
from spikeinit.networks.modules import Trace


@dataclass(frozen=True)
class LayerSignals:
    """One layer during a forward pass: its neurons, their output [T, B, ...], and their input current [T, B, ...].

    The current is None unless a quantity asks for it (`Quantity.of_current`).
    """

    neurons: nn.Module
    output: torch.Tensor
    current: torch.Tensor | None = None


def per_neuron(output: torch.Tensor) -> int:
    """The number of neurons of a layer with the output [T, B, ...]."""
    return math.prod(output.shape[2:])


def per_neuron_and_step(output: torch.Tensor) -> int:
    """The number of neurons times the number of time steps."""
    return len(output) * per_neuron(output)


def per_layer(output: torch.Tensor) -> int:
    """One: the values of a layer are summed for each image, and nothing more."""
    return 1


@dataclass(frozen=True)
class Quantity:
    """A mean over images that is measured of every layer.

    values: from a layer's signals to a tensor of any shape, which is summed over all its elements. per: what the sum of
    one image is divided by, `per_neuron`, `per_neuron_and_step` or `per_layer`. of_current: whether `values` reads the
    input current.
    """

    values: Callable[[LayerSignals], torch.Tensor]
    per: Callable[[torch.Tensor], int]
    of_current: bool = False


def _of_images(layer: LayerSignals) -> torch.Tensor:
    """The sum of the output over the neurons [T, B], in its own precision: many times as fast, and exact for spikes.

    They are ones and zeros, whose sums are exact in single precision up to 16 million neurons.
    """
    return layer.output.sum(dim=tuple(range(2, layer.output.dim())))


OUTPUT = Quantity(_of_images, per_neuron)
"""Spikes per neuron, summed over the steps (Pärna 2025, Eq. 7); in an analogue network the mean activation."""

MEASURED: dict[str, Quantity] = {}
"""What is measured of every layer of a spiking network beside its spikes, by name."""


@dataclass(frozen=True)
class Totals:
    """Sums over some batches: of the values of whole batches, and of each quantity in every layer."""

    whole: dict[str, float]
    layers: dict[str, list[float]]


class Tally:
    """Sums over the images of each batch, by name, in float64: the quantities of every layer of `network`.

    whole: names of further sums, which belong to the network as a whole. batches: how many batches there are.
    """

    def __init__(
        self,
        quantities: Mapping[str, Quantity],
        network: FeedForward,
        *,
        batches: int,
        device: str,
        whole: Sequence[str] = (),
    ) -> None:
        self.quantities = dict(quantities)
        self.whole = tuple(whole)
        self.neurons = network.neurons()
        columns = len(self.whole) + len(self.quantities) * len(self.neurons)
        self.sums = torch.zeros(batches, columns, dtype=torch.float64, device=device)
        """One row per batch: the sums of `whole`, then those of every layer for each quantity in turn."""
        self.divisors: dict[str, list[int]] = {}
        """What the sum of one image is divided by, for each quantity in every layer; known from the first batch on."""

    @property
    def needs_currents(self) -> bool:
        """Whether the trace must keep the layers' input currents."""
        return any(quantity.of_current for quantity in self.quantities.values())

    @torch.no_grad()
    def add(self, batch: int, trace: Trace, **whole: torch.Tensor) -> None:
        """Put in the sums of batch number `batch`: of its trace, and those of `whole` by name (tensors [])."""
        currents = trace.currents if self.needs_currents else [None] * len(self.neurons)
        layers = [LayerSignals(*signals) for signals in zip(self.neurons, trace.spikes, currents, strict=True)]
        sums = [whole[name].double() for name in self.whole]
        for name, quantity in self.quantities.items():
            sums += [quantity.values(layer).sum(dtype=torch.float64) for layer in layers]
            self.divisors[name] = [quantity.per(layer.output) for layer in layers]
        if sums:
            self.sums[batch] = torch.stack(sums)

    def put(self, batch: int, sums: Sequence[float], neurons: Sequence[int]) -> None:
        """Put in the sums of a batch that somebody else has computed: of `whole`, then of the outputs of the layers.

        neurons: of each layer. Only for a tally of the layers' outputs per neuron, `OUTPUT`, and nothing more.
        """
        (name,) = self.quantities
        self.divisors[name] = list(neurons)
        self.sums[batch] = torch.tensor(sums, dtype=torch.float64)

    def of_batches(self, name: str) -> torch.Tensor:
        """The sums of each batch [batches] under one of the names in `whole`."""
        return self.sums[:, self.whole.index(name)]

    def totals(self, batches: slice = slice(None)) -> Totals:
        """The sums over some batches."""
        # Torch adds up columns in an order that depends on how many there are. So every quantity but the first is
        # summed by itself: a further one changes no bit of the others.
        count = len(self.neurons)
        first = len(self.whole) + count
        parts = [self.sums[batches, :first], *self.sums[batches, first:].split(count, dim=1)]
        values = iter([value for part in parts for value in part.sum(0).tolist()])
        return Totals(
            {name: next(values) for name in self.whole},
            {name: [next(values) for _ in self.neurons] for name in self.quantities},
        )

    def means(self, images: int) -> dict[str, list[float]]:
        """Each quantity's mean over all batches, of so many images together, in every layer."""
        return {
            name: [total / (divisor * images) for total, divisor in zip(totals, self.divisors[name], strict=True)]
            for name, totals in self.totals().layers.items()
        }

    def clear(self) -> None:
        """Begin again with sums of zero."""
        self.sums.zero_()

    def on_cpu(self) -> Tally:
        """The same tally with its sums on the processor, for reading many of them."""
        return self._with(self.sums.cpu(), self.divisors)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps beside `sums`, as JSON values."""
        return {"names": [*self.whole, *self.quantities], "divisors": self.divisors}

    def restored(self, sums: torch.Tensor, state: Mapping[str, Any]) -> Tally:
        """This tally with the sums and the `state` of a checkpoint; ValueError if those are of other quantities."""
        if state["names"] != self.state()["names"] or sums.shape != self.sums.shape:
            raise ValueError(f"the checkpoint measured {', '.join(state['names'])}")
        return self._with(sums.to(self.sums.device), state["divisors"])

    def _with(self, sums: torch.Tensor, divisors: dict[str, list[int]]) -> Tally:
        other = copy.copy(self)
        other.sums, other.divisors = sums, divisors
        return other


def layer_columns(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The columns spikes_1, spikes_2, ... of {"spikes": one value for each layer}, and so on for the other names."""
    return {f"{name}_{layer}": value for name, each in values.items() for layer, value in enumerate(each, start=1)}
