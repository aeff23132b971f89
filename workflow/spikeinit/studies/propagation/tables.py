"""Tables of the propagation study: simulated signals, trainings compared, and how robust two initialisations are.

Accuracies are percent. A training's accuracy is that of its last epoch; dead and diverged seeds stay, with their
outcome beside the mean. Intervals are Student's, over the seeds.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from spikeinit.statistics.intervals import mean_interval
from spikeinit.studies.table_tools import StudyRuns, finite, outcome_text
from spikeinit.tables import read_table

SIMULATION = ["label", "initializer", "threshold", "width", "depth", "timesteps", "decay"]
TASK = ["dataset", "network", "initializer"]
ROBUSTNESS = ("base", "depth", "width", "decay", "threshold")
"""Experiments of figure 10."""
SHOWN_LAYERS = (1, 2, 5, 10, 50, 100)


def signals(runs: StudyRuns) -> pd.DataFrame:
    """One row per simulation and layer: means over the steps, then mean and deviation over the repeats."""
    frame = _simulated(runs, "signals")
    return frame[frame["step"].isna()].drop(columns="step")


def signals_over_steps(runs: StudyRuns) -> pd.DataFrame:
    """One row per simulation, layer and step."""
    frame = _simulated(runs, "signals")
    gradients = [column for column in frame if "_gradient_" in column]
    return frame[frame["step"].notna()].drop(columns=[*gradients, "predicted_variance", "predicted_spikes"])


def repeats(runs: StudyRuns) -> pd.DataFrame:
    """One row per simulated network: what `simulation.repeats` says of it."""
    return _simulated(runs, "repeats")


def gradients(runs: StudyRuns) -> pd.DataFrame:
    """One row per simulated network through which gradients are followed back."""
    return _simulated(runs, "gradients")


def _simulated(runs: StudyRuns, table: str) -> pd.DataFrame:
    names = of(runs, "simulation").plan["run"]
    return pd.concat([read_table(runs.folder / name / f"{table}.csv") for name in names], ignore_index=True)


def survival(runs: StudyRuns) -> pd.DataFrame:
    """How deep activity reaches: the last layer in which half of the repeats fire, and variances on the way."""
    rows = []
    for key, group in signals(runs).groupby(SIMULATION, sort=False):
        layers = group.set_index("layer")
        silent = layers.index[layers["active"] < 0.5]
        expected = layers.index[layers["predicted_spikes"] < 1]
        row = dict(zip(SIMULATION, key, strict=True))
        row |= {"repeats": int(group["repeats"].iloc[0]), "last_active_layer": _before(silent, layers.index.max())}
        row["predicted_last_active_layer"] = _before(expected, layers.index.max()) if row["timesteps"] == 1 else np.nan
        for layer in SHOWN_LAYERS:
            row[f"variance_{layer}"] = layers["variance_mean"].get(layer, np.nan)
        for layer in SHOWN_LAYERS:
            row[f"spikes_{layer}"] = layers["spikes_mean"].get(layer, np.nan)
        rows.append(row)
    return pd.DataFrame(rows)


def _before(silent: pd.Index, depth: int) -> int:
    return int(silent.min()) - 1 if len(silent) else int(depth)


def of(runs: StudyRuns, *experiments: str) -> StudyRuns:
    """The runs of these experiments."""
    return dataclasses.replace(runs, plan=runs.plan[runs.plan["experiment"].isin(experiments)])


def trainings(runs: StudyRuns) -> pd.DataFrame:
    """One row per training and seed: both accuracies, and the iterations to the lowest accuracy level.

    A training that does not reach the level has the number of its last iteration there.
    """
    labels = ["experiment", *TASK, "depth", "width", "decay", "threshold", "seed", "outcome"]
    return measured(of(runs, "comparison", *ROBUSTNESS), labels)


def measured(own: StudyRuns, labels: list[str]) -> pd.DataFrame:
    """The columns `labels` of every training and seed, its accuracies and its iterations as `trainings` has them."""
    level = min(own.spec["accuracy_levels"])
    seeds = ["run", "seed"]
    traced = _traced(own)
    ends = traced.groupby(seeds)["iteration"].max()
    first = traced[traced["train_accuracy"] >= level].groupby(seeds)["iteration"].min()
    iterations = first.reindex(ends.index).fillna(ends).rename("iterations_to_level").reset_index()
    frame = _finished(own).rename(columns={"test_accuracy": "monitored_accuracy", "accuracy": "test_accuracy"})
    frame = frame.merge(iterations, on=seeds, validate="one_to_one")
    measures = ["train_accuracy", "test_accuracy", "iterations_to_level"]
    return frame[labels + measures].assign(level=level)


def accuracy(runs: StudyRuns) -> pd.DataFrame:
    """Figures 8 and 9 at their last epoch: training accuracy, and accuracy on all test images."""
    frame, confidence = _finished(of(runs, "comparison")), runs.spec["confidence"]
    rows = []
    for key, group in frame.groupby(TASK, sort=False):
        row = dict(zip(TASK, key, strict=True))
        row |= _summary("train_accuracy", group["train_accuracy"], confidence)
        row |= _summary("test_accuracy", group["accuracy"], confidence)
        row |= {"runs": len(group), "outcomes": outcome_text(group["outcome"])}
        row |= {"epochs": int(group["epochs"].max()), "test_images": int(group["images"].max())}
        rows.append(row)
    return pd.DataFrame(rows)


def _finished(runs: StudyRuns) -> pd.DataFrame:
    """One row per run and seed: the last epoch's measures, and the accuracy on `images` test images."""
    tested = runs.read("accuracy")[["run", "seed", "images", "accuracy"]]
    return runs.read("metrics").merge(tested, on=["run", "seed"], validate="one_to_one")


def _summary(name: str, values: pd.Series, confidence: float) -> dict[str, float]:
    """Mean, deviation and interval of the mean over the seeds."""
    seeds = mean_interval(finite(values), confidence)
    return {
        f"{name}_mean": seeds.mean,
        f"{name}_sd": seeds.deviation,
        f"{name}_low": seeds.low,
        f"{name}_high": seeds.high,
    }


def iterations_to_accuracy(runs: StudyRuns) -> pd.DataFrame:
    """The first iteration by which the training accuracy, averaged since the point before, has reached a level.

    The mean is over the seeds that reach it; `reached` says how many do.
    """
    frame = _traced(of(runs, "comparison"))
    rows = []
    for key, group in frame.groupby(TASK, sort=False):
        for level in runs.spec["accuracy_levels"]:
            first = _first_iterations(group, level)
            rows.append(
                {
                    **dict(zip(TASK, key, strict=True)),
                    "level": level,
                    "iterations_mean": first.mean() if len(first) else np.nan,
                    "iterations_sd": first.std(ddof=1) if len(first) > 1 else np.nan,
                    "reached": len(first),
                    "runs": group["seed"].nunique(),
                    "last_iteration": int(group["iteration"].max()),
                }
            )
    columns = [*TASK, "level", "iterations_mean", "iterations_sd", "reached", "runs", "last_iteration"]
    return pd.DataFrame(rows, columns=columns)


def _traced(runs: StudyRuns) -> pd.DataFrame:
    frame = runs.read("iterations")
    averaged = frame.groupby(["run", "seed"])["iteration"].diff().fillna(frame["iteration"])
    return frame[2 * averaged >= averaged.max()]


def _first_iterations(progress: pd.DataFrame, level: float) -> pd.Series:
    return progress[progress["train_accuracy"] >= level].groupby("seed")["iteration"].min().astype(float)


def robustness(runs: StudyRuns) -> pd.DataFrame:
    """Figure 10 at its last epoch: one row per varied parameter, value and initialiser; the base is in every sweep."""
    columns = ["parameter", "value", "dataset", "initializer"]
    others, confidence = of(runs, *ROBUSTNESS), runs.spec["confidence"]
    rows: list[dict[str, Any]] = []
    if len(others.plan):
        frame = _finished(others)
        for parameter in dict.fromkeys(name for name in frame["experiment"] if name != "base"):
            swept = frame[frame["experiment"].isin([parameter, "base"])].sort_values(parameter, kind="stable")
            for (value, dataset, name), group in swept.groupby([parameter, "dataset", "initializer"], sort=False):
                row = dict(zip(columns, (parameter, value, dataset, name), strict=True))
                row |= _summary("train_accuracy", group["train_accuracy"], confidence)
                row |= _summary("test_accuracy", group["accuracy"], confidence)
                rows.append(row | {"runs": len(group), "outcomes": outcome_text(group["outcome"])})
    measures = [
        f"{name}_{kind}" for name in ("train_accuracy", "test_accuracy") for kind in ("mean", "sd", "low", "high")
    ]
    return pd.DataFrame(rows, columns=[*columns, *measures, "runs", "outcomes"])


def curves(runs: StudyRuns) -> pd.DataFrame:
    """One row per run, seed and epoch; spikes_1 is what the first layer with neurons emits."""
    return of(runs, "comparison", *ROBUSTNESS).read("curves")


def progress(runs: StudyRuns) -> pd.DataFrame:
    """Training accuracy and loss within the epochs, averaged since the row before.

    Rows of few iterations (the first of all, and what is left over at an epoch's end) say too little and are left out.
    """
    return _traced(of(runs, "comparison", *ROBUSTNESS))
