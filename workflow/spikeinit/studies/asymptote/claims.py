"""The asymptote study's scorecard: every printed cell of Tables 2, A6, A7 and A8, and what the text says.

A cell's line compares outcomes first: a "-" agrees where our networks failed too. Where the published conditions were
met, a printed accuracy is also compared: it agrees inside Student's interval of our seeds, widened by half a digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from spikeinit.statistics.intervals import mean_interval
from spikeinit.studies.asymptote.printed import PRINTED_NAMES, neuron_text
from spikeinit.studies.asymptote.sentences import SENTENCES
from spikeinit.studies.asymptote.tables import FAILED, TRAINED
from spikeinit.studies.claims import Claim, OurResult
from spikeinit.studies.scorecard import Evidence, ScorecardEntry, scorecard_entry
from spikeinit.tables import read_table

ENCODINGS = {"constant": "constant", "poisson": "rate", "retina": "retina", "event": "slices"}
"""Coding as printed -> our encoding."""

TECHNIQUES = {"none": "dropout", "none+dropout": "dropout", "bn": "bn", "bntt": "bntt"}
"""Technique as printed -> ours. Where there is no BN, "a dropout is implemented in place of BN" (App. A.3)."""

NETWORKS = {"mnist": "five_layer", "nmnist": "five_layer", "cifar10": "vgg9", "cifar10_dvs": "vgg9_dvs"}
"""Data set of Table 2 -> its network, by Table A4."""

OURS = {printed: ours for ours, printed in PRINTED_NAMES.items()}


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """All lines, in the paper's order."""
    return [*_sentences(evidence), *_coding(evidence), *_versatility(evidence), *_normalization(evidence)]


def _sentences(evidence: Evidence) -> Iterator[ScorecardEntry]:
    for sentence in SENTENCES:
        claim = Claim(
            sentence.claim,
            sentence.place,
            sentence.statement,
            "stated",
            sentence.datasets,
            contradicted=sentence.contradicted,
        )
        yield scorecard_entry(claim, sentence.check(evidence.tables), evidence.conditions)


def _coding(evidence: Evidence) -> Iterator[ScorecardEntry]:
    for cell in read_table(evidence.published["ding2022_table2_coding"]).to_dict("records"):
        where = {
            "experiment": "coding",
            "dataset": evidence.conditions.datasets.get(cell["dataset"]),
            "network": NETWORKS[cell["dataset"]],
            "encoding": ENCODINGS[cell["coding"]],
        }
        text = f"{cell['dataset']}, {cell['coding']} coding"
        name = f"table2:{cell['dataset']}:{cell['coding']}"
        yield _cell(evidence, "Table 2", name, text, cell, cell["dataset"], cell["accuracy_percent"], where, 0.01)


def _versatility(evidence: Evidence) -> Iterator[ScorecardEntry]:
    for table, method, file in (
        ("A6", "optimizer", "ding2022_tableA6_optimizers"),
        ("A7", "surrogate", "ding2022_tableA7_surrogates"),
    ):
        for cell in read_table(evidence.published[file]).to_dict("records"):
            place = (cell["k"], cell["lambda"], cell["theta"])
            where = {
                "experiment": f"{method}s",
                "dataset": evidence.conditions.datasets.get("mnist"),
                **dict(zip(("k", "lambda", "theta"), place, strict=True)),
                method: cell[method],
            }
            text = f"(k, λ, θ) = {neuron_text(place)}, {cell[method]}"
            name = f"table{table}:{cell[method]}:{neuron_text(place).replace(' ', '')}"
            percent = 100 * cell["accuracy"]
            yield _cell(evidence, f"Table {table}", name, text, cell, "mnist", percent, where, 0.1)


def _normalization(evidence: Evidence) -> Iterator[ScorecardEntry]:
    for cell in read_table(evidence.published["ding2022_tableA8_normalization"]).to_dict("records"):
        where = {
            "experiment": "normalization",
            "dataset": evidence.conditions.datasets.get(cell["dataset"]),
            "technique": TECHNIQUES[cell["technique"]],
            "k": cell["k"],
            "lambda": cell["lambda"],
        }
        text = f"{cell['dataset']}, (k, λ) = ({cell['k']:g}, {cell['lambda']:g}), {cell['technique']}"
        name = f"tableA8:{cell['dataset']}:{cell['technique']}:({cell['k']:g},{cell['lambda']:g})"
        yield _cell(evidence, "Table A8", name, text, cell, cell["dataset"], cell["accuracy_percent"], where, 0.01)


def _cell(
    evidence: Evidence,
    source: str,
    name: str,
    text: str,
    printed: Mapping[str, Any],
    dataset: str,
    percent: float,
    where: Mapping[str, Any],
    digit: float,
) -> ScorecardEntry:
    """One printed cell; `percent` is its accuracy, `digit` the last printed digit, `where` selects our runs."""
    initializer = OURS[printed["initializer"]]
    failed = printed["outcome"] == FAILED
    claim = Claim(
        f"{name}:{printed['initializer']}",
        source,
        f"{text}, {printed['initializer'].capitalize()}: " + ("training fails" if failed else "accuracy in %"),
        "-" if failed else f"{percent:.{2 if digit == 0.01 else 1}f}",
        (dataset,),
    )
    frame = evidence.tables["runs"]
    for column, value in {**where, "initializer": initializer}.items():
        frame = frame[np.isclose(frame[column], value) if isinstance(value, float) else frame[column] == value]
    return scorecard_entry(claim, _result(frame, failed, percent, digit, evidence, dataset), evidence.conditions)


def _result(
    frame: pd.DataFrame, printed_failed: bool, percent: float, digit: float, evidence: Evidence, dataset: str
) -> OurResult:
    if frame.empty:
        return OurResult()
    failed = bool(2 * frame["failed"].sum() >= len(frame))
    accuracy = frame["accuracy"].dropna().to_numpy(dtype=float)
    _, mean, _, low, high = mean_interval(accuracy, evidence.confidence)
    agrees: bool | None = failed == printed_failed
    if agrees and not failed and evidence.conditions.met_on(dataset):
        agrees = None if np.isnan(low) else bool(low - digit / 2 <= percent <= high + digit / 2)
    note = f"{FAILED if failed else TRAINED} ({int(frame['failed'].sum())} of {len(frame)} failed)"
    return OurResult(repr(mean) if len(accuracy) else "", low, high, str(len(frame)), agrees, note)
