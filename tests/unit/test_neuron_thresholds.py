"""Thresholds of single neurons: the largest activation of each, on signed neurons with memory (Wang et al. 2022)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_conversion import ENCODING, images, network

from spikeinit.conversion.ann import activations
from spikeinit.conversion.baselines import SignedNeuron, convert_by
from spikeinit.conversion.convert import FIRING_TOLERANCE, LayerThreshold
from spikeinit.conversion.extraction import OUTPUT, collect_activations, load_activations, save_activations
from spikeinit.conversion.layer_thresholds import COLUMNS, read_thresholds, save_neuron_thresholds, threshold_rows
from spikeinit.io import write_csv


@pytest.fixture
def found(tmp_path):
    """Activations that were written and read again."""
    layers = collect_activations(network(), images().images, ENCODING, batch_size=10, limit=1 << 16, channel_limit=128)
    save_activations(tmp_path / "activations.safetensors", layers, "")
    return load_activations(tmp_path / "activations.safetensors")


def thresholds_of(layers, folder):
    write_csv(folder / "thresholds.csv", threshold_rows(layers, ["max", "max_neuron"], 4, 1), COLUMNS)
    save_neuron_thresholds(folder / "neurons.safetensors", layers)
    return read_thresholds(folder / "thresholds.csv", folder / "neurons.safetensors")[4]


def test_the_largest_activation_of_every_neuron_whatever_the_batches(found):
    expected = [values[0].amax(0).clamp(min=0) for values in activations(network(), images().images, ENCODING)]
    for layer, largest in zip(found, expected, strict=True):
        np.testing.assert_allclose(layer.largest, largest.numpy(), rtol=1e-5, atol=1e-6)
        assert layer.largest.max() == np.float32(layer.layer.maximum)


def test_neurons_that_never_respond_get_their_layers_threshold(found, tmp_path):
    found[0].largest[0, :2] = 0
    whole, single = thresholds_of(found, tmp_path)["max"], thresholds_of(found, tmp_path)["max_neuron"]
    assert len(single) == len(whole) == sum(layer.name != OUTPUT for layer in found)
    assert single[0].threshold[0, :2].unique().item() == pytest.approx(whole[0].threshold.item())
    responding = torch.from_numpy(found[0].largest) > 0
    assert torch.equal(single[0].threshold[responding], torch.from_numpy(found[0].largest)[responding].double())
    assert not any(bool(layer.initial_potential.any()) for layer in single)


def test_every_neuron_runs_by_its_own_threshold(found, tmp_path):
    """Each neuron of a layer is one that stands alone with its threshold; the conversion has them in every layer."""
    (threshold, potential) = (thresholds_of(found, tmp_path)["max_neuron"][0].threshold, torch.tensor(0.0))
    generator = torch.Generator().manual_seed(0)
    current = torch.randn(6, 3, *threshold.shape, generator=generator) + 0.2
    spikes = SignedNeuron(LayerThreshold(threshold, potential))(current)
    for place in ((0, 0, 0), (1, 2, 3), (3, 1, 0)):
        alone = SignedNeuron(LayerThreshold(threshold[place], potential))(current[(..., *place)])
        assert torch.equal(spikes[(..., *place)], alone)
    assert set(torch.unique(spikes[:, :, 0, 0, 0] / threshold[0, 0, 0]).round(decimals=4).tolist()) <= {-1, 0, 1}

    converted = convert_by("snm_neuron", network(), 4, thresholds_of(found, tmp_path))
    for neuron, layer in zip(converted.neurons(), found, strict=False):
        assert neuron.threshold.shape == layer.largest.shape
        assert neuron.initial_fraction.unique().tolist() == pytest.approx([FIRING_TOLERANCE])


def test_without_the_file_there_are_none(found, tmp_path):
    thresholds_of(found, tmp_path)
    assert set(read_thresholds(tmp_path / "thresholds.csv")[4]) == {"max"}
