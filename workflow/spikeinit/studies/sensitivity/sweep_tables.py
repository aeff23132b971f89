"""How a table tells its sweeps apart: which keys a sweep runs over, read from the plan itself.

plan.csv has one row per run, the names of the sweeps that the run belongs to, and a column for every key that some
sweep sets. A sweep runs over those keys that take several values among its runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from spikeinit.names.slugs import short_name

BETWEEN = ";"
SYMBOLS = {
    "neuron.decay": "decay β",
    "neuron.threshold": "threshold θ",
    "neuron.slope": "surrogate slope z",
    "encoding.timesteps": "time steps T",
    "encoding.name": "encoding",
    "training.loss": "loss",
}
"""How figures call the keys the report sweeps; others by their last word."""


def keys_of(frame: pd.DataFrame) -> list[str]:
    """Columns that hold the value of a key: the only ones with a dot in their name."""
    return [column for column in frame if "." in column]


def by_sweep(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of runs repeated for every sweep they belong to, `sweeps` replaced by `sweep`, in the order of sweeps."""
    parts = frame.assign(sweep=frame["sweeps"].str.split(BETWEEN)).explode("sweep").drop(columns="sweeps")
    order = {name: position for position, name in enumerate(dict.fromkeys(parts["sweep"]))}
    return parts.sort_values("sweep", key=lambda names: names.map(order), kind="stable").reset_index(drop=True)


def swept_keys(frame: pd.DataFrame) -> list[str]:
    """Keys with several values among the rows of one sweep."""
    return [key for key in keys_of(frame) if frame[key].nunique(dropna=False) > 1]


def sweeps_of(frame: pd.DataFrame, keys: int | None = None) -> Iterator[tuple[str, str, pd.DataFrame, list[str]]]:
    """(data set, sweep, its rows, its keys) of every sweep of a table, or of those over so many keys."""
    for (dataset, sweep), rows in frame.groupby(["dataset", "sweep"], sort=False):
        swept = swept_keys(rows)
        if keys is None or len(swept) == keys:
            yield str(dataset), str(sweep), rows, swept


def levels(values: pd.Series) -> list[Any]:
    """Distinct values: numbers in rising order, words in order of appearance."""
    found = list(dict.fromkeys(values))
    return sorted(found) if all(isinstance(value, (int, float)) for value in found) else found


def shown(value: Any) -> str:
    """A value in a legend or at an axis."""
    return f"{value:g}" if isinstance(value, (int, float)) else str(value).replace("_", " ")


def label(key: str) -> str:
    """A key in a legend or at an axis."""
    return SYMBOLS.get(key, short_name(key).replace("_", " "))


def first_energy(frame: pd.DataFrame) -> dict[str, str]:
    """The column with the energy by the first convention -> its label, in nanojoule; empty where none was counted."""
    names = [name for name in frame if name.startswith("energy_") and name.endswith("_mean")][:1]
    return dict.fromkeys(names, "energy (nJ)")
