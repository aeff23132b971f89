"""The printed numbers of Ding et al. (2022), each beside our runs of the same network: Tables 2, A6 to A8, Figure 6.

Outcomes are compared first: a "-" agrees where our networks failed too. Where the published conditions were met, a
printed accuracy is also compared. The paper measured it once, so that it is compared with the interval of one further
run of ours (`judging.beside_printed_run`); in the interval of our mean an exact replication would be missed ever more
often the more seeds there are. Each table's cells are corrected together.

Figure 6 prints the cells of Tables A6 and A7 at (0.8, 0.2, 1.0) a second time, where `audit` compares them. Its cells
here are those at (0.5, 0.5, 1.0), which no table has. The epochs of Sec. 5.2 are ranges, within which the mean over our
seeds has to lie; a run that never got there counts as censored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikeinit.studies.asymptote.printed import ENCODINGS, NETWORKS, PRINTED_NAMES, neuron_text, place_in_figure_4
from spikeinit.studies.asymptote.speeds import at_least, beyond_censoring
from spikeinit.studies.asymptote.tables import FAILED, TRAINED
from spikeinit.studies.claims import Claim, OurResult, PrintedTable, Row
from spikeinit.studies.judging import ONE_SEED, Margin, Within, all_within, beside_printed_run, with_interval
from spikeinit.studies.scorecard import Evidence
from spikeinit.tables import read_table

TECHNIQUES = {"none": "dropout", "none+dropout": "dropout", "bn": "bn", "bntt": "bntt"}
"""Technique as printed -> ours. Where there is no BN, "a dropout is implemented in place of BN" (App. A.3)."""

TAU_2 = 0.5
"""k of the neurons of Figure 6 with tau = 2, which are (0.5, 0.5, 1.0)."""

OURS = {printed: ours for ours, printed in PRINTED_NAMES.items()}


@dataclass(frozen=True)
class Cell:
    """A printed cell, and where our table `runs` has the same network.

    where: column -> value. percent: the printed accuracy. digit: the unit of its last digit, in per cent. failed:
    whether the paper prints "-" in its place.
    """

    claim: Claim
    where: Mapping[str, Any]
    percent: float
    digit: float
    failed: bool

    @classmethod
    def of(cls, row: Row, table: str, place: str, text: str, where: Mapping[str, Any], digit: float) -> Cell:
        """From a row of a file. place: its id within the table. text: what it is about, in words.

        Tables that name no data set are about MNIST; they print accuracies as fractions.
        """
        printed, failed = row["initializer"], row["outcome"] == FAILED
        percent = row["accuracy_percent"] if "accuracy_percent" in row else 100 * row["accuracy"]
        claim = Claim(
            f"table{table}:{place}:{printed}",
            f"Table {table}",
            f"{text}, {printed.capitalize()}: " + ("training fails" if failed else "accuracy in %"),
            "-" if failed else f"{percent:.{2 if digit == 0.01 else 1}f}",
            (row.get("dataset", "mnist"),),
        )
        return cls(claim, {**where, "initializer": OURS[printed]}, percent, digit, failed)


def _coding(path: Path) -> Iterator[Cell]:
    for row in read_table(path).to_dict("records"):
        dataset, coding = row["dataset"], row["coding"]
        where = {"experiment": "coding", "network": NETWORKS[dataset], "encoding": ENCODINGS[coding]}
        yield Cell.of(row, "2", f"{dataset}:{coding}", f"{dataset}, {coding} coding", where, 0.01)


def _optimizers(path: Path) -> Iterator[Cell]:
    return _versatility(path, "A6", "optimizer")


def _surrogates(path: Path) -> Iterator[Cell]:
    return _versatility(path, "A7", "surrogate")


def _versatility(path: Path, table: str, method: str) -> Iterator[Cell]:
    for row in read_table(path).to_dict("records"):
        neuron = {name: row[name] for name in ("k", "lambda", "theta")}
        text = neuron_text(neuron.values())
        where = {"experiment": f"{method}s", **neuron, method: row[method]}
        place = f"{row[method]}:{text.replace(' ', '')}"
        yield Cell.of(row, table, place, f"(k, λ, θ) = {text}, {row[method]}", where, 0.1)


def _normalization(path: Path) -> Iterator[Cell]:
    for row in read_table(path).to_dict("records"):
        dataset, technique, k, gain = row["dataset"], row["technique"], row["k"], row["lambda"]
        where = {"experiment": "normalization", "technique": TECHNIQUES[technique], "k": k, "lambda": gain}
        place, text = f"{dataset}:{technique}:({k:g},{gain:g})", f"{dataset}, (k, λ) = ({k:g}, {gain:g}), {technique}"
        yield Cell.of(row, "A8", place, text, where, 0.01)


def _claim(cell: Cell) -> Claim:
    return cell.claim


def _figure_6(path: Path) -> Iterator[Cell]:
    printed = read_table(path)
    for row in printed[printed["k"] == TAU_2].to_dict("records"):
        neuron = {name: row[name] for name in ("k", "lambda", "theta")}
        text, name = neuron_text(neuron.values()), row["name"]
        where = {"experiment": f"{row['method']}s", **neuron, row["method"]: name}
        cell = Cell.of(row, "", f"{name}:{text.replace(' ', '')}", f"(k, λ, θ) = {text}, {name}", where, 0.1)
        yield replace(cell, claim=replace(cell.claim, id=f"figure6{cell.claim.id.removeprefix('table')}", place="Figure 6"))


def _runs(evidence: Evidence, cell: Cell) -> pd.DataFrame:
    frame = evidence.tables["runs"]
    frame = frame[frame["dataset"] == evidence.conditions.datasets.get(*cell.claim.datasets)]
    for column, value in cell.where.items():
        frame = frame[np.isclose(frame[column], value) if isinstance(value, float) else frame[column] == value]
    return frame


def _match(runs: pd.DataFrame, cell: Cell, evidence: Evidence, cells: int) -> OurResult:
    failures = int(runs["failed"].sum())
    failed = 2 * failures >= len(runs)
    trained = not failed and not cell.failed
    margin = Margin(evidence.tables.spec["margins"]["accuracy"], cell.digit / 2, cells)
    result = beside_printed_run(runs["accuracy"], cell.percent, margin, evidence.confidence, runs=len(runs))
    note = f"{FAILED if failed else TRAINED} ({failures} of {len(runs)} failed)"
    if not evidence.conditions.met_on(*cell.claim.datasets):
        return replace(result, agrees=None, note=note)  # a shorter training neither reaches nor misses what is printed
    if trained:
        return replace(result, note=f"{note}; {result.note}")
    agrees = failed == cell.failed if len(runs) > 1 else None
    return replace(result, agrees=agrees, note=note if agrees is not None else f"{note}; {ONE_SEED}")


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


SPEEDS = PrintedTable(
    "ding2022_section5_2_speeds", claim=_speed_claim, ours=_first_epochs, match=_match_epochs
)


TABLES = tuple(
    PrintedTable(
        file,
        claim=_claim,
        ours=_runs,
        match=_match,
        rows=rows,
        together=Claim(id, place, "all printed accuracies and failures together", "stated"),
    )
    for id, place, file, rows in (
        ("table2", "Table 2", "ding2022_table2_coding", _coding),
        ("tableA6", "Table A6", "ding2022_tableA6_optimizers", _optimizers),
        ("tableA7", "Table A7", "ding2022_tableA7_surrogates", _surrogates),
        ("tableA8", "Table A8", "ding2022_tableA8_normalization", _normalization),
        ("figure6", "Figure 6", "ding2022_figure6", _figure_6),
    )
)
