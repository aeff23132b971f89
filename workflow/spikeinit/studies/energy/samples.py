"""Our runs under the names of the published tables: a row (mean weight, beta range) of a published data set."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from spikeinit.studies.energy.audit.published_tables import BETAS, MEANS, Row
from spikeinit.studies.scorecard import Evidence
from spikeinit.studies.table_tools import finite

OUTPUT_LAYER = 6
"""Whose printed spikes fit only the mean over the steps."""

COMBINATIONS: tuple[Row, ...] = tuple((mean, beta) for mean, _ in MEANS for _, beta in BETAS)


class Samples:
    """Values of single runs (finite ones, whatever the outcome); empty where a data set or a row was not run."""

    def __init__(self, by_run: pd.DataFrame, datasets: Mapping[str, str | None]) -> None:
        """`by_run`: the table spikes_by_run; `datasets`: published data set -> the one that was run, or None."""
        self._runs = by_run[by_run["initializer"] == "normal"]
        self._datasets = datasets
        self._rows: dict[tuple[str, Row], pd.DataFrame] = {}

    @classmethod
    def of(cls, evidence: Evidence) -> Samples:
        """Those that the claims are judged by."""
        return cls(evidence.tables["spikes_by_run"], evidence.conditions.datasets)

    def rows(self, dataset: str, row: Row) -> pd.DataFrame:
        """The table's rows of one data set and one published row, in which "" stands for every level."""
        if (dataset, row) not in self._rows:
            self._rows[dataset, row] = self._selected(dataset, row)
        return self._rows[dataset, row]

    def _selected(self, dataset: str, row: Row) -> pd.DataFrame:
        mean, beta = row
        frame = self._runs[self._runs["dataset"] == self._datasets.get(dataset)]
        if mean:
            frame = frame[np.isclose(frame["weight_mean"].astype(float), float(mean), rtol=1e-9, atol=1e-12)]
        return frame[frame["beta_range"] == beta] if beta else frame

    def spikes(self, dataset: str, row: Row, layer: int, *, per_step: bool = False) -> np.ndarray:
        """Spikes per neuron and image of a layer, one value per run; summed over the steps, or the mean over them."""
        frame = self.rows(dataset, row)
        return finite(frame.loc[frame["layer"] == layer, "spikes_per_step" if per_step else "spikes"]).to_numpy()

    def accuracy(self, dataset: str, row: Row) -> np.ndarray:
        """Test accuracy in percent, one value per run."""
        frame = self.rows(dataset, row)
        return finite(frame.loc[frame["layer"] == frame["layer"].min(), "accuracy"]).to_numpy()

    def spikes_per_image(self, dataset: str, row: Row) -> np.ndarray:
        """All spikes of the network during one image, one value per run."""
        frame = self.rows(dataset, row)
        totals = (frame["spikes"] * frame["neurons"]).groupby([frame["run"], frame["seed"]], sort=False)
        return finite(totals.sum(min_count=1)).to_numpy()
