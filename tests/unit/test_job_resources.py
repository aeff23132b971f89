"""Memory and time that jobs ask a cluster for: by hand, by PyTorch's own count, and their order over the scales."""

from __future__ import annotations

import dataclasses
import math
import re

import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from spikeinit.conversion import memory
from spikeinit.conversion.ann import build_ann
from spikeinit.datasets import catalogue
from spikeinit.jobs.anns import anns
from spikeinit.measures import accuracy
from spikeinit.networks import FAMILIES, Conv, Dense, Network, Pool, describe
from spikeinit.networks.modules import Trace
from spikeinit.plan import load_config, resources, runs, runtime, work
from spikeinit.plan.dataset_facts import DatasetFacts, dataset_facts
from spikeinit.plan.runtime import LEAST, MOST, SAFETY
from spikeinit.specs import (
    EncodingSpec,
    EvaluateSpec,
    ImageSelection,
    InitializerSpec,
    NetworkSpec,
    NeuronSpec,
    SimulateSpec,
    Simulation,
    TrainingSpec,
    TrainSpec,
)
from spikeinit.specs.ann import ActivationsSpec, AnnSpec, ThresholdsSpec
from spikeinit.specs.conversion import CalibrateSpec, ConvertSpec

SMALL_FAMILIES = [name for name, family in FAMILIES.items() if family.analogue and not name.endswith("imagenet")]
DIGITS = DatasetFacts(train=100, test=40, shape=(1, 8, 8), classes=10)
NETWORK = NetworkSpec("mlp", 1.0, {"hidden": [20]})  # 64-20-10: 1,480 multiply-accumulates in two layers
OF_NETWORK = 64 * 20 + 20 * 10
TRAINING = TrainingSpec(epochs=3, batch_size=30, optimizer={}, schedule={}, loss={}, monitor_images=10)
TRAIN = TrainSpec(
    ImageSelection("digits"),
    NETWORK,
    EncodingSpec("rate", 5),
    NeuronSpec(),
    InitializerSpec("he"),
    TRAINING,
    seeds=(0, 1),
)
ANN = AnnSpec(ImageSelection("digits"), NETWORK, {"name": "relu"}, EncodingSpec("constant", 1), TRAINING)
SCALES = ("config.yaml", "workflow/overlays/paper.yaml")


@pytest.mark.parametrize("name", SMALL_FAMILIES)
def test_operations_are_those_that_pytorch_counts(name):
    """Each weighted layer, as PyTorch has it, on zeros of the shape that it receives; a product and sum are 2 FLOP."""
    spec = dataclasses.replace(ANN, network=NetworkSpec(name, 1 / 16))
    network = build_ann(spec, input_shape=(3, 32, 32), classes=4).eval()
    trace, counter = Trace(1, keep_received=True), FlopCounterMode(display=False)
    with torch.no_grad():
        for _ in network.walk(torch.zeros(1, 1, 3, 32, 32), trace):
            pass
        with counter:
            for layer, received in zip(network.weighted_layers(), trace.received, strict=True):
                signal, operation = torch.zeros(received.shape[1:]), layer.operation
                if isinstance(operation, torch.nn.Linear):
                    functional.linear(signal.flatten(1), operation.weight)
                else:
                    functional.conv2d(signal, operation.weight, stride=operation.stride, padding=operation.padding)
    assert work.operations(describe(name, classes=4, width=1 / 16), (3, 32, 32)) == counter.get_total_flops() / 2


def test_operations_by_hand():
    """3x3 windows at 16 places, from 1 channel to 2; pooled to 2 x 2; 8 inputs to 5 outputs."""
    network = Network("one", (Conv(2), Pool(), Dense(5)))
    assert work.operations(network, (1, 4, 4)) == 16 * 9 * 1 * 2 + 8 * 5


def test_the_work_of_a_training_and_its_evaluation_by_hand():
    """Two seeds, three epochs, five steps: 100 images forward and back in 4 batches, 10 looked at in one."""
    found = work.work_of(TRAIN, DIGITS)
    assert found.operations == 2 * 3 * 5 * (100 * 3 + 10) * OF_NETWORK
    assert found.calls == 2 * 3 * 5 * (4 * 3 + 1) * 2
    evaluate = EvaluateSpec(
        TRAIN.images, NETWORK, TRAIN.encoding, NeuronSpec(), (0, 1), batch_size=15, conventions=(), loss={}
    )
    assert work.work_of(evaluate, DIGITS) == work.Work(2 * 5 * 40 * OF_NETWORK, 2 * 5 * 3 * 2)
    fewer = dataclasses.replace(evaluate, images=ImageSelection("digits", test_images=15))
    assert work.work_of(fewer, DIGITS) == work.Work(2 * 5 * 15 * OF_NETWORK, 2 * 5 * 1 * 2)


def test_the_work_of_a_conversion_by_hand():
    """One pass over 40 test images: T steps, the analogue network, and one without time for each T that is read."""
    assert work.work_of(ANN, DIGITS) == work.Work(3 * (100 * 3 + 10) * OF_NETWORK, 3 * (4 * 3 + 1) * 2)
    activations = ActivationsSpec(ANN, images=25, batch_size=10, limit=100, channel_limit=10)
    assert work.work_of(activations, DIGITS) == work.Work(25 * OF_NETWORK, 3 * 2)
    shared = {"ann": ANN, "timesteps": (2, 4), "batch_size": 20, "conventions": ()}
    together = work.work_of(ConvertSpec(method="max", **shared), DIGITS)
    assert together.operations == (4 + 1 + 2) * 40 * OF_NETWORK
    one_by_one = work.work_of(ConvertSpec(method="opt", **shared), DIGITS)
    assert one_by_one.operations == ((2 + 1 + 1) + (4 + 1 + 1)) * 40 * OF_NETWORK
    calibrate = CalibrateSpec(method="optimal", **shared, epochs=(1, 2), training=TRAINING, surrogate_width=1.0)
    learned = (1 * 2 + 2 * 4) * (100 * 3 + 10)
    assert work.work_of(calibrate, DIGITS).operations == (learned + (2 + 4) * 40) * OF_NETWORK


def test_the_work_of_a_simulation_by_hand():
    """Six networks of four layers of 30 neurons at two steps, three of them with gradients."""
    simulation = Simulation("one", "he", depth=4, width=30, timesteps=2, repeats=6, gradient_repeats=3)
    found = work.work_of(SimulateSpec((simulation, simulation), seed=0), None)
    assert found == work.Work(2 * (6 + 2 * 3) * 4 * 2 * 900, 2 * (6 + 2 * 3) * 4 * 2)


def test_a_spec_that_nobody_knows_is_refused():
    with pytest.raises(TypeError, match="ThresholdsSpec"):
        work.work_of(ThresholdsSpec((1,), 1, ()), DIGITS)


def test_minutes_by_hand():
    """10^5 images forward and back at ten times the operations: 4.44 * 10^10 for an epoch of one seed at one step."""
    facts = dataclasses.replace(DIGITS, train=10**8)
    training = dataclasses.replace(TRAINING, epochs=1, batch_size=10**8, monitor_images=0)
    spec = dataclasses.replace(TRAIN, training=training, seeds=(0,), encoding=EncodingSpec("rate", 1))
    seconds = 3 * 10**8 * OF_NETWORK / 5e9  # 88.8 on one thread
    of = {"facts": facts, "device": "cpu", "threads": 1, "attempt": 1}
    assert runtime.minutes([spec], **of) == LEAST + math.ceil(SAFETY * seconds / 60) == 20
    assert runtime.minutes([spec] * 10, **of) == LEAST + math.ceil(SAFETY * 10 * seconds / 60)
    assert runtime.minutes([spec] * 10, **(of | {"threads": 4})) == LEAST + math.ceil(SAFETY * 2.5 * seconds / 60)
    assert runtime.minutes([spec] * 10, **(of | {"attempt": 3})) == LEAST + math.ceil(SAFETY * 30 * seconds / 60)
    assert runtime.minutes([spec] * 10, **(of | {"device": "cuda"})) == LEAST + 1
    assert runtime.minutes([spec] * 10**4, **of) == MOST


def test_minutes_of_a_search_by_hand():
    """20 hidden neurons and 10 outputs, all in one channel each or in one layer: what the limits leave, twice."""
    activations = ActivationsSpec(ANN, images=10**6, batch_size=10, limit=10**6, channel_limit=10**4)
    thresholds = ThresholdsSpec((1, 2, 4), 1, ("max", "samples"))
    values = 10**6 + 20 * 10**4
    asked = runtime.search_minutes(activations, thresholds, DIGITS, attempt=1)
    assert asked == LEAST + math.ceil(SAFETY * runtime.SEARCH_SECONDS * values * 2 * 3 / 60)


def minutes_and_megabytes(config):
    """(study, stage) -> (minutes, megabytes) of every job that a configuration plans."""
    found = {}

    def add(study, stage, specs, dataset, megabytes):
        facts = None if dataset is None else dataset_facts(dataset, catalogue_only)
        found.setdefault((study, stage), []).append(
            (resources.run_minutes(specs, facts, config, threads=1), megabytes(facts))
        )

    catalogue_only = resources.DATASETS / "nothing" / "manifest.json"
    for study in config.sections:
        for run in runs(config, study):
            dataset = run.labels.get("dataset") if run.stage != "simulate_network" else None
            if run.stage == "train_snn":
                for stage, spec in (("train", run.spec), ("evaluate", run.evaluation)):
                    add(study, stage, [spec], dataset, lambda facts, s=spec: resources.training_memory_mb(s, facts))
            elif dataset is None:
                add(study, run.stage, [run.spec], None, lambda facts: 2000)
            else:
                add(
                    study,
                    run.stage,
                    [run.spec],
                    dataset,
                    lambda facts, s=run.spec: resources.conversion_memory_mb(s, facts),
                )
    for ann in anns(config).values():
        add(ann.study, "pretrain", [ann.spec], ann.dataset, lambda facts: 2000)
    return found


def test_the_published_scale_asks_for_more_than_the_laptops_and_nothing_for_less_than_the_floor(checkout):
    laptop = minutes_and_megabytes(load_config([checkout / "config.yaml"]))
    paper = minutes_and_megabytes(load_config([checkout / file for file in SCALES]))
    assert laptop.keys() == paper.keys()
    for job, asked in laptop.items():
        for minutes, megabytes in (*asked, *paper[job]):
            assert LEAST < minutes <= MOST, job
            assert megabytes >= 2000, job
        for place in (0, 1):
            assert max(values[place] for values in paper[job]) >= max(values[place] for values in asked), job
    assert max(minutes for minutes, _ in laptop["energy", "train"]) < 60
    assert max(minutes for minutes, _ in paper["energy", "train"]) == MOST


def test_memory_of_the_published_training_by_hand(checkout):
    """Five convolutions of 25,088, 12,544, 8,192, 4,096 and 512 neurons, then 10; batches of 1,024 at 20 steps.

    Each neuron twice (spike and potential), four times the largest layer, the 784 pixels; and four times the weights.
    A quarter more for what is not counted.
    """
    config = load_config([checkout / file for file in SCALES])
    spec = next(run.spec for run in runs(config, "energy") if run.spec.images.dataset == "mnist")
    facts = dataset_facts("mnist", resources.DATASETS / "nothing.json")
    neurons = 128 * 14**2 + 256 * 7**2 + 512 * 4**2 + 1024 * 2**2 + 512
    weights = (
        sum(9 * a * b + b for a, b in ((1, 128), (128, 256), (256, 512), (512, 1024), (1024, 512))) + 512 * 10 + 10
    )
    kept = 2 * neurons + 784 + 4 * 128 * 14**2
    least = 1.25 * 4 * (20 * 1024 * kept + 4 * weights)
    asked = resources.training_memory_mb(spec, facts) * 10**6 - memory.PROCESS_BYTES
    assert least <= asked < 1.001 * least + 10**6
    assert resources.training_memory_mb(spec, facts, attempt=3) == pytest.approx(
        2 * resources.training_memory_mb(spec, facts), abs=1
    )


def test_recordings_lie_in_memory_beside_what_is_computed():
    spec = dataclasses.replace(TRAIN, images=ImageSelection("nmnist_small"), encoding=EncodingSpec("events", 5))
    facts = dataset_facts("nmnist_small", resources.DATASETS / "nothing.json")
    assert resources.training_memory_mb(spec, facts) > catalogue.memory_mb("nmnist_small") + 2000
    assert resources.training_memory_mb(TRAIN, DIGITS) == catalogue.memory_mb("digits")


def test_the_catalogue_knows_how_many_images_there_are():
    """What it says against its own titles, and against what its readers are told."""
    for name, entry in catalogue.CATALOGUE.items():
        train, test = entry.images
        if entry.test_images:
            every = int(re.search(r"([\d,]+) images", entry.title)[1].replace(",", ""))
            assert (train + test, test) == (every, entry.test_images), name
        elif name == "cifar10_dvs":
            assert {"train": train, "test": test} == {k: 10 * v for k, v in entry.options["recordings"].items()}
        else:
            told = re.search(r"([\d,]+) training and ([\d,]+) (?:test|validation)", entry.title)
            assert (train, test) == tuple(int(number.replace(",", "")) for number in told.groups()), name
            for key in {"images", "recordings"} & entry.options.keys():
                assert entry.options[key] == {"train": train, "test": test}, name
        assert "images" not in catalogue.spec(name)


def test_as_many_images_are_watched_together_as_the_planner_counts():
    assert work.WATCHED_TOGETHER == accuracy.BATCH


def test_unknown_images_are_taken_to_be_the_largest_until_they_are_prepared(tmp_path):
    manifest = tmp_path / "manifest.json"
    assert dataset_facts("mine", manifest) == DatasetFacts(1281167, 50000, (3, 224, 224), 1000)
    manifest.write_text('{"images": {"train": 7, "test": 3}, "shape": [1, 2, 2], "classes": 4}')
    assert dataset_facts("mine", manifest) == DatasetFacts(7, 3, (1, 2, 2), 4)
