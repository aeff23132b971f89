"""Figures of the conversion study: accuracy against T by method, with what the paper prints; the activations behind the
thresholds (Figures 2 and 5); errors and thresholds by layer; calibration curves (Figure 4); accuracy against energy.

One panel per data set and network. A method keeps its colour and marker in every figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikeinit.studies import figure_style as style
from spikeinit.studies.conversion.conditions import ARCHITECTURES
from spikeinit.studies.looks import (
    BLACK,
    BLUE,
    DARK_GREY,
    GREEN,
    GREY,
    MARKERS,
    ORANGE,
    PINK,
    SKY,
    VERMILION,
    YELLOW,
    dataset_name,
    numbered_look,
)
from spikeinit.studies.table_tools import StudyTables

ANN = ["dataset", "network"]
NAMES = {
    "max": "maximum",
    "percentile": "99.9th percentile",
    "mse_grid": "MSE grid",
    "opt": "bias shift (Opt)",
    "opt_clipped": "bias shift (Opt)",
    "qcfs": "QCFS",
    "snm": "signed neurons (SNM)",
    "optimal": "optimal",
    "optimal_global": "optimal, all reals",
    "optimal_channel": "optimal, by channel",
    "snm_optimal": "SNM + optimal",
}
"""How methods are called in legends."""
LOOKS = {
    "maximum": (GREY, "s"),
    "99.9th percentile": (SKY, "v"),
    "MSE grid": (GREEN, "D"),
    "bias shift (Opt)": (PINK, "P"),
    "QCFS": (YELLOW, "h"),
    "signed neurons (SNM)": (BLACK, "X"),
    "optimal": (VERMILION, "o"),
    "optimal, all reals": (ORANGE, "^"),
    "optimal, by channel": (BLUE, "*"),
    "SNM + optimal": ("#8B4513", "<"),
}
PUBLISHED_METHODS = {"Ours": "optimal", "Ours+SNM": "SNM + optimal", "Opt": "bias shift (Opt)"}
SHOWN_BINS = 40
ERROR_STEPS = 4
"""Errors by layer are shown for the largest T up to this, where methods differ most."""
ENERGY_DECADES = 4
"""So many powers of ten below the analogue network's energy are shown; silent networks lie further below."""
SHOWN_STEPS = 4
"""So many numbers of steps are drawn where each is a line of its own."""


def accuracy_by_timesteps(tables: StudyTables) -> Figure:
    """Test accuracy against T; dashed: the analogue network; hollow: printed for the same data set and network."""
    frame = tables["accuracy_by_timesteps"]
    groups = list(frame.groupby(ANN, sort=False))
    figure, axes = style.panels(*style.grid_of(len(groups)), height=2.5, legend=0.8)
    handles: dict[str, Any] = {}
    for panel, ((dataset, network), own) in zip(axes.flat, groups, strict=False):
        reference = panel.axhline(own["ann_accuracy"].iloc[0], color=DARK_GREY, linestyle="--", linewidth=1)
        for method, line in own.groupby("method", sort=False):
            handles[NAMES[method]] = _line(panel, line["timesteps"], line["accuracy"], NAMES[method])
        printed = _printed(tables, dataset, own["architecture"].iloc[0], own["activation"].iloc[0])
        for method, line in printed.groupby("method", sort=False):
            color, marker = LOOKS[PUBLISHED_METHODS[method]]
            look = {"color": color, "marker": marker, "fillstyle": "none", "linestyle": ":"}
            panel.plot(line["timesteps"], line["snn_accuracy"], **look)
            handles[f"{PUBLISHED_METHODS[method]} (printed)"] = Line2D([], [], **look)
        handles["analogue network"] = reference
        _steps_axis(panel, own["timesteps"])
        panel.set(title=f"{dataset_name(dataset)}, {network}", ylabel="test accuracy (%)")
    style.hide_unused(axes, len(groups))
    style.legend_below(figure, _ordered(handles))
    return figure


def _printed(tables: StudyTables, dataset: str, architecture: str, activation: str) -> pd.DataFrame:
    """The paper's own rows for a data set and a network; empty where it has none."""
    name = ARCHITECTURES.get(architecture)
    file = {
        "relu": "bojkovic2024_table1_relu_conversion",
        "clipped_relu": "bojkovic2024_table2_truncated_relu",
    }.get(activation)
    frame = tables.published.get(file)
    if frame is None:
        return pd.DataFrame(columns=["method", "timesteps", "snn_accuracy"])
    same = (frame["dataset"] == dataset) & (frame["architecture"] == name) & frame["method"].isin(PUBLISHED_METHODS)
    return frame[same]


def published_accuracy(tables: StudyTables) -> Figure:
    """The paper's Tables 1 and 2 as lines: printed accuracy against T, one panel per data set and table."""
    panels = [
        (dataset, file, title)
        for file, title in (
            ("bojkovic2024_table1_relu_conversion", "ReLU networks"),
            ("bojkovic2024_table2_truncated_relu", "clipped networks"),
        )
        for dataset in ("cifar10", "cifar100")
    ]
    figure, axes = style.panels(2, 2, height=2.7, legend=0.9)
    handles: dict[str, Any] = {}
    for panel, (dataset, file, title) in zip(axes.flat, panels, strict=True):
        frame = tables.published[file]
        frame = frame[frame["dataset"] == dataset]
        for (method, architecture), line in frame.groupby(["method", "architecture"], sort=False):
            ours = PUBLISHED_METHODS.get(method)
            color = LOOKS[ours][0] if ours else "#bbbbbb"
            marker = dict(zip(dict.fromkeys(ARCHITECTURES.values()), MARKERS, strict=False))[architecture]
            panel.plot(line["timesteps"], line["snn_accuracy"], color=color, marker=marker, zorder=3 if ours else 2)
            handles[ours or "earlier methods, as reported"] = Line2D([], [], color=color)
            handles[architecture] = Line2D([], [], color=DARK_GREY, marker=marker, linestyle="")
        _steps_axis(panel, frame["timesteps"])
        panel.set(title=f"{dataset_name(dataset)}, {title} (printed)", ylabel="test accuracy (%)")
    style.legend_below(figure, dict(sorted(handles.items(), key=lambda item: item[1].get_linestyle() == "None")))
    return figure


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
            handles[NAMES[method]] = _line(panel, line["layer"], line["relative_error"], NAMES[method])
        style.scale_axis(panel, "y", own["relative_error"])
        if panel.get_yscale() == "linear":
            panel.set_ylim(bottom=0)
        panel.set(
            title=f"{dataset_name(dataset)}, {network}, T = {shown}",
            xlabel="layer",
            ylabel="mean error / mean activation",
        )
    style.hide_unused(axes, len(groups))
    style.legend_below(figure, _ordered(handles))
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


def calibration_curves(tables: StudyTables) -> Figure:
    """Figure 4: accuracy over the epochs of calibration, from optimal and from maximum thresholds."""
    frame = tables["calibration_curves"]
    groups = list(frame.groupby(ANN, sort=False))
    figure, axes = style.panels(*style.grid_of(len(groups)), height=2.6, legend=0.4)
    handles: dict[str, Any] = {}
    for panel, ((dataset, network), own) in zip(axes.flat, groups, strict=False):
        for method, line in own.groupby("method", sort=False):
            handles[NAMES[method]] = _line(panel, line["epoch"], line["test_accuracy"], NAMES[method])
        first = own[own["method"] == own["method"].iloc[0]]
        for timesteps, part in first.groupby("timesteps"):
            start = part["epoch"].min()
            panel.axvline(max(0, start - 0.5), color="#cccccc", linewidth=0.8, zorder=0)
            panel.annotate(
                f"T = {timesteps}", (max(0, start - 0.5), 1), xycoords=("data", "axes fraction"), fontsize=8,
                color=GREY, xytext=(3, -2), textcoords="offset points", va="top",
            )  # fmt: skip
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set(
            title=f"{dataset_name(dataset)}, {network}", xlabel="epoch of calibration", ylabel="test accuracy (%)"
        )
        panel.set(ylim=(0, 112), yticks=range(0, 101, 20))  # room for the numbers of steps above the lines
    if not groups:
        style.say_empty(axes.flat[0], "no network is calibrated")
    style.hide_unused(axes, max(1, len(groups)))
    style.legend_below(figure, handles)
    return figure


def accuracy_against_energy(tables: StudyTables) -> Figure:
    """Accuracy against energy per image (Sec. 9's constants), one point per T; the star is the analogue network."""
    frame = tables["energy"]
    convention = next(column for column in frame if column.startswith("energy_of_spikes_"))
    convention = convention.removeprefix("energy_of_spikes_")
    accuracies = tables["accuracy_by_timesteps"].drop_duplicates(ANN).set_index(ANN)["ann_accuracy"]
    groups = list(frame.groupby(ANN, sort=False))
    figure, axes = style.panels(*style.grid_of(len(groups)), height=2.5, legend=0.8)
    handles: dict[str, Any] = {}
    for panel, ((dataset, network), own) in zip(axes.flat, groups, strict=False):
        for (method, stage), line in own.groupby(["method", "stage"], sort=False):
            name = NAMES[method]
            color, marker = LOOKS[name]
            solid = stage == "conversion"
            look = {"color": color, "marker": marker, "linestyle": "-" if solid else ":"}
            look |= {"fillstyle": "full" if solid else "none"}
            panel.plot(style.NANO * line[f"energy_of_spikes_{convention}"], line["accuracy"], **look)
            handles[name if solid else f"{name}, calibrated"] = Line2D([], [], **look)
        star = {"color": DARK_GREY, "marker": "*", "linestyle": "", "markersize": 10}
        analogue = style.NANO * own[f"ann_energy_{convention}"].iloc[0]
        panel.plot(analogue, accuracies[dataset, network], **star)
        handles["analogue network"] = Line2D([], [], **star)
        panel.set_xscale("log")
        panel.set(
            title=f"{dataset_name(dataset)}, {network}", xlabel="energy per image (nJ)", ylabel="test accuracy (%)"
        )
        panel.set(xlim=(analogue / 10**ENERGY_DECADES, 2 * analogue), ylim=(0, 101))
    style.hide_unused(axes, len(groups))
    style.legend_below(figure, _ordered(handles))
    return figure


def _line(axes: Axes, x: pd.Series, y: pd.Series, name: str) -> Any:
    color, marker = LOOKS[name]
    (line,) = axes.plot(x, y, color=color, marker=marker, markersize=4)
    return line


def _steps_axis(axes: Axes, timesteps: pd.Series) -> None:
    known = sorted(timesteps.unique())
    axes.set_xscale("log", base=2)
    axes.set_xticks(known, [str(value) for value in known])
    axes.minorticks_off()
    axes.set(xlabel="time steps T", ylim=(0, 101))


def _spread(values: Sequence[int]) -> list[int]:
    """At most `SHOWN_STEPS` of the values, evenly spread, the first and the last among them."""
    if len(values) <= SHOWN_STEPS:
        return list(values)
    return [values[round(i)] for i in np.linspace(0, len(values) - 1, SHOWN_STEPS)]


def _ordered(handles: dict[str, Any]) -> dict[str, Any]:
    known = [name for name in LOOKS if name in handles]
    return {name: handles[name] for name in [*known, *(name for name in handles if name not in known)]}
