"""Tables of the asymptote study: the published ones (Ding et al. 2022, Tables 2, A6, A7, A8) and what the figures show.

Accuracies are percent, rates spikes per neuron and step. A network counts as failed, the paper's "-", when it diverged
or its test accuracy is below the task's `failure_accuracy`: the paper prints 16.5 % as trained, and its failed networks
answer with one class (9.8 or 11.4 % of MNIST, Fig. 6). A cell of several seeds failed when at least half of them did.

A run that never reached a target accuracy is censored: it would have needed more iterations than it had. A cell has a
mean number of iterations only where every run reached the target; `iterations_to_<target>_at_least` takes the others
with one iteration more than were run, and is a lower bound of that mean. What was run is known from the trace or from
the latest iteration that any run of the same experiment, data, network and coding needed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from spikeinit.measures import response as measures
from spikeinit.studies.table_tools import StudyRuns, average

FAILED, TRAINED = "failed", "trained"
NEURON = ["k", "lambda", "theta"]
BASE = ["dataset", "network", "encoding"]
METHOD = {
    "coding": [*BASE, *NEURON],
    "grid": [*BASE, *NEURON],
    "optimizers": [*NEURON, "optimizer", "dataset"],
    "surrogates": [*NEURON, "surrogate", "slope", "dataset"],
    "normalization": ["dataset", "network", "k", "lambda", "technique"],
}
"""Experiment -> the columns that name a cell's place beside its initialiser."""

BEYOND_SATURATION = 1.25


def runs(study: StudyRuns) -> pd.DataFrame:
    """One row per run and seed: what all cells are averaged from."""
    metrics = study.read("metrics")
    accuracy = study.read("accuracy")[["run", "seed", "accuracy"]]
    frame = metrics.merge(accuracy, on=["run", "seed"], how="left", validate="one_to_one")
    low = ~(frame["accuracy"] >= frame["failure_accuracy"])
    frame["failed"] = low | (frame["outcome"] == "diverged")
    speeds = [column for column in frame if column.startswith("iterations_to_")]
    frame["known_iterations"] = _known_iterations(study, frame, speeds)
    measured = ["train_loss", "train_accuracy", *speeds, "known_iterations"]
    columns = [*study.labels, "seed", "outcome", "failed", "accuracy", *measured]
    return frame[[*columns, "run"]]


def _known_iterations(study: StudyRuns, frame: pd.DataFrame, speeds: list[str]) -> pd.Series:
    """How many iterations each row's network was trained for, or the latest of which anything is known; else NaN."""
    traced = study.read("iterations").groupby("run")["iteration"].max()
    known = pd.concat([frame["run"].map(traced), frame[speeds].astype(float)], axis=1).max(axis=1)
    return known.groupby([frame[name] for name in ("experiment", *BASE)], dropna=False).transform("max")


def _cells(study: StudyRuns, experiment: str) -> pd.DataFrame:
    frame = runs(study)
    frame = frame[frame["experiment"] == experiment]
    groups = [*METHOD[experiment], "initializer"]
    speeds = [column for column in frame if column.startswith("iterations_to_")]
    for speed in speeds:
        frame[f"{speed}_at_least"] = frame[speed].astype(float).fillna(frame["known_iterations"] + 1)
    bounds = [f"{speed}_at_least" for speed in speeds]
    table = average(frame, groups, ["accuracy", *speeds, *bounds], counted="accuracy")
    table = table.drop(columns=[f"{bound}_sd" for bound in bounds])
    table = table.rename(columns={f"{bound}_mean": bound for bound in bounds})
    grouped = frame.groupby(groups, sort=False, dropna=False)
    table["runs"] = grouped.size().to_numpy()
    table["failed_runs"] = grouped["failed"].sum().to_numpy()
    table["outcome"] = np.where(2 * table["failed_runs"] >= table["runs"], FAILED, TRAINED)
    for speed in speeds:
        never = grouped[speed].apply(lambda s: s.isna().sum()).to_numpy()
        table[f"never_{speed.removeprefix('iterations_')}"] = never
        table.loc[never > 0, [f"{speed}_mean", f"{speed}_sd"]] = np.nan
    return table[[*groups, "outcome", *(column for column in table if column not in (*groups, "outcome"))]]


def coding(study: StudyRuns) -> pd.DataFrame:
    """Table 2: coding x initialiser."""
    return _cells(study, "coding")


def grid(study: StudyRuns) -> pd.DataFrame:
    """Figures 5, A8 and A9: every neuron with every initialiser."""
    return _cells(study, "grid")


def optimizers(study: StudyRuns) -> pd.DataFrame:
    """Table A6."""
    return _cells(study, "optimizers")


def surrogates(study: StudyRuns) -> pd.DataFrame:
    """Table A7."""
    return _cells(study, "surrogates")


def normalization(study: StudyRuns) -> pd.DataFrame:
    """Table A8."""
    return _cells(study, "normalization")


def _traces(study: StudyRuns) -> pd.DataFrame:
    """The rows of iterations.csv of all runs that have any, spikes as rates: rate_1 .. rate_L and their mean `rate`."""
    frame = study.read("iterations")
    frame = frame[frame["iteration"].notna()].copy()
    layers = _layers(frame, "spikes_")
    for layer in layers:
        frame[f"rate_{layer}"] = frame[f"spikes_{layer}"] / frame["timesteps"]
    frame["rate"] = frame[[f"rate_{layer}" for layer in layers]].mean(axis=1)
    return frame.drop(columns=[f"spikes_{layer}" for layer in layers])


def _layers(frame: pd.DataFrame, prefix: str) -> list[int]:
    return sorted(int(column.removeprefix(prefix)) for column in frame if column.startswith(prefix))


def initial_rates(study: StudyRuns) -> pd.DataFrame:
    """Figure 3: the spiking layers' rates in the first batch, which the untrained network sees."""
    frame = _traces(study)
    frame = frame[(frame["experiment"] == "coding") & (frame["iteration"] == 1)]
    values = [f"rate_{layer}" for layer in _layers(frame, "rate_")]
    tidy = frame.drop(columns="rate").melt([*BASE, *NEURON, "initializer", "seed"], values, "layer", "rate")
    tidy = tidy.dropna(subset=["rate"])
    tidy["layer"] = tidy["layer"].str.removeprefix("rate_").astype(int)
    return average(tidy, [*BASE, *NEURON, "initializer", "layer"], ["rate"], counted="rate")


def early_curves(study: StudyRuns) -> pd.DataFrame:
    """Figures 1, 4, A10 and A11: loss, accuracy of the training batches and rates by iteration, mean over the seeds."""
    frame = _traces(study)
    groups = [c for c in study.labels if c != "failure_accuracy"]
    keys = [*groups, "epoch", "iteration"]
    grouped = frame.groupby(keys, sort=False, dropna=False)
    values = ["train_loss", "train_accuracy", "rate", *(f"rate_{layer}" for layer in _layers(frame, "rate_"))]
    table = grouped[values].mean().reset_index()
    spread = grouped[["train_loss", "train_accuracy"]].std(ddof=1).reset_index(drop=True)
    table["train_loss_sd"], table["train_accuracy_sd"] = spread["train_loss"], spread["train_accuracy"]
    table["runs"] = grouped.size().to_numpy()
    return table


def response(study: StudyRuns) -> pd.DataFrame:
    """Figure 2: rate against constant current by Theorem 1, its asymptote, and simulation."""
    options = study.spec["response"]
    frames = []
    for neuron in options["neurons"]:
        place = (neuron["k"], neuron["lambda"], neuron["theta"])
        current = np.linspace(0, BEYOND_SATURATION * measures.saturation(*place), options["points"])
        values = {
            "current": current,
            "theory": measures.theory(current, *place),
            "asymptote": measures.asymptote(current, *place),
            "simulation": measures.simulation(current, *place, options["timesteps"]),
        }
        frames.append(pd.DataFrame({**dict(zip(NEURON, place, strict=True)), **values}))
    return pd.concat(frames, ignore_index=True).astype(dict.fromkeys(NEURON, float))


def response_error(study: StudyRuns) -> pd.DataFrame:
    """How far Theorem 1, and the asymptote clipped to [0, 1], are from the simulated rate over all currents."""
    rows = []
    for place, group in response(study).groupby(NEURON, sort=False):
        row = dict(zip(NEURON, place, strict=True))
        row |= {"onset": measures.onset(*place), "saturation": measures.saturation(*place)}
        row["asymptote_zero"] = place[2] * (1 - place[0]) / (2 * place[1])
        for kind, values in (("theory", group["theory"]), ("asymptote", group["asymptote"].clip(0, 1))):
            error = (values - group["simulation"]).abs()
            row |= {f"{kind}_mean_error": error.mean(), f"{kind}_largest_error": error.max()}
        rows.append(row)
    return pd.DataFrame(rows)
