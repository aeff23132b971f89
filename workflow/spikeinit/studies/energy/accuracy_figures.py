"""Accuracy against cost for every initialiser: what one spike, or one joule, buys.

The vertical axis is the test error turned upside down and labelled with the accuracy. Where accuracies differ much (a
dead run beside trained ones) it is logarithmic, so that the good ones stay apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import DARK_GREY, Look, dataset_name
from spikeinit.studies.energy.series import looks_of_series, series_name
from spikeinit.studies.table_tools import StudyTables

FRONT = "Pareto front"


def accuracy_against_spikes(tables: StudyTables) -> Figure:
    """Every initialiser: accuracy against all spikes of an image; the line joins those that none beats in both."""
    frame = tables["initializers"]
    datasets = list(frame["dataset"].unique())
    figure, axes = style.panels(*style.grid_of(len(datasets)), height=2.9, legend=0.9)
    handles: dict[str, Any] = {}
    for panel, dataset in zip(axes.flat, datasets, strict=False):
        handles |= _accuracy_panel(
            panel, frame[frame["dataset"] == dataset], "spikes_per_image", looks_of_series(frame)
        )
        panel.set(title=dataset_name(dataset), xlabel="spikes per image", ylabel="test accuracy (%)")
    style.hide_unused(axes, len(datasets))
    style.legend_below(figure, _ordered(handles, looks_of_series(frame)))
    return figure


def accuracy_against_energy(tables: StudyTables) -> Figure:
    """Every initialiser: accuracy against energy per image, one row of panels per convention."""
    frame = tables["initializers"]
    datasets = list(frame["dataset"].unique())
    conventions = [
        name.removesuffix("_mean") for name in frame if name.startswith("energy_") and name.endswith("_mean")
    ]
    for column in (f"{name}_{kind}" for name in conventions for kind in ("mean", "sd")):
        frame[column] *= style.NANO
    figure, axes = style.panels(len(conventions), len(datasets), height=2.6, legend=0.9)
    handles: dict[str, Any] = {}
    for row, convention in zip(axes, conventions, strict=True):
        for panel, dataset in zip(row, datasets, strict=True):
            handles |= _accuracy_panel(panel, frame[frame["dataset"] == dataset], convention, looks_of_series(frame))
            panel.set_title(f"{dataset_name(dataset)}, {convention.removeprefix('energy_')}")
            panel.set(xlabel="energy per image (nJ)", ylabel="test accuracy (%)")
    style.legend_below(figure, _ordered(handles, looks_of_series(frame)))
    return figure


def _ordered(handles: dict[str, Any], known: dict[str, Look]) -> dict[str, Any]:
    """Series first, in their order; then what explains the fill of the markers; the front last."""
    names = [*(name for name in known if name in handles), *(n for n in handles if n not in known and n != FRONT)]
    return {name: handles[name] for name in [*names, *([FRONT] if FRONT in handles else [])]}


def _accuracy_panel(axes: Axes, own: pd.DataFrame, cost: str, known: dict[str, Look]) -> dict[str, Any]:
    """Means with one standard deviation each way, and the Pareto front; returns the legend's handles."""
    own = own.assign(cost=own[f"{cost}_mean"], cost_sd=own[f"{cost}_sd"].fillna(0.0))
    own = own.assign(error=100.0 - own["accuracy_mean"], error_sd=own["accuracy_sd"].fillna(0.0))
    own = own[np.isfinite(own["cost"]) & np.isfinite(own["error"])]
    if own.empty:
        style.say_empty(axes)
        return {}
    handles: dict[str, Any] = {}
    front = own.iloc[pareto_front(own["cost"].to_numpy(), own["error"].to_numpy())].sort_values("cost")
    if len(front) > 1:
        (handles[FRONT],) = axes.plot(
            front["cost"], front["error"], drawstyle="steps-post", color="#999999", linewidth=1, zorder=1
        )
    for record in own.to_dict("records"):
        name = series_name(record)
        look = known[name]
        axes.errorbar(
            record["cost"],
            record["error"],
            xerr=style.error_bar(record["cost"], record["cost_sd"]),
            yerr=style.error_bar(record["error"], record["error_sd"]),
            fmt="none",
            ecolor=look.color,
            elinewidth=0.7,
            alpha=0.5,
            zorder=2,
        )
        axes.plot(record["cost"], record["error"], zorder=3, **_marker(look.color, look.marker, record["beta_range"]))
        handles.setdefault(name, Line2D([], [], **_marker(look.color, look.marker, "medium")))
        if record["initializer"] == "normal":
            fill = Line2D([], [], **_marker(DARK_GREY, "o", record["beta_range"]))
            handles.setdefault(f"decay {record['beta_range']}", fill)
    style.scale_axis(axes, "x", own["cost"])
    worst = own["error"] + own["error_sd"]
    style.scale_axis(axes, "y", [*own["error"], *worst])
    if axes.get_yscale() == "log":
        axes.set_ylim(own["error"].min() / 1.5, worst.max() * 1.2)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda error, _: style.plain_number(round(100.0 - error, 6))))
    axes.invert_yaxis()
    return handles


def _marker(color: str, marker: str, beta_range: str) -> dict[str, Any]:
    """How full a marker is tells the range of decay rates: hollow is low, full is medium, half is high."""
    return {
        "color": color,
        "marker": marker,
        "linestyle": "",
        "markersize": 6,
        "fillstyle": {"low": "none", "high": "left"}.get(beta_range, "full"),
        "markerfacecoloralt": "white",
        "markeredgecolor": color,
    }


def pareto_front(cost: np.ndarray, error: np.ndarray) -> list[int]:
    """Indices of the points than which no other is better in one of cost and error and no worse in the other."""
    no_worse = (cost[:, None] <= cost) & (error[:, None] <= error)
    better = (cost[:, None] < cost) | (error[:, None] < error)
    return [int(i) for i in np.flatnonzero(~(no_worse & better).any(axis=0))]
