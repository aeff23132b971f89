"""What the thesis leaves open: how near each choice comes to its printed spikes, and what its conclusions say there."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spikeinit.config.open_choices import AS_CONFIGURED
from spikeinit.studies import figure_style as style
from spikeinit.studies.looks import BLUE, DARK_GREY, GREY, VERMILION
from spikeinit.studies.open_choices import AGREES, DISAGREES, OPEN
from spikeinit.studies.table_tools import StudyTables

ANSWERS = {
    AGREES: {"marker": "o", "color": BLUE, "markerfacecolor": BLUE},
    DISAGREES: {"marker": "X", "color": VERMILION, "markerfacecolor": VERMILION},
    OPEN: {"marker": "o", "color": GREY, "markerfacecolor": "none"},
}
FLIPS = {"marker": "s", "color": DARK_GREY, "markerfacecolor": "none", "markersize": 13}


def open_choices(tables: StudyTables) -> Figure:
    """Left: distance of every choice from the printed spikes. Right: the answer to every conclusion at every choice."""
    distances, answers = tables["open_choice_distances"], tables["open_choices"]
    if distances.empty:
        return style.empty_figure("no open choice was tried")
    choices = list(distances["open_choice"])
    names = list(dict.fromkeys(answers["conclusion"]))
    figure, (left, right) = _two_panels(len(choices), len(names))
    places = {choice: place for place, choice in enumerate(choices)}
    for record in distances.to_dict("records"):
        bar = [[record["distance"] - record["low"]], [record["high"] - record["distance"]]]
        left.errorbar(
            record["distance"],
            places[record["open_choice"]],
            xerr=None if np.isnan(bar).any() else bar,
            fmt="o",
            color=DARK_GREY if record["open_choice"] == AS_CONFIGURED else BLUE,
            capsize=2,
        )
    left.set_yticks(range(len(choices)), [choice.replace(", ", "\n") for choice in choices])
    left.invert_yaxis()
    left.set(xlabel="distance from the printed spikes", title="nearest first")
    used = set()
    for record in answers.to_dict("records"):
        place = names.index(record["conclusion"]), places[record["open_choice"]]
        right.plot(*place, linestyle="", markersize=8, **ANSWERS[record["answer"]])
        used.add(record["answer"])
        if str(record["flips"]) == "True":
            right.plot(*place, linestyle="", **FLIPS)
            used.add("flips")
    right.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    right.set_xlim(-0.5, len(names) - 0.5)
    right.tick_params(axis="y", labelleft=False)
    right.set(title="conclusions of the thesis")
    looks = {**ANSWERS, "flips": FLIPS}
    handles = {name: Line2D([], [], linestyle="", **look) for name, look in looks.items() if name in used}
    style.legend_below(figure, handles)
    return figure


def _two_panels(rows: int, columns: int) -> tuple[Figure, tuple[Axes, Axes]]:
    widths = {"width_ratios": [1, max(0.7, 0.17 * columns)]}
    figure, axes = style.panels(1, 2, height=1.6 + 0.3 * rows, legend=0.4, sharey=True, gridspec_kw=widths)
    return figure, tuple(axes[0])
