"""Thresholds of all layers of a network, as rows of thresholds.csv and back.

A layer without any positive activation (a dead layer) emits no spike as long as its input stays as it was: it gets the
threshold 1 and the error 0, and its row says so. A dead channel gets the threshold of its layer, and so does a dead
neuron. Thresholds of single neurons are too many for a table: they lie in a file of their own beside it, and the table
has the largest of each layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spikeinit.conversion.convert import LayerThreshold
from spikeinit.conversion.extraction import OUTPUT, LayerActivations
from spikeinit.conversion.methods import OF_NEURONS
from spikeinit.conversion.optimum import Optimum, optimum
from spikeinit.conversion.thresholds import (
    Threshold,
    channel_thresholds,
    max_threshold,
    mse_grid_threshold,
    optimal_threshold,
    percentile_threshold,
)
from spikeinit.errors import UserError
from spikeinit.io import load_tensors, read_csv, save_tensors

COLUMNS = (
    *("kind", "timesteps", "norm", "layer", "name", "channel"),
    *("threshold", "initial_potential", "error", "rank_error", "dead"),
    *(field.name for field in fields(Optimum)),
)
"""Of thresholds.csv. What the fields of an `Optimum` say is known of kind `SAMPLES`, and empty for all others."""
SAMPLES = "optimal"
DEAD = Threshold(1.0, 0.5, 0.0)
CHANNELS = "optimal_channel"

SEARCHES = {
    "max": max_threshold,
    OF_NEURONS: max_threshold,
    "percentile": percentile_threshold,
    "mse_grid": partial(mse_grid_threshold, initial_fraction=0.5),
    "optimal": optimal_threshold,
    "optimal_global": lambda values, timesteps, norm: optimal_threshold(values, timesteps, norm=norm, search="global"),
}


def threshold_rows(
    layers: Sequence[LayerActivations], kinds: Iterable[str], timesteps: int, norm: int
) -> list[dict[str, Any]]:
    """Rows with `COLUMNS`: one per kind and layer, for "optimal_channel" one per channel. UserError names the layer."""
    rows = []
    for kind in kinds:
        for number, layer in enumerate(layers, start=1):
            shared = {"kind": kind, "timesteps": timesteps, "norm": norm, "layer": number, "name": layer.name}
            found = _found(layer, kind, timesteps, norm)
            summaries = layer.channels if kind == CHANNELS else [layer.layer]
            for channel, (threshold, summary) in enumerate(zip(found, summaries, strict=True)):
                rows.append(
                    {
                        **shared,
                        "channel": channel if kind == CHANNELS else None,
                        "threshold": threshold.threshold,
                        "initial_potential": threshold.initial_potential,
                        "error": None if kind == OF_NEURONS else threshold.error,
                        "rank_error": summary.rank_error,
                        "dead": summary.count == 0,
                        **_optimum(kind, layer, timesteps, threshold.threshold, norm),
                    }
                )
    return rows


def layer_threshold(layer: LayerActivations, kind: str, timesteps: int, norm: int) -> LayerThreshold:
    """The thresholds of one layer as a conversion takes them: one, or one per channel or neuron as `kind` has it.

    They are those of `threshold_rows`. UserError names the layer.
    """
    if kind == OF_NEURONS:
        return _at_rest(_of_neurons(layer))
    pairs = [(found.threshold, found.initial_potential) for found in _found(layer, kind, timesteps, norm)]
    return _tensors(pairs, kind == CHANNELS)


def _found(layer: LayerActivations, kind: str, timesteps: int, norm: int) -> list[Threshold]:
    """One threshold, or for `CHANNELS` one per channel."""
    try:
        if kind == CHANNELS:
            return _of_channels(layer, timesteps, norm)
        return [_of_layer(layer, kind, timesteps, norm)]
    except ValueError as error:
        raise UserError(f"{layer.name}, {kind}: {error}") from None


def _optimum(kind: str, layer: LayerActivations, timesteps: int, threshold: float, norm: int) -> dict[str, Any]:
    """What the best threshold of a layer that responds is like; nothing of others."""
    if kind != SAMPLES or layer.layer.count == 0:
        return {}
    return asdict(optimum(layer.layer.values(), timesteps, threshold, norm))


def _of_layer(layer: LayerActivations, kind: str, timesteps: int, norm: int) -> Threshold:
    if layer.layer.count == 0:
        return DEAD
    return SEARCHES[kind](layer.layer.values(), timesteps, norm=norm)


def _of_channels(layer: LayerActivations, timesteps: int, norm: int) -> list[Threshold]:
    whole = _of_layer(layer, "optimal", timesteps, norm).threshold
    values = [channel.values() for channel in layer.channels]
    found = channel_thresholds(values, timesteps, norm=norm, dead=whole)
    columns = (found.threshold.tolist(), found.initial_potential.tolist(), found.error.tolist())
    return [Threshold(*each) for each in zip(*columns, strict=True)]


def save_neuron_thresholds(path: str | Path, layers: Sequence[LayerActivations]) -> None:
    """The largest activation of every neuron: one tensor for each layer, by its number, the output left out."""
    found = {}
    for number, layer in enumerate(layers, start=1):
        if layer.name != OUTPUT:
            found[str(number)] = _of_neurons(layer)
    save_tensors(path, found, {})


def _of_neurons(layer: LayerActivations) -> torch.Tensor:
    """The largest activation of every neuron, float32 of the layer's shape; the layer's own for those that are dead."""
    of_layer = _of_layer(layer, OF_NEURONS, 1, 1).threshold
    return torch.from_numpy(np.where(layer.largest > 0, layer.largest, np.float32(of_layer)))


def read_thresholds(
    path: str | Path, neurons: str | Path | None = None, *, output: bool = False
) -> dict[int, dict[str, list[LayerThreshold]]]:
    """Number of steps -> kind -> thresholds of every layer in trace order, from thresholds.csv.

    neurons: the file of `save_neuron_thresholds`; without it there is no kind of single neurons. With `output` also the
    output layer's. UserError for a missing or damaged file.
    """
    of_neurons = {} if neurons is None else load_tensors(neurons)[0]
    single = [_at_rest(of_neurons[key]) for key in sorted(of_neurons, key=int)]
    found: dict[int, dict[str, dict[int, list[tuple[float, float]]]]] = {}
    per_channel: set[str] = set()
    try:
        for row in read_csv(path):
            if row["name"] == OUTPUT and not output:
                continue
            values = (float(row["threshold"]), float(row["initial_potential"]))
            kinds = found.setdefault(int(row["timesteps"]), {})
            kinds.setdefault(row["kind"], {}).setdefault(int(row["layer"]), []).append(values)
            if row["channel"]:
                per_channel.add(row["kind"])
    except (KeyError, ValueError) as error:
        raise UserError(f"{path}: not a table of thresholds ({error}); delete it and run again") from None
    return {
        timesteps: {
            kind: single if kind == OF_NEURONS else [_tensors(layers[n], kind in per_channel) for n in sorted(layers)]
            for kind, layers in kinds.items()
            if kind != OF_NEURONS or single
        }
        for timesteps, kinds in found.items()
    }


def _at_rest(threshold: torch.Tensor) -> LayerThreshold:
    return LayerThreshold(threshold.double(), torch.zeros_like(threshold, dtype=torch.float64))


def _tensors(values: list[tuple[float, float]], per_channel: bool) -> LayerThreshold:
    pairs = torch.tensor(values, dtype=torch.float64)
    threshold, potential = pairs.unbind(1)
    return LayerThreshold(threshold, potential) if per_channel else LayerThreshold(threshold[0], potential[0])
