"""Speeds of training when some networks never reached the accuracy: what is known of their order, and what is not.

A run that never reached the accuracy is censored: it would have needed more iterations, or epochs, than it had. The
mean of those that did reach it is too small where only some did. So the mean of a cell is known to lie in a range, and
two cells have an order where their ranges do not overlap. Two cells of which no run reached it are equally slow, as
the paper's 2,811 of Figure A8 has it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

TIE = 0.5
"""Places that each of two equal cells loses to the other."""

COLUMNS = ("iterations_to_{}_mean", "iterations_to_{}_at_least", "never_to_{}")
"""Columns of a table of cells for one target accuracy."""


@dataclass(frozen=True)
class Speed:
    """The range (low, high) in which a cell's mean number of iterations lies. never: whether no run reached it."""

    low: float
    high: float
    never: bool = False

    @property
    def partly(self) -> bool:
        """Whether some runs reached the accuracy and others did not."""
        return math.isinf(self.high) and not self.never


def speeds_of(table: pd.DataFrame) -> list[Speed]:
    """The speed of every row of a table of cells, to the first of its target accuracies; all `never` without one."""
    targets = [column.removeprefix("never_to_") for column in table if column.startswith("never_to_")]
    if not targets:
        return [Speed(0.0, math.inf, never=True)] * len(table)
    mean, bound, never = (table[name.format(targets[0])] for name in COLUMNS)
    return [
        Speed(mean_, mean_) if not never_ else Speed(0.0 if math.isnan(bound_) else bound_, math.inf, never_ == runs)
        for mean_, bound_, never_, runs in zip(mean, bound, never, table["runs"], strict=True)
    ]


def places_lost(one: Speed, other: Speed) -> tuple[float, float]:
    """By how many places `one` ranks behind `other`, as a range: 1 if it is later, 0 if earlier, 1/2 for a tie."""
    if (one.never and other.never) or one.low == one.high == other.low == other.high:
        return TIE, TIE
    return float(one.low > other.high), float(one.high >= other.low)


def rank(name: str, speeds: Mapping[str, Speed]) -> tuple[float, float]:
    """The range of the rank of one cell among those of the same place: 1 for the fastest, ties share their mean."""
    lost = [places_lost(speeds[name], speed) for other, speed in speeds.items() if other != name]
    return 1 + sum(low for low, _ in lost), 1 + sum(high for _, high in lost)


def fastest(speeds: Iterable[Speed]) -> Speed:
    """The speed of the fastest of some cells."""
    found = list(speeds)
    low, high = (min(getattr(speed, bound) for speed in found) for bound in ("low", "high"))
    return Speed(low, high, never=all(speed.never for speed in found))


def at_least(first: pd.Series, run: pd.Series) -> np.ndarray:
    """First epochs of single runs, one more than were `run` for those that never got there: a lower bound of each."""
    return first.astype(float).fillna(run + 1).to_numpy()


def beyond_censoring(agrees: bool | None, *, earlier: bool, later: bool) -> bool | None:
    """An answer found with lower bounds in place of censored numbers, left open where censoring could change it.

    earlier: whether a number is censored that has to be small for the claim; its bound speaks only against the claim.
    later: whether one is censored that has to be large; its bound speaks only for the claim.
    """
    changeable = (agrees is True and earlier) or (agrees is False and later)
    return None if changeable else agrees
