"""Images whose height and width differ, through every family: what averages stand for, operations, sizes."""

from __future__ import annotations

import math

import pytest
import torch

from spikeinit.errors import UserError
from spikeinit.measures.operations import OperationCounter
from spikeinit.networks import describe, names
from spikeinit.networks.build import build
from spikeinit.networks.layers import Conv, Dense, Pool, Residual
from spikeinit.networks.sizes import part_sizes
from spikeinit.randomness import stream
from spikeinit.specs import EncodingSpec, NetworkSpec, NeuronSpec

WIDTH = 1 / 16
SHAPES = [(32, 48), (48, 32), (33, 70)]
IMAGENET = {"vgg16_imagenet", "vgg16_bn_imagenet"}  # their first dense layer alone is larger than all other families
FAMILIES = sorted({*names(analogue=False), *names(analogue=True)} - IMAGENET)


def spiking(name, shape):
    return build(
        NetworkSpec(name, WIDTH, {}),
        NeuronSpec(decay=0.5, threshold=0.1),
        input_shape=(1, *shape),
        classes=3,
        generator=stream(0, "n"),
        timesteps=2,
    )


def by_hand(name, shape):
    """(values that each weighted layer's input averages over, shape of what enters each), by torch on empty tensors."""
    signal, over, found = torch.empty(1, 1, *shape, device="meta"), 1, []

    def convolved(layer, entering):
        made = torch.nn.Conv2d(
            entering.shape[1], layer.channels, layer.kernel, layer.stride, layer.padding, device="meta"
        )
        return made(entering)

    for layer in describe(name, classes=3, width=WIDTH).layers:
        if isinstance(layer, Conv):
            found.append((over, tuple(signal.shape[1:])))
            signal, over = convolved(layer, signal), 1
        elif isinstance(layer, Dense):
            found.append((over, tuple(signal.shape[1:])))
            signal, over = torch.empty(1, layer.features, device="meta"), 1
        elif isinstance(layer, Residual):
            entered, entered_over = signal, over
            for part in layer.body:
                if isinstance(part, Conv):
                    found.append((over, tuple(signal.shape[1:])))
                    signal, over = convolved(part, signal), 1
            if signal.shape != entered.shape:
                found.append((entered_over, tuple(entered.shape[1:])))
        elif isinstance(layer, Pool):
            height, width = signal.shape[-2:]
            if layer.size is None:
                signal, values = torch.empty(*signal.shape[:2], 1, 1, device="meta"), height * width
            else:
                signal, values = torch.nn.functional.avg_pool2d(signal, layer.size), layer.size**2
            over *= values if layer.kind == "average" else 1
    return found


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", FAMILIES)
def test_averages_stand_for_the_values_of_their_windows(name, shape):
    network = spiking(name, shape)
    expected = by_hand(name, shape)
    assert [layer.pooled for layer in network.weighted_layers()] == [over for over, _ in expected]
    with torch.no_grad():
        _, trace = network(torch.rand(2, 1, 1, *shape, generator=torch.Generator().manual_seed(0)), keep_received=True)
    received = [tuple(values.shape[2:]) for values in trace.received]
    assert [math.prod(sizes) for sizes in received] == [math.prod(sizes) for _, sizes in expected]
    sizes = part_sizes(describe(name, classes=3, width=WIDTH), (1, *shape))
    assert sizes[0].entering == math.prod(shape)
    assert sizes[-1].leaving == 3
    learned = [
        part
        for layer in network.weighted_layers()
        for part in (layer.operation, layer.normalization)
        if part is not None
    ]
    weights = sum(values.numel() for part in learned for values in part.parameters())
    assert sum(size.weights for size in sizes) == weights


@pytest.mark.parametrize("shape", SHAPES)
def test_every_spike_before_a_global_average_crosses_the_synapses_behind_it(shape):
    """resnet8 ends in a global average and a dense layer of 3: each spike of the last map causes three operations."""
    network = spiking("resnet8", shape)
    with torch.no_grad():
        for layer in network.weighted_layers():
            layer.operation.weight.abs_()
        _, trace = network(torch.rand(2, 1, 1, *shape, generator=torch.Generator().manual_seed(0)), keep_received=True)
    counter = OperationCounter(network, EncodingSpec("static_spikes", 2))
    counter.update(trace)
    spikes = trace.spikes[-1].sum().item()
    assert spikes > 0
    operations, _ = counter.per_image()[len(network.weighted_layers()) - 1]
    assert operations == pytest.approx(3 * spikes)


def test_vgg11_as_kim_and_panda_have_it_has_one_dense_layer_and_no_biases():
    options = {"hidden": [4096], "bias": False, "eps": 1e-4, "normalization": "batch_through_time"}
    network = build(
        NetworkSpec("vgg11", WIDTH, options),
        NeuronSpec(decay=0.5, threshold=0.1),
        input_shape=(3, 32, 48),
        classes=10,
        generator=stream(0, "n"),
        timesteps=2,
    )
    layers = network.weighted_layers()
    assert [layer.bias for layer in layers] == [None] * 10
    assert [layer.weight.shape[0] for layer in layers] == [4, 8, 16, 16, 32, 32, 32, 32, 256, 10]
    assert {step.eps for layer in layers[:-1] for step in layer.normalization.steps} == {1e-4}
    learned = [part for layer in layers for part in (layer.operation, layer.normalization) if part is not None]
    sizes = part_sizes(describe("vgg11", classes=10, width=WIDTH, **options), (3, 32, 48))
    weights = sum(layer.weight.numel() for layer in layers)
    assert sum(values.numel() for part in learned for values in part.parameters()) > weights
    assert sum(size.weights for size in sizes) >= weights
    output, _ = network(torch.rand(2, 3, 3, 32, 48, generator=torch.Generator().manual_seed(0)))
    output.sum().backward()
    assert all(torch.isfinite(layer.weight.grad).all() for layer in layers)


def test_windows_larger_than_the_shorter_side_are_refused_with_both_sides():
    with pytest.raises(UserError, match=r"of a \d+ x \d+ map"):
        spiking("vgg9_small", (2, 64))
