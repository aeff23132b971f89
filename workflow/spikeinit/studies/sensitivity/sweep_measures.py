"""What the checks of the sensitivity study compare: one sweep's measures, seed by seed and value by value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from spikeinit.studies.scorecard import Evidence
from spikeinit.studies.sensitivity.sweep_tables import levels


class Sweep:
    """One sweep over one key on the data set that stands in for the report's: measures as [seed, value]."""

    def __init__(self, evidence: Evidence, name: str, key: str) -> None:
        self.dataset = evidence.conditions.datasets["mnist"]
        self.key = key
        self._final = self._own(evidence.tables["by_seed"], name)
        self._curves = self._own(evidence.tables["curves"], name)
        self.values = levels(self._final[key]) if key in self._final else []

    def _own(self, frame: pd.DataFrame, name: str) -> pd.DataFrame:
        return frame[(frame["dataset"] == self.dataset) & (frame["sweep"] == name)]

    def final(self, measure: str) -> np.ndarray:
        """A measure after training, [seed, value]."""
        return self._matrix(self._final, measure)

    def early(self, measure: str) -> np.ndarray:
        """Mean of a measure over the first fifth of the epochs, [seed, value]."""
        last = max(1, int(self._curves["epoch"].max()) // 5)
        return self._matrix(self._curves[self._curves["epoch"] <= last], measure)

    def roughness(self, measure: str) -> np.ndarray:
        """Sum of a measure's rises from one epoch to the next, [seed, value]."""
        ordered = self._curves.sort_values("epoch")
        rises = ordered.groupby([self.key, "seed"])[measure].diff().clip(lower=0)
        totals = ordered.assign(rises=rises).groupby([self.key, "seed"], as_index=False)["rises"].sum()
        return self._matrix(totals, "rises")

    def _matrix(self, frame: pd.DataFrame, measure: str) -> np.ndarray:
        table = frame.pivot_table(index="seed", columns=self.key, values=measure, aggfunc="mean", dropna=False)
        return table[self.values].to_numpy(float)

    def at(self, value: object) -> int | None:
        """Position of a value, None where it was not run."""
        return self.values.index(value) if value in self.values else None


def rank_correlation(values: Sequence[float], measured: np.ndarray) -> np.ndarray:
    """Spearman's correlation of a measure with the swept value, for each seed [seed, value]; 0 for a constant one."""
    return np.array([0.0 if np.ptp(row) == 0 else stats.spearmanr(values, row).statistic for row in measured])
