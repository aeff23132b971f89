"""What the claims about the first MLP look like at every open choice that is tried.

The runs are those of `open_choices`, not those of the other tables, also where a choice is "as configured". One choice
needs no run of its own: the authors' code averages an accuracy over all epochs so far, where others take the last one.
"""

from __future__ import annotations

import pandas as pd

from spikeinit.config.open_choices import AS_CONFIGURED
from spikeinit.statistics.intervals import mean_interval
from spikeinit.studies.claims import Claim, read_claims
from spikeinit.studies.open_choices import conclusions
from spikeinit.studies.propagation.checks import CHECKS
from spikeinit.studies.propagation.open_choices import EXPERIMENT, NETWORK
from spikeinit.studies.propagation.tables import TASK, measured, of
from spikeinit.studies.scorecard import Conditions, Evidence
from spikeinit.studies.table_tools import StudyRuns, StudyTables, finite

AVERAGED = "accuracies averaged over the epochs"
MEASURES = ("train_accuracy", "test_accuracy")
ACCURACY = ["open_choice", "initializer"]
LABELS = ["open_choice", *TASK, "seed", "outcome"]


def open_choices_by_run(runs: StudyRuns) -> pd.DataFrame:
    """One row per open choice, initialiser and seed, with the accuracies of the table `trainings`."""
    own = of(runs, EXPERIMENT)
    if own.plan.empty:
        return pd.DataFrame(columns=[*LABELS, *MEASURES, "iterations_to_level", "level"])
    found = measured(own, LABELS)
    return pd.concat([found, _averaged(own, found)], ignore_index=True)


def _averaged(own: StudyRuns, found: pd.DataFrame) -> pd.DataFrame:
    """The configured trainings with accuracies that are means over all epochs; those on test images are monitored."""
    key = ["initializer", "seed"]
    curves = own.read("curves")
    curves = curves[curves["open_choice"] == AS_CONFIGURED]
    means = curves.groupby(key, sort=False)[list(MEASURES)].mean().reset_index()
    kept = found[found["open_choice"] == AS_CONFIGURED].drop(columns=list(MEASURES))
    return kept.merge(means, on=key, validate="one_to_one").assign(open_choice=AVERAGED)[found.columns]


def open_choice_accuracy(runs: StudyRuns) -> pd.DataFrame:
    """Accuracies of every initialiser at every choice, with the interval of the mean over the seeds."""
    frame, confidence = open_choices_by_run(runs), runs.spec["confidence"]
    rows = []
    for key, group in frame.groupby(ACCURACY, sort=False):
        row = dict(zip(ACCURACY, key, strict=True))
        for measure in MEASURES:
            seeds = mean_interval(finite(group[measure]), confidence)
            row |= {f"{measure}_mean": seeds.mean, f"{measure}_low": seeds.low, f"{measure}_high": seeds.high}
        rows.append(row | {"runs": len(group)})
    measures = [f"{measure}_{part}" for measure in MEASURES for part in ("mean", "low", "high")]
    return pd.DataFrame(rows, columns=[*ACCURACY, *measures, "runs"])


def open_choices(runs: StudyRuns) -> pd.DataFrame:
    """Every claim about the first MLP at every choice: what our runs say, and whether it flips."""
    frame, options = open_choices_by_run(runs), runs.spec.get("open_choices")
    evidence = {
        choice: _evidence(own, options["datasets"], runs.spec["confidence"])
        for choice, own in frame.groupby("open_choice", sort=False)
    }
    read = read_claims(runs.published["micheli2024_claims"], CHECKS) if evidence else []
    claims = [claim for claim in read if _is_about(claim, options["datasets"])]
    return conclusions(claims, CHECKS, evidence, options["settings"] if options else "")


def _is_about(claim: Claim, datasets: dict[str, str | None]) -> bool:
    return claim.part == NETWORK and bool(claim.datasets) and all(datasets.get(one) for one in claim.datasets)


def _evidence(frame: pd.DataFrame, datasets: dict[str, str | None], confidence: float) -> Evidence:
    tables = StudyTables.of({"trainings": frame.assign(experiment="comparison")}, {})
    empty = pd.DataFrame()
    return Evidence(tables, empty, empty, {}, Conditions((), datasets), confidence)
