"""What the study's runs answer, in a sentence or two."""

from __future__ import annotations

import pandas as pd

from spikeinit.studies.table_tools import StudyTables

SAID = 3
"""How many sweeps are named."""


def answer(tables: StudyTables) -> str:
    """How far each sweep moves the mean test accuracy, the widest first."""
    points = tables["points"]
    points = points[points["test_accuracy_mean"].notna()]
    if points.empty:
        return ""
    spans = points.groupby(["dataset", "sweep"], sort=False)["test_accuracy_mean"].agg(["min", "max", "size"])
    spans = spans[spans["size"] > 1].assign(span=spans["max"] - spans["min"]).sort_values("span", ascending=False)
    if spans.empty:
        return ""
    widest = "; ".join(_said(key, row) for key, row in spans.head(SAID).iterrows())
    text = f"Of {len(spans)} sweeps these move the mean test accuracy most: {widest}."
    if len(spans) > SAID:
        text += f" Least: {_said(spans.index[-1], spans.iloc[-1])}."
    return text


def _said(key: tuple[str, str], row: pd.Series) -> str:
    return f"{key[1]} on {key[0]} from {row['min']:.1f} to {row['max']:.1f} %"
