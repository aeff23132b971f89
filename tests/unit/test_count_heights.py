"""What `count` takes for spikes: behind pooling, of a height of their own, and what is analogue instead."""

from __future__ import annotations

import pytest
import torch
from optional import library
from torch import nn

from spikeinit.conversion.baselines import SignedNeuron
from spikeinit.conversion.convert import ConvertedNeuron, LayerThreshold
from spikeinit.interop.count import count

STEPS, BATCH = 6, 4


def spikes(*shape: int) -> torch.Tensor:
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(0)) < 0.3).float()


def five(inputs: int) -> nn.Linear:
    return nn.Linear(inputs, 5)


POOLINGS = {
    "average of a module": (nn.AvgPool2d(2), 4),
    "average of a function": (lambda maps: nn.functional.avg_pool2d(maps, 2), 4),
    "average of a function, by name": (lambda maps: nn.functional.avg_pool2d(input=maps, kernel_size=(2, 2)), 4),
    "average of three": (nn.AvgPool2d(3), 9),
    "adaptive average": (nn.AdaptiveAvgPool2d(3), 4),
    "twice": (nn.Sequential(nn.AvgPool2d(2), nn.AvgPool2d(3)), 36),
    "padded": (nn.AvgPool2d(2, padding=1), 4),
    "a divisor": (nn.AvgPool2d(2, divisor_override=3), 3),
    "moved in memory": (nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Unflatten(1, (4, 3, 3))), 4),
    "maximum": (nn.MaxPool2d(2), 1),
    "maximum behind average": (nn.Sequential(nn.AvgPool2d(2), nn.MaxPool2d(3)), 4),
}


class Pooled(nn.Module):
    """Neurons on the input, pooling, and a layer of ten."""

    def __init__(self, pool, inputs):
        super().__init__()
        neuron = library("spikingjelly.activation_based.neuron")
        self.neurons, self.pool, self.last = neuron.IFNode(), pool, nn.Linear(inputs, 10)

    def forward(self, maps):
        return self.last(self.pool(self.neurons(maps)).flatten(1))


@pytest.mark.parametrize("name", POOLINGS)
def test_spikes_are_counted_behind_pooling(name):
    pool, window = POOLINGS[name]
    maps = spikes(3, 4, 6, 6)
    with torch.no_grad():
        pooled = pool(maps)
    counts = count(Pooled(pool, pooled[0].numel()), [maps])
    assert counts.operations.received.tolist() == ["spikes"]
    assert counts.operations.synaptic_operations[0] == pytest.approx(pooled.sum().item() * window * 10 / 3)


UNEVEN = {
    "padding does not count": nn.AvgPool2d(2, padding=1, count_include_pad=False),
    "cut windows": nn.AvgPool2d(4, ceil_mode=True),
    "uneven windows": nn.AdaptiveAvgPool2d(4),
    "normalised behind the mean": nn.Sequential(nn.AvgPool2d(2), nn.BatchNorm2d(4)),
}


@pytest.mark.parametrize("name", UNEVEN)
def test_what_is_no_number_of_spikes_is_analogue(name):
    maps = spikes(3, 4, 6, 6)
    with torch.no_grad():
        inputs = UNEVEN[name].eval()(maps)[0].numel()
    counts = count(Pooled(UNEVEN[name], inputs), [maps])
    assert counts.operations.received.tolist() == ["analogue"]
    assert counts.operations.multiply_accumulates[0] == inputs * 10


def test_values_that_are_changed_in_place_lose_the_height_of_their_spikes():
    def pool(maps):
        return nn.functional.avg_pool2d(maps, 2).mul_(0.3)

    assert count(Pooled(pool, 36), [spikes(3, 4, 6, 6)]).operations.received.tolist() == ["analogue"]


@pytest.mark.parametrize("factor", [0.25, 0.7, 3.0])
def test_graded_spikes_count_as_one_each(factor):
    leaky = library("snntorch").Leaky
    network = nn.Sequential(leaky(beta=0.5, init_hidden=True, graded_spikes_factor=factor), nn.Flatten(), five(9))
    batch = spikes(STEPS, BATCH, 9) * 1.5
    counts = count(network, [batch], run=lambda network, batch: [network(step) for step in batch])
    plain = nn.Sequential(leaky(beta=0.5, init_hidden=True), nn.Flatten(), five(9))
    expected = count(plain, [batch], run=lambda network, batch: [network(step) for step in batch])
    assert counts.neurons.spikes.equals(expected.neurons.spikes)
    assert counts.neurons.spikes[0] > 1
    assert counts.operations.equals(expected.operations)


@pytest.mark.parametrize("make", [ConvertedNeuron, SignedNeuron])
@pytest.mark.parametrize("pool", [None, 2])
def test_spikes_of_converted_networks_are_as_high_as_their_threshold(make, pool):
    neurons = make(LayerThreshold(torch.tensor(0.7), torch.tensor(0.35)))

    def run(network, currents):
        emitted = network[0](currents).flatten(0, 1)
        network[1]((emitted if pool is None else nn.functional.avg_pool2d(emitted, pool)).flatten(1))

    current = torch.rand(STEPS, BATCH, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        fired = (neurons(current) != 0).sum().item()
    counts = count(nn.Sequential(neurons, five(72 if pool is None else 18)), [current], run=run)
    assert counts.operations.received.tolist() == ["spikes"]
    assert counts.operations.synaptic_operations[0] == fired * 5 / BATCH


def test_spikes_whose_height_differs_from_neuron_to_neuron_are_analogue():
    neurons = ConvertedNeuron(LayerThreshold(torch.tensor([0.7, 0.4]), torch.tensor([0.35, 0.2])))
    network = nn.Sequential(neurons, nn.Flatten(2), five(18))
    counts = count(network, [torch.rand(STEPS, BATCH, 2, 3, 3, generator=torch.Generator().manual_seed(0))])
    assert counts.operations.received.tolist() == ["analogue"]
    assert counts.neurons.spikes[0] > 0
