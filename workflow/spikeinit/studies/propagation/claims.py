"""What Micheli et al. (2024) claim, judged by our simulations and trainings.

The claims stand in `micheli2024_claims.csv`; each has one check, in `simulation_claims` or `training_claims`, whose
docstring says by which rule it agrees. The paper states few numbers and no tests, so every rule names a tolerance.
Conditions are per part: simulations at full size earn verdicts although the trainings beside them are scaled down.
"""

from __future__ import annotations

import csv

from spikeinit.studies.propagation import simulation_claims as simulated
from spikeinit.studies.propagation import training_claims as trained
from spikeinit.studies.propagation.simulation_claims import Check
from spikeinit.studies.scorecard import Claim, Conditions, Evidence, OurResult, ScorecardEntry, scorecard_entry

CHECKS: dict[str, tuple[str, tuple[str, ...], Check]] = {
    "variance_kept": ("simulation", (), simulated.variance_kept),
    "kaiming_dissipates": ("simulation", (), simulated.kaiming_dissipates),
    "others_die": ("simulation", (), simulated.others_die),
    "finite_size_100": ("simulation", (), simulated.finite_size_100),
    "finite_size_600": ("simulation", (), simulated.finite_size_600),
    "holds_above_600": ("simulation", (), simulated.holds_above_600),
    "time_steps": ("simulation", (), simulated.time_steps),
    "beta_0.9": ("simulation", (), simulated.high_decay),
    "mlp_mnist_train": ("deep_mlp", ("mnist",), trained.mlp_mnist_train),
    "mlp_fmnist_train": ("deep_mlp", ("fashion_mnist",), trained.mlp_fmnist_train),
    "mlp_nmnist": ("deep_mlp", ("nmnist",), trained.mlp_nmnist),
    "cnn_fmnist": ("deep_cnn", ("fashion_mnist",), trained.cnn_fmnist),
    "cnn_cifar10": ("deep_cnn", ("cifar10",), trained.cnn_cifar10),
    "mlp_test": ("deep_mlp", ("mnist", "fashion_mnist"), trained.mlp_test),
    "robust": ("robustness", ("mnist",), trained.robust),
}
"""Claim -> the part of the study whose conditions count, published data sets, check."""


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """Every claim as a line of the scorecard, in the order of the figures."""
    parts = evidence.tables.spec["parts"]
    with evidence.published["micheli2024_claims"].open(newline="") as file:
        return [_entry(evidence, parts, row) for row in csv.DictReader(file)]


def _entry(evidence: Evidence, parts: dict[str, dict], row: dict[str, str]) -> ScorecardEntry:
    part, datasets, check = CHECKS[row["claim_id"]]
    conditions = Conditions.from_spec(parts[part])
    source = "Figures " if "," in row["figure"] else "Figure "
    claim = Claim(
        claim=row["claim_id"],
        source=source + row["figure"].replace(",", " and "),
        statement=row["claim"],
        published="stated",
        datasets=datasets,
    )
    found = [conditions.datasets[dataset] for dataset in datasets]
    if datasets and None in found:
        return scorecard_entry(claim, OurResult(), conditions)
    return scorecard_entry(claim, check(evidence.tables, *found), conditions)
