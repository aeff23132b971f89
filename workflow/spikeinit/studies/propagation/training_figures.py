"""Figures of the trainings: 8 to 10 of Micheli et al. (2024), and the iterations to an accuracy.

Lines and points are means over the seeds, bands and bars one standard deviation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import Look, dataset_name, looks_of
from spikeinit.studies.table_tools import StudyTables

NETWORKS = {"deep_mlp": "MLP", "deep_cnn": "CNN"}
LABELS = {"depth": "hidden layers", "width": "neurons per layer", "decay": "decay β", "threshold": "threshold θ"}


def training_accuracy(tables: StudyTables) -> Figure:
    """Figure 8: training accuracy over the iterations."""
    return _curves(tables["progress"], "iteration", "train_accuracy", "training accuracy (%)")


def test_accuracy(tables: StudyTables) -> Figure:
    """Figure 9: accuracy on the monitored test images after each epoch."""
    return _curves(tables["curves"], "epoch", "test_accuracy", "test accuracy (%)")


def _curves(frame: pd.DataFrame, x: str, measure: str, text: str) -> Figure:
    frame = frame[frame["experiment"] == "comparison"]
    tasks = list(frame[["network", "dataset"]].drop_duplicates().itertuples(index=False, name=None))
    known = looks_of(frame["initializer"])
    figure, axes = style.panels(*style.grid_of(len(tasks)), height=2.8, legend=0.8)
    handles: dict[str, Any] = {}
    for panel, (network, dataset) in zip(axes.flat, tasks, strict=False):
        of_task = frame[(frame["network"] == network) & (frame["dataset"] == dataset)]
        for name, look in known.items():
            own = of_task[of_task["initializer"] == name]
            if len(own):
                handles[look.name] = _seeds(panel, own, x, measure, look)
        panel.set(
            title=f"{NETWORKS.get(network, network)}, {dataset_name(dataset)}", xlabel=x, ylabel=text, ylim=(0, 101)
        )
        panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    style.hide_unused(axes, len(tasks))
    style.legend_below(figure, handles)
    return figure


def _seeds(axes: Axes, own: pd.DataFrame, x: str, measure: str, look: Look) -> Line2D:
    groups = own.groupby(x)[measure]
    mean, sd = groups.mean(), groups.std().fillna(0)
    marker = "." if len(mean) < 20 else None
    return style.mean_and_band(axes, mean.index, mean, mean - sd, mean + sd, marker=marker, **look.stroke)


def iterations_to_accuracy(tables: StudyTables) -> Figure:
    """How many iterations until the training accuracy first reaches each level; crosses where no seed did."""
    frame = tables["iterations_to_accuracy"]
    tasks = list(frame[["network", "dataset"]].drop_duplicates().itertuples(index=False, name=None))
    known = looks_of(frame["initializer"])
    levels = sorted(frame["level"].unique())
    figure, axes = style.panels(*style.grid_of(len(tasks)), height=2.8, legend=0.8)
    handles: dict[str, Any] = {}
    for panel, (network, dataset) in zip(axes.flat, tasks, strict=False):
        of_task = frame[(frame["network"] == network) & (frame["dataset"] == dataset)]
        for offset, (name, look) in zip(style.side_by_side(len(known), 0.7), known.items(), strict=True):
            own = of_task[of_task["initializer"] == name].set_index("level")
            for place, level in enumerate(levels):
                if level in own.index:
                    handles[look.name] = _point(panel, place + offset, own.loc[level], look)
        panel.set_xticks(range(len(levels)), [f"{level:g} %" for level in levels])
        panel.set(title=f"{NETWORKS.get(network, network)}, {dataset_name(dataset)}", xlabel="training accuracy")
        panel.set(ylabel="iterations", ylim=(0, 1.08 * of_task["last_iteration"].max()))
    style.hide_unused(axes, len(tasks))
    style.legend_below(figure, handles)
    return figure


def _point(axes: Axes, x: float, row: pd.Series, look: Look) -> Line2D:
    if not row["reached"]:
        axes.plot(x, row["last_iteration"], color=look.color, marker="x", markersize=4, linestyle="")
        return axes.plot([], [], color=look.color, marker=look.marker, linestyle="")[0]
    sd = 0.0 if np.isnan(row["iterations_sd"]) else row["iterations_sd"]
    error = style.error_bar(row["iterations_mean"], sd)
    axes.errorbar(x, row["iterations_mean"], error, fmt="none", ecolor=look.color, elinewidth=1)
    fill = "full" if row["reached"] == row["runs"] else "none"
    axes.plot(x, row["iterations_mean"], color=look.color, marker=look.marker, fillstyle=fill, linestyle="")
    return axes.plot([], [], color=look.color, marker=look.marker, linestyle="")[0]


def robustness(tables: StudyTables) -> Figure:
    """Figure 10: training accuracy at the last epoch while one thing varies."""
    frame = tables["robustness"]
    parameters = list(frame["parameter"].unique())
    known = looks_of(frame["initializer"])
    figure, axes = style.panels(*style.grid_of(max(len(parameters), 1)), height=2.5, legend=0.5, sharey=True)
    handles: dict[str, Any] = {}
    for panel, parameter in zip(axes.flat, parameters, strict=False):
        for name, look in known.items():
            own = frame[(frame["parameter"] == parameter) & (frame["initializer"] == name)]
            handles[look.name] = panel.errorbar(
                own["value"],
                own["train_accuracy_mean"],
                own["train_accuracy_sd"].fillna(0),
                **look.stroke,
                marker=look.marker,
                capsize=2,
                elinewidth=1,
            )
        values = sorted(frame.loc[frame["parameter"] == parameter, "value"].unique())
        panel.set_xticks(values, [f"{value:g}" for value in values])
        panel.set(xlabel=LABELS.get(parameter, parameter), ylim=(0, 103))
    if not parameters:
        style.say_empty(axes[0, 0])
    for row in axes:
        row[0].set_ylabel("training accuracy (%)")
    style.hide_unused(axes, max(len(parameters), 1))
    style.legend_below(figure, handles)
    return figure
