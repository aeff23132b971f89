"""Who is who in the asymptote study's figures: names, colours and order of initialisers, and names of neurons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from spikeinit.studies.figure_style import COLORS

NAMES = {
    "glorot": "Glorot",
    "he": "He",
    "wu2018": "Wu",
    "lee2016": "Lee",
    "ding2022": "Ding",
    "micheli2024": "Micheli",
    "rossbroich2022": "Rossbroich",
}
"""Initialiser -> its name in the legend; others keep theirs."""

COLOR_OF = {
    "ding2022": COLORS[3],
    "glorot": COLORS[0],
    "he": COLORS[1],
    "wu2018": COLORS[2],
    "lee2016": COLORS[4],
    "micheli2024": COLORS[6],
    "rossbroich2022": COLORS[5],
}
"""The paper draws its own method green."""


DASHES = {"glorot": (6, 0), "he": (4.5, 1.5), "wu2018": (3, 3), "lee2016": (1.5, 4.5)}
"""Networks that do not train give equal lines: these dashes, of one length in all, show each other's colours."""


def name_of(initializer: str) -> str:
    """The name in legends and titles."""
    return NAMES.get(initializer, initializer)


def color_of(initializer: str) -> str:
    """The colour of an initialiser in every figure; grey for one of the user's own."""
    return COLOR_OF.get(initializer, "#777777")


def look_of(initializer: str) -> dict[str, Any]:
    """How an initialiser's line is drawn, so that those below an equal one still show."""
    dashes = DASHES.get(initializer)
    if dashes is None:
        return {"color": color_of(initializer)}
    return {"color": color_of(initializer), "linewidth": 2.0, "linestyle": (0, dashes)}


def ordered(initializers: Iterable[str]) -> list[str]:
    """Known initialisers in the legend's order, then others as they come."""
    found = list(dict.fromkeys(initializers))
    return [one for one in NAMES if one in found] + [one for one in found if one not in NAMES]


def neuron_text(place: Any) -> str:
    """(k, lambda, theta) as the paper writes it."""
    return "(" + ", ".join(f"{value:g}" for value in place) + ")"


def neurons(frame: pd.DataFrame) -> list[tuple[float, float, float]]:
    """The neurons of a table, in order of appearance."""
    return [tuple(row) for row in frame[["k", "lambda", "theta"]].drop_duplicates().to_numpy()]
