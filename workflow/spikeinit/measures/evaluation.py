"""Evaluating trained networks on test images: accuracy, spikes per layer, operations and energy per image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from spikeinit.datasets.load import Images, load
from spikeinit.encoding import encode_images
from spikeinit.io import load_tensors, write_csv
from spikeinit.losses import make_loss, predict
from spikeinit.measures.energy import energy
from spikeinit.measures.operations import OperationCounter
from spikeinit.measures.spikes import SpikeCounter
from spikeinit.measures.tally import MEASURED, Tally
from spikeinit.networks.build import FeedForward, new_network
from spikeinit.networks.weights import load_weights
from spikeinit.randomness import draws, stream
from spikeinit.specs import EvaluateSpec


@dataclass
class Evaluation:
    """Rows of the four tables that describe one seed's network on the test images."""

    accuracy: list[dict[str, Any]]
    spikes: list[dict[str, Any]]
    energy: list[dict[str, Any]]
    rates: list[dict[str, Any]]


TABLES = tuple(field.name for field in fields(Evaluation))
"""What an evaluation writes: CSV files of these names in a run's folder."""


def evaluate_run(
    spec: EvaluateSpec, weights_path: Path, tables: Mapping[str, Path], *, data: Path, device: str, kernel: str
) -> list[dict[str, Any]]:
    """Evaluate the weights of every seed of one run; write `tables`, by the names in `TABLES`.

    data: folder of the prepared data set. Returns the rows of the table of accuracies. `UserError` where the file of
    weights holds those of another network.
    """
    test = load(data, "test", limit=spec.images.test_images, device=device)
    weights, _ = load_tensors(weights_path)
    evaluations = []
    for seed in spec.seeds:
        network = new_network(spec, seed, test, kernel)
        own = {name.removeprefix(f"{seed}/"): value for name, value in weights.items() if name.startswith(f"{seed}/")}
        load_weights(network, own, f"{weights_path}: not the weights of this network, seed {seed}")
        evaluations.append(evaluate_seed(spec, seed, network.to(device), test, device))
    for table in TABLES:
        write_csv(tables[table], [row for evaluation in evaluations for row in vars(evaluation)[table]])
    return [row for evaluation in evaluations for row in evaluation.accuracy]


@torch.no_grad()
def evaluate_seed(spec: EvaluateSpec, seed: int, network: FeedForward, test: Images, device: str) -> Evaluation:
    """Run all test images [N, C, H, W] through the network and count.

    Energy is charged to the sender, in the order of the layers that receive: row 0 is the encoded input, and the last
    row, the output layer, sends to no synapse. What else `MEASURED` asks of every layer stands behind its spikes.
    """
    drawn = draws(seed, spec.apart)
    generator = stream(drawn, "evaluation", device)
    network.set_generators(initial_potential=stream(drawn, "evaluation/initial potential", device))
    loss_function = make_loss(**spec.loss)
    network.eval()
    count = len(test)
    operations = OperationCounter(network, spec.encoding)
    counters = [SpikeCounter() for _ in network.neurons()]
    tally = Tally(MEASURED, network, batches=math.ceil(count / spec.batch_size), device=device)
    loss = correct = 0.0
    for batch, start in enumerate(range(0, count, spec.batch_size)):
        images, labels = test.batch(slice(start, start + spec.batch_size))
        inputs = encode_images(images, spec.encoding, statistics=test.statistics, generator=generator)
        output, trace = network(inputs, keep_received=True, keep_currents=tally.needs_currents)
        for counter, spikes in zip(counters, trace.spikes, strict=True):
            counter.update(spikes)
        operations.update(trace)
        tally.add(batch, trace)
        loss += loss_function(output, labels).item() * len(labels)
        correct += (predict(output) == labels).sum().item()

    measured = tally.means(count)
    return Evaluation(
        accuracy=[
            {
                "seed": seed,
                "images": count,
                "correct": int(correct),
                "accuracy": 100 * correct / count,
                "loss": loss / count,
            }
        ],
        spikes=[
            {
                "seed": seed,
                "layer": layer,
                **counter.row(),
                **{name: of_layers[layer - 1] for name, of_layers in measured.items()},
            }
            for layer, counter in enumerate(counters, start=1)
        ],
        energy=[_energy_row(spec, seed, layer, *counts) for layer, counts in enumerate(operations.per_image())],
        rates=[
            {"seed": seed, "layer": layer, "bin": spikes, "count": seen}
            for layer, counter in enumerate(counters, start=1)
            for spikes, seen in counter.bins()
        ],
    )


def _energy_row(spec: EvaluateSpec, seed: int, layer: int, spikes: float, products: float) -> dict[str, Any]:
    row = {"seed": seed, "layer": layer, "synaptic_operations": spikes, "multiply_accumulates": products}
    for convention in spec.conventions:
        joule = energy(convention, synaptic_operations=spikes, multiply_accumulates=products)
        row[f"energy_{convention}"] = joule
    return row
