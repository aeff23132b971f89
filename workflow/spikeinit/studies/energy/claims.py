"""What Pärna (2025) claims, judged by our runs: printed cells, printed test outcomes, sentences, conclusions.

Four kinds of lines, each with its own rule for "agrees":
- cell (Tables 1 to 6): Welch's interval of the difference between our mean and the printed one, widened by the rounding
  of the print, holds zero. The printed output layer fits only the mean over the steps and is compared with that.
- test outcome (Sec. 4): Student's t-test in the direction of the thesis's conclusion gives the same decision.
- sentence (Sec. 4): no counterexample, by the same search that the audit makes in the printed tables.
- conclusion ("similar", "no impact"; Sec. 4 and 5): no difference is significant and all are shown equivalent by two
  one-sided tests; a missing rejection alone shows nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from spikeinit.statistics.intervals import mean_interval, welch_interval
from spikeinit.statistics.rounding import Interval
from spikeinit.studies.claims import Claim, OurResult
from spikeinit.studies.energy.audit.printed_tests import PRINTED_TESTS, PrintedTest
from spikeinit.studies.energy.audit.prose import PROSE_CLAIMS
from spikeinit.studies.energy.audit.published_tables import (
    RUNS_OF_A_COMBINATION,
    RUNS_OF_A_ROW,
    Cell,
    PublishedTables,
    Row,
    load_published,
    row_name,
)
from spikeinit.studies.energy.samples import Samples
from spikeinit.studies.energy.sentences import CONCLUSIONS, SENTENCES
from spikeinit.studies.looks import dataset_name
from spikeinit.studies.scorecard import Evidence, ScorecardEntry, scorecard_entry

OUTPUT_LAYER = 6


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """Every claim of the thesis as a line of the scorecard, in the thesis's order within each kind."""
    samples = Samples(evidence.tables["spikes_by_run"], evidence.conditions.datasets)
    published = load_published(evidence.published["paerna2025_spikes"])
    return [
        *sorted([*_sentences(evidence, samples), *_conclusions(evidence, samples)], key=lambda entry: entry.source),
        *_test_outcomes(evidence),
        *_cells(evidence, samples, published),
    ]


def _cells(evidence: Evidence, samples: Samples, published: PublishedTables) -> Iterator[ScorecardEntry]:
    marked = _contradicted_cells(evidence.audit)
    rows = {table: published.rows(table) for table in range(1, 7)}
    for cell in sorted(published, key=lambda c: (c.table, rows[c.table].index(c.row), c.layer or OUTPUT_LAYER + 1)):
        row = _row_text(cell.row)
        claim = Claim(
            id=f"table{cell.table}:{row.replace(', ', ',').replace(' ', '-')}:{cell.measure.replace(' ', '')}",
            place=f"Table {cell.table}",
            statement=f"{dataset_name(cell.dataset)}, {row}: {_measure_text(cell)}",
            printed=f"{cell.mean} ({cell.deviation})",
            datasets=(cell.dataset,),
            contradicted=marked.get((cell.table, row_name(cell.row), cell.measure), ""),
            comparable_scaled=False,
        )
        yield scorecard_entry(claim, _beside(cell, samples, evidence.confidence), evidence.conditions)


def _measure_text(cell: Cell) -> str:
    if cell.layer is None:
        return "accuracy in %"
    return f"{cell.measure}, spikes per neuron and image" + (" and step" if cell.layer == OUTPUT_LAYER else "")


def _beside(cell: Cell, samples: Samples, confidence: float) -> OurResult:
    if cell.layer is None:
        values = samples.accuracy(cell.dataset, cell.row)
    else:
        values = samples.spikes(cell.dataset, cell.row, cell.layer, per_step=cell.layer == OUTPUT_LAYER)
    if not len(values):
        return OurResult()
    n, mean, sd, *interval = mean_interval(values, confidence)
    runs = RUNS_OF_A_COMBINATION if all(cell.row) else RUNS_OF_A_ROW
    low, high = welch_interval(mean, sd, n, float(cell.mean), float(cell.deviation), runs, confidence)
    rounding = _half_width(cell.mean_interval)
    agrees = None if math.isnan(low) else low - rounding <= 0 <= high + rounding
    return OurResult(repr(mean), *interval, str(n), agrees, "" if math.isnan(sd) else f"our deviation {sd:.3g}")


def _half_width(interval: Interval) -> float:
    return 0.5 * (interval.high - interval.low)


def _contradicted_cells(audit: pd.DataFrame) -> dict[tuple[int, str, str], str]:
    """(table, row, measure) of every printed cell that other cells contradict, with the audit's comment."""
    marked: dict[tuple[int, str, str], list[str]] = {}
    for record in audit[_is_true(audit["contradicted"]) & (audit["kind"] == "cell")].to_dict("records"):
        text = f"{record['quantity']} {record['printed']}: {record['comment']}"
        marked.setdefault((int(record["table"]), str(record["row"]), str(record["layer"])), []).append(text)
    return {key: "; ".join(texts) for key, texts in marked.items()}


def _is_true(column: pd.Series) -> pd.Series:
    return column.astype(str).str.lower() == "true"


def _contradicted_claims(audit: pd.DataFrame) -> dict[str, str]:
    """Claim id -> why the printed tables contradict it: sentences, and outcomes that no reading of the test gives."""
    rows = audit[_is_true(audit["contradicted"]) & audit["claim"].notna()]
    sentences = rows[rows["kind"] == "prose"]
    outcomes = rows[(rows["kind"] == "statement") & (rows["reading"] == "any")]
    marked = {str(claim): str(group["comment"].iloc[0]) for claim, group in outcomes.groupby("claim")}
    for claim, group in sentences.groupby("claim"):
        first = group.iloc[0]
        place = ", ".join(str(part) for part in (first["row"], first["layer"]) if not pd.isna(part))
        more = f" ({len(group) - 1} more)" if len(group) > 1 else ""
        comment = str(first["comment"]).rpartition(": ")[2]
        marked[str(claim)] = f"Table {int(first['table'])}, {place}: printed {first['printed']}, {comment}{more}"
    return marked


def _row_text(row: Row) -> str:
    mean, beta = row
    return ", ".join(part for part in (mean and f"mean weight {mean}", beta and f"beta {beta}") if part)


def _sentences(evidence: Evidence, samples: Samples) -> Iterator[ScorecardEntry]:
    marked = _contradicted_claims(evidence.audit)
    for prose in PROSE_CLAIMS:
        sentence = SENTENCES[prose.claim]
        text = f"{dataset_name(sentence.datasets[0])}: {prose.text}" if len(sentence.datasets) == 1 else prose.text
        claim = Claim(
            prose.claim, prose.place, text, "stated", sentence.datasets, contradicted=marked.get(prose.claim, "")
        )
        yield scorecard_entry(claim, sentence.check(samples, evidence), evidence.conditions)


def _test_outcomes(evidence: Evidence) -> Iterator[ScorecardEntry]:
    marked = _contradicted_claims(evidence.audit)
    for outcome in PRINTED_TESTS:
        contradicted = marked.get(outcome.name, "")
        for name, layer, significant in outcome.claims():
            claim = Claim(
                name,
                f"{outcome.place}, t-tests",
                _outcome_text(outcome, layer, significant),
                "significant" if significant else "not significant",
                (outcome.dataset,),
                contradicted=contradicted,
            )
            yield scorecard_entry(claim, _outcome(evidence, outcome, layer, significant), evidence.conditions)


def _outcome_text(outcome: PrintedTest, layer: int | None, significant: bool) -> str:
    what = "the accuracy" if layer is None else f"layer {layer}"
    a, b = _row_text(outcome.a), _row_text(outcome.b)
    where = f"{dataset_name(outcome.dataset)}, {what}"
    if outcome.direction == "two-sided":
        return f"{where}: {a} {'differs' if significant else 'does not differ'} from {b}"
    more = "more" if outcome.direction == "greater" else "fewer"
    return f"{where}: {'significantly' if significant else 'not significantly'} {more} spikes at {a} than at {b}"


def _outcome(evidence: Evidence, outcome: PrintedTest, layer: int | None, significant: bool) -> OurResult:
    measure = "accuracy" if layer is None else f"layer {layer}"
    dataset = evidence.conditions.datasets.get(outcome.dataset)
    test = find_test(evidence.statistics, dataset, outcome.a, outcome.b, measure, outcome.direction)
    if test is None:
        return OurResult(note="" if dataset is None else "no such comparison among our runs")
    n = f"{test['n1']:.0f} + {test['n2']:.0f}"
    note = f"{test['mean1']:.3g} against {test['mean2']:.3g}"
    if math.isnan(test["p"]):
        return OurResult(n=n, note=f"{note}; no test: {test['note']}")
    sides = "two-sided" if outcome.direction == "two-sided" else "one-sided"
    note += f"; Student, {sides}: p = {test['p']:.2g} ({test['p_holm']:.2g} after Holm)"
    if not significant:
        shown = "shown" if test["tost_p"] < 1 - evidence.confidence else "not shown"
        note += f"; equivalence {shown} (p = {test['tost_p']:.2g})"
    agrees = (test["p"] < 1 - evidence.confidence) == significant
    return OurResult(repr(test["difference"]), test["difference_low"], test["difference_high"], n, agrees, note)


def find_test(
    statistics: pd.DataFrame, dataset: str | None, a: Row, b: Row, measure: str, alternative: str
) -> dict[str, float | str] | None:
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


def _conclusions(evidence: Evidence, samples: Samples) -> Iterator[ScorecardEntry]:
    for conclusion in CONCLUSIONS:
        claim = Claim(conclusion.claim, conclusion.place, conclusion.statement, "stated", conclusion.datasets)
        tests = [
            find_test(evidence.statistics, evidence.conditions.datasets.get(dataset), a, b, measure, "two-sided")
            for dataset, a, b, measure in conclusion.comparisons
        ]
        result = conclusion.check(samples, evidence) if conclusion.check else _similar(tests, 1 - evidence.confidence)
        yield scorecard_entry(claim, result, evidence.conditions)


def _similar(tests: list[dict[str, float | str] | None], significance: float) -> OurResult:
    made = [test for test in tests if test is not None and not math.isnan(test["p"])]
    if not made:
        return OurResult()
    rejected = sum(test["p_holm"] < significance for test in made)
    equivalent = sum(test["tost_p"] < significance for test in made)
    sizes = sorted({f"{test['n1']:.0f} + {test['n2']:.0f}" for test in made})
    agrees = False if rejected else True if equivalent == len(tests) else None
    note = "no difference is significant, but equivalence is not shown for all" if agrees is None else ""
    ours = f"of {len(tests)} comparisons {rejected} differ (two-sided, Holm), {equivalent} are shown equivalent"
    return OurResult(ours, n=", ".join(sizes), agrees=agrees, note=note)
