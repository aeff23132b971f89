"""Memory of the conversion's jobs: what is computed for a network, and that the jobs keep within a limit."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from bars import SPEC

import spikeinit
from spikeinit.conversion import memory
from spikeinit.conversion.ann import build_ann
from spikeinit.measures import accuracy
from spikeinit.networks import names, sizes
from spikeinit.networks.modules import Trace
from spikeinit.plan import load_config
from spikeinit.plan.dataset_facts import dataset_facts
from spikeinit.plan.memory_page import page
from spikeinit.plan.resources import READ_COPIES, conversion_memory_mb, preparing_memory_mb
from spikeinit.specs import NetworkSpec
from spikeinit.specs.ann import ActivationsSpec
from spikeinit.specs.conversion import CalibrateSpec, ConvertSpec

PACKAGE = Path(spikeinit.__file__).parents[1]
LITTLE = Path(__file__).with_name("little_memory.py")
SMALL_FAMILIES = [name for name in names(analogue=True) if not name.endswith("imagenet")]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory that a process may write to")
@pytest.mark.parametrize("task", ["calibration", "simulation", "extraction"])
def test_a_job_keeps_within_a_limit_that_all_values_together_exceed(task, tmp_path):
    """220 MB for 400 MB of images, for 1 GB of spikes, and for 315 MB of activations that are copied to be sorted."""
    command = [sys.executable, str(LITTLE), task, str(tmp_path), "220"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("done\n")


@pytest.mark.parametrize("name", SMALL_FAMILIES)
def test_sizes_are_those_of_the_built_network(name):
    """Outputs of every part, neurons of every layer and all weights, against one image that runs through."""
    spec = dataclasses.replace(SPEC, network=NetworkSpec(name, 1 / 16))
    with torch.no_grad():
        network = build_ann(spec, input_shape=(3, 32, 32), classes=4).eval()
        trace, found = Trace(1), []
        for part, merged in zip(network.parts, network.walk(torch.zeros(1, 1, 3, 32, 32), trace), strict=True):
            layers = [(spikes.shape[2], spikes[0, 0].numel()) for spikes in trace.spikes]
            learned = [p for layer in part.weighted_layers() for p in layer.parameters() if p.requires_grad]
            found.append((merged[0].numel(), layers, sum(parameter.numel() for parameter in learned)))
            trace.clear()
    expected = [(size.leaving, list(size.layers), size.weights) for size in network.sizes]
    *hidden, last = zip(found, expected, strict=True)
    assert all(ours == theirs for ours, theirs in hidden)
    assert last[0][::2] == last[1][::2]
    assert [size.entering for size in network.sizes[1:]] == [size.leaving for size in network.sizes[:-1]]


def test_images_at_once_by_hand():
    """1 x 4 x 4 into two channels of 4 x 4: 16 in, 32 out four times, 144 values of 4 bytes, three copies: 1,728."""
    (size,) = sizes.part_sizes(sizes.Network("one", (sizes.Conv(2),)), (1, 4, 4))
    assert (size.entering, size.leaving, size.layers, size.weights) == (16, 32, ((2, 32),), 20)
    assert sizes.pass_bytes([size], 3) == 1728
    assert sizes.images_at_once([size], 3, 10) == 10
    assert sizes.images_at_once([size], 3, 10**9) == (2 << 30) // 1728
    assert sizes.images_at_once([size], 10**9, 10) == 1


def test_the_memory_of_jobs_by_hand():
    """vgg9_small at 1/64 of its width: channels 1, 1, 2, 2, 4, 4, then 4, 4 and 4 features; 1 x 8 x 8 pixels.

    Largest part: 64 + 4 x 64 values. Weights with biases, and two for each normalised channel.
    """
    spec = dataclasses.replace(SPEC, network=NetworkSpec("vgg9_small", 1 / 64))
    weights = 4 * (12 + 12 + 24 + 42 + 84 + 156 + 3 * 20)
    activations = ActivationsSpec(ann=spec, images=10, batch_size=5, limit=200, channel_limit=150)
    neurons = [(1, 64), (1, 64), (2, 32), (2, 32), (4, 16), (4, 16), (4, 4), (4, 4), (4, 4)]
    held = sum(
        4 * (min(200, 10 * count) + count + channels * min(150, 10 * count // channels))
        + memory.SUMMARY_BYTES * (channels + 1)
        for channels, count in neurons
    )
    largest = 4 * (64 + 4 * 64)
    found = memory.job_bytes(activations, (1, 8, 8), 4) - memory.PROCESS_BYTES
    assert found == weights + 5 * 4 * largest + 2 * held

    convert = ConvertSpec(ann=spec, method="optimal", timesteps=(2, 8), batch_size=5, conventions=())
    # thresholds depend on T, so each T runs by itself: 8 steps, the analogue network, and one without time
    assert memory.job_bytes(convert, (1, 8, 8), 4) - memory.PROCESS_BYTES == 3 * weights + 5 * 10 * largest
    together = dataclasses.replace(convert, method="max")
    assert memory.job_bytes(together, (1, 8, 8), 4) - memory.PROCESS_BYTES == 3 * weights + 5 * 11 * largest

    training = dataclasses.replace(spec.training, batch_size=20)
    calibrate = CalibrateSpec(
        **vars(convert) | {"timesteps": (1, 3)}, epochs=(1, 1), training=training, surrogate_width=0.5
    )
    fired = 2 * (64 + 32 + 16) + 2 * 4
    kept = 2 * fired + 2 * (64 + 32 + 16) + (16 + 8 + 4)  # spikes, potentials; before normalisation; behind pooling
    of_training = 4 * 3 * 20 * (kept + 64 + 4 * 64)
    assert memory.job_bytes(calibrate, (1, 8, 8), 4) - memory.PROCESS_BYTES == 8 * weights + of_training

    one_step = 4 * (kept + 64 + 4 * 64)
    for batch_size, most in ((20, 250 * largest), (2000, 2000 * one_step)):  # watching 250 images, learning from more
        trained = dataclasses.replace(spec, training=dataclasses.replace(spec.training, batch_size=batch_size))
        assert memory.job_bytes(trained, (1, 8, 8), 4) - memory.PROCESS_BYTES == 4 * weights + most


def test_as_many_images_are_watched_together_as_the_planner_counts():
    assert memory.WATCHED_TOGETHER == accuracy.BATCH


def test_the_page_of_peaks_is_computed_anew(checkout):
    remedy = "run `make docs`, or PYTHONPATH=workflow python -m spikeinit.plan.memory_page > docs/conversion_memory.md"
    assert (checkout / "docs/conversion_memory.md").read_text() == page(checkout), remedy


def test_more_memory_is_asked_for_larger_images(tmp_path):
    """The manifest tells the images; before it is there the catalogue does, and of unknown ones the largest count."""
    convert = ConvertSpec(ann=SPEC, method="optimal", timesteps=(128,), batch_size=50, conventions=())
    absent = tmp_path / "manifest.json"
    digits, unknown = (conversion_memory_mb(convert, dataset_facts(name, absent)) for name in ("digits", "mine"))
    assert digits < unknown
    absent.write_text('{"images": {"train": 1, "test": 1}, "shape": [1, 8, 8], "classes": 10}')
    assert conversion_memory_mb(convert, dataset_facts("mine", absent)) == digits


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_memory_for_a_users_own_archive_is_asked_for_by_what_it_holds(save, checkout, tmp_path):
    """Black images are small when they are compressed, and are held as they are read: 600 MB, and little ones."""
    config = load_config([checkout / "config.yaml"])
    own = {"mine": SimpleNamespace(path=str(tmp_path))}
    config = dataclasses.replace(config, custom_datasets=own)
    save(tmp_path / "train.npz", images=np.zeros((1000, 8, 8), np.uint8), labels=np.zeros(1000, np.int64))
    save(tmp_path / "test.npz", images=np.zeros((1, 8, 8), np.uint8), labels=np.zeros(1, np.int64))
    assert preparing_memory_mb(config, "mine") == preparing_memory_mb(config, "digits") == 4000
    save(tmp_path / "train.npz", images=np.zeros((600, 1000, 1000), np.uint8), labels=np.zeros(600, np.int64))
    held = 600 * 1000**2 + 8 * 600 + 64 + 8 + 4 * 128  # values, and the headers of four arrays
    assert preparing_memory_mb(config, "mine") == math.ceil((memory.PROCESS_BYTES + READ_COPIES * held) / 10**6)
