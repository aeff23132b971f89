"""The series of the energy study's figures: each mean weight of the normal law, and each other initialiser."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap, to_hex

from spikeinit.drawing.looks import MIDDLE_PURPLE, PALE_PURPLE, PURPLE, Look, look_of, looks_of

BETA_ORDER = ("low", "medium", "high")
SHADES = LinearSegmentedColormap.from_list("mean weights", [PURPLE, MIDDLE_PURPLE, PALE_PURPLE])
"""Colours of the mean weights, the darkest for the lowest."""


def level_text(level: float | str) -> str:
    """A level of a factor as the legend shows it: \u22120.01, 0, low."""
    return f"{level:g}".replace("-", "\u2212") if isinstance(level, float) else str(level)


def levels(frame: pd.DataFrame, factor: str) -> list[Any]:
    """Levels of `weight_mean` in rising order; of `beta_range` from low to high, then those of other names."""
    found = list(frame[factor].dropna().unique())
    if factor == "weight_mean":
        return sorted(found)
    known = [level for level in BETA_ORDER if level in found]
    return [*known, *(level for level in found if level not in known)]


def series_name(record: dict[str, Any]) -> str:
    """The series that a row of a table belongs to: its mean weight, or the other initialiser's name."""
    if record["initializer"] == "normal":
        return f"mean weight {level_text(record['weight_mean'])}"
    return look_of(record["initializer"]).name


def with_series(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `series`."""
    return frame.assign(series=[series_name(record) for record in frame.to_dict("records")])


def looks_of_series(frame: pd.DataFrame) -> dict[str, Look]:
    """Look of every series in the table, in the legend's order: mean weights in rising order, then other initialisers.

    The same series looks the same in every figure.
    """
    normal = frame[frame["initializer"] == "normal"]
    means = [f"mean weight {level_text(mean)}" for mean in levels(normal, "weight_mean")]
    shades = SHADES(np.linspace(0, 1, len(means)))
    found = {
        name: replace(look_of("normal"), name=name, color=to_hex(shade))
        for name, shade in zip(means, shades, strict=True)
    }
    others = looks_of(name for name in frame["initializer"] if name != "normal")
    return found | {look.name: look for look in others.values()}
