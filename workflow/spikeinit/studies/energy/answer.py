"""What the study's runs answer, in a sentence or two."""

from __future__ import annotations

import pandas as pd

from spikeinit.studies.table_tools import StudyTables


def answer(tables: StudyTables) -> str:
    """For each data set the combination that spikes least and the one that spikes most, over their runs."""
    combinations = tables["initializers"]
    combinations = combinations[combinations["spikes_per_image_mean"].notna()]
    return " ".join(_of_dataset(dataset, group) for dataset, group in combinations.groupby("dataset", sort=False))


def _of_dataset(dataset: str, combinations: pd.DataFrame) -> str:
    published = combinations[combinations["initializer"] == "normal"].sort_values("spikes_per_image_mean")
    others = combinations[combinations["initializer"] != "normal"].sort_values("spikes_per_image_mean")
    if published.empty:
        return f"{dataset}: no combination of the thesis has a finite count of spikes."
    least, most = published.iloc[0], published.iloc[-1]
    text = f"{dataset}: of {len(published)} combinations, {_named(least)} spikes least, {_counts(least)}"
    text += f", and {_named(most)} most, {_counts(most)}." if len(published) > 1 else "."
    if len(others):
        text += f" Among {len(others)} other initialisers {others.iloc[0]['initializer']}: {_counts(others.iloc[0])}."
    return text


def _named(row: pd.Series) -> str:
    return f"mean weight {row['weight_mean']:g} with {row['beta_range']} decay rates"


def _counts(row: pd.Series) -> str:
    spread = "" if pd.isna(row["spikes_per_image_sd"]) else f" ± {row['spikes_per_image_sd']:.3g}"
    return (
        f"{row['spikes_per_image_mean']:.4g}{spread} spikes an image at {row['accuracy_mean']:.1f} % "
        f"(mean and standard deviation over {row['runs']:g} runs)"
    )
