"""How long training takes, as it was measured: the two tables whose numbers differ from machine to machine.

The times come from the journals that training appends to: seconds between the ends of two epochs of one seed, test
images looked at in between included. Nothing else is computed from them but the verdicts on the claims about them.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from spikeinit.studies.table_tools import StudyRuns
from spikeinit.tracking.journal import read


def epoch_seconds(journal: str | Path) -> list[float]:
    """Seconds of every epoch of one seed that began where another ended; a start or a resumption is between none."""
    return [
        later["time"] - earlier["time"]
        for earlier, later in pairwise(read(journal))
        if earlier["event"] == later["event"] == "epoch"
    ]


def training_time_measured(runs: StudyRuns) -> pd.DataFrame:
    """Seconds of the fastest epoch of each run and seed, and relative to the same seed's fastest run of the data set.

    The fastest, because other jobs beside it only ever add time. Empty where there is no journal or it holds fewer than
    two epochs.
    """
    rows = []
    for record in runs.plan.to_dict("records"):
        labels = {name: value for name, value in record.items() if name not in ("run", "seeds")}
        for seed in str(record["seeds"]).split(";"):
            seconds = epoch_seconds(runs.folder / record["run"] / "seeds" / seed / "journal.jsonl")
            fastest_epoch = min(seconds, default=np.nan)
            rows.append({**labels, "seed": int(seed), "seconds_per_epoch": fastest_epoch, "run": record["run"]})
    frame = pd.DataFrame(rows)
    fastest = frame.groupby(["dataset", "seed"])["seconds_per_epoch"].transform("min")
    frame.insert(len(frame.columns) - 1, "relative", frame["seconds_per_epoch"] / fastest)
    return frame


def analogue_time_measured(runs: StudyRuns) -> pd.DataFrame:
    """Seconds of the fastest epoch of the analogue network of each data set and seed.

    An epoch has the same batches as one of the spiking networks. No test images are looked at in between.
    """
    rows = []
    for ann in runs.spec["analogue"]:
        seconds = epoch_seconds(runs.folder / ann["folder"] / "seeds" / str(ann["seed"]) / "journal.jsonl")
        fastest = min(seconds, default=np.nan)
        rows.append({**ann, "seconds_per_epoch": fastest})
    return pd.DataFrame(rows, columns=["dataset", "seed", "seconds_per_epoch", "folder"])
