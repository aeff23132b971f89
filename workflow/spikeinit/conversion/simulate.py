"""Running a converted network: accuracy after every number of steps of one simulation, and what happens in each layer.

A network whose thresholds do not depend on T runs once, for the largest T, and is read out on the way: its spikes up
to step t do not know when the simulation ends.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from operator import add
from typing import Any

import torch

from spikeinit.conversion.convert import quantized
from spikeinit.conversion.counting import OF_NEURONS, Readout, Sent, layer_sums
from spikeinit.conversion.memory import simulation_copies
from spikeinit.datasets.load import Images
from spikeinit.encoding import encode_images
from spikeinit.measures.energy import energy
from spikeinit.measures.operations import OperationCounter, dense_operations
from spikeinit.networks.build import FeedForward
from spikeinit.networks.modules import Trace
from spikeinit.networks.sizes import images_at_once
from spikeinit.specs import EncodingSpec


@torch.no_grad()
def simulate(
    ann: FeedForward,
    network: FeedForward,
    test: Images,
    encoding: EncodingSpec,
    readouts: Sequence[int],
    batch_size: int,
) -> list[Readout]:
    """Run `network` for the largest of `readouts` steps on all images and count at each of them.

    Accuracy and agreement compare the class of the largest mean output with the label and with the class that `ann`
    gives. Errors are the mean of |a - r| per layer, a the activation in `ann`, r the mean output over the steps. With q
    the output of the network without time (`convert.quantized`), |a - q| is the error of quantisation and |q - r| that
    of timing; `quantized_correct` counts the answers of that network.

    batch_size: images that run together at most; there are fewer where they would not fit into memory.
    """
    wanted = sorted(readouts)
    last = wanted[-1]
    of_steps = {timesteps: dataclasses.replace(encoding, timesteps=timesteps) for timesteps in (1, *wanted)}
    found = [Readout(steps, OperationCounter(network, of_steps[steps])) for steps in wanted]
    timeless = [quantized(network, steps) for steps in wanted]
    size = images_at_once(network.sizes, simulation_copies(wanted), batch_size)
    for start in range(0, len(test), size):
        images, labels = test.batch(slice(start, start + size))
        still = encode_images(images, of_steps[1])
        runs = [(ann, still), (network, encode_images(images, of_steps[last])), *((each, still) for each in timeless)]
        _run(runs, labels, found)
    return found


def _run(runs: Sequence[tuple[FeedForward, torch.Tensor]], labels: torch.Tensor, found: Sequence[Readout]) -> None:
    """Run the analogue network, the spiking one and those without time side by side, and count part by part.

    runs: each network with its input [T, B, C, H, W]; the spiking one stands second.
    """
    ends = [readout.timesteps for readout in found]
    sent, arrived = Sent(ends), []
    layers: list[list[tuple[float, ...]]] = [[] for _ in found]
    traces = [Trace(len(inputs), keep_received=index == 1) for index, (_, inputs) in enumerate(runs)]
    analogue, spiking, *timeless = traces
    walks = [network.walk(inputs, trace) for (network, inputs), trace in zip(runs, traces, strict=True)]
    for part, *merged in zip(runs[1][0].parts, *walks, strict=True):  # noqa: B007
        arrived += sent.to(part, spiking.received, spiking.spikes)
        of_layers = zip(spiking.spikes, *(trace.spikes for trace in (analogue, *timeless)), strict=True)
        for spikes, activation, *quantizations in of_layers:
            sums = layer_sums(spikes, activation, quantizations, ends)
            for of_readout, values in zip(layers, sums, strict=True):
                of_readout.append(values)
        for trace in traces:
            trace.clear()
    outputs = [values.unflatten(0, (len(inputs), -1)) for values, (_, inputs) in zip(merged, runs, strict=True)]
    expected, output, *answers = outputs
    total, start = torch.zeros_like(output[0]), 0
    for index, readout in enumerate(found):
        total += output[start : readout.timesteps].sum(0)
        start = readout.timesteps
        readout.images += len(labels)
        readout.correct += int((total.argmax(1) == labels).sum())
        readout.agreeing += int((total.argmax(1) == expected[0].argmax(1)).sum())
        readout.quantized_correct += int((answers[index][0].argmax(1) == labels).sum())
        readout.operations.add([values[index] for values in arrived], len(labels))
        readout.layers = _added(readout.layers, layers[index])


def _added(sums: list[tuple[float, ...]], values: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    if not sums:
        return values
    return [tuple(map(add, a, b)) for a, b in zip(sums, values, strict=True)]


def accuracy_row(readout: Readout) -> dict[str, Any]:
    """Steps, images, correct answers; accuracy, agreement with the ANN, and accuracy without time, in per cent."""
    return {
        "timesteps": readout.timesteps,
        "images": readout.images,
        "correct": readout.correct,
        "accuracy": 100 * readout.correct / readout.images,
        "agreement": 100 * readout.agreeing / readout.images,
        "quantized_accuracy": 100 * readout.quantized_correct / readout.images,
    }


def layer_rows(readout: Readout, network: FeedForward, conventions: Iterable[str]) -> list[dict[str, Any]]:
    """One row per layer of neurons: conversion error, its two parts, and spikes per neuron and image.

    One row per weighted layer for operations and energies, by the layer that receives: "neurons" or "synapses" in
    the column `kind` tells them apart.
    """
    rows = []
    for layer, values in enumerate(readout.layers, start=1):
        means = {name: value / readout.images for name, value in zip(OF_NEURONS, values, strict=True)}
        rows.append({"timesteps": readout.timesteps, "kind": "neurons", "layer": layer, **means})
    names = [layer.name for layer in network.weighted_layers()]
    for layer, (operations, products) in enumerate(readout.operations.per_image()[:-1]):
        shape = tuple(readout.operations.sums[layer].shape)
        operation = network.weighted_layers()[layer].operation
        counts = {"synaptic_operations": operations, "multiply_accumulates": products}
        rows.append(
            {
                "timesteps": readout.timesteps,
                "kind": "synapses",
                "layer": layer + 1,
                "name": names[layer],
                **counts,
                "ann_multiply_accumulates": dense_operations(operation, shape),
                **{f"energy_{name}": energy(name, **counts) for name in conventions},
            }
        )
    return rows


ACCURACY = ("timesteps", "images", "correct", "accuracy", "agreement", "quantized_accuracy")


def layer_columns(conventions: Iterable[str]) -> list[str]:
    """Columns of `layer_rows`."""
    return [
        *("timesteps", "kind", "layer", "name", *OF_NEURONS),
        *("synaptic_operations", "multiply_accumulates", "ann_multiply_accumulates"),
        *(f"energy_{name}" for name in conventions),
    ]


Make = Callable[[int], FeedForward]


def by_timesteps(
    ann: FeedForward,
    make: Make,
    test: Images,
    encoding: EncodingSpec,
    timesteps: Sequence[int],
    *,
    per_timesteps: bool,
    batch_size: int,
    conventions: Sequence[str],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of accuracy and of layers for every number of steps.

    `make(T)` gives the network for T. With `per_timesteps` each T has a network and a simulation of its own, otherwise
    one simulation is read out at every T.
    """
    groups = [[steps] for steps in timesteps] if per_timesteps else [list(timesteps)]
    accuracies, layers = [], []
    for group in groups:
        network = make(max(group))
        for readout in simulate(ann, network, test, encoding, group, batch_size):
            accuracies.append(accuracy_row(readout))
            layers += layer_rows(readout, network, conventions)
    return accuracies, layers
