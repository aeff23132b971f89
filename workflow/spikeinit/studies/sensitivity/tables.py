"""Tables of the sensitivity study: every point of every sweep with its accuracy, losses, spikes, operations, energy.

A point is one run with all its seeds; a run that several sweeps share stands once in each. Accuracies are percent,
losses the configured loss as a mean over images (the report's own test loss is not weighted by batch size, ours is),
spikes and operations per image, energies joule per image. Lost neurons are those whose weights are no numbers.
`<measure>_low` and `_high` are Student's interval over the seeds. Runs that died or diverged stay: means take every
finite value.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from spikeinit.measures import flops
from spikeinit.statistics.intervals import mean_interval
from spikeinit.studies.sensitivity.saved_weights import dense_sizes, lost_neurons
from spikeinit.studies.sensitivity.sweep_tables import by_sweep, keys_of
from spikeinit.studies.table_tools import StudyRuns, average, finite, outcome_text

RUN = ["run", "seed"]
PIXELS = 784
"""Inputs of the report's example."""


def by_seed(runs: StudyRuns) -> pd.DataFrame:
    """One row per sweep, point and seed: the tidy table from which the others and the claims are computed."""
    return by_sweep(_seeds(runs))


def _seeds(runs: StudyRuns) -> pd.DataFrame:
    """One row per run and seed."""
    accuracy = runs.read("accuracy").rename(columns={"accuracy": "test_accuracy", "loss": "test_loss"})
    metrics = runs.read("metrics")[[*RUN, "outcome", "epochs", "train_loss", "train_accuracy"]]
    frame = accuracy[[*runs.labels, *RUN, "test_accuracy", "test_loss"]].merge(metrics, on=RUN, validate="one_to_one")
    spikes = runs.read("spikes")
    spikes["spikes_per_image"] = spikes["spikes_per_neuron"] * spikes["neurons"]
    frame = frame.merge(_summed(spikes, ["spikes_per_image"]), on=RUN, validate="one_to_one")
    rates = spikes.pivot_table(index=RUN, columns="layer", values="spikes_per_neuron_and_step", dropna=False)
    rates.columns = [f"rate_{layer}" for layer in rates.columns]
    frame = frame.merge(rates.reset_index(), on=RUN, validate="one_to_one")
    lost = [row for run in runs.plan["run"] for row in lost_neurons(runs.folder / run)]
    frame = frame.merge(pd.DataFrame(lost), on=RUN, validate="one_to_one")
    energy = runs.read("energy")
    counted = ["synaptic_operations", "multiply_accumulates", *_conventions(energy)]
    return frame.merge(_summed(energy, counted), on=RUN, validate="one_to_one")


def _summed(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Sums over the layers of each run and seed."""
    return frame.groupby(RUN, sort=False)[list(columns)].sum(min_count=1).reset_index()


def _conventions(frame: pd.DataFrame) -> list[str]:
    return [column for column in frame if column.startswith("energy_")]


def points(runs: StudyRuns) -> pd.DataFrame:
    """Every point of every sweep, averaged over its seeds, with intervals."""
    frame = by_seed(runs)
    groups = ["sweep", "dataset", *keys_of(frame), "run"]
    measures = ["test_accuracy", "test_loss", "train_accuracy", "train_loss", "spikes_per_image", "neurons_lost"]
    measures += [column for column in frame if column.startswith("rate_")]
    measures += ["synaptic_operations", "multiply_accumulates", *_conventions(frame)]
    table = average(frame, groups, measures, counted="test_accuracy")
    grouped = frame.groupby(groups, sort=False, dropna=False)
    table["outcomes"] = grouped["outcome"].apply(outcome_text).to_numpy()
    for measure in ("test_accuracy", "test_loss", "train_loss"):
        intervals = [mean_interval(finite(values), _confidence(runs)) for _, values in grouped[measure]]
        table[f"{measure}_low"] = [interval.low for interval in intervals]
        table[f"{measure}_high"] = [interval.high for interval in intervals]
    columns = [f"{measure}_{kind}" for measure in measures for kind in ("mean", "sd", "low", "high")]
    return table[[*groups[:-1], "runs", "outcomes", *(column for column in columns if column in table), "run"]]


def _confidence(runs: StudyRuns) -> float:
    return runs.spec["confidence"]


def curves(runs: StudyRuns) -> pd.DataFrame:
    """One row per sweep, point, seed and epoch."""
    frame = by_sweep(runs.read("curves"))
    return frame[[*(column for column in frame if column != "run"), "run"]]


def operations(runs: StudyRuns) -> pd.DataFrame:
    """What one image costs by three countings, for each run, averaged over its seeds.

    analogue_flops: the same network without time; flops_printed_rate: the report's formula with its arbitrary firing
    rate of the hidden layers; flops_measured_rate: with the rates of input and hidden layers on the test images;
    synaptic_operations, multiply_accumulates: counted spike by spike, and synapse by synapse of an analogue input.
    The formulas are for fully connected layers; other networks have the counts alone.
    """
    spikes, energy = runs.read("spikes"), runs.read("energy")
    timesteps = runs.read("rates").groupby("run")["bin"].max()
    rows = []
    for record in runs.plan.to_dict("records"):
        run = record["run"]
        counts = energy[energy["run"] == run].groupby("layer")[["synaptic_operations", "multiply_accumulates"]].mean()
        rates = spikes[spikes["run"] == run].groupby("layer")["spikes_per_neuron_and_step"].mean()
        rows.append(
            {
                **{name: record[name] for name in runs.labels},
                "timesteps": int(timesteps[run]),
                **_by_formula(dense_sizes(runs.folder / run), list(rates)[:-1], counts, int(timesteps[run])),
                **counts.sum().to_dict(),
                "run": run,
            }
        )
    return pd.DataFrame(rows)


def _by_formula(sizes: list[int], hidden: list[float], counts: pd.DataFrame, timesteps: int) -> dict[str, float]:
    """The operations by formula; nothing for a network that is not fully connected throughout."""
    if not sizes:
        return {}
    analogue = counts.loc[0, "multiply_accumulates"] > 0
    input_rate = 1.0 if analogue else counts.loc[0, "synaptic_operations"] / (timesteps * sizes[0] * sizes[1])
    return {
        "input_rate": input_rate,
        **{f"hidden_rate_{index}": rate for index, rate in enumerate(hidden, start=1)},
        "analogue_flops": flops.analogue_network(sizes),
        "flops_printed_rate": flops.spiking_network(sizes, [1.0, *(flops.PRINTED_RATE for _ in hidden)], timesteps),
        "flops_measured_rate": flops.spiking_network(sizes, [input_rate, *hidden], timesteps),
    }


def published_flops(runs: StudyRuns) -> pd.DataFrame:
    """The operation counts that the report prints, by the same formulas; they need no training."""
    sizes, rates = (PIXELS, 10, 10), (1.0, flops.PRINTED_RATE)
    first, second = pairwise(sizes)
    values = {
        "ann_layer1": flops.analogue_layer(*first),
        "ann_layer2": flops.analogue_layer(*second),
        "ann_total": flops.analogue_network(sizes),
        "snn_layer1_per_step": flops.spiking_layer(*first, rates[0]),
        "snn_layer2_per_step": flops.spiking_layer(*second, rates[1]),
        "snn_total_per_step": flops.spiking_network(sizes, rates, 1),
        "snn_total": flops.spiking_network(sizes, rates, 5),
    }
    return pd.DataFrame({"quantity": list(values), "flops": list(values.values())})
