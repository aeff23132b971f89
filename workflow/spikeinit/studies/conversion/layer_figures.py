"""Figures of the layers of converted networks: activations behind the thresholds (Figures 2 and 5), errors and their
two parts, thresholds.

One panel per data set and network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import BLUE, DARK_GREY, dataset_name, numbered_look
from spikeinit.studies.conversion.method_looks import ANN, NAMES, line_of, ordered
from spikeinit.studies.table_tools import StudyTables

SHOWN_BINS = 40
ERROR_STEPS = 4
"""Errors by layer are shown for the largest T up to this, where methods differ most."""
TIMING_STEPS = 8
"""Their parts are shown for the largest T up to this, where quantisation is small and timing is not."""
TIMED = ("optimal", "optimal_signed")
SHOWN_STEPS = 4
"""So many numbers of steps are drawn where each is a line of its own."""


def activation_distributions(tables: StudyTables) -> Figure:
    """Figures 2 and 5: density of the positive activations, and the sorted ones, of each network's second layer."""
    histograms, ordered = tables["activation_histograms"], tables["sorted_activations"]
    groups = list(histograms.groupby(ANN, sort=False))
    figure, axes = style.panels(len(groups), 2, height=2.0, legend=0.1)
    for row, ((dataset, network), own) in zip(axes, groups, strict=True):
        layer = sorted(own["layer"].astype(str).unique(), key=_layer_number)[1 if own["layer"].nunique() > 1 else 0]
        bins = own[own["layer"].astype(str) == layer]
        edges, density = _density([*bins["low"], bins["high"].iloc[-1]], bins["count"])
        row[0].stairs(density, edges, fill=True, color=BLUE, alpha=0.7)
        row[0].set(
            title=f"{dataset_name(dataset)}, {network}, layer {layer}",
            xlabel="activation",
            ylabel="density",
            xlim=(0, None),
        )
        line = ordered[(ordered["dataset"] == dataset) & (ordered["network"] == network)]
        line = line[line["layer"].astype(str) == layer]
        row[1].plot(100 * line["rank"], line["value"], color=BLUE)
        row[1].set(title="sorted", xlabel="share of the positive activations (%)", ylabel="activation")
    return figure


def _density(edges: Sequence[float], counts: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Equal bins from zero, each with its share of the counts of the bins given, whose widths double and double."""
    known = np.concatenate([[0.0], np.cumsum(counts)])
    equal = np.linspace(0, edges[-1], SHOWN_BINS + 1)
    return equal, np.diff(np.interp(equal, edges, known)) / known[-1] / np.diff(equal)


def _layer_number(layer: str) -> float:
    return float(layer) if layer.replace(".", "", 1).isdigit() else np.inf


def layer_error(tables: StudyTables) -> Figure:
    """Relative error of every layer in the running network, for one small T."""
    frame = tables["layer_error"]
    steps = frame["timesteps"].unique()
    shown = max((timesteps for timesteps in steps if timesteps <= ERROR_STEPS), default=min(steps))
    groups = list(frame[frame["timesteps"] == shown].groupby(ANN, sort=False))
    figure, axes = style.panels(*style.grid_of(len(groups)), height=2.5, legend=0.8)
    handles: dict[str, Any] = {}
    for panel, ((dataset, network), own) in zip(axes.flat, groups, strict=False):
        for method, line in own.groupby("method", sort=False):
            handles[NAMES[method]] = line_of(panel, line["layer"], line["relative_error"], NAMES[method])
        style.scale_axis(panel, "y", own["relative_error"])
        if panel.get_yscale() == "linear":
            panel.set_ylim(bottom=0)
        panel.set(
            title=f"{dataset_name(dataset)}, {network}, T = {shown}",
            xlabel="layer",
            ylabel="mean error / mean activation",
        )
    style.hide_unused(axes, len(groups))
    style.legend_below(figure, ordered(handles))
    return figure


def error_parts(tables: StudyTables) -> Figure:
    """The two parts of every layer's error with optimal thresholds, for one T at which timing shows."""
    frame = tables["layer_error"]
    frame = frame[frame["method"].isin(TIMED)]
    steps = frame["timesteps"].unique()
    shown = max((timesteps for timesteps in steps if timesteps <= TIMING_STEPS), default=min(steps, default=0))
    groups = list(frame[frame["timesteps"] == shown].groupby(ANN, sort=False))
    figure, axes = style.panels(*style.grid_of(len(groups)), height=2.5, legend=0.8)
    handles: dict[str, Any] = {}
    for panel, ((dataset, network), own) in zip(axes.flat, groups, strict=False):
        for method, line in own.groupby("method", sort=False):
            timing = line_of(panel, line["layer"], line["relative_timing_error"], NAMES[method])
            handles[f"timing, {NAMES[method]}"] = timing
        quantization = own[own["method"] == own["method"].iloc[0]]  # the thresholds are the same
        (handles["quantization"],) = panel.plot(
            quantization["layer"], quantization["relative_quantization_error"], color=DARK_GREY, linestyle="--"
        )
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set(
            title=f"{dataset_name(dataset)}, {network}, T = {shown}",
            xlabel="layer",
            ylabel="mean error / mean activation",
            ylim=(0, None),
        )
    if not groups:
        style.say_empty(axes.flat[0])
    style.hide_unused(axes, max(1, len(groups)))
    style.legend_below(figure, handles)
    return figure


def thresholds(tables: StudyTables) -> Figure:
    """Optimal thresholds of every layer in units of its largest activation, for several T."""
    frame = tables["thresholds"]
    frame = frame[(frame["kind"] == "optimal") & (frame["name"] != "output")] if len(frame) else frame
    groups = list(frame.groupby(ANN, sort=False))
    figure, axes = style.panels(*style.grid_of(len(groups)), height=2.3, legend=0.4)
    handles: dict[str, Any] = {}
    for panel, ((dataset, network), own) in zip(axes.flat, groups, strict=False):
        for position, timesteps in enumerate(_spread(sorted(own["timesteps"].unique()))):
            line = own[own["timesteps"] == timesteps]
            look = numbered_look(position)
            (handles[f"T = {timesteps}"],) = panel.plot(line["layer"], line["of_maximum"], **look)
        panel.set(
            title=f"{dataset_name(dataset)}, {network}",
            xlabel="layer",
            ylabel="threshold / largest activation",
            ylim=(0, None),
        )
    if not groups:
        style.say_empty(axes.flat[0])
    style.hide_unused(axes, max(1, len(groups)))
    style.legend_below(figure, handles)
    return figure


def _spread(values: Sequence[int]) -> list[int]:
    """At most `SHOWN_STEPS` of the values, evenly spread, the first and the last among them."""
    if len(values) <= SHOWN_STEPS:
        return list(values)
    return [values[round(i)] for i in np.linspace(0, len(values) - 1, SHOWN_STEPS)]
