"""Evaluating a trained network on test images: accuracy, spikes per layer, operations and energy per image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from spikeinit.datasets.load import Images
from spikeinit.encoding import encode
from spikeinit.losses import make_loss, predict
from spikeinit.measures.energy import energy
from spikeinit.measures.operations import OperationCounter
from spikeinit.measures.spikes import SpikeCounter
from spikeinit.networks.build import FeedForward
from spikeinit.randomness import stream
from spikeinit.specs import EvaluateSpec


@dataclass
class Evaluation:
    """Rows of the four tables that describe one seed's network on the test images."""

    accuracy: dict[str, Any]
    spikes: list[dict[str, Any]]
    energy: list[dict[str, Any]]
    rates: list[dict[str, Any]]


@torch.no_grad()
def evaluate_seed(spec: EvaluateSpec, seed: int, network: FeedForward, test: Images, device: str) -> Evaluation:
    """Run all test images [N, C, H, W] through the network and count.

    Energy is charged to the sender, in the order of the layers that receive: row 0 is the encoded input, and the last
    row, the output layer, sends to no synapse.
    """
    generator = stream(seed, "evaluation", device)
    loss_function = make_loss(**spec.loss)
    network.eval()
    operations = OperationCounter(network, spec.encoding)
    counters: list[SpikeCounter] = []
    loss = correct = 0.0
    for start in range(0, len(test.images), spec.batch_size):
        images = test.images[start : start + spec.batch_size]
        labels = test.labels[start : start + spec.batch_size]
        inputs = encode(
            images,
            spec.encoding.name,
            spec.encoding.timesteps,
            generator=generator,
            statistics=test.statistics,
            **spec.encoding.parameters,
        )
        output, trace = network(inputs, keep_received=True)
        counters = counters or [SpikeCounter() for _ in trace.spikes]
        for counter, spikes in zip(counters, trace.spikes, strict=True):
            counter.update(spikes)
        operations.update(trace)
        loss += loss_function(output, labels).item() * len(images)
        correct += (predict(output) == labels).sum().item()

    count = len(test.images)
    return Evaluation(
        accuracy={
            "seed": seed,
            "images": count,
            "correct": int(correct),
            "accuracy": 100 * correct / count,
            "loss": loss / count,
        },
        spikes=[{"seed": seed, "layer": layer, **counter.row()} for layer, counter in enumerate(counters, start=1)],
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
