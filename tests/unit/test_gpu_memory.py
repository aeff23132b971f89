"""What memory of a GPU a job is taken to need: by hand, and beside what PyTorch keeps for a backward pass."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from spikeinit.conversion.memory import PROCESS_BYTES
from spikeinit.datasets import load
from spikeinit.datasets.load import Images
from spikeinit.encoding import encode_images
from spikeinit.initializers import initialize
from spikeinit.losses import make_loss
from spikeinit.networks.build import new_network
from spikeinit.plan import gpu_memory, load_config, runs
from spikeinit.plan.gpu_memory import gpu_memory_mb
from spikeinit.randomness import stream
from spikeinit.specs import ImageSelection, NetworkSpec


@pytest.fixture(scope="module")
def run(checkout):
    return runs(load_config([checkout / "config.yaml"]), "energy")[0]


def changed(spec, **values):
    return dataclasses.replace(spec, **values)


def needed(spec, manifest):
    """Megabytes beyond the fixed part, as far as the rounding up to megabytes tells."""
    return gpu_memory_mb([spec], "digits", manifest) - PROCESS_BYTES / 10**6


def test_a_training_by_hand(run, tmp_path):
    """784-10-10 on 8 x 8 pixels is 64-10-10: 64 x 10 + 10 and 10 x 10 + 10 weights, four times.

    Each image and step: 64 in; spikes and potential of 20 neurons; four times the 10 of the largest layer.
    """
    training = changed(run.spec.training, batch_size=1000)
    encoding = changed(run.spec.encoding, timesteps=50)
    images = ImageSelection("digits")
    spec = changed(
        run.spec,
        network=NetworkSpec("mlp", options={"hidden": [10]}),
        training=training,
        encoding=encoding,
        images=images,
    )
    bytes_ = 4 * (4 * (650 + 110) + 50 * 1000 * (64 + 2 * 20 + 4 * 10))
    absent = tmp_path / "manifest.json"
    assert 0 <= needed(spec, absent) - bytes_ / 10**6 <= 1
    few = changed(spec, images=ImageSelection("digits", train_images=10))  # no batch is larger than all images
    assert needed(few, absent) < needed(spec, absent) / 50


def test_images_on_the_gpu_count_unless_they_are_too_many(run, tmp_path):
    manifest = tmp_path / "manifest.json"

    def megabytes(train, test, statistics=0, **limits):
        facts = {"shape": [1, 1000, 1000], "classes": 10, "images": {"train": train, "test": test}}
        manifest.write_text(json.dumps(facts | {"statistics": statistics}))
        spec = changed(run.spec, images=ImageSelection("mine", **limits), network=NetworkSpec("mlp"))
        return gpu_memory_mb([spec], "mine", manifest)

    nothing = megabytes(0, 0)
    assert megabytes(1000, 20) - nothing == 1020
    assert megabytes(1000, 20, train_images=300) - nothing == 320
    assert megabytes(5000, 20) - nothing == 20  # 5 GB stay in their file
    (tmp_path / "train.safetensors").write_bytes(b"\0" * 3_000_000)
    (tmp_path / "test.safetensors").write_bytes(b"\0" * 2_000_000)
    assert megabytes(5000, 20, statistics=None) - nothing == 5  # recordings move as a whole


def test_a_batch_of_runs_needs_what_its_largest_needs(run, tmp_path):
    absent = tmp_path / "manifest.json"
    large = changed(run.spec, training=changed(run.spec.training, batch_size=3000))
    one, other = (gpu_memory_mb([spec], "mnist5k", absent) for spec in (run.spec, large))
    assert other > one
    assert gpu_memory_mb([run.spec, large, run.spec], "mnist5k", absent) == other


def test_every_job_of_every_study_has_an_estimate(checkout, tmp_path):
    config = load_config([checkout / "config.yaml", checkout / "workflow/overlays/paper.yaml"])
    for study in config.sections:
        for run in runs(config, study):
            for spec in filter(None, (run.spec, run.evaluation)) if run.stage != "simulate_network" else ():
                assert gpu_memory_mb([spec], run.labels["dataset"], tmp_path / "none") >= PROCESS_BYTES / 10**6


@pytest.mark.parametrize(
    ("family", "width", "options"),
    [("energy", 0.125, {}), ("five_layer", 0.25, {}), ("mlp", 1.0, {"hidden": [300, 100]})],
)
@pytest.mark.parametrize("encoding", ["rate", "constant"])
def test_what_pytorch_keeps_for_a_backward_pass_fits_into_the_estimate(run, tmp_path, family, width, options, encoding):
    """The storages that autograd saves, each once, and the weights; the estimate is at most five times as much."""
    spec = changed(
        run.spec,
        network=NetworkSpec(family, width, options),
        encoding=changed(run.spec.encoding, name=encoding),
        training=changed(run.spec.training, batch_size=200),
    )
    pixels = torch.randint(0, 256, (200, 1, 28, 28), dtype=torch.uint8)
    images = Images(pixels, torch.arange(200) % 10, 10, "mine", "")
    network = new_network(spec, 0, images, "auto")
    initialize(network, "he", generator=stream(0, "weights"))
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        inputs = encode_images(images.images, spec.encoding, generator=stream(0, "encoding"))
        output, trace = network(inputs)
        loss = make_loss(**spec.training.loss)(output, images.labels)
    for spikes in trace.spikes:
        keep(spikes)
    held = sum(storage.nbytes() for storage in kept.values()) + 3 * sum(p.nbytes for p in network.parameters())
    loss.backward()
    estimate = gpu_memory_mb([spec], "mnist5k", tmp_path / "none") * 10**6 - PROCESS_BYTES
    assert held <= estimate <= 5 * held


def test_what_is_moved_as_a_whole_is_what_the_planner_counts():
    assert gpu_memory.MOST_ON_DEVICE == load.MOST_ON_DEVICE
