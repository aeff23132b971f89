"""The thesis's tests, recomputed from its printed means and deviations under every reading (Pärna 2025, Sec. 4).

The text gives neither n nor the variant of its "unpaired t-test". A reading fixes four things: n = 10 (the runs of one
combination) or 30 (the runs that a row of Tables 1 to 4 averages); Student or Welch; one- or two-sided; and whether
means and deviations are those printed in Tables 1 to 4 or those recomputed from Tables 5 and 6. Printed numbers are
known only up to rounding, so a layer is rejected for certain, possibly, or not at all. A reading reproduces a printed
test when every layer named as rejected possibly is, and when every layer rejected for certain is named.

The null hypothesis for the mean weights is worded the wrong way round: "the average number of spikes for the low range
is not significantly higher than [...] for the high range". Rejecting it would show that low means spike *more*; the
conclusion drawn is that they spike less. Both the test that the conclusion needs and the test as worded are tried.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from spikeinit.statistics.rounding import Interval, deviation_of_pooled, mean_of
from spikeinit.studies.energy.audit.published_tables import (
    BETAS,
    BY_WEIGHT_MEAN,
    DATASETS,
    MEANS,
    RUNS_OF_A_COMBINATION,
    RUNS_OF_A_ROW,
    Cell,
    PublishedTables,
    Row,
    read_printed,
)

SIZES = (RUNS_OF_A_COMBINATION, RUNS_OF_A_ROW)
"""Values of n that the thesis may have used."""

CONFIDENCE = 0.95
"""The level that the thesis's words "significant" and "not significant" are taken at."""

LOW, MEDIUM, HIGH = MEANS
BETA_LOW, BETA_MEDIUM, BETA_HIGH = BETAS
NAMES = {LOW: "low", MEDIUM: "medium", HIGH: "high", BETA_LOW: "low", BETA_MEDIUM: "medium", BETA_HIGH: "high"}


class Outcome(NamedTuple):
    """The outcome of a test for one layer (None: for the accuracy): the id of its claim, and what the thesis says."""

    claim: str
    layer: int | None
    significant: bool


@dataclass(frozen=True)
class PrintedTest:
    """One test as printed: for which layers the difference between rows a and b of a table is significant.

    `direction` of a - b is what the thesis concludes: "less", "greater", or "two-sided" for the accuracies, which it
    calls "not significantly different". `layers` are those tested, None for the accuracy; `rejected` those said to be
    significant.
    """

    table: int
    a: Row
    b: Row
    direction: str
    layers: tuple[int | None, ...]
    rejected: tuple[int | None, ...]

    @property
    def dataset(self) -> str:
        """Data set of the test's table."""
        return DATASETS[self.table]

    @property
    def about_mean_weight(self) -> bool:
        """Whether rows of different mean weight are compared, else of different beta range."""
        return self.table in BY_WEIGHT_MEAN.values()

    @property
    def place(self) -> str:
        """Section of the thesis that prints the outcome."""
        return "Sec. 4.0.1" if self.about_mean_weight else "Sec. 4.0.2"

    @property
    def worded(self) -> str | None:
        """The alternative to the null hypothesis as worded, where that is not the conclusion's direction."""
        if not self.about_mean_weight:
            return None
        return {"less": "greater", "greater": "less", "two-sided": None}[self.direction]

    @property
    def name(self) -> str:
        """Id of the test as a whole, e.g. "fewer-spikes-low-than-high-mean:mnist"."""
        return self._claim(bool(self.rejected))

    def outcomes(self) -> Iterator[Outcome]:
        """What the thesis says of each layer tested."""
        for layer in self.layers:
            rejected = layer in self.rejected
            yield Outcome(self._claim(rejected) + ("" if layer is None else f":layer{layer}"), layer, rejected)

    def _claim(self, rejected: bool) -> str:
        a, b, factor = NAMES[self.a], NAMES[self.b], "mean" if self.about_mean_weight else "beta"
        if self.direction == "two-sided":
            what = f"{'different' if rejected else 'similar'}-accuracy-{a}-and-{b}"
        elif rejected:
            what = f"{'fewer' if self.direction == 'less' else 'more'}-spikes-{a}-than-{b}"
        else:
            what = f"similar-spikes-{a}-and-{b}"
        return f"{what}-{factor}:{self.dataset}"


COLUMNS = ("table", "dataset", "row_a", "row_b", "direction", "layer", "significant")


def load_tests(path: str | Path) -> tuple[PrintedTest, ...]:
    """Read workflow/published/paerna2025_tests.csv; `UserError` when it is missing or not that table."""
    found: dict[tuple[int, Row, Row, str], dict[int | None, bool]] = {}
    for record in read_printed(path, COLUMNS):
        table = int(record["table"])
        a, b = (_row(table, record[name]) for name in ("row_a", "row_b"))
        layers = found.setdefault((table, a, b, record["direction"]), {})
        layers[int(record["layer"]) if record["layer"] else None] = record["significant"] == "yes"
    return tuple(
        PrintedTest(*test, tuple(layers), tuple(layer for layer, significant in layers.items() if significant))
        for test, layers in found.items()
    )


def _row(table: int, level: str) -> Row:
    return (level, "") if table in BY_WEIGHT_MEAN.values() else ("", level)


@dataclass(frozen=True)
class Reading:
    """How a printed test may have been made."""

    n: int
    test: str
    sides: str
    source: str

    def __str__(self) -> str:
        return f"n = {self.n}, {self.test}, {self.sides}, {self.source}"


TESTS = ("Student", "Welch")
SIDES = ("one-sided", "two-sided")
AS_WORDED = "one-sided as worded"
SOURCES = ("Tables 1-4", "recomputed from Tables 5-6")


def readings(outcome: PrintedTest) -> list[Reading]:
    """Every reading of a printed test; those "as worded" only where the wording differs from the conclusion."""
    sides = SIDES if outcome.worded is None else (*SIDES, AS_WORDED)
    return [Reading(*choice) for choice in itertools.product(SIZES, TESTS, sides, SOURCES)]


@dataclass(frozen=True)
class Decision:
    """Range of p over the rounding of the printed numbers, for one layer under one reading."""

    p: Interval

    def __str__(self) -> str:
        if self.unknown:
            return "anything"
        low, high = f"{self.p.low:.2g}", f"{self.p.high:.2g}"
        return low if low == high else f"{low} to {high}"

    @property
    def unknown(self) -> bool:
        """Whether the printed digits, such as a deviation of 0.00, leave every outcome possible."""
        return self.p.low < 0.01 and self.p.high > 0.99

    @property
    def certain(self) -> bool:
        """Rejected whatever the unprinted digits."""
        return self.p.high < 1.0 - CONFIDENCE

    @property
    def possible(self) -> bool:
        """Rejected for some values of the unprinted digits."""
        return self.p.low < 1.0 - CONFIDENCE

    def agrees(self, rejected: bool) -> bool:
        """Whether the thesis's decision can be had."""
        return self.possible if rejected else not self.certain


def decide(tables: PublishedTables, outcome: PrintedTest, layer: int | None, reading: Reading) -> Decision:
    """Make a printed test again for one layer, under one reading."""
    a = tables.cell(outcome.table, outcome.a, layer)
    b = tables.cell(outcome.table, outcome.b, layer)
    alternative = outcome.worded if reading.sides == AS_WORDED else outcome.direction
    samples = [*_sample(tables, a, reading.source), *_sample(tables, b, reading.source)]
    p = p_interval(*samples, n=reading.n, welch=reading.test == "Welch", alternative=alternative, sides=reading.sides)
    return Decision(p)


def as_printed(tables: PublishedTables, test: PrintedTest, layer: int | None, n: int) -> Decision:
    """Tables 1 to 4 by the thesis's reading: Student's test in its conclusion's direction, `n` runs a row."""
    return decide(tables, test, layer, Reading(n, "Student", "one-sided" if layer else "two-sided", SOURCES[0]))


def _sample(tables: PublishedTables, cell: Cell, source: str) -> tuple[Interval, Interval]:
    if source == SOURCES[0]:
        return cell.mean_interval, cell.deviation_interval
    parts = tables.parts(cell)
    means = [part.mean_interval for part in parts]
    deviations = [part.deviation_interval for part in parts]
    return mean_of(means), deviation_of_pooled(means, deviations, RUNS_OF_A_COMBINATION, ddof=1)


def p_interval(
    mean1: Interval,
    deviation1: Interval,
    mean2: Interval,
    deviation2: Interval,
    *,
    n: int,
    welch: bool,
    alternative: str,
    sides: str,
) -> Interval:
    """Range of the t-test's p over a box of means and sample deviations (divisor n - 1), n values in each sample.

    `alternative` is the direction of mean1 - mean2, `sides` whether that direction is tested alone. A two-sided
    rejection counts only with the right sign. Where there is no direction ("two-sided"), one-sided means the smaller
    of the two one-sided p. p is monotone in each mean and each deviation, so its extremes lie in the corners
    (for Welch up to the change of its degrees of freedom within the box).
    """
    corners = np.array(list(itertools.product(*((x.low, x.high) for x in (mean1, deviation1, mean2, deviation2))))).T
    if mean1.overlaps(mean2):  # the two-sided p peaks at equal means, inside the box
        equal = np.array([[mean1.low, s1, mean1.low, s2] for s1, s2 in zip(corners[1], corners[3], strict=True)]).T
        corners = np.concatenate([corners, equal], axis=1)
    m1, s1, m2, s2 = corners
    two_sided = alternative == "two-sided"
    p_less = stats.ttest_ind_from_stats(m1, s1, n, m2, s2, n, equal_var=not welch, alternative="less").pvalue
    p_less = np.where(np.isnan(p_less), 0.5, p_less)  # no deviation and no difference
    p = np.minimum(p_less, 1.0 - p_less) if two_sided else p_less if alternative == "less" else 1.0 - p_less
    if sides == "two-sided":
        p = np.minimum(1.0, 2.0 * p)
    return Interval(float(p.min()), float(p.max()))
