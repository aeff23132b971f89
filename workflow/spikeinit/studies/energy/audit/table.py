"""Audit of the published tables of Pärna (2025): what the thesis's printed numbers say about one another.

Three kinds of rows. `cell`: a printed cell of Tables 1 to 4 that Tables 5 and 6 contradict, and numbers printed twice
(`cells`). `statement`: the outcome of a printed test under one reading of it, and whether any reading gives it
(`printed_tests`). `prose`: a sentence and every printed number against it (`prose`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spikeinit.studies.claims import Claim, read_claims
from spikeinit.studies.energy.audit.cells import Discrepancy, contradicted_cells, repeated_prints
from spikeinit.studies.energy.audit.printed_tests import (
    AS_WORDED,
    Decision,
    PrintedTest,
    Reading,
    decide,
    load_tests,
    readings,
)
from spikeinit.studies.energy.audit.prose import searches
from spikeinit.studies.energy.audit.published_tables import PublishedTables, load_published, row_name

COLUMNS = (
    "kind",
    "claim",
    "table",
    "dataset",
    "row",
    "layer",
    "quantity",
    "printed",
    "recomputed_low",
    "recomputed_high",
    "contradicted",
    "reading",
    "comment",
)


def audit(tables: PublishedTables, tests: Sequence[PrintedTest], claims: Iterable[Claim]) -> list[dict[str, Any]]:
    """The whole audit as rows with `COLUMNS`: of the printed cells, of the printed tests, of the sentences.

    In rows of kind `statement`, `printed` holds the layers that the thesis calls significant, `recomputed_low` those
    significant whatever the unprinted digits, `recomputed_high` those significant for some; the comment has the range
    of p of each layer.
    """
    rows = [_row("cell", "", discrepancy) for discrepancy in (*contradicted_cells(tables), *repeated_prints(tables))]
    for outcome in tests:
        rows += _rows_of_test(tables, outcome)
    rows += _row_of_all_tests(tables, tests)
    search = searches(tests)
    for claim in claims:
        if claim.check in search:
            rows += _rows_of_sentence(claim, search[claim.check](tables, claim))
    return rows


def _rows_of_sentence(claim: Claim, against: Iterable[Discrepancy]) -> list[dict[str, Any]]:
    rows = [_row("prose", claim.id, discrepancy, claim.statement) for discrepancy in against]
    comment = f"{claim.statement}: no printed number is against it"
    return rows or [_blank("prose", claim=claim.id, contradicted="false", comment=comment)]


def audit_printed(published: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The same rows from the files of printed numbers, file name without suffix -> CSV."""
    rows = audit(
        load_published(published["paerna2025_spikes"]),
        load_tests(published["paerna2025_tests"]),
        read_claims(published["paerna2025_claims"]),
    )
    return [{column: row.get(column) for column in COLUMNS} for row in rows]


def joint_readings(tables: PublishedTables, tests: Sequence[PrintedTest]) -> list[Reading]:
    """Readings under which every printed test outcome comes out at once: the best guess at what was tested."""
    common = [reading for reading in readings(tests[0]) if reading.sides != AS_WORDED]
    return [
        reading
        for reading in common
        if all(_reproduces(outcome, _decisions(tables, outcome, reading)) for outcome in tests)
    ]


def _decisions(tables: PublishedTables, outcome: PrintedTest, reading: Reading) -> dict[int | None, Decision]:
    return {layer: decide(tables, outcome, layer, reading) for layer in outcome.layers}


def _reproduces(outcome: PrintedTest, decisions: dict[int | None, Decision]) -> bool:
    return all(decision.agrees(layer in outcome.rejected) for layer, decision in decisions.items())


def _rows_of_test(tables: PublishedTables, outcome: PrintedTest) -> Iterator[dict[str, Any]]:
    reproducing = []
    shared = {
        "claim": outcome.name,
        "table": outcome.table,
        "dataset": outcome.dataset,
        "row": f"{row_name(outcome.a)} against {row_name(outcome.b)}",
        "layer": "accuracy" if outcome.layers == (None,) else _list(outcome.layers),
        "quantity": "significant layers",
        "printed": _list(outcome.rejected),
    }
    for reading in readings(outcome):
        decisions = _decisions(tables, outcome, reading)
        reproduced = _reproduces(outcome, decisions)
        if reproduced:
            reproducing.append(str(reading))
        yield _blank(
            "statement",
            **shared,
            recomputed_low=_list(layer for layer, decision in decisions.items() if decision.certain),
            recomputed_high=_list(layer for layer, decision in decisions.items() if decision.possible),
            contradicted=_truth(not reproduced),
            reading=str(reading),
            comment="p: " + "; ".join(f"{_measure(layer)} {d}" for layer, d in decisions.items()),
        )
    yield _blank(
        "statement",
        **shared,
        contradicted=_truth(not reproducing),
        reading="any",
        comment=f"{outcome.place}: "
        + ("given by " + " | ".join(reproducing) if reproducing else "no reading gives it"),
    )


def _row_of_all_tests(tables: PublishedTables, tests: Sequence[PrintedTest]) -> Iterator[dict[str, Any]]:
    joint = joint_readings(tables, tests)
    comment = " | ".join(map(str, joint)) if joint else "no single reading gives every printed outcome"
    yield _blank(
        "statement",
        claim="every-test-outcome",
        quantity="readings that give all outcomes",
        contradicted=_truth(not joint),
        reading="any",
        comment=comment,
    )


def _list(layers: Any) -> str:
    return " ".join(_measure(layer) for layer in layers) or "none"


def _measure(layer: int | None) -> str:
    return "accuracy" if layer is None else str(layer)


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _blank(kind: str, **values: Any) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS, "") | {"kind": kind} | values


def _row(kind: str, claim: str, discrepancy: Discrepancy, text: str = "") -> dict[str, Any]:
    bounds = discrepancy.recomputed
    return _blank(
        kind,
        claim=claim,
        table=discrepancy.table,
        dataset=discrepancy.dataset,
        row=discrepancy.row,
        layer=discrepancy.measure,
        quantity=discrepancy.quantity,
        printed=discrepancy.printed,
        recomputed_low=bounds and round(bounds.low, 4),
        recomputed_high=bounds and round(bounds.high, 4),
        contradicted="true",
        comment=f"{text}: {discrepancy.comment}" if text else discrepancy.comment,
    )
