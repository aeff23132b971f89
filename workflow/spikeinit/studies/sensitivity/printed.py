"""The curves that Peat (2024) prints, as sweeps like ours: peat2024_curves.csv, read from the report's figures.

The figures were made with one seed. Two of them hold points of the same setting: decay 0.8 and slope 1 are one training
that is shown twice, and T = 5 and the threshold 1 are another.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from spikeinit.studies.sensitivity.sweep_measures import Sweep

FILE = "peat2024_curves"

FIGURES = {
    "beta": ("beta", "neuron.decay"),
    "timesteps": ("timesteps", "encoding.timesteps"),
    "slope": ("slope", "neuron.slope"),
    "threshold": ("threshold", "neuron.threshold"),
    "threshold_wide": ("threshold_wide", "neuron.threshold"),
    "loss_mse": ("loss", "training.loss"),
    "loss_ce": ("loss", "training.loss"),
}
"""A figure of the report -> the sweep that it shows, and its key."""

LOSSES = {"mean_squared_error": "mean_squared_error mean", "cross_entropy": "cross_entropy sum"}
"""A loss in the file -> the same loss in a table of ours."""


SHOWN_TWICE = {("slope", "1"), ("threshold", "1")}
"""Points (sweep, setting) of a training that the figures of beta and of T show already."""


def value_of(key: str, setting: str) -> float | str:
    """A setting of the file as a table of ours has it."""
    return LOSSES[setting] if key == "training.loss" else float(setting)


TRAINED_TWICE = {("beta", "0.8"): "for T = 5", ("timesteps", "5"): "for beta 0.8"}
"""Points of one setting that the report trained twice -> under what else it stands."""


def note_of(sweep: str, setting: str) -> str:
    """What a reader of the scorecard's line of a point should know."""
    other = TRAINED_TWICE.get((sweep, setting))
    return f"the same setting as {other}, which the report trained twice and our runs once" if other else ""


def printed_curves(frame: pd.DataFrame, sweep: str, *, readings: int = 1) -> pd.DataFrame:
    """The printed points of a sweep: one row per value and epoch, with a column for each measure that is printed.

    frame: peat2024_curves.csv. The columns are those of the table `curves`: the sweep's key, seed, epoch, measures.
    readings: the curves are read so often, and the numbers of the readings stand in the place of seeds. The first has
    the middle of every line, the others have points that are drawn evenly within its width. Empty for a sweep of which
    nothing is printed.
    """
    own = frame[[FIGURES[figure][0] == sweep for figure in frame["figure"]]]
    if own.empty:
        return pd.DataFrame()
    (key,) = {FIGURES[figure][1] for figure in own["figure"]}
    values = [value_of(key, setting) for setting in own["setting"]]
    own = own.assign(**{key: values})
    drawn = np.random.default_rng(0).uniform(-1, 1, (readings, len(own))) * own["half_width"].fillna(0).to_numpy()
    drawn[0] = 0
    table = pd.concat([own.assign(seed=number, value=own["value"] + shift) for number, shift in enumerate(drawn)])
    return table.pivot_table(index=[key, "seed", "epoch"], columns="measure", values="value", sort=False).reset_index()


def printed_sweep(frame: pd.DataFrame, sweep: str, *, readings: int = 1) -> Sweep | None:
    """A sweep as printed, read so often; None where nothing of it is."""
    curves = printed_curves(frame, sweep, readings=readings)
    if curves.empty:
        return None
    key = next(column for column in curves if "." in column)
    last = curves[curves["epoch"] == curves["epoch"].max()]
    return Sweep(key, last, curves)
