"""Tables 1 to 4 of Pärna (2025) recomputed from Tables 5 and 6.

Each row of Tables 1 to 4 averages three combinations of ten runs. Its mean is the mean of three printed means; its
deviation, over 30 runs, follows from the printed means and deviations (`rounding.deviation_of_pooled`). A printed cell
is contradicted when no values that round to the printed inputs give it, with either divisor (n - 1 or n) of a variance.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from spikeinit.statistics.rounding import (
    Interval,
    deviation_of_pooled,
    mean_of,
)
from spikeinit.studies.energy.audit.published_tables import (
    COMBINATIONS,
    RUNS_OF_A_COMBINATION,
    Cell,
    PublishedTables,
    Row,
    row_name,
)


@dataclass(frozen=True)
class Discrepancy:
    """A printed number that other printed numbers contradict, and the values that they allow (None: no range)."""

    table: int
    dataset: str
    row: str
    measure: str
    quantity: str
    printed: str
    recomputed: Interval | None
    comment: str


def recompute(cell: Cell, parts: list[Cell]) -> tuple[Interval, Interval]:
    """Attainable mean and standard deviation (either divisor) of a cell of Tables 1 to 4."""
    means = [part.mean_interval for part in parts]
    deviations = [part.deviation_interval for part in parts]
    population, sample = (deviation_of_pooled(means, deviations, RUNS_OF_A_COMBINATION, ddof) for ddof in (0, 1))
    return mean_of(means), population.hull(sample)


def contradicted_cells(tables: PublishedTables) -> list[Discrepancy]:
    """Every printed mean and deviation of Tables 1 to 4 that Tables 5 and 6 rule out, in printed order."""
    twins = {id(cell): twin for cell, twin in _copied_deviations(tables)}
    suspects = {id(cell): suspect for suspect in suspects_of(tables) for cell in suspect.explains}
    discrepancies = []
    for cell in tables:
        if cell.table in COMBINATIONS.values():
            continue
        parts = tables.parts(cell)
        mean, deviation = recompute(cell, parts)
        checks = (
            ("mean", cell.mean, cell.mean_interval, mean),
            ("standard deviation", cell.deviation, cell.deviation_interval, deviation),
        )
        for quantity, printed, interval, recomputed in checks:
            if interval.overlaps(recomputed):
                continue
            inputs = ", ".join(part.mean if quantity == "mean" else f"{part.mean} ({part.deviation})" for part in parts)
            comment = f"Table {parts[0].table} has {inputs}"
            if quantity != "mean" and id(cell) in twins:
                twin = twins[id(cell)]
                comment += f"; printed is the deviation of Table {twin.table}, row {row_name(twin.row)}"
            if id(cell) in suspects:
                comment += f"; {suspects[id(cell)].comment}"
            discrepancies.append(_discrepancy(cell, quantity, printed, recomputed, comment))
    return discrepancies


def _discrepancy(cell: Cell, quantity: str, printed: str, recomputed: Interval | None, comment: str) -> Discrepancy:
    place = cell.table, cell.dataset, row_name(cell.row), cell.measure
    return Discrepancy(*place, quantity, printed, recomputed, comment)


@dataclass(frozen=True)
class SuspectedMisprint:
    """A cell of Table 5 or 6 that, changed alone, makes every cell of Tables 1 to 4 that averages over it agree.

    mean, deviation: the values that do so. explains: those averages.
    """

    cell: Cell
    mean: Interval
    deviation: Interval
    explains: tuple[Cell, ...]

    @property
    def comment(self) -> str:
        """What the cell would have to be."""
        cell, mean, deviation = self.cell, self.mean, self.deviation
        return (
            f"consistent if Table {cell.table}, row {row_name(cell.row)}, {cell.measure} is not {cell.mean} "
            f"({cell.deviation}) but {mean.low:.2f} to {mean.high:.2f} ({deviation.low:.2f} to {deviation.high:.2f})"
        )


def suspects_of(tables: PublishedTables) -> list[SuspectedMisprint]:
    """The cells of Tables 5 and 6 that must be misprinted, if only one of a measure is.

    For instance (98.32 + 98.07 + 97.70) / 3 is not the printed 98.18, nor (97.91 + 97.70 + 97.70) / 3 the printed
    97.92. The first and the last sum share one cell, and with 98.15 in it both averages are as printed.

    A cell is suspected where a mean over it is contradicted, and where another printed value (two decimals) of this
    cell alone repairs the means and deviations of all averages it enters. Where several cells of a data set and measure
    could be the one, none is named.
    """
    found: dict[tuple[str, str], list[SuspectedMisprint]] = {}
    for cell in tables:
        if cell.table not in COMBINATIONS.values():
            continue
        averages = tables.averages(cell)
        if all(one.mean_interval.overlaps(recompute(one, tables.parts(one))[0]) for one in averages):
            continue
        fits = list(_repairs(tables, cell, averages))
        if fits:
            means, deviations = zip(*fits, strict=True)
            values = Interval(min(means), max(means)), Interval(min(deviations), max(deviations))
            suspect = SuspectedMisprint(cell, *values, averages)
            found.setdefault((cell.dataset, cell.measure), []).append(suspect)
    return [suspects[0] for suspects in found.values() if len(suspects) == 1]


def _repairs(tables: PublishedTables, cell: Cell, averages: tuple[Cell, ...]) -> Iterator[tuple[float, float]]:
    """Printed values (mean, deviation) of a cell that repair its averages: for each mean the ends of the deviations.

    A larger deviation of the cell never makes that of an average smaller. So the deviations that repair lie between two
    ends, which are found by bisection.
    """
    centre = [_implied(average, [p for p in tables.parts(average) if p is not cell]) for average in averages]
    low, high = max(interval.low for interval in centre), min(interval.high for interval in centre)
    hundredths = range(round(200 * max(float(average.deviation) for average in averages)) + 1)
    for mean in range(round(100 * low), round(100 * high) + 1):

        def repaired(deviation: int, mean: int = mean) -> list[tuple[Cell, Interval, Interval]]:
            changed = Cell(cell.table, cell.row, cell.layer, f"{mean / 100:.2f}", f"{deviation / 100:.2f}")
            parts = ([changed if part is cell else part for part in tables.parts(average)] for average in averages)
            return [(average, *recompute(average, own)) for average, own in zip(averages, parts, strict=True)]

        if not all(one.mean_interval.overlaps(attained) for one, attained, _ in repaired(0)):
            continue
        first = bisect.bisect_left(
            hundredths,
            True,
            key=lambda d: all(attained.high >= one.deviation_interval.low for one, _, attained in repaired(d)),
        )
        behind = bisect.bisect_left(
            hundredths,
            True,
            key=lambda d: any(attained.low > one.deviation_interval.high for one, _, attained in repaired(d)),
        )
        if first < behind:
            yield mean / 100, first / 100
            yield mean / 100, (behind - 1) / 100


def _implied(average: Cell, others: list[Cell]) -> Interval:
    """Values of the remaining part that give a printed mean."""
    count = len(others) + 1
    low = count * average.mean_interval.low - sum(part.mean_interval.high for part in others)
    return Interval(low, count * average.mean_interval.high - sum(part.mean_interval.low for part in others))


def repeated_prints(tables: PublishedTables) -> list[Discrepancy]:
    """Numbers printed twice where a repetition by chance is implausible.

    Accuracies "mean (deviation)" that two combinations of one table share digit by digit, and rows of Tables 1 to 4
    whose deviations (at least four different layers, and accuracy) equal those of another table. Of two such accuracies
    the suspected misprint is named, or else the second, and of two copied rows the one that Tables 5 and 6 contradict.
    """
    discrepancies = []
    suspects = {id(suspect.cell): suspect for suspect in suspects_of(tables)}
    for table in COMBINATIONS.values():
        cells = [tables.cell(table, row, None) for row in tables.rows(table)]
        for first, second in itertools.combinations(cells, 2):
            if (first.mean, first.deviation) == (second.mean, second.deviation):
                copy, other = (first, second) if id(first) in suspects else (second, first)
                comment = f"digit by digit the cell of row {row_name(other.row)}"
                if id(copy) in suspects:
                    comment += f"; its averages are {suspects[id(copy)].comment}"
                printed = f"{copy.mean} ({copy.deviation})"
                discrepancies.append(_discrepancy(copy, "repeated print", printed, None, comment))
    rows: dict[tuple[int, Row], list[tuple[Cell, Cell]]] = {}
    for cell, twin in _copied_deviations(tables):
        rows.setdefault((cell.table, cell.row), []).append((cell, twin))
    for pairs in rows.values():
        cell, twin = pairs[0]
        printed = " ".join(pair[0].deviation for pair in pairs)
        comment = f"all deviations are those of Table {twin.table}, row {row_name(twin.row)}"
        discrepancies.append(
            Discrepancy(cell.table, cell.dataset, row_name(cell.row), "all", "repeated print", printed, None, comment)
        )
    return discrepancies


def _copied_deviations(tables: PublishedTables) -> Iterator[tuple[Cell, Cell]]:
    """Pairs (cell, twin) of whole rows of Tables 1 to 4 with equal deviations, where the cell is contradicted."""
    rows: dict[tuple[int, Row], list[Cell]] = {}
    for cell in tables:
        if cell.table not in COMBINATIONS.values():
            rows.setdefault((cell.table, cell.row), []).append(cell)
    for first, second in itertools.permutations(rows.values(), 2):
        deviations = [cell.deviation for cell in first]
        same = deviations == [cell.deviation for cell in second]
        if same and len(set(deviations)) >= 4 and _misfits(tables, first) > _misfits(tables, second):
            yield from zip(first, second, strict=True)


def _misfits(tables: PublishedTables, row: list[Cell]) -> int:
    return sum(not cell.deviation_interval.overlaps(recompute(cell, tables.parts(cell))[1]) for cell in row)
