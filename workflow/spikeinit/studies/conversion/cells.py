"""The printed cells of Tables 1 to 5 and the energies of Sec. 9 (Bojković et al. 2024), each beside our run.

Each printed number was measured once, with one trained network, and is compared with the interval of one further
network of ours (`judging.beside_printed_run`). A single network of ours decides nothing. The analogue network's energy
and the accuracy of given weights are no random numbers, and are compared as they are. Numbers that the paper takes over
from others have no line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd

from spikeinit.drawing.looks import dataset_name
from spikeinit.studies.claims import Claim, OurResult, PrintedTable, Row
from spikeinit.studies.conversion.conditions import ARCHITECTURES
from spikeinit.studies.judging import Margin, beside_printed_run
from spikeinit.studies.scorecard import Evidence

FACTOR = 1.25
"""Energies that differ by less than this factor count as the same."""
HALF_DIGIT = 0.005
SNN, ANN = "snn_accuracy", "ann_accuracy"
GIVEN = "imagenet"
"""The data set whose analogue networks have torchvision's weights, so that their accuracy is no random number."""
MILLI = 1e-3

METHODS = {"Ours": "optimal", "Ours+SNM": "snm_optimal", "Opt": "opt_clipped"}
"""Methods of the paper's own lines -> ours."""

NOTHING = pd.Series(dtype=float)


def _conversion_claim(table: int, row: Row) -> Claim | None:
    return _accuracy_claim(f"Table {table}", row, row["method"]) if row["method"] in METHODS else None


def _calibrated_claim(row: Row) -> Claim:
    return _accuracy_claim("Table 4" if row["dataset"] == "cifar10" else "Table 3", row, "calibrated")


def _network_claim(row: Row) -> Claim:
    return _accuracy_claim("Table 5", row, "analogue network", "ann_accuracy")


def _accuracy_claim(table: str, row: Row, what: str, column: str = "snn_accuracy") -> Claim:
    steps = [f"{row['timesteps']:.0f}"] if "timesteps" in row else []
    name = [table.replace(" ", "").lower(), row["dataset"], row["architecture"], what.replace(" ", "-")]
    text = ", ".join([dataset_name(row["dataset"]), row["architecture"], what, *(f"T = {t}" for t in steps)])
    return Claim(
        id=":".join([*name, *(f"T{t}" for t in steps)]),
        place=table,
        statement=f"{text}: accuracy in %",
        printed=f"{row[column]:.2f}",
        datasets=(row["dataset"],),
        comparable_scaled=False,
    )


def _energy_claim(row: Row) -> Claim | None:
    if row["model"] == "QCFS":
        return None
    steps = f", T = {row['timesteps']:.0f}" if row["model"] == "ours" else ""
    text = f"{dataset_name(row['dataset'])}, {row['architecture']}, {row['model']}{steps}: energy per image in mJ"
    return Claim(
        id=f"section9:{row['model']}",
        place="Section 9",
        statement=text,
        printed=f"{row['energy_mJ']:g}",
        datasets=(row["dataset"],),
        comparable_scaled=False,
    )


def _conversion(activation: str, evidence: Evidence, row: Row) -> pd.Series:
    method = METHODS[row["method"]]
    return _select("accuracy_by_timesteps", row, evidence, method=method, activation=activation)["accuracy"]


def _calibrated(evidence: Evidence, row: Row) -> pd.Series:
    return _select("calibrated", row, evidence, method="optimal", activation="relu")["accuracy"]


def _network(evidence: Evidence, row: Row) -> pd.Series:
    return _select("accuracy_by_timesteps", row, evidence, activation="relu")["ann_accuracy"]


def _energy(evidence: Evidence, row: Row) -> pd.Series:
    if row["model"] == "ours":
        found = _select("energy", row, evidence, method="optimal", stage="calibration")
        return found.get("energy_of_spikes_qiao2015", NOTHING) / MILLI
    found = _select("energy", {**row, "timesteps": None}, evidence, method="optimal")
    return found.get("ann_energy_qiao2015", NOTHING) / MILLI


def _select(table: str, row: Row, evidence: Evidence, **wanted: str) -> pd.DataFrame:
    """Our rows for a printed one: same (or standing-in) data set, family and number of steps."""
    ours = evidence.tables[table]
    found = ours[ours["dataset"] == evidence.conditions.datasets.get(row["dataset"])]
    found = found[found["architecture"].map(ARCHITECTURES) == row["architecture"]]
    for column, value in wanted.items():
        found = found[found[column] == value]
    if row.get("timesteps") is not None and "timesteps" in found:
        found = found[found["timesteps"] == row["timesteps"]]
    return found


def _accuracy(column: str) -> Callable[..., OurResult]:
    """Our accuracies, one for each analogue network, beside the one that is printed in a column."""

    def match(ours: pd.Series, row: Row, evidence: Evidence, cells: int) -> OurResult:
        margin = Margin(evidence.tables.spec["margins"]["accuracy"], HALF_DIGIT, cells)
        if row["dataset"] == GIVEN and column == ANN:
            value = float(ours.iloc[0])
            return OurResult(repr(value), n="1", agrees=abs(value - row[column]) <= margin.reach, note="given weights")
        return beside_printed_run(ours, row[column], margin, evidence.confidence)

    return match


def _energy_match(ours: pd.Series, row: Row, evidence: Evidence, cells: int) -> OurResult:
    printed = row["energy_mJ"]
    if row["model"] == "ours":
        return beside_printed_run(ours, printed, Margin((FACTOR - 1) * printed, cells=cells), evidence.confidence)
    return OurResult(repr(float(ours.iloc[0])), n="1", agrees=bool(1 / FACTOR < ours.iloc[0] / printed < FACTOR))


def _table(
    name: str, file: str, claim: Callable[..., Claim | None], ours: Callable[..., pd.Series], column: str
) -> PrintedTable:
    id = name.lower().replace(" and ", "-").replace(" ", "")
    together = Claim(id, name, "all printed accuracies together", "stated", comparable_scaled=False)
    return PrintedTable(file, claim, ours, _accuracy(column), together=together)


RELU, CLIPPED = partial(_conversion, "relu"), partial(_conversion, "clipped_relu")
TABLES = (
    _table("Table 1", "bojkovic2024_table1_relu_conversion", partial(_conversion_claim, 1), RELU, SNN),
    _table("Table 2", "bojkovic2024_table2_truncated_relu", partial(_conversion_claim, 2), CLIPPED, SNN),
    _table("Tables 3 and 4", "bojkovic2024_tables3_4_calibrated", _calibrated_claim, _calibrated, SNN),
    _table("Table 5", "bojkovic2024_table5_ann", _network_claim, _network, ANN),
    PrintedTable("bojkovic2024_energy", _energy_claim, _energy, _energy_match),
)
