"""The printed outcomes of the thesis's tests (Pärna 2025, Sec. 4), each beside the same test of our runs.

Where the thesis says "significantly fewer", our runs agree if Student's t-test in this direction is significant after
Holm's correction, and disagree if the test in the other direction is or if equivalence is shown. Where it says "not
significantly", a missing rejection of ours would show nothing: our runs agree if equivalence is shown, and disagree if
they differ significantly, two-sided, and it is not.

The printed outcomes fit the printed means and deviations at n = 10 only, while a row averages 30 runs, as ours does.
Each line gives the test of ours, the same at n = 10, and what the printed numbers give at both. An outcome that they do
not give at 30 is contradicted by them: neither those of Tables 1 to 4 nor those recomputed from Tables 5 and 6 give it,
where numbers that others accuse of being misprints do not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from spikeinit.drawing.looks import dataset_name
from spikeinit.studies.claims import Claim, OurResult, PrintedTable
from spikeinit.studies.contrasts import decided
from spikeinit.studies.energy.audit.printed_tests import (
    SIZES,
    SOURCES,
    Outcome,
    PrintedTest,
    Reading,
    as_printed,
    decide,
    load_tests,
)
from spikeinit.studies.energy.audit.published_tables import (
    RUNS_OF_A_COMBINATION,
    RUNS_OF_A_ROW,
    PublishedTables,
    Row,
    load_published,
    row_name,
)
from spikeinit.studies.energy.cells import row_text
from spikeinit.studies.energy.contradictions import Accused, contradicted_claims
from spikeinit.studies.scorecard import Evidence

Test = dict[str, float | str]
"""A row of the table of statistics."""

OTHER = {"less": "greater", "greater": "less", "two-sided": "two-sided"}


def printed_outcomes(evidence: Evidence) -> PrintedTable:
    """Every printed outcome; the audit marks the tests that no reading gives."""
    marked = contradicted_claims(evidence.audit)
    accused = Accused.by(evidence.audit)
    tables = load_published(evidence.published["paerna2025_spikes"])

    def claim(printed: tuple[PrintedTest, Outcome]) -> Claim:
        test, outcome = printed
        return Claim(
            id=outcome.claim,
            place=f"{test.place}, t-tests",
            statement=_text(test, outcome),
            printed="significant" if outcome.significant else "not significant",
            datasets=(test.dataset,),
            contradicted=marked.get(test.name, "") or _contradicted(tables, accused, test, outcome),
        )

    def match(ours: list[Found | None], printed: tuple[PrintedTest, Outcome], evidence: Evidence, _: int) -> OurResult:
        result = _match(ours, printed, evidence)
        decisions = (f"{as_printed(tables, *_of(printed), n)} at n = {n}" for n in SIZES)
        return replace(result, note=f"{result.note}; printed: p = {', '.join(decisions)}")

    return PrintedTable("paerna2025_tests", claim, _ours, match, rows=_outcomes)


def _of(printed: tuple[PrintedTest, Outcome]) -> tuple[PrintedTest, int | None]:
    return printed[0], printed[1].layer


def _contradicted(tables: PublishedTables, accused: Accused, test: PrintedTest, outcome: Outcome) -> str:
    """Why the printed numbers, by every source of them that is sound, are against an outcome at the 30 runs behind
    them."""
    sides = "one-sided" if outcome.significant else "two-sided"
    rows = [tables.cell(test.table, row, outcome.layer) for row in (test.a, test.b)]
    parts = [part for cell in rows for part in tables.parts(cell)]
    found = {
        source: decide(tables, test, outcome.layer, Reading(RUNS_OF_A_ROW, "Student", sides, source))
        for source, cells in zip(SOURCES, (rows, parts), strict=True)
        if not any((cell.table, row_name(cell.row), cell.measure) in accused for cell in cells)
    }
    if not found or any(decision.agrees(outcome.significant) for decision in found.values()):
        return ""
    p = "; ".join(f"p = {decision} ({source})" for source, decision in found.items())
    return f"the printed numbers give {p}, {sides}, at the {RUNS_OF_A_ROW} runs of a row"


def _outcomes(path: Path) -> Iterator[tuple[PrintedTest, Outcome]]:
    return ((test, outcome) for test in load_tests(path) for outcome in test.outcomes())


def _text(test: PrintedTest, outcome: Outcome) -> str:
    what = "the accuracy" if outcome.layer is None else f"layer {outcome.layer}"
    a, b = row_text(test.a), row_text(test.b)
    where = f"{dataset_name(test.dataset)}, {what}"
    if test.direction == "two-sided":
        return f"{where}: {a} {'differs' if outcome.significant else 'does not differ'} from {b}"
    more = "more" if test.direction == "greater" else "fewer"
    significantly = "significantly" if outcome.significant else "not significantly"
    return f"{where}: {significantly} {more} spikes at {a} than at {b}"


@dataclass(frozen=True)
class Found:
    """A comparison of ours by Student's test: in the claimed direction, in the other one, and without a direction."""

    claimed: Test
    other: Test
    undirected: Test


def _ours(evidence: Evidence, printed: tuple[PrintedTest, Outcome]) -> list[Found | None]:
    """The same test of our runs, None if it was not made; nothing where the data set was not run."""
    test, outcome = printed
    dataset = evidence.conditions.datasets.get(test.dataset)
    if dataset is None:
        return []
    measure = "accuracy" if outcome.layer is None else f"layer {outcome.layer}"
    directions = (test.direction, OTHER[test.direction], "two-sided")
    found = [find_test(evidence.statistics, dataset, test.a, test.b, measure, direction) for direction in directions]
    return [None if None in found else Found(*found)]


def _match(ours: list[Found | None], printed: tuple[PrintedTest, Outcome], evidence: Evidence) -> OurResult:
    (found,), (said, outcome) = ours, printed
    if found is None:
        return OurResult(note="no such comparison among our runs")
    test = found.claimed
    n = f"{test['n1']:.0f} + {test['n2']:.0f}"
    unit = "%" if outcome.layer is None else "spikes per neuron and image"
    note = f"{test['mean1']:.3g} against {test['mean2']:.3g} {unit}"
    if math.isnan(test["p"]):
        alike = test["tost_p"] == 0 and not outcome.significant
        return OurResult(
            repr(test["difference"]) if alike else "", n=n, agrees=alike or None, note=f"{note}; {test['note']}"
        )
    sides = "two-sided" if said.direction == "two-sided" else "one-sided"
    significance = 1 - evidence.confidence
    equivalent = test["tost_p"] < significance
    if outcome.significant:
        shown = test["p_holm"] < significance
        against = sides == "one-sided" and found.other["p_holm"] < significance
        agrees = decided(shown, against or equivalent)
    else:
        agrees = decided(equivalent, found.undirected["p_holm"] < significance)
    note += (
        f"; Student, {sides}: p = {test['p']:.2g} ({test['p_holm']:.2g} after Holm), {_at_ten(test, said.direction)}"
    )
    note += f"; two-sided {found.undirected['p_holm']:.2g} after Holm" * (sides == "one-sided")
    note += f"; equivalence {'shown' if equivalent else 'not shown'} (p = {test['tost_p']:.2g})"
    return OurResult(repr(test["difference"]), test["difference_low"], test["difference_high"], n, agrees, note)


def _at_ten(test: Test, direction: str) -> str:
    """The p that our means and effect would have at 10 runs a row."""
    n = RUNS_OF_A_COMBINATION
    statistic = test["statistic"] * math.sqrt(n / 2 * (1 / test["n1"] + 1 / test["n2"]))
    p = stats.t.cdf(statistic, 2 * n - 2)
    by_direction = {"less": p, "greater": 1 - p, "two-sided": 2 * min(p, 1 - p)}
    return f"{by_direction[direction]:.2g} at n = {n}"


def find_test(
    statistics: pd.DataFrame, dataset: str | None, a: Row, b: Row, measure: str, alternative: str
) -> Test | None:
    """Student's t-test of row `a` against row `b` of one data set; None where it was not made."""
    factor, position = ("weight_mean", 0) if a[0] else ("beta_range", 1)
    chosen = statistics[
        (statistics["factor"] == factor)
        & (statistics["dataset"] == dataset)
        & (statistics["measure"] == measure)
        & (statistics["test"] == "student")
        & (statistics["alternative"] == alternative)
        & _at(statistics["level_a"], a[position])
        & _at(statistics["level_b"], b[position])
    ]
    return chosen.iloc[0].to_dict() if len(chosen) else None


def _at(levels: pd.Series, level: str) -> pd.Series:
    """Where a column of levels, a mixture of names and numbers, equals `level`."""
    numbers = pd.to_numeric(levels, errors="coerce")
    wanted = pd.to_numeric(pd.Series([level]), errors="coerce").iloc[0]
    return levels.astype(str).eq(level) | pd.Series(np.isclose(numbers, wanted, rtol=1e-9, atol=1e-12), levels.index)
