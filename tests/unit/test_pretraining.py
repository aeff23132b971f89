"""Pretraining: it learns, resumes without a trace, never chooses by test images; extraction against brute force."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from bars import FIT, SPEC, TEST, VALIDATION, collect

from spikeinit.conversion.ann import build_ann
from spikeinit.conversion.extraction import (
    histogram_rows,
    layer_names,
    load_activations,
    save_activations,
    sorted_rows,
    table_rows,
)
from spikeinit.conversion.pretraining import metrics, train_ann
from spikeinit.errors import UserError
from spikeinit.interruption import Interrupted, Interruption
from spikeinit.io import save_tensors
from spikeinit.specs import NetworkSpec, from_dict, to_dict, to_json
from spikeinit.specs.ann import ActivationsSpec, AnnSpec


def train(folder, spec=SPEC, *, stop_after=None, validation=VALIDATION):
    interruption = Interruption()
    epochs, starts = [], []

    def on_epoch(row):
        epochs.append(row)
        if len(epochs) == stop_after:
            interruption.signal_number = 15

    result = train_ann(
        spec,
        FIT,
        validation,
        device="cpu",
        checkpoint_path=folder / "checkpoint.safetensors",
        interruption=interruption,
        on_start=lambda result: starts.append(result.resumed_from),
        on_epoch=on_epoch,
    )
    return result, starts[0]


def same_state(first, second):
    a, b = first.network.state_dict(), second.network.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    "activation",
    [{"name": "relu"}, {"name": "clipped_relu", "bound": 2.0, "learn": True}, {"name": "qcfs", "levels": 4}],
)
def test_it_learns(tmp_path, activation):
    training = dataclasses.replace(SPEC.training, epochs=8)
    result, _ = train(tmp_path, dataclasses.replace(SPEC, activation=activation, training=training, augmentation={}))
    row = metrics(SPEC, result, TEST)
    assert row["outcome"] == "trained"
    assert row["test_accuracy"] >= 75  # chance is 25
    for neuron in result.network.neurons():
        if activation["name"] == "qcfs":
            assert neuron.threshold_value != 8.0
        if activation["name"] == "clipped_relu":
            assert neuron.threshold_value != 2.0


def test_a_stopped_training_goes_on_where_it_was(tmp_path):
    """Momentum, running means, augmentation and order included."""
    whole, _ = train(tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(tmp_path / "part", stop_after=1)
    resumed, resumed_from = train(tmp_path / "part")
    assert resumed_from == 1
    assert same_state(whole, resumed)
    assert whole.curves == resumed.curves


def test_the_seed_and_the_augmentation_change_the_weights(tmp_path):
    first, _ = train(tmp_path / "a")
    assert same_state(first, train(tmp_path / "again")[0])
    assert not same_state(first, train(tmp_path / "b", dataclasses.replace(SPEC, seed=1))[0])
    assert not same_state(first, train(tmp_path / "c", dataclasses.replace(SPEC, augmentation={}))[0])


def test_curves_and_metrics_are_those_of_the_splits_they_name(tmp_path):
    result, _ = train(tmp_path)
    row = metrics(SPEC, result, TEST)
    for split, images in (("validation", VALIDATION), ("test", TEST)):
        inputs = (images.images.float() / 255 - 0.3) / 0.3
        with torch.no_grad():
            logits = result.network.eval()(inputs[None])[0][0]
        assert row[f"{split}_loss"] == pytest.approx(
            torch.nn.functional.cross_entropy(logits, images.labels).item(), rel=1e-4
        )
        assert row[f"{split}_accuracy"] == pytest.approx(100 * (logits.argmax(1) == images.labels).double().mean())
    assert result.curves[-1]["validation_accuracy"] == row["validation_accuracy"]
    assert not any("test" in key for key in result.curves[-1])
    assert row["parameters"] == sum(value.numel() for value in result.network.parameters())
    rates = [row["learning_rate"] for row in result.curves]
    assert rates == pytest.approx([0.05, 0.05 * 0.75, 0.05 * 0.25])


def test_all_training_images_can_be_learned_from(tmp_path):
    """Without validation images nothing is looked at on the way, and nothing else changes."""
    spec = dataclasses.replace(SPEC, validation=0)
    assert (SPEC.split, spec.split) == ("fit", "train")
    whole, _ = train(tmp_path / "all", spec, validation=VALIDATION.first(0))
    watched, _ = train(tmp_path / "watched", SPEC)
    assert same_state(whole, watched)
    assert "validation_accuracy" in watched.curves[-1]
    assert whole.curves[-1].get("validation_accuracy") is None


def test_a_diverged_network_is_recorded_and_stops(tmp_path):
    optimizer = SPEC.training.optimizer | {"learning_rate": 1e38}
    spec = dataclasses.replace(SPEC, training=dataclasses.replace(SPEC.training, optimizer=optimizer))
    result, _ = train(tmp_path, spec)
    row = metrics(spec, result, TEST)
    assert (row["outcome"], row["outcome_epoch"], row["epochs"]) == ("diverged", 1, 1)
    with pytest.raises(UserError, match="has diverged, train it with a smaller learning rate"):
        collect(result.network)


# --- extraction


@pytest.fixture(params=["vgg9_small", "resnet8"])
def network(request):
    spec = dataclasses.replace(SPEC, network=NetworkSpec(request.param, 1 / 8))
    torch.manual_seed(0)
    return build_ann(spec, input_shape=(1, 8, 8), classes=4)


def brute_force(network, images):
    """What every ReLU gave, by forward hooks, then the logits; in the batches of `collect`, for the same rounding."""
    outputs = []
    hooks = [
        neuron.register_forward_hook(lambda module, _, output: outputs.append(output[0].detach()))
        for neuron in network.neurons()
    ]
    batches = []
    with torch.no_grad():
        for batch in images.split(10):
            outputs.clear()
            logits = network.eval()(((batch[None].float() / 255) - 0.3) / 0.3)[0][0]
            batches.append([*outputs, logits])
    for hook in hooks:
        hook.remove()
    return [torch.cat(parts).numpy() for parts in zip(*batches, strict=True)]


def test_extraction_is_what_every_relu_gave(network):
    layers = collect(network)
    expected = brute_force(network, FIT.images[:24])
    assert len(layers) == len(expected) == len(network.neurons()) + 1
    for found, values in zip(layers, expected, strict=True):
        assert found.layer.total == values.size
        assert np.array_equal(found.layer.values(), np.sort(values[values > 0]))
        assert len(found.channels) == values.shape[1]
        for channel, summary in enumerate(found.channels):
            own = values[:, channel]
            assert np.array_equal(summary.values(), np.sort(own[own > 0]))


def test_extraction_leaves_the_network_as_it_was(network):
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    collect(network)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_layers_are_named_after_their_weights():
    def names(name):
        spec = dataclasses.replace(SPEC, network=NetworkSpec(name, 1 / 8))
        return layer_names(build_ann(spec, input_shape=(1, 8, 8), classes=4))

    assert names("vgg9_small") == [f"layer_{number}" for number in range(1, 9)]
    # stem; blocks of two, the second and third with a 1x1 convolution on their shortcut
    expected = ["layer_1", "layer_2", "layer_3_sum", "layer_4", "layer_5_sum", "layer_7", "layer_8_sum"]
    assert names("resnet8") == expected


def test_activations_come_back_from_their_file(network, tmp_path):
    layers = collect(network, limit=256, channel_limit=128)
    save_activations(tmp_path / "a.safetensors", layers, "digest")
    loaded = load_activations(tmp_path / "a.safetensors")
    assert [one.name for one in loaded] == [*layer_names(network), "output"]
    for before, after in zip(layers, loaded, strict=True):
        assert np.array_equal(before.layer.values(), after.layer.values())
        assert before.layer.rank_error == after.layer.rank_error
        assert len(before.channels) == len(after.channels)
        for first, second in zip(before.channels, after.channels, strict=True):
            assert np.array_equal(first.values(), second.values())
    save_tensors(tmp_path / "b.safetensors", {"0/layer/counts": torch.zeros(5)}, {"layers": json.dumps(["a"])})
    with pytest.raises(UserError, match="not a file of activations"):
        load_activations(tmp_path / "b.safetensors")


def test_tables_agree_with_the_activations(network):
    layers = collect(network)
    expected = brute_force(network, FIT.images[:24])
    rows, bins, places = table_rows(layers), histogram_rows(layers), sorted_rows(layers, points=50)
    for number, (row, values) in enumerate(zip(rows, expected, strict=True), start=1):
        layer = "output" if number == len(expected) else number
        positive = np.sort(values[values > 0])
        assert row["layer"] == layer
        assert row["positive"] == len(positive)
        assert row["mean"] == pytest.approx(positive.mean(), rel=1e-4)
        own = [one for one in bins if one["layer"] == layer]
        assert sum(one["count"] for one in own) == len(positive)
        assert own[0]["low"] <= positive[0] < own[0]["high"]
        assert own[-1]["low"] <= positive[-1] < own[-1]["high"]
        own = [one for one in places if one["layer"] == layer]
        assert len(own) == min(50, len(positive))
        assert [one["rank"] for one in (own[0], own[-1])] == [0, 1]
        for one in own:
            assert one["value"] == positive[round(one["rank"] * (len(positive) - 1))]


def test_a_dead_layer_has_no_values_and_nan_is_an_error(network):
    first = network.weighted_layers()[0]
    with torch.no_grad():
        first.normalization.weight.zero_()
        first.normalization.bias.fill_(-1)
    layers = collect(network)
    assert layers[0].layer.count == 0
    assert table_rows(layers)[0]["positive"] == 0
    assert not [row for row in histogram_rows(layers) + sorted_rows(layers) if row["layer"] == 1]
    with torch.no_grad():
        first.normalization.bias.fill_(float("nan"))
    with pytest.raises(UserError, match=r"layer_1: .*diverged"):
        collect(network)


def test_specs_survive_json():
    spec = ActivationsSpec(ann=SPEC, images=20, batch_size=8, limit=4096, channel_limit=256)
    assert from_dict(ActivationsSpec, json.loads(to_json(spec))) == spec
    assert to_dict(from_dict(AnnSpec, to_dict(SPEC))) == to_dict(SPEC)
