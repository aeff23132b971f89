"""The printed cells of Tables 1 to 6 (Pärna 2025), each beside our runs of the same row.

A cell agrees where Welch's interval of the difference between our mean and the printed one, widened by the rounding of
the print, holds zero. The printed output layer fits only the mean over the steps and is compared with that.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from spikeinit.statistics.intervals import MeanInterval, welch_interval
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
from spikeinit.studies.energy.samples import Samples
from spikeinit.studies.judging import beside_printed, holds
from spikeinit.studies.looks import dataset_name
from spikeinit.studies.scorecard import Evidence

OUTPUT_LAYER = 6


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

    return PrintedTable("paerna2025_spikes", claim, ours, _match, rows=_in_order)


def _in_order(path: Path) -> list[Cell]:
    published = load_published(path)
    rows = {table: published.rows(table) for table in range(1, 7)}
    return sorted(published, key=lambda c: (c.table, rows[c.table].index(c.row), c.layer or OUTPUT_LAYER + 1))


def _match(values: np.ndarray, cell: Cell, evidence: Evidence) -> OurResult:
    runs = RUNS_OF_A_COMBINATION if all(cell.row) else RUNS_OF_A_ROW
    rounding = 0.5 * (cell.mean_interval.high - cell.mean_interval.low)

    def agrees(ours: MeanInterval) -> bool | None:
        printed = float(cell.mean), float(cell.deviation), runs
        low, high = welch_interval(ours.mean, ours.deviation, ours.n, *printed, evidence.confidence)
        return holds(low, high, 0, rounding)

    result = beside_printed(values, evidence.confidence, agrees)
    return result if len(values) == 1 else replace(result, note=f"our deviation {values.std(ddof=1):.3g}")


def _measure_text(cell: Cell) -> str:
    if cell.layer is None:
        return "accuracy in %"
    return f"{cell.measure}, spikes per neuron and image" + (" and step" if cell.layer == OUTPUT_LAYER else "")


def row_text(row: Row) -> str:
    """A row in words: "mean weight 0.01", "beta low" or both."""
    mean, beta = row
    return ", ".join(part for part in (mean and f"mean weight {mean}", beta and f"beta {beta}") if part)
