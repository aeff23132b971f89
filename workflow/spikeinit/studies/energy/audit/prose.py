"""Claims in the thesis's prose, checked against its own tables (Pärna 2025, Sec. 3 to 5).

A claim counts as contradicted by a printed number only when no value within rounding agrees with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spikeinit.statistics.rounding import TOLERANCE, Interval
from spikeinit.studies.energy.audit.cells import Discrepancy
from spikeinit.studies.energy.audit.printed_tests import PRINTED_TESTS
from spikeinit.studies.energy.audit.published_tables import (
    BY_WEIGHT_MEAN,
    COMBINATIONS,
    DATASETS,
    LAYERS,
    MEANS,
    Cell,
    PublishedTables,
    row_name,
)

HIDDEN_LAYERS = LAYERS[:-1]
COUNTERPARTS = ((1, 2), (3, 4), (5, 6))
"""Tables with the same rows for MNIST and Fashion-MNIST."""


@dataclass(frozen=True)
class ProseClaim:
    """A sentence, where it stands, and the search for printed numbers against it."""

    claim: str
    place: str
    text: str
    counterexamples: Callable[[PublishedTables], Iterator[Discrepancy]]


def _against(cell: Cell, quantity: str, other: Cell, comment: str) -> Discrepancy:
    """The printed number of `cell` together with the interval of the `other` that it should not pass."""
    deviation = quantity == "standard deviation"
    printed = cell.deviation if deviation else cell.mean
    allowed = other.deviation_interval if deviation else other.mean_interval
    return Discrepancy(cell.table, cell.dataset, row_name(cell.row), cell.measure, quantity, printed, allowed, comment)


def _below(first: Interval, second: Interval) -> bool:
    """Whether `first` lies below `second` whatever the unprinted digits."""
    return first.high < second.low - TOLERANCE


def _decreasing_with_layer(tables: PublishedTables) -> Iterator[Discrepancy]:
    for table in DATASETS:
        for row in tables.rows(table):
            for layer, following in itertools.pairwise(HIDDEN_LAYERS):
                before, after = tables.cell(table, row, layer), tables.cell(table, row, following)
                if _below(after.mean_interval, before.mean_interval):
                    yield _against(after, "mean", before, f"layer {layer} has {before.mean}")


def _fewer_on_fashion(tables: PublishedTables) -> Iterator[Discrepancy]:
    for mnist, fashion in COUNTERPARTS:
        for row, layer in itertools.product(tables.rows(mnist), LAYERS):
            one, other = tables.cell(mnist, row, layer), tables.cell(fashion, row, layer)
            if _below(other.mean_interval, one.mean_interval):
                yield _against(other, "mean", one, f"Table {mnist} has {one.mean} on MNIST")


def _more_at_lower_mean(tables: PublishedTables) -> Iterator[Discrepancy]:
    for table, layer in itertools.product(BY_WEIGHT_MEAN.values(), HIDDEN_LAYERS):
        for lower, higher in itertools.combinations([tables.cell(table, row, layer) for row in MEANS], 2):
            if _below(higher.mean_interval, lower.mean_interval):
                yield _against(lower, "mean", higher, f"mean weight {row_name(higher.row)} has {higher.mean}")


def _larger_deviation_at_lower_mean(tables: PublishedTables) -> Iterator[Discrepancy]:
    for table, layer in itertools.product(BY_WEIGHT_MEAN.values(), (*LAYERS, None)):
        for lower, higher in itertools.combinations([tables.cell(table, row, layer) for row in MEANS], 2):
            if _below(higher.deviation_interval, lower.deviation_interval):
                comment = f"mean weight {row_name(higher.row)} has {higher.deviation}"
                yield _against(lower, "standard deviation", higher, comment)


def _deviation_not_largest_at_high_mean(
    table: int, layers: tuple[int, ...]
) -> Callable[[PublishedTables], Iterator[Discrepancy]]:
    def counterexamples(tables: PublishedTables) -> Iterator[Discrepancy]:
        for layer in layers:
            lower = [tables.cell(table, row, layer) for row in MEANS[:-1]]
            high = tables.cell(table, MEANS[-1], layer)
            for cell in lower:
                if not _below(cell.deviation_interval, high.deviation_interval):
                    comment = f"mean weight {row_name(cell.row)} has {cell.deviation}"
                    yield _against(high, "standard deviation", cell, comment)

    return counterexamples


def _last_layer_differs(tables: PublishedTables) -> Iterator[Discrepancy]:
    for table in DATASETS:
        cells = [tables.cell(table, row, LAYERS[-1]) for row in tables.rows(table)]
        for cell in cells:
            others = [other for other in cells if not cell.mean_interval.overlaps(other.mean_interval)]
            if len(others) == len(cells) - 1:
                comment = f"the other rows have {', '.join(other.mean for other in others)}"
                yield _against(cell, "mean", others[0], comment)


def _negative_deviation(tables: PublishedTables) -> Iterator[Discrepancy]:
    for table in COMBINATIONS.values():
        for mean in dict.fromkeys(row[0] for row in tables.rows(table)):
            if float(mean) < 0:
                comment = (
                    'the text calls it sigma of N(mu, sigma), which is never negative; the table says "Mean weight"'
                )
                yield Discrepancy(table, DATASETS[table], mean, "", "sigma", mean, Interval(0.0, float("inf")), comment)


def _rejection_needs_the_other_direction(tables: PublishedTables) -> Iterator[Discrepancy]:
    for outcome in PRINTED_TESTS:
        for layer in outcome.rejected:
            if outcome.worded is None:
                continue
            a, b = (tables.cell(outcome.table, row, layer) for row in (outcome.a, outcome.b))
            if outcome.worded == "greater" and _below(a.mean_interval, b.mean_interval):
                comment = (
                    f"rejecting the null as worded needs a mean above that of row {row_name(b.row)}, {b.mean}; "
                    "the conclusion drawn is the opposite"
                )
                yield _against(a, "mean", b, comment)


PROSE_CLAIMS = (
    ProseClaim(
        "sigma-is-minus-0.01",
        "Sec. 3.1",
        "weights from N(mu, sigma), mu set to 0.1, sigma studied for -0.01, 0 and 0.01",
        _negative_deviation,
    ),
    ProseClaim(
        "null-hypothesis-low-not-higher",
        "Sec. 4.0.1",
        "the null hypothesis is that the low range is not significantly higher than the high (medium) range; rejected",
        _rejection_needs_the_other_direction,
    ),
    ProseClaim(
        "largest-deviation-at-high-mean:mnist",
        "Sec. 4.0.1",
        "in Table 1 the standard deviation is significantly higher on the higher weight range",
        _deviation_not_largest_at_high_mean(BY_WEIGHT_MEAN["mnist"], HIDDEN_LAYERS),
    ),
    ProseClaim(
        "largest-deviation-layers-1-and-5-at-high-mean:mnist",
        "Sec. 4.0.1",
        "the deviation of layers 1 and 5 is much higher in the high range than in the other models",
        _deviation_not_largest_at_high_mean(BY_WEIGHT_MEAN["mnist"], (1, 5)),
    ),
    ProseClaim(
        "largest-deviation-layers-1-and-5-at-high-mean:fashion_mnist",
        "Sec. 4.0.1",
        "the deviation of layers 1 and 5 is much higher in the high range than in the other models",
        _deviation_not_largest_at_high_mean(BY_WEIGHT_MEAN["fashion_mnist"], (1, 5)),
    ),
    ProseClaim(
        "more-predictable-at-lower-mean",
        "Sec. 4.0.1",
        "initialising weights with a lower mean results in more predictability after training",
        _larger_deviation_at_lower_mean,
    ),
    ProseClaim(
        "fewer-spikes-at-lower-mean",
        "Sec. 4.0.1",
        "the networks initialised with a lower mean weight produce less spikes after training",
        _more_at_lower_mean,
    ),
    ProseClaim(
        "spikes-increase-with-layer",
        "Sec. 4.0.2",
        "in all experiments the spikes per neuron increase with every layer up until the last classification layer",
        _decreasing_with_layer,
    ),
    ProseClaim(
        "last-layer-unaffected",
        "Sec. 4.0.2",
        "initialisation has no impact on the amount of spikes produced by the last layer",
        _last_layer_differs,
    ),
    ProseClaim(
        "more-spikes-on-fashion-mnist",
        "Sec. 4.0.2",
        "regardless of the initialisation, models on Fashion-MNIST produce more spikes than those on MNIST",
        _fewer_on_fashion,
    ),
)
