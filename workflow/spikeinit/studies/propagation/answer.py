"""What the study's runs answer, in a sentence or two."""

from __future__ import annotations

import pandas as pd

from spikeinit.studies.table_tools import StudyTables

COMPARED = ("initializers", "time_steps")
"""The simulations that compare initialisers: over one step, and over many."""


def answer(tables: StudyTables) -> str:
    """Which initialisers carry activity to the last layer, and which of those that were trained ends highest."""
    survival = tables["survival"]
    sentences = [_reaching(survival[survival["label"] == label]) for label in COMPARED]
    sentences += [_trained(key, group) for key, group in tables["accuracy"].groupby(["network", "dataset"], sort=False)]
    return " ".join(filter(None, sentences))


def _reaching(simulated: pd.DataFrame) -> str:
    if simulated.empty:
        return ""
    first = simulated.iloc[0]
    reaching = simulated[simulated["last_active_layer"] == simulated["depth"]]["initializer"].tolist()
    steps = f"{first['timesteps']:g} step{'' if first['timesteps'] == 1 else 's'}"
    return (
        f"Over {first['depth']:g} layers and {steps}, activity reaches the last layer with {len(reaching)} of "
        f"{len(simulated)} initialisers: {', '.join(reaching) or 'none'}."
    )


def _trained(key: tuple[str, str], group: pd.DataFrame) -> str:
    known = group[group["test_accuracy_mean"].notna()].sort_values("test_accuracy_mean", ascending=False)
    if known.empty:
        return ""
    best, worst = known.iloc[0], known.iloc[-1]
    return (
        f"{key[0]} on {key[1]} after {best['epochs']:g} epochs, {best['runs']:g} seeds each: from "
        f"{best['initializer']} with {best['test_accuracy_mean']:.1f} % to {worst['initializer']} with "
        f"{worst['test_accuracy_mean']:.1f} %."
    )
