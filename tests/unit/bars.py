"""Images that are learned in a second, a small network's spec, and its activations: for tests of analogue networks."""

from __future__ import annotations

import torch

from spikeinit.conversion.extraction import collect_activations
from spikeinit.datasets.load import Images
from spikeinit.io import file_digest, save_tensors, write_json
from spikeinit.specs import EncodingSpec, ImageSelection, NetworkSpec, TrainingSpec
from spikeinit.specs.ann import AnnSpec

SPEC = AnnSpec(
    images=ImageSelection("bars"),
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


def write_bars(folder):
    """A prepared data set of bars in `folder`, 120 training images (12 of them for validation) and 40 test images."""
    sha256 = {}
    for name, images in (("train", bars(120, 0)), ("test", TEST)):
        path = folder / f"{name}.safetensors"
        save_tensors(path, {"images": images.images, "labels": images.labels})
        sha256[path.name] = file_digest(path)
    manifest = {"name": "bars", "classes": 4, "shape": [1, 8, 8], "images": {"train": 120, "test": 40}}
    write_json(
        folder / "manifest.json",
        manifest | {"validation": 12, "sha256": sha256, "statistics": {"mean": 0.3, "std": 0.3}},
    )


def collect(network, images=FIT.images[:24], **limits):
    limits = {"limit": 1 << 16, "channel_limit": 1 << 12} | limits
    return collect_activations(network, images, SPEC.encoding, batch_size=10, **limits)
