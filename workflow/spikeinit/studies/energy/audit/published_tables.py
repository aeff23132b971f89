"""The published tables of Pärna (2025), kept as the printed text so that the digits survive.

Tables 1 (MNIST) and 2 (Fashion-MNIST) average over the beta ranges, Tables 3 and 4 over the mean weights, Tables 5 and
6 have every combination. A row is named (weight_mean, beta_range), with "" for what it averages over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spikeinit.errors import UserError
from spikeinit.io import read_csv
from spikeinit.statistics.rounding import Interval, printed_deviation_interval, printed_interval

Row = tuple[str, str]

MEANS: tuple[Row, ...] = (("-0.01", ""), ("0", ""), ("0.01", ""))
BETAS: tuple[Row, ...] = (("", "low"), ("", "medium"), ("", "high"))
"""Rows of Tables 1 and 2 and of Tables 3 and 4, in printed order."""
RUNS_OF_A_COMBINATION = 10
RUNS_OF_A_ROW = 30
"""Runs behind a cell of Tables 5 and 6, and behind a cell of Tables 1 to 4."""
LAYERS = (1, 2, 3, 4, 5, 6)
DATASETS = {1: "mnist", 2: "fashion_mnist", 3: "mnist", 4: "fashion_mnist", 5: "mnist", 6: "fashion_mnist"}
COMBINATIONS = {"mnist": 5, "fashion_mnist": 6}
"""The table of all combinations, by data set."""
BY_WEIGHT_MEAN = {"mnist": 1, "fashion_mnist": 2}
COLUMNS = (
    "table",
    "dataset",
    "weight_mean",
    "beta_range",
    "layer",
    "spikes_mean",
    "spikes_sd",
    "accuracy_mean",
    "accuracy_sd",
)


@dataclass(frozen=True)
class Cell:
    """One printed pair "mean (deviation)": spikes of a layer, or the accuracy where `layer` is None."""

    table: int
    row: Row
    layer: int | None
    mean: str
    deviation: str

    @property
    def dataset(self) -> str:
        """Data set of the cell's table."""
        return DATASETS[self.table]

    @property
    def measure(self) -> str:
        """ "layer 1" to "layer 6", or "accuracy"."""
        return "accuracy" if self.layer is None else f"layer {self.layer}"

    @property
    def mean_interval(self) -> Interval:
        """Values that round to the printed mean."""
        return printed_interval(self.mean)

    @property
    def deviation_interval(self) -> Interval:
        """Values that round to the printed standard deviation."""
        return printed_deviation_interval(self.deviation)


class PublishedTables:
    """Cells of Tables 1 to 6, by table, row and layer (None: accuracy)."""

    def __init__(self, cells: list[Cell]) -> None:
        self._cells = {(cell.table, cell.row, cell.layer): cell for cell in cells}

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells.values())

    def cell(self, table: int, row: Row, layer: int | None) -> Cell:
        """One cell; KeyError where the table has no such row."""
        return self._cells[table, row, layer]

    def rows(self, table: int) -> list[Row]:
        """Row names of a table, in printed order."""
        return list(dict.fromkeys(cell.row for cell in self if cell.table == table))

    def parts(self, cell: Cell) -> list[Cell]:
        """The three cells of Table 5 or 6 that a cell of Tables 1 to 4 averages."""
        table = COMBINATIONS[cell.dataset]
        return [self.cell(table, row, cell.layer) for row in self.rows(table) if covers(cell.row, row)]

    def averages(self, cell: Cell) -> tuple[Cell, ...]:
        """The cells of Tables 1 to 4 that average over a cell of Table 5 or 6."""
        others = (one for one in self if one.table not in COMBINATIONS.values())
        same = (one for one in others if (one.dataset, one.layer) == (cell.dataset, cell.layer))
        return tuple(one for one in same if covers(one.row, cell.row))


def covers(aggregate: Row, row: Row) -> bool:
    """Whether the combination `row` is among those that `aggregate` averages over."""
    return all(part in ("", whole) for part, whole in zip(aggregate, row, strict=True))


def row_name(row: Row) -> str:
    """A row's name in the audit: "-0.01", "low" or "-0.01, low"."""
    return ", ".join(part for part in row if part)


def load_published(path: str | Path) -> PublishedTables:
    """Read workflow/published/paerna2025_spikes.csv; `UserError` when it is missing or not that table."""
    cells = []
    for record in read_printed(path, COLUMNS):
        table, row = int(record["table"]), (record["weight_mean"], record["beta_range"])
        cells.append(Cell(table, row, int(record["layer"]), record["spikes_mean"], record["spikes_sd"]))
        if record["layer"] == "1":
            cells.append(Cell(table, row, None, record["accuracy_mean"], record["accuracy_sd"]))
    return PublishedTables(cells)


def read_printed(path: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a file of printed values as text; `UserError` when it is missing or lacks a column."""
    try:
        records = read_csv(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; it comes with the project under workflow/published") from None
    if not records or set(columns) - set(records[0]):
        raise UserError(f"{path}: must have the columns {', '.join(columns)}")
    return records
