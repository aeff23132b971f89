"""The stages from images to a calibrated network, called as rules call them, on a data set of bars."""

from __future__ import annotations

import dataclasses
import json
import sys

import numpy as np
import pytest
import torch
from bars import FIT, SPEC, TEST, VALIDATION, bars, collect, write_bars

from spikeinit.conversion.ann import build_ann, load_ann
from spikeinit.conversion.baselines import convert_by
from spikeinit.conversion.extraction import (
    load_activations,
)
from spikeinit.conversion.pretraining import load_published_ann
from spikeinit.encoding import encode
from spikeinit.errors import UserError
from spikeinit.io import file_digest, load_tensors, read_csv, read_json, write_json
from spikeinit.losses import make_loss
from spikeinit.measures.accuracy import loss_and_accuracy
from spikeinit.specs import to_json
from spikeinit.specs.ann import ActivationsSpec
from spikeinit.specs.conversion import CalibrateSpec
from spikeinit.stages import calibrate_snn, extract_activations, pretrain_ann


@pytest.fixture
def prepared(tmp_path):
    """A folder with the prepared data set of bars, and tracking switched off."""
    write_bars(tmp_path / "bars")
    write_json(tmp_path / "tracking.json", {"enabled": False})
    return tmp_path


def run(monkeypatch, stage, *words):
    monkeypatch.setattr(sys, "argv", [stage.__name__, *map(str, words)])
    stage.main()


def pretrain(monkeypatch, folder, spec, pretrained=""):
    ann = folder / "laptop/ann/bars/small"
    outputs = [
        word
        for name in ("metrics.csv", "curves.csv", "profile.json")
        for word in (f"--{name.partition('.')[0]}", ann / name)
    ]
    weights = ann / "weights.safetensors"
    words = ["--spec", to_json(spec), "--study", "conversion", "--run", "ann_bars_small", "--network", "small"]
    words += ["--runs", folder / "laptop/runs", "--data", folder / "bars/manifest.json", "--device", "cpu"]
    words += ["--tracking", folder / "tracking.json", f"--pretrained={pretrained}", "--weights", weights, *outputs]
    run(monkeypatch, pretrain_ann, *words)
    return ann


def accuracy(network):
    """On the test images, in percent."""
    return loss_and_accuracy(network, TEST, SPEC.encoding, make_loss(**SPEC.training.loss))[1]


def test_the_stages_chain(monkeypatch, prepared):
    ann = pretrain(monkeypatch, prepared, SPEC)
    (row,) = read_csv(ann / "metrics.csv")
    assert [one["epoch"] for one in read_csv(ann / "curves.csv")] == ["1", "2", "3"]
    journal = prepared / "laptop/runs/conversion/ann_bars_small/seeds/0/journal.jsonl"
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [event["event"] for event in events] == ["start", "epoch", "epoch", "epoch", "profile", "end"]
    assert read_json(ann / "profile.json")["images_per_second"] > 0
    assert events[0]["labels"]["network"] == "small"
    assert events[0]["name"] == "laptop"
    assert all("test_accuracy" not in event.get("metrics", {}) for event in events[1:4])

    network = load_ann(SPEC, ann / "weights.safetensors", input_shape=(1, 8, 8), classes=4)
    assert float(row["test_accuracy"]) == accuracy(network)

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
    run(monkeypatch, calibrate_snn, *words, "--profile", run_folder / "profile.json")
    assert read_json(run_folder / "profile.json")["versions"]["torch"] == torch.__version__

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
    assert float(row["test_accuracy"]) == accuracy(theirs)
    changed = dataclasses.replace(spec, pretrained="0" * 64)
    with pytest.raises(UserError, match="changed since the workflow was planned"):
        load_published_ann(changed, path, FIT, VALIDATION, device="cpu", on_start=print, on_epoch=print)
