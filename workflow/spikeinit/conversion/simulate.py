"""Running a converted network: accuracy after every number of steps of one simulation, and what happens in each layer.

A network whose thresholds do not depend on T runs once, for the largest T, and is read out on the way: its spikes up
to step t do not know when the simulation ends.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from spikeinit.conversion.convert import quantized
from spikeinit.datasets.load import Images
from spikeinit.encoding import encode_images
from spikeinit.measures.energy import energy
from spikeinit.measures.operations import OperationCounter, dense_operations
from spikeinit.networks.build import FeedForward
from spikeinit.networks.modules import Pooling, ResidualBlock, Trace
from spikeinit.specs import EncodingSpec

OF_NEURONS = ("spikes_per_neuron", "error", "quantization_error", "timing_error", "mean_activation")
"""What is counted of a layer of neurons: means over neurons and images."""

MOST_IMAGE_STEPS = 2000
"""Images times steps that are held at once."""


@dataclass
class Readout:
    """What was counted of one network on `images` images after `timesteps` steps."""

    timesteps: int
    operations: OperationCounter
    images: int = 0
    correct: int = 0
    agreeing: int = 0
    quantized_correct: int = 0
    spikes: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    quantization: list[float] = field(default_factory=list)
    timing: list[float] = field(default_factory=list)
    activations: list[float] = field(default_factory=list)


def received_amplitudes(network: FeedForward) -> list[torch.Tensor]:
    """Height of the spikes that each weighted layer receives, [] or [channels]; 1 for the analogue input."""
    amplitude = torch.ones(())
    found = []
    for part in network.parts:
        if isinstance(part, ResidualBlock):
            inside = amplitude
            for layer in part.body:
                found.append(inside)
                inside = inside if layer.neuron is None else layer.neuron.threshold
            found += [amplitude] * (part.shortcut is not None)
        else:
            found += [amplitude] * len(part.weighted_layers())
        if neurons := part.neurons():
            amplitude = neurons[-1].threshold
    return found


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
    """
    wanted = sorted(readouts)
    amplitudes = received_amplitudes(network)
    of_steps = {timesteps: dataclasses.replace(encoding, timesteps=timesteps) for timesteps in (1, *wanted)}
    found = [Readout(steps, OperationCounter(network, of_steps[steps], amplitudes)) for steps in wanted]
    timeless = {steps: quantized(network, steps) for steps in wanted}
    size = max(1, min(batch_size, MOST_IMAGE_STEPS // wanted[-1]))
    for start in range(0, len(test), size):
        images, labels = test.batch(slice(start, start + size))
        still = encode_images(images, of_steps[1])
        expected, analogue = ann(still)
        output, trace = network(encode_images(images, of_steps[wanted[-1]]), keep_received=True)
        _count(found, output, labels, expected[0].argmax(1), network, trace, analogue)
        for readout in found:
            answer, quantization = timeless[readout.timesteps](still)
            readout.quantized_correct += int((answer[0].argmax(1) == labels).sum())
            rates = [spikes[: readout.timesteps].mean(0) for spikes in trace.spikes]
            layers = [(a[0], q[0], r) for a, q, r in zip(analogue.spikes, quantization.spikes, rates, strict=True)]
            _add(readout.quantization, [_image_sum((a - q).abs()) for a, q, _ in layers])
            _add(readout.timing, [_image_sum((q - r).abs()) for _, q, r in layers])
    return found


def sent(network: FeedForward, trace: Trace) -> list[torch.Tensor]:
    """Magnitude of what every weighted layer is sent, [T, B, ...] each, before spikes cancel in average pooling.

    A positive and a negative spike in one window have the mean 0, yet both cross the synapses behind it.
    """
    received = [values.abs() for values in trace.received]
    spikes = iter(trace.spikes)
    found: list[torch.Tensor] = []
    signal = None  # what comes to a part; None where only what was received tells
    for part in network.parts:
        if isinstance(part, Pooling):
            averages = isinstance(part.pool, (nn.AvgPool2d, nn.AdaptiveAvgPool2d))
            known = averages and signal is not None
            signal = part.pool(signal.flatten(0, 1)).unflatten(0, (trace.timesteps, -1)) if known else None
            continue
        inside = signal
        for layer in part.weighted_layers():
            if isinstance(part, ResidualBlock) and layer is part.shortcut:
                inside = signal
            found.append(received[len(found)] if inside is None else inside)
            if layer.neuron is not None:
                inside = next(spikes).abs()
        signal = next(spikes).abs() if isinstance(part, ResidualBlock) else inside
    return found


def _count(
    readouts: Sequence[Readout],
    output: torch.Tensor,
    labels: torch.Tensor,
    expected: torch.Tensor,
    network: FeedForward,
    trace: Trace,
    analogue: Trace,
) -> None:
    """Walk from readout to readout, so that every step is summed once."""
    batch, start = len(labels), 0
    total = torch.zeros_like(output[0])
    sums = [torch.zeros_like(layer[0]) for layer in trace.spikes]
    counts = [0] * len(sums)
    sending = sent(network, trace)
    received = [torch.zeros_like(values[0, 0], dtype=torch.float64) for values in sending]
    for readout in readouts:
        steps = slice(start, readout.timesteps)
        start = readout.timesteps
        total += output[steps].sum(0)
        for index, layer in enumerate(trace.spikes):
            sums[index] += layer[steps].sum(0)
            counts[index] += int(torch.count_nonzero(layer[steps]))
        for values, arrived in zip(received, sending, strict=True):
            values += arrived[steps].sum((0, 1)).double()
        answer = total.argmax(1)
        readout.images += batch
        readout.correct += int((answer == labels).sum())
        readout.agreeing += int((answer == expected).sum())
        readout.operations.add([values.clone() for values in received], batch)
        activations = [layer[0] for layer in analogue.spikes]
        pairs = zip(sums, activations, strict=True)
        _add(readout.spikes, [count / layer[0].numel() for count, layer in zip(counts, sums, strict=True)])
        _add(readout.errors, [_image_sum((layer / start - a).abs()) for layer, a in pairs])
        _add(readout.activations, [_image_sum(a) for a in activations])


def _image_sum(values: torch.Tensor) -> float:
    """Mean over the neurons, summed over the images, of values [B, ...]."""
    return values.sum(dtype=torch.float64).item() / values[0].numel()


def _add(sums: list[float], values: list[float]) -> None:
    sums[:] = [a + b for a, b in zip(sums, values, strict=True)] if sums else values


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
    sums = (readout.spikes, readout.errors, readout.quantization, readout.timing, readout.activations)
    for layer, values in enumerate(zip(*sums, strict=True), start=1):
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
