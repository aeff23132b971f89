"""What `count` finds: tables of spikes and of operations, their totals, and how they are shown."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Counts:
    """Spikes, operations and energy of a network; all are means over `images`.

    neurons: a row for each module of neurons, in the order of their calls.

    - `neurons`: its name; `kind`: its class; `library`: of that class, empty where only the caller knows the neurons
    - `count`: the number of neurons
    - `timesteps`: steps per image
    - `spikes`: of all its neurons, per image
    - `spikes_per_neuron`: per neuron and image, summed over the steps (Pärna 2025, Eq. 7)
    - `spikes_per_neuron_and_step`: the mean firing rate, in spikes per step
    - `silent_fraction`: neurons without any spike, as a part of all
    - `saturated_fraction`: neurons that fire in 95 % of the steps or more, as a part of all

    operations: a row for each layer with weights, in the order of their calls. Numbers are operations per image.

    - `layer`: its name; `kind`: its class
    - `received`: "spikes", "analogue", or both where its calls differ
    - `passes`: how often the layer works on an image: the number of time steps, or 1 for an input that does not change
    - `synapses`: of the layer, at one pass; those into a border of padded zeros do not count
    - `synaptic_operations`: additions, one for each synapse that a spike crosses
    - `multiply_accumulates`: one for each synapse at every pass, where what the layer received is analogue
    - `dense_operations`: multiply-accumulates of the same layer in an analogue network that works as often, padded
      zeros included, as FLOP are counted in print
    - `energy_<convention>`: in joule, of the operations, by the conventions of `spikeinit.measures.energy`

    left_out: weights whose operations are not counted, by name, and what they belong to.
    """

    images: int
    neurons: pd.DataFrame
    operations: pd.DataFrame
    left_out: Mapping[str, str]

    @property
    def totals(self) -> pd.Series:
        """Of the whole network, per image: neurons, spikes, spikes per neuron, operations, and energies in joule."""
        neurons, spikes = self.neurons["count"].sum(), self.neurons["spikes"].sum()
        summed = self.operations.drop(columns=["layer", "kind", "received", "passes", "synapses"]).sum()
        found = {"neurons": float(neurons), "spikes": spikes, "spikes_per_neuron": spikes / neurons, **summed}
        return pd.Series(found, name="per image")

    def __str__(self) -> str:
        parts = [f"{title}\n{_text(table)}" for title, table in self._tables()]
        return "\n\n".join([*parts, *self._remarks()])

    def _repr_html_(self) -> str:
        parts = [
            _paragraph(title) + table.to_html(index=False, float_format=_number, border=0)
            for title, table in self._tables()
        ]
        return "\n".join([*parts, *map(_paragraph, self._remarks())])

    def _tables(self) -> list[tuple[str, pd.DataFrame]]:
        return [
            (f"Neurons, means over {self.images:,} images:", self.neurons),
            ("Operations per image, energy in joule:", self.operations),
            ("In total, per image:", self.totals.to_frame().T),
        ]

    def _remarks(self) -> list[str]:
        if not self.left_out:
            return []
        return ["Not counted: " + "; ".join(f"{name} ({owner})" for name, owner in self.left_out.items())]


def _text(table: pd.DataFrame) -> str:
    return table.to_string(index=False, float_format=_number)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1e4 else f"{value:.4g}"


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"
