"""Spikes, operations and energy against brute force and hand computation."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from spikeinit.conversion.ann import build_ann
from spikeinit.measures.energy import energy
from spikeinit.measures.operations import dense_operations, fan_out, spike_operations, synapses
from spikeinit.measures.spikes import SpikeCounter
from spikeinit.specs import NetworkSpec


@pytest.mark.parametrize(
    ("stride", "padding", "kernel", "size"),
    [(2, 1, 3, (7, 7)), (1, 1, 3, (5, 4)), (2, 0, 3, (8, 6)), (3, 2, 5, (9, 9))],
)
def test_fan_out_of_a_convolution_by_counting_each_connection(stride, padding, kernel, size):
    operation = nn.Conv2d(2, 5, kernel, stride, padding)
    found = fan_out(operation, (2, *size))
    expected = torch.zeros(2, *size, dtype=torch.float64)
    rows, columns = [(length + 2 * padding - kernel) // stride + 1 for length in size]
    for out_row in range(rows):
        for out_column in range(columns):
            for i in range(kernel):
                for j in range(kernel):
                    row, column = out_row * stride + i - padding, out_column * stride + j - padding
                    if 0 <= row < size[0] and 0 <= column < size[1]:
                        expected[:, row, column] += operation.out_channels
    assert torch.equal(found, expected)


SHAPES = {nn.Conv1d: (4, 9), nn.Conv2d: (4, 7, 6), nn.Conv3d: (4, 5, 4, 6)}
GEOMETRIES = [
    {},
    {"stride": 2, "padding": 1},
    {"dilation": 2, "padding": 1},
    {"groups": 2, "stride": 3},
    {"groups": 4, "padding": "same", "dilation": 2},
    {"padding": "valid", "stride": 2},
    {"padding": 2, "padding_mode": "circular"},
    {"padding": 1, "stride": 2, "padding_mode": "reflect"},
    {"padding": 1, "padding_mode": "replicate", "groups": 2},
]


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_fan_out_by_sending_one_spike_at_a_time(kind, geometry):
    """With weights of one, the outputs that a single spike reaches sum up to its synapses."""
    shape = SHAPES[kind]
    kernel = 2 if kind is nn.Conv3d and geometry.get("dilation") else 3
    operation = kind(4, 8, kernel, bias=False, **geometry)
    nn.init.ones_(operation.weight)
    inputs = math.prod(shape)
    with torch.no_grad():
        reached = operation(torch.eye(inputs).reshape(inputs, *shape)).flatten(1).sum(1)
    found = fan_out(operation, shape)
    assert torch.equal(found, reached.double().reshape(shape))
    arriving = torch.randint(0, 5, shape, generator=torch.Generator().manual_seed(0)).double()
    assert spike_operations(operation, arriving).item() == (arriving * reached.reshape(shape)).sum().item()


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_printed_operations_are_all_products_of_all_windows(kind, geometry):
    shape = SHAPES[kind]
    operation = kind(4, 8, 3 if kind is not nn.Conv3d or not geometry.get("dilation") else 2, bias=False, **geometry)
    with torch.no_grad():
        windows = operation(torch.ones(1, *shape))[0, 0].numel()
    assert dense_operations(operation, shape) == windows * operation.weight.numel()


def test_fan_out_draws_nothing_and_works_in_inference_mode():
    state = torch.get_rng_state()
    with torch.inference_mode():
        assert fan_out(nn.Conv2d(1, 3, 5, device="meta"), (1, 5, 8))[0, 2].tolist() == [3, 6, 9, 12, 12, 9, 6, 3]
    assert torch.equal(torch.get_rng_state(), state)


def test_synapses_of_a_linear_layer():
    assert synapses(nn.Linear(12, 7), (12,)) == 84


@pytest.mark.parametrize(("stride", "padding"), [(1, 1), (2, 1), (2, 0)])
def test_printed_operations_count_padded_zeros_too(stride, padding):
    """A convolution of ones without borders: the image with its padding written out has every product."""
    operation = nn.Conv2d(3, 4, 3, stride, padding, bias=False)
    nn.init.ones_(operation.weight)
    padded = torch.ones(1, 3, 9 + 2 * padding, 7 + 2 * padding)
    products = nn.functional.conv2d(padded, operation.weight, stride=stride).sum().item()
    assert dense_operations(operation, (3, 9, 7)) == products
    assert dense_operations(nn.Linear(12, 7), (3, 2, 2)) == 84


def test_vgg16_costs_what_the_conversion_paper_prints():
    """Section 9: 7.85 mJ at 12.5 pJ a FLOP, two FLOP a multiply-accumulate. By hand, in units of 1,024 x 9:

    32 x 32: 3*64 + 64*64 = 4,288;    16 x 16: (64*128 + 128*128) / 4 = 6,144;
    8 x 8: (128*256 + 2*256*256) / 16 = 10,240;    4 x 4: (256*512 + 2*512*512) / 64 = 10,240;
    2 x 2: 3*512*512 / 256 = 3,072. Together 33,984 x 9,216 = 313,196,544 for the convolutions.
    """
    spec = SimpleNamespace(network=NetworkSpec("vgg16"), activation={"name": "relu"})
    network = build_ann(spec, input_shape=(3, 32, 32), classes=100).eval()
    with torch.no_grad():
        _, trace = network(torch.zeros(1, 1, 3, 32, 32), keep_received=True)
    received = zip(network.weighted_layers(), trace.received, strict=True)
    counts = [dense_operations(layer.operation, tuple(values.shape[2:])) for layer, values in received]
    assert sum(counts[:13]) == 33_984 * 9_216 == 313_196_544
    assert sum(counts[13:]) == 512 * 4096 + 4096 * 4096 + 4096 * 100
    joule = energy("qiao2015", synaptic_operations=0, multiply_accumulates=sum(counts[:13]))
    assert joule == pytest.approx(7.85e-3, rel=0.005)
    assert energy("qiao2015_flop_per_mac", synaptic_operations=0, multiply_accumulates=sum(counts)) == pytest.approx(
        332_480_512 * 12.5e-12
    )


def test_operations_equal_the_nonzero_products_of_the_convolution():
    """With weights 1 and spikes 0 or 1, a convolution without bias sums exactly the synaptic operations."""
    generator = torch.Generator().manual_seed(0)
    operation = nn.Conv2d(3, 4, 3, 2, 1, bias=False)
    nn.init.ones_(operation.weight)
    spikes = (torch.rand(6, 3, 9, 9, generator=generator) < 0.3).float()
    assert (spikes * fan_out(operation, (3, 9, 9))).sum().item() == operation(spikes).sum().item()


def test_spike_counter_by_hand():
    # two steps, two images, three neurons: the first always fires, the second once, the third never
    spikes = torch.tensor([[[1, 1, 0], [1, 0, 0]], [[1, 0, 0], [1, 0, 0]]], dtype=torch.float32)
    counter = SpikeCounter()
    counter.update(spikes[:, :1])
    counter.update(spikes[:, 1:])
    row = counter.row()
    assert row["neurons"] == 3
    assert row["spikes_per_neuron"] == pytest.approx(5 / 6)  # 5 spikes over 2 images and 3 neurons, Eq. 7
    assert row["spikes_per_neuron_and_step"] == pytest.approx(5 / 12)
    assert row["silent_fraction"] == pytest.approx(1 / 3)
    assert row["saturated_fraction"] == pytest.approx(1 / 3)
    assert counter.bins() == [(0, 3), (1, 1), (2, 2)]


def test_spikes_of_batches_of_different_lengths_by_hand():
    # one image with 2 steps: a neuron fires 3 times in them; one image with 4 steps: once
    counter = SpikeCounter()
    counter.add(torch.tensor([[3.0]]), 2)
    counter.add(torch.tensor([[1.0]]), 4)
    assert counter.row()["spikes_per_neuron"] == 2
    assert counter.row()["spikes_per_neuron_and_step"] == pytest.approx(4 / 6)
    assert counter.bins() == [(0, 0), (1, 1), (2, 0), (3, 1), (4, 0)]


def test_energy_constants_by_hand():
    # 1,000 synaptic operations and 10 multiply-accumulates
    horowitz = energy("horowitz2014_45nm", synaptic_operations=1000, multiply_accumulates=10)
    assert horowitz == pytest.approx(1000 * 0.9e-12 + 10 * 4.6e-12)
    qiao = energy("qiao2015", synaptic_operations=1000, multiply_accumulates=10)
    assert qiao == pytest.approx(1000 * 77e-15 + 10 * 2 * 12.5e-12)
