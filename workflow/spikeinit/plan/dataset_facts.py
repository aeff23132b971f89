"""How many images a data set has, and of what shape, before anything runs: what a job asks for hangs on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spikeinit.conversion import memory
from spikeinit.datasets import catalogue
from spikeinit.io import read_json
from spikeinit.networks.sizes import Shape

MOST_IMAGES = (1_281_167, 50_000)
"""Training and validation images of ImageNet."""


@dataclass(frozen=True)
class DatasetFacts:
    """Number of training and test images, the shape (C, H, W) of one, and the number of classes."""

    train: int
    test: int
    shape: Shape
    classes: int


def dataset_facts(dataset: str, manifest: Path) -> DatasetFacts:
    """What `manifest` tells of a prepared data set; before it is there, what the catalogue tells.

    Of a user's own images nothing is known before they are prepared. They are taken to be as many and as large as those
    of ImageNet, the largest: a job that waits for them is planned again once they are there.
    """
    if manifest.is_file():
        told = read_json(manifest)
        return DatasetFacts(told["images"]["train"], told["images"]["test"], tuple(told["shape"]), told["classes"])
    if dataset in catalogue.REGISTRY.names():
        entry = catalogue.get(dataset)
        return DatasetFacts(*(entry.images or MOST_IMAGES), entry.shape, entry.classes)
    return DatasetFacts(*MOST_IMAGES, *memory.LARGEST_IMAGES)
