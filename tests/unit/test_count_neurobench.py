"""`count` beside NeuroBench: equal where both define the same thing, and how they differ elsewhere, by hand."""

from __future__ import annotations

import pytest
import torch
from optional import library
from torch import nn

from spikeinit.interop.count import count

STEPS, IMAGES = 8, 6


def step_by_step(network: nn.Module, batch: torch.Tensor) -> None:
    """Of a batch [B, T, ...], as NeuroBench has it."""
    for step in batch.transpose(0, 1):
        network(step)


def neurobench(network: nn.Module, batch: torch.Tensor, size: int) -> dict[str, float]:
    """NeuroBench's own run over batches of `size`: sparsity of activations, and operations per image."""
    benchmarks, models = library("neurobench.benchmarks"), library("neurobench.models")
    workload = library("neurobench.metrics.workload")
    data = torch.utils.data.TensorDataset(batch, torch.zeros(len(batch)))
    benchmark = benchmarks.Benchmark(
        models.SNNTorchModel(network),
        torch.utils.data.DataLoader(data, batch_size=size),
        [],
        [],
        [[], [workload.ActivationSparsity, workload.SynapticOperations]],
    )
    found = benchmark.run(quiet=True)
    benchmark.model.cleanup_hooks()
    return {"sparsity": found["ActivationSparsity"], **found["SynapticOperations"]}


def spiking(*layers: nn.Module) -> nn.Sequential:
    """The layers with snnTorch's neurons behind each that has weights."""
    snntorch = library("snntorch")
    torch.manual_seed(0)
    made = []
    for layer in layers:
        made.append(layer)
        if hasattr(layer, "weight"):
            nn.init.uniform_(layer.weight, -0.2, 0.6)
            made.append(snntorch.Leaky(beta=0.8, init_hidden=True))
    made[-1] = snntorch.Leaky(beta=0.8, init_hidden=True, output=True)
    return nn.Sequential(*made)


def both(network: nn.Module, batch: torch.Tensor, size: int = IMAGES):
    """Our totals per image, and NeuroBench's, of batches [B, T, ...]."""
    theirs = neurobench(network, batch, size)
    return count(network, batch.split(size), run=step_by_step), theirs


def spikes(*shape: int) -> torch.Tensor:
    return (torch.rand(IMAGES, STEPS, *shape, generator=torch.Generator().manual_seed(1)) < 0.3).float()


NETWORKS = {
    "linear": (lambda: spiking(nn.Linear(20, 15), nn.Linear(15, 4)), (20,)),
    "convolutions": (
        lambda: spiking(
            nn.Conv2d(2, 4, 3, 2, 1), nn.Conv2d(4, 6, 3, padding=1, groups=2), nn.Flatten(), nn.Linear(96, 3)
        ),
        (2, 7, 8),
    ),
    "one dimension": (lambda: spiking(nn.Conv1d(2, 4, 5, dilation=2), nn.Flatten(), nn.Linear(16, 3)), (2, 12)),
    "maximum pooling": (
        lambda: spiking(
            nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3), nn.Flatten(), nn.Linear(8, 3)
        ),
        (1, 8, 8),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [IMAGES, 2])
def test_spikes_and_additions_are_those_of_neurobench(name, size):
    make, shape = NETWORKS[name]
    ours, theirs = both(make(), spikes(*shape), size)
    totals, operations = ours.totals, ours.operations
    assert totals.synaptic_operations == pytest.approx(theirs["Effective_ACs"], rel=1e-12)
    assert totals.multiply_accumulates == theirs["Effective_MACs"] == 0
    assert (operations.synapses * operations.passes).sum() == pytest.approx(theirs["Dense"], rel=1e-12)
    rate = totals.spikes_per_neuron / STEPS
    assert 0.05 < rate < 0.9
    assert rate == pytest.approx(1 - theirs["sparsity"], rel=1e-12)


def test_multiplications_are_those_of_neurobench_where_no_value_is_zero():
    batch = torch.rand(IMAGES, STEPS, 20, generator=torch.Generator().manual_seed(1)) + 0.01
    ours, theirs = both(NETWORKS["linear"][0](), batch)
    assert ours.totals.multiply_accumulates == theirs["Effective_MACs"] == STEPS * 20 * 15
    assert ours.totals.synaptic_operations == pytest.approx(theirs["Effective_ACs"], rel=1e-12)


def test_neurobench_leaves_out_multiplications_by_zero_and_ours_are_all():
    """Half of the analogue inputs are zero: NeuroBench's effective operations are those of the other half."""
    batch = torch.rand(IMAGES, STEPS, 20, generator=torch.Generator().manual_seed(1)) + 0.01
    batch[:, :, ::2] = 0
    ours, theirs = both(NETWORKS["linear"][0](), batch)
    assert theirs["Effective_MACs"] == STEPS * 10 * 15
    assert ours.totals.multiply_accumulates == STEPS * 20 * 15


def test_neurobench_leaves_out_weights_of_zero_and_ours_are_synapses_too():
    network = NETWORKS["linear"][0]()
    network[0].weight.data[:, ::4] = 0
    batch = spikes(20)
    ours, theirs = both(network, batch)
    skipped = batch[:, :, ::4].sum().item() * 15 / IMAGES
    assert skipped > 0
    assert theirs["Effective_ACs"] + skipped == pytest.approx(ours.totals.synaptic_operations, rel=1e-12)


def test_means_of_pooling_are_multiplications_for_neurobench_and_spikes_for_ours():
    network = spiking(nn.Conv2d(1, 4, 3, padding=1), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64, 3))
    ours, theirs = both(network, spikes(1, 8, 8))
    first, last = ours.operations.synaptic_operations
    assert theirs["Effective_ACs"] == pytest.approx(first, rel=1e-12)
    assert ours.totals.multiply_accumulates == 0
    # Every spike of the 256 neurons crosses three synapses; NeuroBench has one product for each mean that is not zero.
    assert last == ours.neurons.spikes[0] * 3
    assert 0 < theirs["Effective_MACs"] < last


def test_event_counts_are_spikes_for_ours_and_multiplications_for_neurobench():
    batch = spikes(20) + spikes(20)  # 0 or 2
    ours, theirs = both(NETWORKS["linear"][0](), batch)
    assert ours.operations.synaptic_operations[0] == batch.sum().item() * 15 / IMAGES
    assert theirs["Effective_MACs"] == batch.sum().item() / 2 * 15 / IMAGES


def test_neurobench_judges_batch_by_batch_and_ours_all_at_once():
    """The last image is black and white alone: its batch is additions for NeuroBench."""
    batch = torch.rand(IMAGES, STEPS, 20, generator=torch.Generator().manual_seed(1)) + 0.01
    batch[-1] = 1.0
    network = NETWORKS["linear"][0]()
    at_once, alone = neurobench(network, batch, IMAGES), neurobench(network, batch, 1)
    assert at_once["Effective_MACs"] == STEPS * 20 * 15
    assert alone["Effective_MACs"] == pytest.approx(STEPS * 20 * 15 * (IMAGES - 1) / IMAGES)
    for size in (IMAGES, 1):
        assert both(network, batch, size)[0].totals.multiply_accumulates == STEPS * 20 * 15
