"""Tables of the accuracies on monitored test images, epoch by epoch (Ding et al. 2022, Figs. 4 and A12, Sec. 5.2).

They are empty where no task sets `monitor_images`. The paper calls these accuracies validation accuracies.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from spikeinit.studies.asymptote.tables import BASE, NEURON
from spikeinit.studies.table_tools import StudyRuns, average

LEVELS = (60, 98)
"""Percent; the accuracies of which Sec. 5.2 says after which epoch they are reached."""

EPOCHS = [*BASE, *NEURON, "initializer", "seed", "epochs", *(f"first_epoch_at_{level}" for level in LEVELS)]


def _monitored(study: StudyRuns, *experiments: str) -> pd.DataFrame:
    """The rows of curves.csv of some experiments' runs that looked at test images after each epoch."""
    frame = study.read("curves")
    return frame[frame["experiment"].isin(experiments) & frame["test_accuracy"].notna()]


def validation_curves(study: StudyRuns) -> pd.DataFrame:
    """Figures 4 and A12: accuracy in percent on the monitored images after each epoch, mean over the seeds."""
    frame = _monitored(study, "coding", "normalization")
    groups = ["experiment", *BASE, *NEURON, "technique", "initializer", "epoch"]
    return average(frame, groups, ["test_accuracy"], counted="test_accuracy")


def epochs_to_accuracy(study: StudyRuns) -> pd.DataFrame:
    """Section 5.2: the first epoch after which each run of the codings has so many percent; empty where it never had.

    `epochs` is how many were run. A run that never reached a level would have needed more.
    """
    frame = _monitored(study, "coding")
    rows = []
    keys = EPOCHS[: EPOCHS.index("epochs")]
    for key, run in frame.groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True)) | {"epochs": int(run["epoch"].max())}
        for level in LEVELS:
            reached = run.loc[run["test_accuracy"] >= level, "epoch"]
            row[f"first_epoch_at_{level}"] = reached.min() if len(reached) else np.nan
        rows.append(row)
    return pd.DataFrame(rows, columns=EPOCHS)
