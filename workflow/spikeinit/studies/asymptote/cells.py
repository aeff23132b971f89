"""The accuracies that Ding et al. (2022) print, each beside our runs: Tables 2, A6, A7 and A8, and Figure 6.

Outcomes are compared first: a "-" agrees where our networks failed too. Where the published conditions were met, a
printed accuracy is also compared. The paper measured it once, so that it is compared with the interval of one further
run of ours (`judging.beside_printed_run`); in the interval of our mean an exact replication would be missed ever more
often the more seeds there are. Each table's cells are corrected together.

Figure 6 prints the cells of Tables A6 and A7 at (0.8, 0.2, 1.0) a second time, where `audit` compares them. Its cells
here are those at (0.5, 0.5, 1.0), which no table has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikeinit.studies.asymptote.printed import ENCODINGS, NETWORKS, OURS, neuron_text
from spikeinit.studies.asymptote.tables import FAILED, TRAINED
from spikeinit.studies.claims import Claim, OurResult, PrintedTable, Row
from spikeinit.studies.contrasts import ONE_SEED
from spikeinit.studies.judging import Margin, beside_printed_run
from spikeinit.studies.scorecard import Evidence
from spikeinit.tables import read_table

TECHNIQUES = {"none": "dropout", "none+dropout": "dropout", "bn": "bn", "bntt": "bntt"}
"""Technique as printed -> ours. Where there is no BN, "a dropout is implemented in place of BN" (App. A.3)."""

TAU_2 = 0.5
"""k of the neurons of Figure 6 with tau = 2, which are (0.5, 0.5, 1.0)."""


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
    def of(cls, row: Row, source: str, place: str, text: str, where: Mapping[str, Any], digit: float) -> Cell:
        """From a row of a file. source: as in "Table 2". place: its id there. text: what it is about, in words.

        Tables that name no data set are about MNIST; they print accuracies as fractions.
        """
        printed, failed = row["initializer"], row["outcome"] == FAILED
        percent = row["accuracy_percent"] if "accuracy_percent" in row else 100 * row["accuracy"]
        claim = Claim(
            f"{_id(source)}:{place}:{printed}",
            source,
            f"{text}, {printed.capitalize()}: " + ("training fails" if failed else "accuracy in %"),
            "-" if failed else f"{percent:.{2 if digit == 0.01 else 1}f}",
            (row.get("dataset", "mnist"),),
        )
        return cls(claim, {**where, "initializer": OURS[printed]}, percent, digit, failed)


def _id(source: str) -> str:
    """The first part of a claim's id, as in table2."""
    return source.replace(" ", "").replace("T", "t", 1).replace("F", "f", 1)


def _coding(path: Path) -> Iterator[Cell]:
    for row in read_table(path).to_dict("records"):
        dataset, coding = row["dataset"], row["coding"]
        where = {"experiment": "coding", "network": NETWORKS[dataset], "encoding": ENCODINGS[coding]}
        yield Cell.of(row, "Table 2", f"{dataset}:{coding}", f"{dataset}, {coding} coding", where, 0.01)


def _optimizers(path: Path) -> Iterator[Cell]:
    return _versatility(path, "Table A6", "optimizer")


def _surrogates(path: Path) -> Iterator[Cell]:
    return _versatility(path, "Table A7", "surrogate")


def _versatility(path: Path, source: str, method: str) -> Iterator[Cell]:
    for row in read_table(path).to_dict("records"):
        neuron = {name: row[name] for name in ("k", "lambda", "theta")}
        text = neuron_text(neuron.values())
        where = {"experiment": f"{method}s", **neuron, method: row[method]}
        place = f"{row[method]}:{text.replace(' ', '')}"
        yield Cell.of(row, source, place, f"(k, λ, θ) = {text}, {row[method]}", where, 0.1)


def _normalization(path: Path) -> Iterator[Cell]:
    for row in read_table(path).to_dict("records"):
        dataset, technique, k, gain = row["dataset"], row["technique"], row["k"], row["lambda"]
        where = {"experiment": "normalization", "technique": TECHNIQUES[technique], "k": k, "lambda": gain}
        place, text = f"{dataset}:{technique}:({k:g},{gain:g})", f"{dataset}, (k, λ) = ({k:g}, {gain:g}), {technique}"
        yield Cell.of(row, "Table A8", place, text, where, 0.01)


def _claim(cell: Cell) -> Claim:
    return cell.claim


def _figure_6(path: Path) -> Iterator[Cell]:
    printed = read_table(path)
    for row in printed[printed["k"] == TAU_2].to_dict("records"):
        neuron = {name: row[name] for name in ("k", "lambda", "theta")}
        text, name = neuron_text(neuron.values()), row["name"]
        where = {"experiment": f"{row['method']}s", **neuron, row["method"]: name}
        yield Cell.of(row, "Figure 6", f"{name}:{text.replace(' ', '')}", f"(k, λ, θ) = {text}, {name}", where, 0.1)


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
        together=Claim(_id(source), source, "all printed accuracies and failures together", "stated"),
    )
    for source, file, rows in (
        ("Table 2", "ding2022_table2_coding", _coding),
        ("Table A6", "ding2022_tableA6_optimizers", _optimizers),
        ("Table A7", "ding2022_tableA7_surrogates", _surrogates),
        ("Table A8", "ding2022_tableA8_normalization", _normalization),
        ("Figure 6", "ding2022_figure6", _figure_6),
    )
)
