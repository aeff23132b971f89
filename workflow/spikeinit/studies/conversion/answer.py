"""What the study's runs answer, in a sentence or two."""

from __future__ import annotations

import pandas as pd

from spikeinit.studies.table_tools import StudyTables

STEPS = 4
"""Time steps at which methods are set beside one another: few, and enough for the best to work. Else the nearest."""


def answer(tables: StudyTables) -> str:
    """For each network the most accurate method at few steps, and what the largest activation as threshold gives."""
    accuracy = tables["accuracy_by_timesteps"]
    networks = accuracy.groupby(["dataset", "network"], sort=False)
    return " ".join(_of_network(*key, group) for key, group in networks)


def _of_network(dataset: str, network: str, accuracy: pd.DataFrame) -> str:
    steps = min(accuracy["timesteps"].unique(), key=lambda given: abs(given - STEPS))
    at = accuracy[(accuracy["timesteps"] == steps) & accuracy["accuracy"].notna()]
    if at.empty:
        return ""
    means = at.groupby("method", sort=False)["accuracy"].mean()
    best = means.idxmax()
    text = (
        f"{network} on {dataset} at T = {steps:g}: {best} has {means[best]:.1f} % on {at['images'].iloc[0]:g} images, "
        f"where the analogue network has {at[at['method'] == best]['ann_accuracy'].mean():.1f} %"
    )
    if "max" in means and best != "max":
        text += f" and the largest activation as threshold {means['max']:.1f} %"
    return f"{text}."
