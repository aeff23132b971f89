"""What the checks of the sensitivity study compare: one sweep's measures, seed by seed and value by value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from spikeinit.studies.sensitivity.sweep_tables import levels

EARLY = 5
"""One part in so many of the epochs is early in training, and at least one epoch."""


class Sweep:
    """One sweep over one key on one data set: measures as [seed, value].

    key: the key path that is swept. final: a row per value and seed, with the measures after training. curves: a row
    per value, seed and epoch. Both have a column of the key's values, and may be empty.
    """

    def __init__(self, key: str, final: pd.DataFrame, curves: pd.DataFrame) -> None:
        self.key = key
        self._final = final
        self._curves = curves
        self.values = levels(final[key]) if key in final else []

    def final(self, measure: str) -> np.ndarray:
        """A measure after training, [seed, value]."""
        return self._matrix(self._final, measure)

    def early(self, measure: str) -> np.ndarray:
        """Mean of a measure over the first fifth of the epochs, [seed, value]."""
        last = max(1, int(self._curves["epoch"].max()) // EARLY)
        return self._matrix(self._curves[self._curves["epoch"] <= last], measure)

    def at_epoch(self, measure: str, epoch: int) -> np.ndarray:
        """A measure after so many epochs, [seed, value]."""
        return self._matrix(self._curves[self._curves["epoch"] == epoch], measure)

    def way_gone(self, measure: str, epoch: int) -> np.ndarray:
        """The share of its way from the first to the last epoch that a measure has gone at an epoch, [seed, value].

        A curve that lies higher or lower throughout, or is stretched, has the same share.
        """
        first, then, last = (self.at_epoch(measure, at) for at in (1, epoch, int(self._curves["epoch"].max())))
        return (then - first) / (last - first)

    def roughness(self, measure: str) -> np.ndarray:
        """Sum of a measure's rises from one epoch to the next, [seed, value]."""
        ordered = self._curves.sort_values("epoch")
        rises = ordered.groupby([self.key, "seed"])[measure].diff().clip(lower=0)
        totals = ordered.assign(rises=rises).groupby([self.key, "seed"], as_index=False)["rises"].sum()
        return self._matrix(totals, "rises")

    def _matrix(self, frame: pd.DataFrame, measure: str) -> np.ndarray:
        if measure not in frame:
            return np.full((1, len(self.values)), np.nan)
        table = frame.pivot_table(index="seed", columns=self.key, values=measure, aggfunc="mean", dropna=False)
        return table.reindex(columns=self.values).to_numpy(float)

    def at(self, *values: object) -> list[int]:
        """Positions of some values; empty where one of them was not run."""
        return [self.values.index(value) for value in values] if set(values) <= set(self.values) else []


def sweep_of(final: pd.DataFrame, curves: pd.DataFrame, dataset: str | None, name: str, key: str) -> Sweep:
    """The sweep `name` over a key on a data set, from the tables by_seed and curves."""
    own = [frame[(frame["dataset"] == dataset) & (frame["sweep"] == name)] for frame in (final, curves)]
    return Sweep(key, *own)


def rank_correlation(values: Sequence[float], measured: np.ndarray) -> np.ndarray:
    """Spearman's correlation of a measure with the swept value, for each seed [seed, value]; 0 for a constant one.

    NaN where the measure is missing.
    """
    return np.array([_spearman(values, row) for row in measured])


def _spearman(values: Sequence[float], row: np.ndarray) -> float:
    if np.isnan(row).any():
        return np.nan
    return 0.0 if np.ptp(row) == 0 else float(stats.spearmanr(values, row).statistic)
