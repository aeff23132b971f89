"""From run folders to tables: reading every run of a plan, averaging, writing. Shared by all studies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikeinit import io
from spikeinit.errors import UserError
from spikeinit.tables import read_table

OUTCOMES = ("trained", "dead", "diverged")


@dataclass(frozen=True)
class StudyRuns:
    """The runs of a study as data frames.

    plan: one row per run; folder: holds one folder per run; spec: the stage's options; published: name without suffix
    -> file of the paper's printed numbers. What a function in a study's TABLES receives.
    """

    plan: pd.DataFrame
    folder: Path
    spec: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Path] = field(default_factory=dict)
    _read: dict[str, pd.DataFrame] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def load(
        cls,
        plan: str | Path,
        folder: str | Path,
        spec: Mapping[str, Any] | None = None,
        published: Iterable[Path] = (),
    ) -> StudyRuns:
        """Read the plan; `UserError` when it is missing or has no run."""
        spec = dict(spec or {})
        frame = read_table(plan, spec.get("text_columns", ()))
        if "run" not in frame or frame.empty:
            raise UserError(f"{plan}: lists no runs; a plan has one row per run with its name in the column 'run'")
        return cls(frame, Path(folder), spec, {path.stem: path for path in published})

    @property
    def labels(self) -> list[str]:
        """Columns of the plan that say what a run is: data set, initialiser and so on."""
        return [column for column in self.plan.columns if column not in ("run", "seeds")]

    def read(self, file: str) -> pd.DataFrame:
        """`<run>/<file>.csv` of every run, in the plan's order, with the run's labels and name in front.

        Files without rows leave nothing behind, unless all are without. Each file is read once.
        """
        if file not in self._read:
            names = self.plan[[*self.labels, "run"]]
            frames = [self._table(run, file) for run in names["run"]]
            rows = [len(frame) for frame in frames]
            measured = pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
            labels = names.loc[names.index.repeat(rows)].reset_index(drop=True)
            self._read[file] = pd.concat([labels, measured], axis="columns")
        return self._read[file].copy()

    def _table(self, run: str, file: str) -> pd.DataFrame:
        path = self.folder / run / f"{file}.csv"
        batches = self.folder.parents[1] / "batches" / self.folder.name
        if not path.exists() and batches.is_dir():  # runs that share a job are no rule's outputs one by one
            raise UserError(f"{path}: no such file; delete {batches} and run again: only what is missing is made anew")
        return read_table(path, self.spec.get("text_columns", ()))


def finite(values: pd.Series) -> pd.Series:
    """The finite ones of `values`: a diverged run may leave infinite or missing measures."""
    values = values.astype(float)
    return values[np.isfinite(values)]


def average(frame: pd.DataFrame, by: Sequence[str], values: Sequence[str], counted: str | None = None) -> pd.DataFrame:
    """Mean and sample standard deviation of `values` within each group of `by`, in order of appearance.

    Columns: `by`, then <value>_mean and <value>_sd for each value. With `counted`, also `runs`: how many finite values
    of that column a group has. Means take every finite value, whatever the run's outcome; a group without one keeps
    its row with empty cells. The deviation divides by n - 1 and is empty for a single value.
    """
    rows = []
    for key, group in frame.groupby(list(by), sort=False, dropna=False):
        row = dict(zip(by, key, strict=True))
        for value in values:
            known = finite(group[value])
            row[f"{value}_mean"] = known.mean() if len(known) else np.nan
            row[f"{value}_sd"] = known.std(ddof=1) if len(known) > 1 else np.nan
        if counted is not None:
            row["runs"] = len(finite(group[counted]))
        rows.append(row)
    columns = [*by, *(f"{value}_{kind}" for value in values for kind in ("mean", "sd")), *(["runs"] if counted else [])]
    return pd.DataFrame(rows, columns=columns)


def outcome_text(outcomes: pd.Series) -> str:
    """How many runs had which outcome, e.g. "trained 9, dead 1"."""
    counts = outcomes.value_counts()
    return ", ".join(
        f"{name} {counts[name]}" for name in (*OUTCOMES, *counts.index.difference(OUTCOMES)) if name in counts
    )


def write_table(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a data frame atomically as CSV, numbers in full precision, missing values as empty cells."""
    io.write_csv(path, frame.to_dict("records"), list(frame.columns))


@dataclass(frozen=True)
class StudyTables:
    """The finished tables of a study: what functions that draw or judge receive. `spec`: the stage's options."""

    folder: Path
    spec: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    _read: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, tables: Mapping[str, pd.DataFrame], spec: Mapping[str, Any]) -> StudyTables:
        """Tables that stand in no folder."""
        return cls(Path(), spec, _read=dict(tables))

    def __getitem__(self, table: str) -> pd.DataFrame:
        """One table by its name, read once."""
        if table not in self._read:
            self._read[table] = read_table(self.folder / f"{table}.csv", self.spec.get("text_columns", ()))
        return self._read[table].copy()
