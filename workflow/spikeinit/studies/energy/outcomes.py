"""The printed outcomes of the thesis's tests (Pärna 2025, Sec. 4), each beside the same test of our runs.

An outcome agrees where Student's t-test in the direction of the thesis's conclusion gives the same decision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from spikeinit.studies.claims import Claim, OurResult, PrintedTable
from spikeinit.studies.energy.audit.printed_tests import Outcome, PrintedTest, load_tests
from spikeinit.studies.energy.audit.published_tables import Row
from spikeinit.studies.energy.cells import row_text
from spikeinit.studies.energy.contradictions import contradicted_claims
from spikeinit.studies.looks import dataset_name
from spikeinit.studies.scorecard import Evidence

Test = dict[str, float | str]
"""A row of the table of statistics."""


def printed_outcomes(evidence: Evidence) -> PrintedTable:
    """Every printed outcome; the audit marks the tests that no reading gives."""
    marked = contradicted_claims(evidence.audit)

    def claim(printed: tuple[PrintedTest, Outcome]) -> Claim:
        test, outcome = printed
        return Claim(
            id=outcome.claim,
            place=f"{test.place}, t-tests",
            statement=_text(test, outcome),
            printed="significant" if outcome.significant else "not significant",
            datasets=(test.dataset,),
            contradicted=marked.get(test.name, ""),
        )

    return PrintedTable("paerna2025_tests", claim, _ours, _match, rows=_outcomes)


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


def _ours(evidence: Evidence, printed: tuple[PrintedTest, Outcome]) -> list[Test | None]:
    """The same test of our runs, None if it was not made; nothing where the data set was not run."""
    test, outcome = printed
    dataset = evidence.conditions.datasets.get(test.dataset)
    if dataset is None:
        return []
    measure = "accuracy" if outcome.layer is None else f"layer {outcome.layer}"
    return [find_test(evidence.statistics, dataset, test.a, test.b, measure, test.direction)]


def _match(ours: list[Test | None], printed: tuple[PrintedTest, Outcome], evidence: Evidence) -> OurResult:
    (test,), (said, outcome) = ours, printed
    if test is None:
        return OurResult(note="no such comparison among our runs")
    n = f"{test['n1']:.0f} + {test['n2']:.0f}"
    note = f"{test['mean1']:.3g} against {test['mean2']:.3g}"
    if math.isnan(test["p"]):
        return OurResult(n=n, note=f"{note}; no test: {test['note']}")
    sides = "two-sided" if said.direction == "two-sided" else "one-sided"
    note += f"; Student, {sides}: p = {test['p']:.2g} ({test['p_holm']:.2g} after Holm)"
    significance = 1 - evidence.confidence
    if not outcome.significant:
        shown = "shown" if test["tost_p"] < significance else "not shown"
        note += f"; equivalence {shown} (p = {test['tost_p']:.2g})"
    agrees = (test["p"] < significance) == outcome.significant
    return OurResult(repr(test["difference"]), test["difference_low"], test["difference_high"], n, agrees, note)


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
