"""The printed cells of Tables 2, A6, A7 and A8 (Ding et al. 2022), each beside our runs of the same network.

Outcomes are compared first: a "-" agrees where our networks failed too. Where the published conditions were met, a
printed accuracy is also compared. The paper measured it once, so that it is compared with the interval of one further
run of ours (`judging.beside_printed_run`); in the interval of our mean an exact replication would be missed ever more
often the more seeds there are. Each table's cells are corrected together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikeinit.studies.asymptote.printed import PRINTED_NAMES, neuron_text
from spikeinit.studies.asymptote.tables import FAILED, TRAINED
from spikeinit.studies.claims import Claim, OurResult, PrintedTable, Row
from spikeinit.studies.judging import ONE_SEED, Margin, beside_printed_run
from spikeinit.studies.scorecard import Evidence
from spikeinit.tables import read_table

ENCODINGS = {"constant": "constant", "poisson": "rate", "retina": "retina", "event": "slices"}
"""Coding as printed -> our encoding."""

TECHNIQUES = {"none": "dropout", "none+dropout": "dropout", "bn": "bn", "bntt": "bntt"}
"""Technique as printed -> ours. Where there is no BN, "a dropout is implemented in place of BN" (App. A.3)."""

NETWORKS = {"mnist": "five_layer", "nmnist": "five_layer", "cifar10": "vgg9", "cifar10_dvs": "vgg9_dvs"}
"""Data set of Table 2 -> its network, by Table A4."""

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


TABLES = tuple(
    PrintedTable(
        file,
        claim=_claim,
        ours=_runs,
        match=_match,
        rows=rows,
        together=Claim(f"table{table}", f"Table {table}", "all printed accuracies and failures together", "stated"),
    )
    for table, file, rows in (
        ("2", "ding2022_table2_coding", _coding),
        ("A6", "ding2022_tableA6_optimizers", _optimizers),
        ("A7", "ding2022_tableA7_surrogates", _surrogates),
        ("A8", "ding2022_tableA8_normalization", _normalization),
    )
)
