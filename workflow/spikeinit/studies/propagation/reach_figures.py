"""What reaches the other end of an untrained network, initialiser by initialiser: activity and gradients."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import BLACK, GREY, look_of, looks_of
from spikeinit.studies.propagation.reach import DECADES, VARIANCE
from spikeinit.studies.table_tools import StudyTables

FLOOR = 1e-6
"""Variances below are drawn here: nothing passes any more."""
PANELS = (
    ("deep_variance", "variance in deep layers (input: 1)", VARIANCE, {"xscale": "log"}),
    ("gradient_decades", "gradient, first over last layer (decades)", (-DECADES, DECADES), {}),
)


def activity_and_gradients(tables: StudyTables) -> Figure:
    """Both ratios of every initialiser, after one step and after many, with what mean field predicts."""
    table = tables["initializer_reach"]
    names = list(looks_of(table["initializer"]))
    steps = sorted(table["timesteps"].unique())
    figure, axes = style.panels(1, 2, height=0.8 + 0.26 * len(names), legend=0.6, sharey=True)
    for panel, (quantity, label, (low, high), options) in zip(axes.flat, PANELS, strict=True):
        panel.axvspan(low, high, color=GREY, alpha=0.15, linewidth=0)
        for place, name in enumerate(names):
            for offset, timesteps in zip((-0.15, 0.15), (steps[0], steps[-1]), strict=True):
                own = table[(table["initializer"] == name) & (table["timesteps"] == timesteps)]
                if len(own) and not np.isnan(own[f"{quantity}_mean"].iloc[0]):
                    _interval(panel, own.iloc[0], quantity, place + offset, filled=timesteps == steps[0], **options)
        panel.set(xlabel=label, yticks=range(len(names)), **options)
        panel.set_yticklabels([look_of(name).name for name in names])
    axes[0, 0].invert_yaxis()
    handles = {"one step" if number == 1 else f"{number} steps": _marker(filled=number == steps[0]) for number in steps}
    handles["mean field, one step"] = Line2D([], [], linestyle="", marker="|", color=BLACK, markersize=9)
    style.legend_below(figure, handles, columns=3)
    return figure


def _interval(
    panel: Axes, row: pd.Series, quantity: str, place: float, *, filled: bool, xscale: str = "linear"
) -> None:
    floor = FLOOR if xscale == "log" else -np.inf
    mean, low, high = (max(row[f"{quantity}_{part}"], floor) for part in ("mean", "low", "high"))
    look = look_of(row["initializer"])
    panel.plot([low, high], [place, place], color=look.color, linewidth=1.2, zorder=3)
    face = look.color if filled else "white"
    panel.plot(mean, place, marker="o", markersize=4.5, color=look.color, markerfacecolor=face, zorder=4)
    predicted = row[f"predicted_{quantity}"]
    if not np.isnan(predicted):
        panel.plot(max(predicted, floor), place, marker="|", markersize=9, color=BLACK, zorder=5)


def _marker(*, filled: bool) -> Line2D:
    return Line2D([], [], linestyle="", marker="o", color=GREY, markerfacecolor=GREY if filled else "white")
