"""Tables of the conversion study: accuracy for every T (the shape of the paper's Tables 1 and 2), thresholds, errors
layer by layer, calibrated networks (Tables 3 and 4), energy (Sec. 9), and the activations behind it all.

Accuracies are per cent, energies joule per image. One analogue network stands behind each (data set, network).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from spikeinit.measures.energy import CONVENTIONS
from spikeinit.studies.table_tools import StudyRuns
from spikeinit.tables import read_table

ANN = ["dataset", "network"]
LABELS = [*ANN, "architecture", "activation", "method"]


def accuracy_by_timesteps(runs: StudyRuns) -> pd.DataFrame:
    """Test accuracy of every conversion after every T, beside that of the analogue network it was made from.

    `agreement` is the share of images on which both give the same class. `quantized_accuracy` is that of the network
    without time, each of whose neurons emits what its whole input asks for: what is lost to it is lost to timing.
    """
    frame = _read(runs, "conversion", "accuracy_by_timesteps").merge(_ann_accuracy(runs), on=ANN, how="left")
    accuracies = ["accuracy", "ann_accuracy", "agreement", "quantized_accuracy"]
    return frame[[*LABELS, "timesteps", *accuracies, "images", "run"]]


def thresholds(runs: StudyRuns) -> pd.DataFrame:
    """Threshold, initial potential and conversion error of every layer (and channel) by every rule, for each T.

    `of_maximum` is the threshold in units of the layer's largest activation.
    """
    maxima = activations(runs)[[*ANN, "name", "maximum"]]
    paths = {_beside(runs, "thresholds", record) / "thresholds.csv": record for record in _anns(runs)}
    frames = [_labelled(read_table(path), record) for path, record in paths.items() if path.is_file()]
    if not frames:
        return pd.DataFrame(columns=[*ANN, "kind", "timesteps", "layer", "threshold"])
    frame = pd.concat(frames, ignore_index=True).merge(maxima, on=[*ANN, "name"], how="left")
    maximum = frame.pop("maximum")
    frame["of_maximum"] = frame["threshold"] / maximum.where(maximum > 0)
    return frame


def optima(runs: StudyRuns) -> pd.DataFrame:
    """What the best threshold of every layer that responds is like, for each T, by the fields of
    `conversion.optimum.Optimum`; the thresholds that are as good are in units of the best one.
    """
    columns = ["minima", "samples_above", "algorithm2_excess", "median_relation", "solutions"]
    frame = thresholds(runs)
    if frame.empty:
        return pd.DataFrame(columns=[*ANN, "timesteps", "norm", "layer", *columns])
    frame = frame[frame["minima"].notna() & (frame["name"] != "output")].copy()
    alike = ["alike_low", "alike_high"]
    frame[alike] = frame[alike].div(frame["threshold"], axis=0)
    return frame[[*ANN, "timesteps", "norm", "layer", "name", "threshold", *alike, *columns]]


def layer_error(runs: StudyRuns) -> pd.DataFrame:
    """Mean |activation - mean output of the neuron| of every layer in the running network, errors of earlier layers
    included, and its two parts: `quantization` between the activation and the network without time, `timing` between
    that and the running network. The `relative_` ones are in units of the layer's mean activation.
    """
    layers = _read(runs, "conversion", "layers")
    frame = layers[layers["kind"] == "neurons"].copy()
    unit = frame["mean_activation"].where(frame["mean_activation"] > 0)
    errors = ["error", "quantization_error", "timing_error"]
    relative = [f"relative_{name}" for name in errors]
    frame[relative] = frame[errors].div(unit, axis=0)
    return frame[[*LABELS, "timesteps", "layer", *errors, "mean_activation", *relative, "spikes_per_neuron", "run"]]


def calibrated(runs: StudyRuns) -> pd.DataFrame:
    """Accuracy after calibration at each T, beside that of the same conversion without it and of the ANN."""
    if not _has(runs, "calibration"):
        columns = [*LABELS, "timesteps", "converted_accuracy", "accuracy", "ann_accuracy", "epochs", "images", "run"]
        return pd.DataFrame(columns=columns)
    frame = _read(runs, "calibration", "accuracy_by_timesteps").merge(_ann_accuracy(runs), on=ANN, how="left")
    before = accuracy_by_timesteps(runs)[[*ANN, "method", "timesteps", "accuracy"]]
    before = before.rename(columns={"accuracy": "converted_accuracy"})
    frame = frame.merge(before, on=[*ANN, "method", "timesteps"], how="left")
    epochs = calibration_curves(runs).groupby(["run", "timesteps"])["epoch"].max().rename("epochs").reset_index()
    frame = frame.merge(epochs, on=["run", "timesteps"], how="left")
    return frame[[*LABELS, "timesteps", "converted_accuracy", "accuracy", "ann_accuracy", "epochs", "images", "run"]]


def calibration_curves(runs: StudyRuns) -> pd.DataFrame:
    """Loss and accuracy of every epoch of calibration, counted through; epoch 0 is the converted network."""
    if not _has(runs, "calibration"):
        return pd.DataFrame(columns=[*LABELS, "timesteps", "epoch", "train_accuracy", "test_accuracy", "run"])
    frame = _read(runs, "calibration", "curves")
    return frame[[*LABELS, *(column for column in frame if column not in (*LABELS, "stage", "run")), "run"]]


def energy(runs: StudyRuns) -> pd.DataFrame:
    """Operations and energy per image for each T, of conversions and calibrated networks, beside the analogue network.

    Per convention: `energy` counts every operation, `energy_of_spikes` the synaptic operations alone, as the paper's
    0.0064 mJ do, which the first layer's multiply-accumulates would exceed; `ann_energy` is the analogue network's.
    """
    frames = [_totals(_read(runs, stage, "layers")) for stage in ("conversion", "calibration") if _has(runs, stage)]
    frame = pd.concat(frames, ignore_index=True)
    accuracies = [
        _read(runs, stage, "accuracy_by_timesteps") for stage in ("conversion", "calibration") if _has(runs, stage)
    ]
    accuracy = pd.concat(accuracies, ignore_index=True)[["run", "timesteps", "accuracy"]]
    return frame.merge(accuracy, on=["run", "timesteps"], how="left")


def _totals(layers: pd.DataFrame) -> pd.DataFrame:
    synapses = layers[layers["kind"] == "synapses"]
    conventions = [column.removeprefix("energy_") for column in synapses if column.startswith("energy_")]
    counts = ["synaptic_operations", "multiply_accumulates", "ann_multiply_accumulates"]
    groups = [*LABELS, "stage", "run", "timesteps"]
    values = [*counts, *(f"energy_{name}" for name in conventions)]
    frame = synapses.groupby(groups, sort=False, dropna=False)[values].sum().reset_index()
    for name in conventions:
        constants = CONVENTIONS[name]
        frame[f"energy_of_spikes_{name}"] = frame["synaptic_operations"] * constants.synaptic_operation
        frame[f"ann_energy_{name}"] = frame["ann_multiply_accumulates"] * constants.multiply_accumulate
    return frame


def activations(runs: StudyRuns) -> pd.DataFrame:
    """What was seen of every layer's activations: how many, how many positive, maximum, mean, rank error."""
    return _of_activations(runs, "activations")


def activation_histograms(runs: StudyRuns) -> pd.DataFrame:
    """Counts of positive activations in bins, by layer (Figures 2 and 5)."""
    return _of_activations(runs, "histogram")


def sorted_activations(runs: StudyRuns) -> pd.DataFrame:
    """Sorted positive activations at equally spaced ranks, by layer (Figures 2 and 5)."""
    return _of_activations(runs, "sorted")


def _of_activations(runs: StudyRuns, file: str) -> pd.DataFrame:
    frames = [
        _labelled(read_table(_beside(runs, "activations", record) / f"{file}.csv"), record) for record in _anns(runs)
    ]
    return pd.concat(frames, ignore_index=True)


def _ann_accuracy(runs: StudyRuns) -> pd.DataFrame:
    rows = []
    for record in _anns(runs):
        metrics = read_table(_beside(runs, "ann", record) / "metrics.csv")
        rows.append({**record, "ann_accuracy": float(metrics["test_accuracy"].iloc[0])})
    return pd.DataFrame(rows)


def _anns(runs: StudyRuns) -> list[dict[str, str]]:
    return runs.plan[ANN].drop_duplicates().to_dict("records")


def _beside(runs: StudyRuns, kind: str, record: dict[str, str]) -> Path:
    """results/<name>/<kind>/<dataset>/<network>/, from results/<name>/runs/<study>/."""
    return runs.folder.parent.parent / kind / record["dataset"] / record["network"]


def _labelled(frame: pd.DataFrame, record: dict[str, str]) -> pd.DataFrame:
    for position, (column, value) in enumerate(record.items()):
        frame.insert(position, column, value)
    return frame


def _has(runs: StudyRuns, stage: str) -> bool:
    return bool((runs.plan["stage"] == stage).any())


def _read(runs: StudyRuns, stage: str, file: str) -> pd.DataFrame:
    return replace(runs, plan=runs.plan[runs.plan["stage"] == stage]).read(file)
