"""How much a job has to compute, from its spec and the images alone: multiply-accumulates, and calls of layers.

For instance a training of 4,000 images for 5 epochs at T = 5 passes 100,000 images and steps forward and backward. One
pass of one image through one step takes the network's multiply-accumulates once on its way forward, and twice on its
way back: for the gradient of the weights, and for that of the signal. A layer is called once for each batch and step,
which takes time however small it is.

This is a count for asking a cluster for time. What a spike really triggers is counted in `spikeinit.measures`. The
planner reads this module: it imports neither torch nor numpy.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, singledispatch

from spikeinit.conversion.memory import WATCHED_TOGETHER
from spikeinit.conversion.methods import METHODS
from spikeinit.io import canonical_json
from spikeinit.networks import describe
from spikeinit.networks.layers import Conv, Dense, Layer, Network, Residual
from spikeinit.networks.sizes import Shape, behind, shortcut
from spikeinit.plan.dataset_facts import DatasetFacts
from spikeinit.specs import EvaluateSpec, ImageSelection, NetworkSpec, SimulateSpec, Simulation, TrainingSpec, TrainSpec
from spikeinit.specs.ann import ActivationsSpec, AnnSpec
from spikeinit.specs.conversion import CalibrateSpec, ConvertSpec

WITH_BACKWARD = 3
"""Multiply-accumulates of a forward and a backward pass, in units of those of the forward pass."""


@dataclass(frozen=True)
class Work:
    """What a job computes. operations: multiply-accumulates. calls: of one layer, for one batch and one step."""

    operations: float = 0.0
    calls: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(self.operations + other.operations, self.calls + other.calls)

    def __mul__(self, times: float) -> Work:
        return Work(times * self.operations, times * self.calls)


def total(works: Iterable[Work]) -> Work:
    """The sum of all."""
    return sum(works, Work())


def operations(network: Network, shape: Shape) -> int:
    """Multiply-accumulates of all weighted layers for one image of `shape` (C, H, W) and one step.

    Padded zeros are multiplied like other inputs, as in `measures.operations.dense_operations`.
    """
    found = 0
    for layer in network.layers:
        found += _of_layer(layer, shape)
        shape = behind(layer, shape)
    return found


def _of_layer(layer: Layer, shape: Shape) -> int:
    if isinstance(layer, Dense):
        return math.prod(shape) * layer.features
    if isinstance(layer, Conv):
        return math.prod(behind(layer, shape)) * shape[0] * layer.kernel**2
    if not isinstance(layer, Residual):
        return 0
    found, inside = 0, shape
    for item in layer.body:
        found += _of_layer(item, inside)
        inside = behind(item, inside)
    projection = shortcut(layer, shape)
    return found + (_of_layer(projection, shape) if projection else 0)


@singledispatch
def work_of(spec: object, facts: DatasetFacts) -> Work:
    """What the job of `spec` computes on images of which `facts` tells number, shape and classes."""
    raise TypeError(f"{type(spec).__name__}: nobody has said what such a job computes")


@work_of.register
def _(spec: TrainSpec, facts: DatasetFacts) -> Work:
    one = _training(spec.network, spec.training, spec.images, spec.encoding.timesteps, facts)
    return one * len(spec.seeds)


@work_of.register
def _(spec: EvaluateSpec, facts: DatasetFacts) -> Work:
    images = _least(spec.images.test_images, facts.test)
    return _pass(spec.network, facts, images, spec.encoding.timesteps, spec.batch_size) * len(spec.seeds)


@work_of.register
def _(spec: AnnSpec, facts: DatasetFacts) -> Work:
    return _training(spec.network, spec.training, spec.images, spec.encoding.timesteps, facts)


@work_of.register
def _(spec: ActivationsSpec, facts: DatasetFacts) -> Work:
    images = _least(spec.images, spec.ann.images.train_images, facts.train)
    return _pass(spec.ann.network, facts, images, spec.ann.encoding.timesteps, spec.batch_size)


@work_of.register
def _(spec: ConvertSpec, facts: DatasetFacts) -> Work:
    """The analogue network and each network without time beside the steps of the spiking one."""
    images = _least(spec.ann.images.test_images, facts.test)
    groups = [[steps] for steps in spec.timesteps] if METHODS[spec.method].per_timesteps else [spec.timesteps]
    passes = sum(max(group) + 1 + len(group) for group in groups)
    return _pass(spec.ann.network, facts, images, passes, spec.batch_size)


@work_of.register
def _(spec: CalibrateSpec, facts: DatasetFacts) -> Work:
    network, images = spec.ann.network, spec.ann.images
    tested = _least(images.test_images, facts.test)
    found = Work()
    for steps, epochs in zip(spec.timesteps, spec.epochs, strict=True):
        one = _training(network, spec.training, images, steps, facts, epochs)
        found += one + _pass(network, facts, tested, steps, spec.batch_size)
    return found


@work_of.register
def _(spec: SimulateSpec, facts: None) -> Work:
    return total(map(_simulation, spec.simulations))


def _simulation(simulation: Simulation) -> Work:
    """As if every weight were drawn; normal ones need not be."""
    layers = simulation.repeats * simulation.depth * simulation.timesteps
    backward = (WITH_BACKWARD - 1) * simulation.gradient_repeats / max(1, simulation.repeats)
    return Work(layers * simulation.width**2, layers) * (1 + backward)


def _training(
    network: NetworkSpec,
    training: TrainingSpec,
    images: ImageSelection,
    timesteps: int,
    facts: DatasetFacts,
    epochs: int | None = None,
) -> Work:
    """All epochs of one network, with the images that are looked at after each."""
    seen = _least(images.train_images, facts.train)
    watched = _least(training.monitor_images, images.test_images, facts.test)
    learning = _pass(network, facts, seen, timesteps, training.batch_size) * WITH_BACKWARD
    looking = _pass(network, facts, watched, timesteps, WATCHED_TOGETHER)
    return (learning + looking) * (training.epochs if epochs is None else epochs)


def _pass(network: NetworkSpec, facts: DatasetFacts, images: int, timesteps: int, batch_size: int) -> Work:
    """One pass forward."""
    of_image, layers = _of_network(network.name, network.width, canonical_json(network.options), facts)
    return Work(images * timesteps * of_image, math.ceil(images / batch_size) * timesteps * layers)


@cache
def _of_network(name: str, width: float, options: str, facts: DatasetFacts) -> tuple[int, int]:
    """Multiply-accumulates for one image and step, and the number of layers; kept, since thousands of runs share it."""
    network = describe(name, classes=facts.classes, width=width, **json.loads(options))
    return operations(network, facts.shape), len(network.layers)


def _least(*numbers: int | None) -> int:
    """The least of those that are given: None stands for all images."""
    return min(number for number in numbers if number is not None)
