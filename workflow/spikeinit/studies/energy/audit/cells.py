"""Tables 1 to 4 of Pärna (2025) recomputed from Tables 5 and 6.

Each row of Tables 1 to 4 averages three combinations of ten runs. Its mean is the mean of three printed means; its
deviation, over 30 runs, follows from the printed means and deviations (`rounding.deviation_of_pooled`). A printed cell
is contradicted when no values that round to the printed inputs give it, with either divisor (n - 1 or n) of a variance.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from spikeinit.statistics.rounding import (
    Interval,
    deviation_of_pooled,
    mean_of,
    printed_deviation_interval,
    printed_interval,
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
    """A cell of Table 5 or 6 whose correction makes two contradicted cells of Tables 1 to 4 agree."""

    cell: Cell
    mean: Interval
    deviation: Interval
    explains: tuple[Cell, Cell]

    @property
    def comment(self) -> str:
        """What the cell would have to be."""
        cell, mean, deviation = self.cell, self.mean, self.deviation
        return (
            f"consistent if Table {cell.table}, row {row_name(cell.row)}, {cell.measure} is not {cell.mean} "
            f"({cell.deviation}) but {mean.low:.2f} to {mean.high:.2f} ({deviation.low:.2f} to {deviation.high:.2f})"
        )


def suspects_of(tables: PublishedTables) -> list[SuspectedMisprint]:
    """Cells of Tables 5 and 6 that one other value each would reconcile with both of their contradicted averages.

    A combination enters one row by mean weight and one by beta range. Where both contradict it in their means, the
    printed values (two decimals) are searched that repair both means and both deviations.
    """
    aggregates = [cell for cell in tables if cell.table not in COMBINATIONS.values()]
    wrong = [cell for cell in aggregates if not cell.mean_interval.overlaps(recompute(cell, tables.parts(cell))[0])]
    found = []
    for first, second in itertools.combinations(wrong, 2):
        if first.layer != second.layer or first.dataset != second.dataset or first.table == second.table:
            continue
        row: Row = (first.row[0] or second.row[0], first.row[1] or second.row[1])
        cell = tables.cell(COMBINATIONS[first.dataset], row, first.layer)
        fits = list(_repairs(tables, cell, (first, second)))
        if fits:
            means, deviations = zip(*fits, strict=True)
            mean = Interval(min(means), max(means))
            found.append(SuspectedMisprint(cell, mean, Interval(min(deviations), max(deviations)), (first, second)))
    return found


def _repairs(tables: PublishedTables, cell: Cell, averages: tuple[Cell, Cell]) -> Iterator[tuple[float, float]]:
    centre = [_implied(average, [p for p in tables.parts(average) if p is not cell]) for average in averages]
    low, high = max(interval.low for interval in centre), min(interval.high for interval in centre)
    hundredths = range(round(100 * low), round(100 * high) + 1)
    largest = round(200 * max(float(average.deviation) for average in averages))
    for mean, deviation in itertools.product(hundredths, range(largest + 1)):
        texts = f"{mean / 100:.2f}", f"{deviation / 100:.2f}"
        repaired = Cell(cell.table, cell.row, cell.layer, *texts)
        if all(_agrees(average, tables, cell, repaired) for average in averages):
            yield mean / 100, deviation / 100


def _implied(average: Cell, others: list[Cell]) -> Interval:
    """Values of the remaining part that give a printed mean."""
    count = len(others) + 1
    low = count * average.mean_interval.low - sum(part.mean_interval.high for part in others)
    return Interval(low, count * average.mean_interval.high - sum(part.mean_interval.low for part in others))


def _agrees(average: Cell, tables: PublishedTables, cell: Cell, repaired: Cell) -> bool:
    parts = [repaired if part is cell else part for part in tables.parts(average)]
    mean, deviation = recompute(average, parts)
    return mean.overlaps(printed_interval(average.mean)) and deviation.overlaps(
        printed_deviation_interval(average.deviation)
    )


def repeated_prints(tables: PublishedTables) -> list[Discrepancy]:
    """Numbers printed twice where a repetition by chance is implausible.

    Accuracies "mean (deviation)" that two combinations of one table share digit by digit, and rows of Tables 1 to 4
    whose deviations (at least four different layers, and accuracy) equal those of another table. Of two copied rows the
    one that Tables 5 and 6 contradict is named.
    """
    discrepancies = []
    for table in COMBINATIONS.values():
        cells = [tables.cell(table, row, None) for row in tables.rows(table)]
        for first, second in itertools.combinations(cells, 2):
            if (first.mean, first.deviation) == (second.mean, second.deviation):
                comment = f"digit by digit the cell of row {row_name(first.row)}"
                for suspect in suspects_of(tables):
                    if suspect.cell is first:
                        comment += f"; its averages are {suspect.comment}"
                printed = f"{second.mean} ({second.deviation})"
                discrepancies.append(_discrepancy(second, "repeated print", printed, None, comment))
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
