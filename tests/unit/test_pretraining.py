"""Pretraining: it learns, resumes without a trace, never chooses by test images; extraction against brute force."""

from __future__ import annotations

import dataclasses
import json
import sys

import numpy as np
import pytest
import torch

from spikeinit.conversion.ann import build_ann, evaluate, load_ann
from spikeinit.conversion.baselines import convert_by
from spikeinit.conversion.extraction import (
    collect_activations,
    histogram_rows,
    layer_names,
    load_activations,
    save_activations,
    sorted_rows,
    table_rows,
)
from spikeinit.datasets.load import Images
from spikeinit.encoding import encode
from spikeinit.errors import UserError
from spikeinit.interruption import Interrupted, Interruption
from spikeinit.io import file_digest, load_tensors, read_csv, save_tensors, write_json
from spikeinit.plan.ann_specs import ActivationsSpec, AnnSpec
from spikeinit.plan.conversion_specs import CalibrateSpec
from spikeinit.plan.specs import EncodingSpec, NetworkSpec, TrainingSpec, from_dict, to_dict, to_json
from spikeinit.plan.specs import Images as ImagesSpec
from spikeinit.pretraining import metrics, take_ann, train_ann
from spikeinit.stages import calibrate_snn, extract_activations, pretrain_ann

SPEC = AnnSpec(
    images=ImagesSpec("bars"),
    network=NetworkSpec("vgg9_small", 1 / 16),
    activation={"name": "relu"},
    encoding=EncodingSpec("constant", 1, {"mean": 0.3, "std": 0.3}),
    training=TrainingSpec(
        epochs=3,
        batch_size=16,
        optimizer={"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 5e-4},
        schedule={"name": "cosine"},
        loss={"name": "cross_entropy", "reduction": "mean"},
    ),
    augmentation={"crop": 1, "cutout": 2},
)


def bars(count, seed, size=8):
    """Images of a bright column whose position is the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(4, (count,), generator=generator)
    images = torch.randint(0, 60, (count, 1, size, size), generator=generator, dtype=torch.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, :, 2 * label : 2 * label + 2] = 255
    return Images(images=images, labels=labels, classes=4, name="bars", sha256="")


FIT, VALIDATION, TEST = bars(100, 0), bars(30, 1), bars(40, 2)


def train(folder, spec=SPEC, *, stop_after=None):
    interruption = Interruption()
    epochs, starts = [], []

    def on_epoch(row):
        epochs.append(row)
        if len(epochs) == stop_after:
            interruption.signal_number = 15

    result = train_ann(
        spec,
        FIT,
        VALIDATION,
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


def collect(network, images=FIT.images[:24], **limits):
    limits = {"limit": 1 << 16, "channel_limit": 1 << 12} | limits
    return collect_activations(network, images, SPEC.encoding, batch_size=10, **limits)


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


# --- stages


@pytest.fixture
def prepared(tmp_path):
    """A prepared data set of bars, 120 training images (12 of them for validation) and 40 test images."""
    folder = tmp_path / "bars"
    sha256 = {}
    for name, images in (("train", bars(120, 0)), ("test", TEST)):
        path = folder / f"{name}.safetensors"
        save_tensors(path, {"images": images.images, "labels": images.labels})
        sha256[path.name] = file_digest(path)
    manifest = {"name": "bars", "classes": 4, "shape": [1, 8, 8], "images": {"train": 120, "test": 40}}
    write_json(
        folder / "manifest.json",
        manifest | {"validation": 12, "statistics": {"mean": 0.5, "std": 0.5}, "sha256": sha256},
    )
    write_json(tmp_path / "tracking.json", {"enabled": False})
    return tmp_path


def run(monkeypatch, stage, *words):
    monkeypatch.setattr(sys, "argv", [stage.__name__, *map(str, words)])
    stage.main()


def pretrain(monkeypatch, folder, spec, pretrained=""):
    ann = folder / "laptop/ann/bars/small"
    outputs = [word for name in ("metrics.csv", "curves.csv") for word in (f"--{name[:-4]}", ann / name)]
    weights = ann / "weights.safetensors"
    words = ["--spec", to_json(spec), "--study", "conversion", "--run", "ann_bars_small", "--network", "small"]
    words += ["--runs", folder / "laptop/runs", "--data", folder / "bars/manifest.json", "--device", "cpu"]
    words += ["--tracking", folder / "tracking.json", f"--pretrained={pretrained}", "--weights", weights, *outputs]
    run(monkeypatch, pretrain_ann, *words)
    return ann


def test_the_stages_chain(monkeypatch, prepared):
    ann = pretrain(monkeypatch, prepared, SPEC)
    (row,) = read_csv(ann / "metrics.csv")
    assert [one["epoch"] for one in read_csv(ann / "curves.csv")] == ["1", "2", "3"]
    journal = prepared / "laptop/runs/conversion/ann_bars_small/seeds/0/journal.jsonl"
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [event["event"] for event in events] == ["start", "epoch", "epoch", "epoch", "profile", "end"]
    assert events[0]["labels"]["network"] == "small"
    assert events[0]["name"] == "laptop"
    assert all("test_accuracy" not in event.get("metrics", {}) for event in events[1:4])

    network = load_ann(SPEC, ann / "weights.safetensors", input_shape=(1, 8, 8), classes=4)
    assert float(row["test_accuracy"]) == evaluate(network, TEST, SPEC.encoding, SPEC.training.loss)["accuracy"]

    folder = prepared / "activations"
    spec = ActivationsSpec(ann=SPEC, images=20, batch_size=8, limit=4096, channel_limit=256)
    words = ["--spec", to_json(spec), "--data", prepared / "bars/manifest.json", "--device", "cpu"]
    words += ["--weights", ann / "weights.safetensors", "--activations", folder / "a.safetensors"]
    words += [word for name in ("table", "histogram", "sorted") for word in (f"--{name}", folder / f"{name}.csv")]
    run(monkeypatch, extract_activations, *words)
    expected = collect(network, bars(120, 0).images[:20], limit=4096, channel_limit=256)
    for found, wanted in zip(load_activations(folder / "a.safetensors"), expected, strict=True):
        np.testing.assert_allclose(found.layer.values(), wanted.layer.values(), rtol=1e-4, atol=1e-6)


def test_a_network_with_thresholds_of_its_own_is_calibrated(monkeypatch, prepared):
    spec = dataclasses.replace(SPEC, activation={"name": "qcfs", "levels": 4}, augmentation={})
    ann = pretrain(monkeypatch, prepared, spec)
    run_folder = prepared / "laptop/runs/conversion/bars_small_qcfs_calibrated"
    training = dataclasses.replace(SPEC.training, optimizer={"name": "adam", "learning_rate": 0.01})
    calibration = CalibrateSpec(
        ann=spec,
        method="qcfs",
        timesteps=(1, 3),
        epochs=(2, 1),
        training=training,
        surrogate_width=0.5,
        batch_size=20,
        conventions=("qiao2015",),
    )
    words = ["--spec", to_json(calibration), "--study", "conversion", "--run", run_folder.name, "--device", "cpu"]
    words += ["--data", prepared / "bars/manifest.json", "--tracking", prepared / "tracking.json", "--thresholds"]
    words += ["--weights", ann / "weights.safetensors", "--calibrated", run_folder / "weights.safetensors"]
    words += [word for name in ("curves", "accuracy", "layers") for word in (f"--{name}", run_folder / f"{name}.csv")]
    run(monkeypatch, calibrate_snn, *words)

    curves = read_csv(run_folder / "curves.csv")
    assert [(row["timesteps"], row["epoch"]) for row in curves] == [("1", "0"), ("1", "1"), ("1", "2"), ("3", "3")]
    final = {row["timesteps"]: row["accuracy"] for row in read_csv(run_folder / "accuracy.csv")}
    assert final == {"1": curves[2]["test_accuracy"], "3": curves[3]["test_accuracy"]}
    # the weights kept for T = 3 are those that gave its accuracy; those for T = 1 are others
    weights, _ = load_tensors(run_folder / "weights.safetensors")
    network = convert_by("qcfs", load_ann(spec, ann / "weights.safetensors", input_shape=(1, 8, 8), classes=4), 1, {})
    for timesteps in (1, 3):
        own = {key.removeprefix(f"{timesteps}/"): value for key, value in weights.items() if key[0] == str(timesteps)}
        network.load_state_dict(own)
        inputs = encode(TEST.images, "constant", timesteps, **spec.encoding.parameters)
        with torch.no_grad():
            answers = network(inputs)[0].mean(0).argmax(1)
        assert float(final[str(timesteps)]) == 100 * int((answers == TEST.labels).sum()) / len(TEST)
    journal = prepared / "laptop/runs/conversion" / run_folder.name / "seeds/0/journal.jsonl"
    labels = json.loads(journal.read_text().splitlines()[0])["labels"]
    assert labels["ann_run"] == "laptop/conversion/ann_bars_small/seed0"
    assert labels["conversion_run"] == "laptop/conversion/bars_small_qcfs/seed0"


def test_ready_weights_are_taken_without_training(monkeypatch, prepared):
    torch.manual_seed(0)
    theirs = build_ann(SPEC, input_shape=(1, 8, 8), classes=4)
    state = {}
    for number, layer in enumerate(theirs.weighted_layers()):
        modules = [layer.operation] if layer.normalization is None else [layer.operation, layer.normalization]
        for place, module in enumerate(modules):
            section = "features" if number < 6 else "classifier"
            state |= {f"{section}.{3 * number + place}.{key}": value for key, value in module.state_dict().items()}
    path = prepared / "ready.pth"
    torch.save(state, path)
    spec = dataclasses.replace(SPEC, pretrained=file_digest(path))
    ann = pretrain(monkeypatch, prepared, spec, path)
    weights, _ = load_tensors(ann / "weights.safetensors")
    assert all(torch.equal(weights[name], tensor) for name, tensor in theirs.state_dict().items())
    (row,) = read_csv(ann / "metrics.csv")
    assert row["epochs"] == "0"
    assert float(row["test_accuracy"]) == evaluate(theirs, TEST, SPEC.encoding, SPEC.training.loss)["accuracy"]
    with pytest.raises(UserError, match="changed since the workflow was planned"):
        take_ann(dataclasses.replace(spec, pretrained="0" * 64), path, FIT, VALIDATION, "cpu")


def test_specs_survive_json():
    spec = ActivationsSpec(ann=SPEC, images=20, batch_size=8, limit=4096, channel_limit=256)
    assert from_dict(ActivationsSpec, json.loads(to_json(spec))) == spec
    assert to_dict(from_dict(AnnSpec, to_dict(SPEC))) == to_dict(SPEC)
