"""The conditions that Bojković et al. (2024) state (Sec. 5, 8.1, 8.2.1), and how a configuration departs from them."""

from __future__ import annotations

from collections.abc import Iterator

from spikeinit.config.differences import differences
from spikeinit.nested import merge
from spikeinit.study import Published, Section

TIMESTEPS = [1, 2, 4, 8, 16, 32, 64, 128]

SETTINGS = {
    "train_images": None,
    "test_images": None,
    "ann": {
        "training": {
            "epochs": 300,
            "optimizer": {"name": "sgd", "learning_rate": 0.1, "weight_decay": 5e-4},
            "schedule": {"name": "cosine"},
        },
    },
    "activations": {"images": 3000},
    "timesteps": TIMESTEPS,
    "norm": 1,
    "calibration": {
        "timesteps": [1, 2, 3, 4],
        "epochs": [50, 20, 20, 20],
        "training": {"optimizer": {"learning_rate": 5e-3}},
    },
}
"""In the configuration's own keys."""

PUBLISHED_RATES = {"cifar100": 0.02}
"""Learning rates of analogue networks on data sets where the paper has another than the usual 0.1."""

ARCHITECTURES = {
    "vgg16": "VGG16",
    "vgg16_imagenet": "VGG16",
    "vgg16_bn_imagenet": "VGG16",
    "resnet18": "ResNet18",
    "resnet19": "ResNet19",
    "resnet20": "ResNet20",
    "cifarnet": "CIFARNet",
    "alexnet": "AlexNet",
}
"""Network family -> the paper's name of the architecture."""

PUBLISHED_IMAGENET = {"activations": {"images": 500}, "calibration": {"timesteps": [1, 2, 3], "epochs": [50, 20, 20]}}
"""What is different for ImageNet: fewer images (supplement), and nothing printed beyond T = 3 (Table 4)."""


def _departures(section: Section) -> Iterator[str]:
    published = merge(SETTINGS, PUBLISHED_IMAGENET) if section["datasets"] == ["imagenet"] else SETTINGS
    yield from differences(published, section)
    for network in section["networks"]:
        if network["width"] != 1:
            yield f"{network['slug']}: width {network['width']} instead of 1"
    for dataset, rate in PUBLISHED_RATES.items():
        if dataset in section["datasets"] and section["ann"]["learning_rates"].get(dataset) != rate:
            yield f"{dataset}: learning rate other than {rate}"
    if not section["ann"]["augmentation"]:
        yield "no augmentation"


PUBLISHED = Published(
    counterparts={
        "cifar10": ("cifar10", "mnist5k", "mnist", "digits"),
        "cifar100": ("cifar100",),
        "imagenet": ("imagenet",),
    },
    files=(
        "bojkovic2024_claims.csv",
        "bojkovic2024_table1_relu_conversion.csv",
        "bojkovic2024_table2_truncated_relu.csv",
        "bojkovic2024_tables3_4_calibrated.csv",
        "bojkovic2024_table5_ann.csv",
        "bojkovic2024_energy.csv",
    ),
    departures=_departures,
)
