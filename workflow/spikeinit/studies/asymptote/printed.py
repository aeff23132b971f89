"""How Ding et al. (2022) print what figures and claims of the study show: initialisers, and neurons as (k, λ, θ)."""

from __future__ import annotations

from typing import Any

import pandas as pd

PRINTED_NAMES = {"glorot": "glorot", "he": "he", "wu2018": "wu", "lee2016": "lee", "ding2022": "ding"}
"""Our initialisers -> their names in the published tables."""


def neuron_text(place: Any) -> str:
    """(k, lambda, theta) as the paper writes it."""
    return "(" + ", ".join(f"{value:g}" for value in place) + ")"


def neurons(frame: pd.DataFrame) -> list[tuple[float, float, float]]:
    """The neurons of a table, in order of appearance."""
    return [tuple(row) for row in frame[["k", "lambda", "theta"]].drop_duplicates().to_numpy()]
