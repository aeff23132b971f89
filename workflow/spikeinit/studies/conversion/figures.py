"""Figures of whole converted networks: accuracy against T by method, with what the paper prints; calibration curves
(Figure 4); accuracy against energy.

One panel per data set and network. A method keeps its colour and marker in every figure.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import DARK_GREY, GREY, MARKERS, dataset_name
from spikeinit.studies.conversion.conditions import ARCHITECTURES
from spikeinit.studies.conversion.method_looks import ANN, LOOKS, NAMES, line_of, ordered
from spikeinit.studies.table_tools import StudyTables

PUBLISHED_METHODS = {"Ours": "optimal", "Ours+SNM": "SNM + optimal", "Opt": "bias shift (Opt)"}
ENERGY_DECADES = 4
"""So many powers of ten below the analogue network's energy are shown; silent networks lie further below."""


def accuracy_by_timesteps(tables: StudyTables) -> Figure:
    """Test accuracy against T; dashed: the analogue network; hollow: printed for the same data set and network."""
    frame = tables["accuracy_by_timesteps"]
    groups = list(frame.groupby(ANN, sort=False))
    figure, axes = style.panels(*style.grid_of(len(groups)), height=2.5, legend=0.8)
    handles: dict[str, Any] = {}
    for panel, ((dataset, network), own) in zip(axes.flat, groups, strict=False):
        reference = panel.axhline(own["ann_accuracy"].iloc[0], color=DARK_GREY, linestyle="--", linewidth=1)
        for method, line in own.groupby("method", sort=False):
            handles[NAMES[method]] = line_of(panel, line["timesteps"], line["accuracy"], NAMES[method])
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
    style.legend_below(figure, ordered(handles))
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


def calibration_curves(tables: StudyTables) -> Figure:
    """Figure 4: accuracy over the epochs of calibration, from optimal and from maximum thresholds."""
    frame = tables["calibration_curves"]
    groups = list(frame.groupby(ANN, sort=False))
    figure, axes = style.panels(*style.grid_of(len(groups)), height=2.6, legend=0.4)
    handles: dict[str, Any] = {}
    for panel, ((dataset, network), own) in zip(axes.flat, groups, strict=False):
        for method, line in own.groupby("method", sort=False):
            handles[NAMES[method]] = line_of(panel, line["epoch"], line["test_accuracy"], NAMES[method])
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
    style.legend_below(figure, ordered(handles))
    return figure


def _steps_axis(axes: Axes, timesteps: pd.Series) -> None:
    known = sorted(timesteps.unique())
    axes.set_xscale("log", base=2)
    axes.set_xticks(known, [str(value) for value in known])
    axes.minorticks_off()
    axes.set(xlabel="time steps T", ylim=(0, 101))
