"""The thesis's sentences, checked against its own tables (Pärna 2025, Sec. 3 to 5).

A sentence stands in `paerna2025_claims.csv`. The search for printed numbers against it has the name of its check, which
searches our runs in the same way.

A claim counts as contradicted by a printed number only when no value within rounding agrees with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from spikeinit.statistics.rounding import TOLERANCE, Interval
from spikeinit.studies.claims import Claim
from spikeinit.studies.energy.audit.cells import Discrepancy
from spikeinit.studies.energy.audit.printed_tests import PrintedTest, as_printed
from spikeinit.studies.energy.audit.published_tables import (
    BY_WEIGHT_MEAN,
    COMBINATIONS,
    DATASETS,
    LAYERS,
    MEANS,
    RUNS_OF_A_ROW,
    Cell,
    PublishedTables,
    row_name,
)

Search = Callable[[PublishedTables, Claim], Iterator[Discrepancy]]
"""The printed numbers that speak against a claim."""

HIDDEN_LAYERS = LAYERS[:-1]
COUNTERPARTS = ((1, 2), (3, 4), (5, 6))
"""Tables with the same rows for MNIST and Fashion-MNIST."""


def _against(cell: Cell, quantity: str, other: Cell, comment: str) -> Discrepancy:
    """The printed number of `cell` together with the interval of the `other` that it should not pass."""
    deviation = quantity == "standard deviation"
    printed = cell.deviation if deviation else cell.mean
    allowed = other.deviation_interval if deviation else other.mean_interval
    return Discrepancy(cell.table, cell.dataset, row_name(cell.row), cell.measure, quantity, printed, allowed, comment)


def _below(first: Interval, second: Interval) -> bool:
    """Whether `first` lies below `second` whatever the unprinted digits."""
    return first.high < second.low - TOLERANCE


def spikes_increase_with_layer(tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    for table in DATASETS:
        for row in tables.rows(table):
            for layer, following in itertools.pairwise(HIDDEN_LAYERS):
                before, after = tables.cell(table, row, layer), tables.cell(table, row, following)
                if _below(after.mean_interval, before.mean_interval):
                    yield _against(after, "mean", before, f"layer {layer} has {before.mean}")


def more_spikes_on_fashion_mnist(tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    for mnist, fashion in COUNTERPARTS:
        for row, layer in itertools.product(tables.rows(mnist), LAYERS):
            one, other = tables.cell(mnist, row, layer), tables.cell(fashion, row, layer)
            if _below(other.mean_interval, one.mean_interval):
                yield _against(other, "mean", one, f"Table {mnist} has {one.mean} on MNIST")


def fewer_spikes_at_lower_mean(tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    for table, layer in itertools.product(BY_WEIGHT_MEAN.values(), HIDDEN_LAYERS):
        for lower, higher in itertools.combinations([tables.cell(table, row, layer) for row in MEANS], 2):
            if _below(higher.mean_interval, lower.mean_interval):
                yield _against(lower, "mean", higher, f"mean weight {row_name(higher.row)} has {higher.mean}")


def smaller_deviation_at_lower_mean(tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    for table, layer in itertools.product(BY_WEIGHT_MEAN.values(), (*LAYERS, None)):
        for lower, higher in itertools.combinations([tables.cell(table, row, layer) for row in MEANS], 2):
            if _below(higher.deviation_interval, lower.deviation_interval):
                comment = f"mean weight {row_name(higher.row)} has {higher.deviation}"
                yield _against(lower, "standard deviation", higher, comment)


def largest_deviation_at_high_mean(tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    return _deviation_not_largest_at_high_mean(tables, claim, HIDDEN_LAYERS)


def largest_deviation_of_layers_1_and_5(tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    return _deviation_not_largest_at_high_mean(tables, claim, (1, 5))


def _deviation_not_largest_at_high_mean(
    tables: PublishedTables, claim: Claim, layers: tuple[int, ...]
) -> Iterator[Discrepancy]:
    (dataset,) = claim.datasets
    for layer in layers:
        *lower, high = (tables.cell(BY_WEIGHT_MEAN[dataset], row, layer) for row in MEANS)
        for cell in lower:
            if not _below(cell.deviation_interval, high.deviation_interval):
                comment = f"mean weight {row_name(cell.row)} has {cell.deviation}"
                yield _against(high, "standard deviation", cell, comment)


def last_layer_unaffected(tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    for table in DATASETS:
        cells = [tables.cell(table, row, LAYERS[-1]) for row in tables.rows(table)]
        for cell in cells:
            others = [other for other in cells if not cell.mean_interval.overlaps(other.mean_interval)]
            if len(others) == len(cells) - 1:
                comment = f"the other rows have {', '.join(other.mean for other in others)}"
                yield _against(cell, "mean", others[0], comment)


def negative_deviation(tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    for table in COMBINATIONS.values():
        for mean in dict.fromkeys(row[0] for row in tables.rows(table)):
            if float(mean) < 0:
                comment = (
                    'the text calls it sigma of N(mu, sigma), which is never negative; the table says "Mean weight"'
                )
                yield Discrepancy(table, DATASETS[table], mean, "", "sigma", mean, Interval(0.0, float("inf")), comment)


def wording_of_null_hypothesis(
    tests: Iterable[PrintedTest], tables: PublishedTables, claim: Claim
) -> Iterator[Discrepancy]:
    for test in tests:
        for layer in test.rejected:
            if test.worded is None:
                continue
            a, b = (tables.cell(test.table, row, layer) for row in (test.a, test.b))
            if test.worded == "greater" and _below(a.mean_interval, b.mean_interval):
                comment = (
                    f"rejecting the null as worded needs a mean above that of row {row_name(b.row)}, {b.mean}; "
                    "the conclusion drawn is the opposite"
                )
                yield _against(a, "mean", b, comment)


def beta_has_no_effect(tests: Iterable[PrintedTest], tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    """Layers whose spikes differ between ranges of decay rates at the 30 runs of a row."""
    about = (test for test in tests if not test.about_mean_weight and None not in test.layers)
    return _unlike(about, tables, claim)


def similar_accuracy(tests: Iterable[PrintedTest], tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    """Accuracies that differ at the 30 runs of a row."""
    return _unlike((test for test in tests if None in test.layers), tables, claim)


def _unlike(tests: Iterable[PrintedTest], tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    return outcomes_at_all_runs((test for test in tests if test.dataset in claim.datasets), tables, claim)


def outcomes_at_all_runs(tests: Iterable[PrintedTest], tables: PublishedTables, claim: Claim) -> Iterator[Discrepancy]:
    """Outcomes that the printed means and deviations do not give at the 30 runs that a row averages."""
    for test in tests:
        for outcome in test.outcomes():
            decision = as_printed(tables, test, outcome.layer, RUNS_OF_A_ROW)
            if not decision.agrees(outcome.significant):
                cell = tables.cell(test.table, test.a, outcome.layer)
                said = "significant" if outcome.significant else "not significant"
                row = f"{row_name(test.a)} against {row_name(test.b)}"
                comment = f"p = {decision} at n = {RUNS_OF_A_ROW}"
                yield Discrepancy(cell.table, cell.dataset, row, cell.measure, "outcome", said, decision.p, comment)


def searches(tests: Iterable[PrintedTest]) -> dict[str, Search]:
    """By their names; `tests`: those that the thesis prints."""
    alone = (
        negative_deviation,
        largest_deviation_at_high_mean,
        largest_deviation_of_layers_1_and_5,
        smaller_deviation_at_lower_mean,
        fewer_spikes_at_lower_mean,
        spikes_increase_with_layer,
        last_layer_unaffected,
        more_spikes_on_fashion_mnist,
    )
    named = {search.__name__: search for search in alone}
    of_tests = (wording_of_null_hypothesis, outcomes_at_all_runs, beta_has_no_effect, similar_accuracy)
    return {**named, **{search.__name__: partial(search, tests) for search in of_tests}}
