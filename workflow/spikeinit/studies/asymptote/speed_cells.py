"""The epochs that Sec. 5.2 of Ding et al. (2022) prints: after which one does each initialisation reach an accuracy?

The paper prints a range, or a single epoch. The mean over our seeds has to lie in it. A run that never got there counts
as censored: it would have needed more epochs than were run.
"""

from __future__ import annotations

import pandas as pd

from spikeinit.studies.asymptote.printed import OURS, place_in_figure_4
from spikeinit.studies.asymptote.speeds import at_least, beyond_censoring
from spikeinit.studies.claims import Claim, OurResult, PrintedTable, Row
from spikeinit.studies.contrasts import ONE_SEED, Within, all_within, with_interval
from spikeinit.studies.scorecard import Evidence


def _speed_claim(row: Row) -> Claim:
    """What Sec. 5.2 prints of one initialiser; a smaller training needs other numbers of epochs."""
    first, last = int(row["earliest"]), int(row["latest"])
    level, printed = row["accuracy_percent"], row["initializer"]
    return Claim(
        f"section5.2:{row['dataset']}:{printed}",
        "Sec. 5.2",
        f"{row['dataset']}, {row['coding']} coding, {printed.capitalize()}: first epoch with {level:g} % accuracy",
        str(first) if first == last else f"{first} to {last}",
        (row["dataset"],),
        comparable_scaled=False,
    )


def _first_epochs(evidence: Evidence, row: Row) -> pd.DataFrame:
    """First epoch and epochs run of every seed of ours; the level and the network are those of the sentence."""
    frame = evidence.tables["epochs_to_accuracy"]
    where = {**place_in_figure_4(row["dataset"]), "initializer": OURS[row["initializer"]]}
    where["dataset"] = evidence.conditions.datasets.get(row["dataset"])
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return frame[["epochs"]].assign(first=frame[f"first_epoch_at_{row['accuracy_percent']:g}"])


def _match_epochs(ours: pd.DataFrame, row: Row, evidence: Evidence, cells: int) -> OurResult:
    """The mean first epoch lies in the printed range, half an epoch on either side being the same one."""
    values, never = at_least(ours["first"], ours["epochs"]), int(ours["first"].isna().sum())
    printed = Within(values, row["earliest"] - 0.5, row["latest"] + 0.5)
    found = all_within(evidence.confidence, [printed])
    early = values.mean() < row["earliest"]
    agrees = beyond_censoring(found, earlier=never > 0, later=never > 0 and early)
    notes = [f"{never} of {len(ours)} runs never got there, and count as censored"] * (never > 0)
    notes += [ONE_SEED] * (len(ours) == 1)
    shown = ("at least " if never else "") + with_interval(values, evidence.confidence, ".3g")
    return OurResult(shown, n=str(len(ours)), agrees=agrees, note="; ".join(notes))


SPEEDS = PrintedTable("ding2022_section5_2_speeds", claim=_speed_claim, ours=_first_epochs, match=_match_epochs)
