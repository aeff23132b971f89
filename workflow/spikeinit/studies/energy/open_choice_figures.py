"""What the thesis leaves open: how near each choice comes to its printed spikes, and what its conclusions say there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spikeinit.config.open_choices import AS_CONFIGURED, parts
from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import BLUE, DARK_GREY, GREY, VERMILION
from spikeinit.studies.open_choices import AGREES, DISAGREES, OPEN
from spikeinit.studies.table_tools import StudyTables

ANSWERS = {
    AGREES: {"marker": "o", "color": BLUE, "markerfacecolor": BLUE},
    DISAGREES: {"marker": "X", "color": VERMILION, "markerfacecolor": VERMILION},
    OPEN: {"marker": "o", "color": GREY, "markerfacecolor": "none"},
}
FLIPS = {"marker": "s", "color": DARK_GREY, "markerfacecolor": "none"}
MANY = 16
"""From here on a choice is shown by a dot for each value that differs, as its name would be too long to read."""


def open_choices(tables: StudyTables) -> Figure:
    """Left: distance of every choice from the printed spikes. Right: the answer to every conclusion at every choice."""
    distances, answers = tables["open_choice_distances"], tables["open_choices"]
    if distances.empty:
        return style.empty_figure("no open choice was tried")
    choices = list(distances["open_choice"])
    names = list(dict.fromkeys(answers["conclusion"]))
    many = len(choices) > MANY
    changes = list(dict.fromkeys(change for choice in choices for change in parts(choice)))
    widths = [0.16 * len(changes)] * many + [1, max(0.7, 0.17 * len(names))]
    height = 1.8 + (0.14 if many else 0.3) * len(choices)
    figure, axes = style.panels(
        1, len(widths), height=height, legend=0.4, sharey=True, gridspec_kw={"width_ratios": widths}
    )
    *matrix, left, right = axes[0]
    places = {choice: place for place, choice in enumerate(choices)}
    axes[0][0].set_ylim(len(choices) - 0.5, -0.5)
    if many:
        axes[0][0].set_yticks([])
        _matrix(matrix[0], choices, changes)
    else:
        left.set_yticks(range(len(choices)), choices)
    _distances(left, distances, places)
    used = _answers(right, answers, places, names, 5 if many else 8)
    looks = {**ANSWERS, "flips": {**FLIPS, "markersize": 8}}
    style.legend_below(figure, {name: Line2D([], [], linestyle="", **looks[name]) for name in looks if name in used})
    return figure


def _matrix(axes: Axes, choices: Sequence[str], changes: Sequence[str]) -> None:
    """A dot wherever a choice takes another value than the configured one."""
    points = [(changes.index(change), place) for place, choice in enumerate(choices) for change in parts(choice)]
    x, y = zip(*points, strict=True)
    axes.plot(x, y, linestyle="", marker="o", markersize=3.5, color=DARK_GREY)
    _slanted(axes, changes)
    axes.set_title("choice")


def _distances(axes: Axes, distances: pd.DataFrame, places: Mapping[str, int]) -> None:
    for record in distances.to_dict("records"):
        bar = [[record["distance"] - record["low"]], [record["high"] - record["distance"]]]
        axes.errorbar(
            record["distance"],
            places[record["open_choice"]],
            xerr=None if np.isnan(bar).any() else bar,
            fmt="o",
            color=VERMILION if record["open_choice"] == AS_CONFIGURED else DARK_GREY,
            markersize=4,
            capsize=2,
        )
    axes.set(xlabel="distance from the printed spikes", title="nearest first")


def _answers(
    axes: Axes, answers: pd.DataFrame, places: Mapping[str, int], names: Sequence[str], size: float
) -> set[str]:
    """Draw the grid of answers; returns which kinds there are."""
    used = set()
    for record in answers.to_dict("records"):
        place = names.index(record["conclusion"]), places[record["open_choice"]]
        look: dict[str, Any] = ANSWERS[record["answer"]]
        axes.plot(*place, linestyle="", markersize=size, **look)
        used.add(record["answer"])
        if str(record["flips"]) == "True":
            axes.plot(*place, linestyle="", markersize=1.6 * size, **FLIPS)
            used.add("flips")
    _slanted(axes, names)
    axes.tick_params(axis="y", labelleft=False)
    axes.set_title("conclusions of the thesis")
    return used


def _slanted(axes: Axes, names: Sequence[str]) -> None:
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor", fontsize=7)
    axes.set_xlim(-0.5, len(names) - 0.5)
