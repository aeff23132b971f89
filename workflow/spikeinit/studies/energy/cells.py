"""The printed cells of Tables 1 to 6 (Pärna 2025), each beside our runs of the same row.

A cell is reproduced where our mean is shown to lie within a margin around the printed one, a fraction of it for spikes
and percentage points for accuracies, and is not where it is shown to lie outside (`judging.beside_printed_mean`). The
printed output layer fits only the mean over the steps and is compared with that.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from spikeinit.drawing.looks import dataset_name
from spikeinit.studies.claims import Claim, OurResult, PrintedTable
from spikeinit.studies.energy.audit.published_tables import (
    RUNS_OF_A_COMBINATION,
    RUNS_OF_A_ROW,
    Cell,
    Row,
    load_published,
    row_name,
)
from spikeinit.studies.energy.contradictions import contradicted_cells
from spikeinit.studies.energy.samples import OUTPUT_LAYER, Samples
from spikeinit.studies.judging import Margin, beside_printed_mean
from spikeinit.studies.scorecard import Evidence

TOGETHER = Claim(
    id="tables1-6",
    place="Tables 1 to 6",
    statement="all printed means of spikes and accuracies together",
    printed="stated",
    comparable_scaled=False,
)


def printed_cells(evidence: Evidence) -> PrintedTable:
    """The cells of all tables; the audit marks those that other printed cells contradict."""
    marked = contradicted_cells(evidence.audit)
    samples = Samples.of(evidence)

    def claim(cell: Cell) -> Claim:
        row = row_text(cell.row)
        return Claim(
            id=f"table{cell.table}:{row.replace(', ', ',').replace(' ', '-')}:{cell.measure.replace(' ', '')}",
            place=f"Table {cell.table}",
            statement=f"{dataset_name(cell.dataset)}, {row}: {_measure_text(cell)}",
            printed=f"{cell.mean} ({cell.deviation})",
            datasets=(cell.dataset,),
            contradicted=marked.get((cell.table, row_name(cell.row), cell.measure), ""),
            comparable_scaled=False,
        )

    def ours(evidence: Evidence, cell: Cell) -> np.ndarray:
        if cell.layer is None:
            return samples.accuracy(cell.dataset, cell.row)
        return samples.spikes(cell.dataset, cell.row, cell.layer, per_step=cell.layer == OUTPUT_LAYER)

    return PrintedTable("paerna2025_spikes", claim, ours, _match, rows=_in_order, together=TOGETHER)


def _in_order(path: Path) -> list[Cell]:
    published = load_published(path)
    rows = {table: published.rows(table) for table in range(1, 7)}
    return sorted(published, key=lambda c: (c.table, rows[c.table].index(c.row), c.layer or OUTPUT_LAYER + 1))


def _match(values: np.ndarray, cell: Cell, evidence: Evidence, cells: int) -> OurResult:
    runs = RUNS_OF_A_COMBINATION if all(cell.row) else RUNS_OF_A_ROW
    printed = float(cell.mean), float(cell.deviation), runs
    margins = evidence.tables.spec["margins"]
    width = margins["accuracy"] if cell.layer is None else margins["equivalence"] * abs(printed[0])
    rounding = 0.5 * (cell.mean_interval.high - cell.mean_interval.low)
    result = beside_printed_mean(values, printed, Margin(width, rounding, cells), evidence.confidence)
    if len(values) == 1:
        return result
    return replace(result, note=f"{result.note}; our deviation {values.std(ddof=1):.3g}")


def _measure_text(cell: Cell) -> str:
    if cell.layer is None:
        return "accuracy in %"
    return f"{cell.measure}, spikes per neuron and image" + (" and step" if cell.layer == OUTPUT_LAYER else "")


def row_text(row: Row) -> str:
    """A row in words: "mean weight 0.01", "beta low" or both."""
    mean, beta = row
    return ", ".join(part for part in (mean and f"mean weight {mean}", beta and f"beta {beta}") if part)
