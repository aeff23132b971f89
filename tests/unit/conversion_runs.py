"""Folders of the conversion study with numbers made up here: what the tests of its tables and figures read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikeinit.conversion.layer_thresholds import COLUMNS as THRESHOLDS
from spikeinit.conversion.simulate import ACCURACY, layer_columns
from spikeinit.io import write_csv
from spikeinit.stages.calibrate_snn import CURVES
from spikeinit.stages.extract_activations import TABLE as ACTIVATIONS

CONVENTIONS = ("qiao2015", "qiao2015_flop_per_mac")
IMAGES = 200
OPERATIONS = (0.0, 3e6)
"""Synaptic operations of the two weighted layers at T = 1; at T so many times more."""
PRODUCTS = (1e5, 0.0)
"""Multiply-accumulates of the two weighted layers at T = 1."""
ANN_PRODUCTS = (1e5, 2e6)


@dataclass(frozen=True)
class Network:
    """An analogue network. accuracies: method -> T -> per cent; calibrated: method -> (T, per cent by epoch)s."""

    slug: str
    architecture: str
    ann_accuracy: float
    accuracies: dict[str, dict[int, float]]
    calibrated: dict[str, list[tuple[int, list[float]]]] = field(default_factory=dict)
    dataset: str = "mnist5k"
    activation: str = "relu"
    dead: bool = False


SMALL = Network(
    "vgg",
    "vgg9_small",
    97.0,
    {"max": {1: 10.0, 2: 12.0, 4: 30.0}, "optimal": {1: 40.0, 2: 70.0, 4: 95.0}},
    {"optimal": [(1, [80.0, 90.0]), (3, [96.0])], "max": [(1, [11.0, 20.0]), (3, [25.0])]},
)


def layer_table(timesteps: int, error: float, dead: bool) -> list[dict[str, Any]]:
    """Two layers of neurons of mean activation 0.5 (the second 0 if dead) and two of synapses."""
    rows = []
    for layer, mean in ((1, 0.5), (2, 0.0 if dead else 0.5)):
        neurons = {"kind": "neurons", "layer": layer, "spikes_per_neuron": 0.25 * timesteps}
        errors = {"error": error / layer, "quantization_error": 0.25 * error / layer, "timing_error": error}
        rows.append({"timesteps": timesteps, **neurons, **errors, "mean_activation": mean})
    for layer in (1, 2):
        operations, products = timesteps * OPERATIONS[layer - 1], timesteps * PRODUCTS[layer - 1]
        counts = {"synaptic_operations": operations, "multiply_accumulates": products}
        energies = {"energy_qiao2015": 77e-15 * operations + 25e-12 * products}
        energies["energy_qiao2015_flop_per_mac"] = 77e-15 * operations + 12.5e-12 * products
        rows.append(
            {
                **{"timesteps": timesteps, "kind": "synapses", "layer": layer, "name": f"layer_{layer}"},
                **{**counts, "ann_multiply_accumulates": ANN_PRODUCTS[layer - 1], **energies},
            }
        )
    return rows


def accuracy_table(accuracies: dict[int, float]) -> list[dict[str, Any]]:
    return [
        {"timesteps": t, "images": IMAGES, "correct": IMAGES * value / 100, **dict.fromkeys(ACCURACY[3:], value)}
        for t, value in accuracies.items()
    ]


def write_study(folder: Path, networks: list[Network], error: dict[str, float] | None = None) -> tuple[Path, Path]:
    """Write results/<name>/ with runs, analogue networks, activations and thresholds; returns plan and folder of runs.

    error: of the first layer by method, 0.1 where it says nothing.
    """
    plan = []
    runs = folder / "runs" / "conversion"
    for network in networks:
        for method, accuracies in network.accuracies.items():
            plan.append(_record(network, method, "conversion"))
            run = runs / plan[-1]["run"]
            own = (error or {}).get(method, 0.1)
            write_csv(run / "accuracy_by_timesteps.csv", accuracy_table(accuracies), ACCURACY)
            layers = [row for t in accuracies for row in layer_table(t, own, network.dead)]
            write_csv(run / "layers.csv", layers, layer_columns(CONVENTIONS))
        for method, steps in network.calibrated.items():
            plan.append(_record(network, method, "calibration"))
            _write_calibration(runs / plan[-1]["run"], network, method, steps)
        _write_network(folder, network)
    write_csv(folder / "plan.csv", plan, list(plan[0]))
    return folder / "plan.csv", runs


def _record(network: Network, method: str, stage: str) -> dict[str, Any]:
    suffix = "" if stage == "conversion" else "_calibrated"
    return {
        "run": f"{network.dataset}_{network.slug}_{method}{suffix}",
        "dataset": network.dataset,
        "network": network.slug,
        "architecture": network.architecture,
        "activation": network.activation,
        "method": method,
        "stage": stage,
        "seeds": "0",
    }


def _write_calibration(run: Path, network: Network, method: str, steps: list[tuple[int, list[float]]]) -> None:
    before = network.accuracies[method][steps[0][0]]
    curves = [{"timesteps": steps[0][0], "epoch": 0, "test_accuracy": before}]
    for timesteps, values in steps:
        for value in values:
            curves.append({"timesteps": timesteps, "epoch": len(curves), "test_accuracy": value})
    write_csv(run / "curves.csv", curves, CURVES)
    last = {timesteps: values[-1] for timesteps, values in steps}
    write_csv(run / "accuracy_by_timesteps.csv", accuracy_table(last), ACCURACY)
    layers = [row for timesteps in last for row in layer_table(timesteps, 0.1, network.dead)]
    write_csv(run / "layers.csv", layers, layer_columns(CONVENTIONS))


def _write_network(folder: Path, network: Network) -> None:
    """Largest activations 2 and, in the second layer, 4 (0 if dead); thresholds 1, and 1 / T by "optimal"."""
    where = Path(network.dataset) / network.slug
    write_csv(folder / "ann" / where / "metrics.csv", [{"test_accuracy": network.ann_accuracy}], ["test_accuracy"])
    layers = [(1, "layer_1", 2.0), (2, "layer_2", 0.0 if network.dead else 4.0), ("output", "output", 9.0)]
    seen = [{"layer": number, "name": name, "maximum": maximum} for number, name, maximum in layers]
    write_csv(folder / "activations" / where / "activations.csv", seen, ACTIVATIONS)
    alive = [(number, maximum) for number, _, maximum in layers if maximum]
    bins = [
        {"layer": number, "low": low * maximum / 4, "high": (low + 1) * maximum / 4, "count": 10 * (4 - low)}
        for number, maximum in alive
        for low in range(4)
    ]
    write_csv(folder / "activations" / where / "histogram.csv", bins, ["layer", "low", "high", "count"])
    ranks = [
        {"layer": number, "rank": rank / 4, "value": maximum * (rank + 1) / 5}
        for number, maximum in alive
        for rank in range(5)
    ]
    write_csv(folder / "activations" / where / "sorted.csv", ranks, ["layer", "rank", "value"])
    chosen = []
    steps = sorted({timesteps for accuracies in network.accuracies.values() for timesteps in accuracies})
    for timesteps in steps:
        for kind, value in (("max", 1.0), ("optimal", 1.0 / timesteps)):
            for number, (_, name, maximum) in enumerate(layers, start=1):
                row = {"kind": kind, "timesteps": timesteps, "norm": 1, "layer": number, "name": name}
                chosen.append({**row, "threshold": value, "initial_potential": value / 2, "dead": not maximum})
    write_csv(folder / "thresholds" / where / "thresholds.csv", chosen, THRESHOLDS)
