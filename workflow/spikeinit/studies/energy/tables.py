"""Tables of the energy study: the published ones (Pärna 2025, Tables 1 to 6) and those that compare initialisers.

Spikes are per neuron and image, summed over the steps (Eq. 7); `spikes_per_step` is the same divided by the number of
steps. The output layer's printed 0.10 and 0.14 fit only the latter, so both stand in every table. Accuracies are
percent, energies joule per image. A run is one seed of one combination. Dead and diverged runs stay: means take every
run whose measure is finite, and the outcomes are listed beside them. `fan_in` says for which fan-in the normal law is
meant: "own", or "published" where it is scaled to that of the network at width 1.
"""

from __future__ import annotations

import pandas as pd

from spikeinit.studies.table_tools import OUTCOMES, StudyRuns, average, outcome_text

LABELS = ["dataset", "initializer", "weight_mean", "beta_range", "fan_in"]
MEASURES = ["spikes", "spikes_per_step", "accuracy", "outcome", "silent_fraction", "saturated_fraction"]


def configured(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the study's own runs: those that try an open choice have tables of their own."""
    return frame[frame["open_choice"].isna()].drop(columns="open_choice").reset_index(drop=True)


def spikes_by_run(runs: StudyRuns) -> pd.DataFrame:
    """One row per run, seed and layer: the tidy table from which the others and the tests are computed."""
    return configured(every_run(runs))[[*LABELS, "seed", "layer", *MEASURES, "run", "neurons"]]


def every_run(runs: StudyRuns) -> pd.DataFrame:
    """The same of all runs, those that try an open choice included."""
    spikes = runs.read("spikes").rename(
        columns={"spikes_per_neuron": "spikes", "spikes_per_neuron_and_step": "spikes_per_step"}
    )
    accuracy = runs.read("accuracy")[["run", "seed", "accuracy"]]
    outcome = runs.read("metrics")[["run", "seed", "outcome"]]
    keys = ["run", "seed"]
    frame = spikes.merge(accuracy, on=keys, how="left", validate="many_to_one")
    return frame.merge(outcome, on=keys, how="left", validate="many_to_one")


def spikes_by_combination(runs: StudyRuns) -> pd.DataFrame:
    """Tables 5 and 6: every weight mean with every range of decay rates."""
    return _published_shape(runs, ["weight_mean", "beta_range"])


def spikes_by_weight_mean(runs: StudyRuns) -> pd.DataFrame:
    """Tables 1 and 2: by weight mean, over the runs of all ranges of decay rates."""
    return _published_shape(runs, ["weight_mean"])


def spikes_by_beta_range(runs: StudyRuns) -> pd.DataFrame:
    """Tables 3 and 4: by range of decay rates, over the runs of all weight means."""
    return _published_shape(runs, ["beta_range"])


def _published_shape(runs: StudyRuns, factors: list[str]) -> pd.DataFrame:
    frame = spikes_by_run(runs)
    frame = frame[frame["initializer"] == "normal"]
    groups = ["dataset", *factors, "layer", "fan_in"]
    table = average(frame, groups, ["spikes", "accuracy", "spikes_per_step"], counted="spikes")
    outcomes = frame.groupby(groups, sort=False, dropna=False)["outcome"].apply(outcome_text)
    table["outcomes"] = outcomes.to_numpy()
    for factor in {"weight_mean", "beta_range"} - set(factors):
        table[factor] = None
    columns = ["dataset", "weight_mean", "beta_range", "layer", "spikes_mean", "spikes_sd", "runs"]
    return table[[*columns, "accuracy_mean", "accuracy_sd", "spikes_per_step_mean", "outcomes", "fan_in"]]


def initializers(runs: StudyRuns) -> pd.DataFrame:
    """Every initialiser on the same network: accuracy, all spikes of an image, and its energy by each convention."""
    per_seed = ["run", "seed"]
    spikes = spikes_by_run(runs)
    spikes["spikes_per_image"] = spikes["spikes"] * spikes["neurons"]
    totals = spikes.groupby([*LABELS, *per_seed, "accuracy", "outcome"], sort=False, dropna=False)
    frame = totals["spikes_per_image"].sum(min_count=1).reset_index()
    energies = configured(runs.read("energy"))
    conventions = _conventions(energies)
    per_image = energies.groupby(per_seed, sort=False)[conventions].sum(min_count=1).reset_index()
    frame = frame.merge(per_image, on=per_seed, how="left", validate="one_to_one")
    groups = [*LABELS, "run"]
    values = ["accuracy", "spikes_per_image", *conventions]
    table = average(frame, groups, values, counted="spikes_per_image")
    table["outcomes"] = frame.groupby(groups, sort=False, dropna=False)["outcome"].apply(outcome_text).to_numpy()
    measures = [f"{value}_{kind}" for value in values for kind in ("mean", "sd")]
    return table[[*LABELS, "runs", "outcomes", *measures, "run"]]


def energy(runs: StudyRuns) -> pd.DataFrame:
    """Operations and energy per image by the layer that sends the spikes; layer 0 is the encoded input."""
    frame = configured(runs.read("energy"))
    values = ["synaptic_operations", "multiply_accumulates", *_conventions(frame)]
    table = average(frame, [*LABELS, "run", "layer"], values, counted="synaptic_operations")
    return table[
        [*LABELS, "layer", "runs", *(c for c in table if c.endswith(("_mean", "_sd")) and c not in LABELS), "run"]
    ]


def _conventions(energies: pd.DataFrame) -> list[str]:
    return [column for column in energies if column.startswith("energy_")]


def rates(runs: StudyRuns) -> pd.DataFrame:
    """How often a neuron spiked `bin` times during an image, over all seeds; `fraction` sums to one within a layer."""
    groups = [*LABELS, "run", "layer"]
    frame = configured(runs.read("rates"))
    table = frame.groupby([*groups, "bin"], sort=False, dropna=False)["count"].sum().reset_index()
    table["fraction"] = table["count"] / table.groupby(groups, dropna=False)["count"].transform("sum")
    return table[[*LABELS, "layer", "bin", "count", "fraction", "run"]]


def curves(runs: StudyRuns) -> pd.DataFrame:
    """One row per run, seed and epoch; spikes_1 to spikes_L are those of the training batches."""
    frame = configured(runs.read("curves"))
    return frame[[*(column for column in frame if column != "run"), "run"]]


def outcomes(runs: StudyRuns) -> pd.DataFrame:
    """How many seeds of each combination trained, died or diverged, and at which epoch those that failed did."""
    rows = []
    for key, group in configured(runs.read("metrics")).groupby([*LABELS, "run"], sort=False, dropna=False):
        failed = group[group["outcome"] != "trained"]
        when = [
            f"seed {seed} {outcome}" + ("" if pd.isna(epoch) else f" in epoch {epoch:.0f}")
            for seed, outcome, epoch in zip(failed["seed"], failed["outcome"], failed["outcome_epoch"], strict=True)
        ]
        counts = {outcome: int((group["outcome"] == outcome).sum()) for outcome in OUTCOMES}
        labels = dict(zip([*LABELS, "run"], key, strict=True))
        rows.append({**labels, "runs": len(group), **counts, "failures": "; ".join(when)})
    return pd.DataFrame(rows)[[*LABELS, "runs", *OUTCOMES, "failures", "run"]]
