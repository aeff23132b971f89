"""The conditions that Bojković et al. (2024) state (Sec. 5, 8.1, 8.2.1), and what the paper leaves open.

One departure holds at paper scale too, and is listed there: Table 2's networks are trained here. Two others are
options, set as published there: images kept for validation, and augmentation of networks for which Sec. 8.1 has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from spikeinit.config.paths import value_at
from spikeinit.studies import unstated
from spikeinit.study import ANY, Departure, Finding, OpenChoice, Published, Section, Stated, Taken

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

AUGMENTED = ("VGG16", "ResNet18", "ResNet19")
"""The architectures that Sec. 8.1 trains with data augmentation."""

USUAL_RATE = 0.1
PUBLISHED_RATES = {"cifar100": 0.02}
"""Learning rates of analogue networks on data sets where the paper has another than the usual one."""

CIFAR_SIZES = "45,000 of CIFAR's 50,000"

SETTINGS = {
    "train_images": None,
    "test_images": None,
    "ann": {
        "training": {
            "epochs": 300,
            "optimizer": {"name": "sgd", "learning_rate": USUAL_RATE, "weight_decay": 5e-4},
            "schedule": {"name": "cosine"},
        },
    },
    "timesteps": (1, 2, 4, 8, 16, 32, 64, 128),
    "norm": 1,
    "calibration": {"training": {"optimizer": {"learning_rate": 5e-3}, "monitor_images": None}},
}
"""In the configuration's own keys. `monitor_images`: Figure 4 is a curve of all test images."""

ONLY_THE_RATE = "The paper states the learning rate of the calibration alone."

OPEN_CHOICES = {
    "normalization": OpenChoice(ANY, "The paper does not state how pixels are normalised."),
    "ann.training.optimizer.momentum": OpenChoice(
        (0.1, 0.9), "The paper prints a momentum of 0.1, and such networks are usually trained with 0.9."
    ),
    "ann.training.batch_size": OpenChoice(ANY, "The paper does not state it."),
    "ann.training.loss.name": OpenChoice(
        ("cross_entropy",), "The paper does not state the loss, and cross-entropy is usual."
    ),
    "calibration.surrogate_width": OpenChoice(
        ANY, "The paper calls it a, and does not state its value. The authors' public code has half_level, V/(2T)."
    ),
    "calibration.augment": OpenChoice(ANY, "The paper does not state it. The authors' public code augments."),
    "calibration.training.batch_size": OpenChoice(ANY, ONLY_THE_RATE),
    "calibration.training.optimizer.name": OpenChoice(ANY, ONLY_THE_RATE),
    "calibration.training.optimizer.momentum": OpenChoice(ANY, ONLY_THE_RATE),
    "calibration.training.optimizer.weight_decay": OpenChoice(ANY, ONLY_THE_RATE),
    "calibration.training.optimizer.betas": OpenChoice(ANY, ONLY_THE_RATE),
    "calibration.training.schedule": OpenChoice(ANY, ONLY_THE_RATE),
    "calibration.training.loss.name": OpenChoice(
        ("cross_entropy",), "The paper does not state the loss, and cross-entropy is usual."
    ),
    "calibration.training.loss.reduction": OpenChoice(
        ("mean",), "The paper does not state it, and its networks' outputs are means over the steps."
    ),
}

NOT_CONDITIONS = {
    unstated.DATASETS: ("datasets",),
    unstated.SEEDS: ("ann.seed",),
    unstated.WITHOUT_EFFECT: (
        "ann.training.schedule.every",
        "ann.training.schedule.factor",
        "ann.training.loss.reduction",
    ),
    unstated.ONLY_LOOKED_AT: (
        "ann.training.monitor_images",
        "ann.training.trace_every",
        "ann.training.target_accuracies",
    ),
    "Which methods were run, and on which networks they were calibrated, is told beside each number.": (
        "methods",
        "calibration.networks",
        "calibration.methods",
    ),
    "Thresholds by channel are not the paper's.": ("activations.channel_limit",),
    "It says how many images are run at once, and decides no number.": ("activations.batch_size",),
    unstated.ONLY_SAID: ("evaluation", "statistics"),
}


def _rates(section: Section) -> Iterator[Finding]:
    """The learning rates that single data sets have in place of the usual one."""
    rates = section["ann"]["learning_rates"]
    for dataset in section["datasets"]:
        given, expected = rates.get(dataset, USUAL_RATE), PUBLISHED_RATES.get(dataset, USUAL_RATE)
        if given != expected:
            yield Departure(f"{dataset}: ann.learning_rates {given} instead of {expected}")


def _augmentation(section: Section) -> Iterator[Finding]:
    given = section["ann"]["augmentation"]
    for network in section["networks"]:
        if network["augmentation"] is None:
            yield from _unlike_published(network, given)
    if given:
        said = "The paper refers to three others for its augmentation, and does not list it."
        yield Taken("ann.augmentation", str(given), "any but none", said)


def _own_augmentation(network: Section) -> Iterator[Finding]:
    if network["augmentation"] is not None:
        yield from _unlike_published(network, network["augmentation"])


def _unlike_published(network: Section, given: Section) -> Iterator[Finding]:
    """Sec. 8.1 names augmentation for three architectures, and none for the others of the paper."""
    if network["pretrained"] is not None or network["activation"]["name"] != "relu":
        return
    published = ARCHITECTURES.get(network["name"], AUGMENTED[0]) in AUGMENTED
    if published and not given:
        yield Departure(f"{network['slug']}: no augmentation")
    if given and not published:
        yield Departure(f"{network['slug']}: augmentation, which Sec. 8.1 has for {', '.join(AUGMENTED)} alone")


def _validation(section: Section) -> Iterator[Finding]:
    trained = any(network["pretrained"] is None for network in section["networks"])
    if trained and section["ann"]["validation"]:
        yield Departure(f"a tenth of the training images is kept for validation ({CIFAR_SIZES} train)")


MILLION = 10**6


def _limit(section: Section) -> Iterator[Finding]:
    """The paper's arrays have about a million elements for T > 1, and all of them for T = 1."""
    limit = section["activations"]["limit"]
    if limit < MILLION:
        yield Departure(f"activations.limit {limit} instead of about {MILLION} or more")
    else:
        said = (
            "The paper takes all activations of a layer for T = 1, and every 10th or 100th, about a million, for T > 1."
        )
        yield Taken("activations.limit", str(limit), f"{MILLION} or more", said)


BY_DATASET: Mapping[str, tuple[Any, Any]] = {
    "activations.images": (3000, 500),
    "calibration.timesteps": ([1, 2, 3, 4], [1, 2, 3]),
    "calibration.epochs": ([50, 20, 20, 20], [50, 20, 20]),
}
"""Key -> its value for CIFAR, and for ImageNet, of which nothing is printed beyond T = 3 (Table 4)."""


def _by_dataset(key: str) -> Callable[[Section], Iterator[Finding]]:
    def compare(section: Section) -> Iterator[Finding]:
        given, expected = value_at(section, key), BY_DATASET[key][section["datasets"] == ["imagenet"]]
        if given != expected:
            yield Departure(f"{key} {given} instead of {expected}")

    return compare


def _network(_: Section, network: Section) -> Stated:
    return Stated(
        settings={"width": 1.0, "options": {}},
        not_conditions={
            "It is the user's name of the network.": ("slug",),
            "Weights that are taken in place of training are told by the network's architecture.": ("pretrained",),
        },
        compared={
            "name": _architecture,
            "activation": _activation,
            "augmentation": _own_augmentation,
        },
    )


def _architecture(network: Section) -> Iterator[Finding]:
    if network["name"] not in ARCHITECTURES:
        yield Departure(f"{network['slug']}: {network['name']}, which is none of the paper's architectures")


def _activation(network: Section) -> Iterator[Finding]:
    if network["activation"]["name"] == "clipped_relu":
        yield Departure(f"{network['slug']}: trained here, while Table 2 has the pretrained networks of Opt")


PUBLISHED = Published(
    settings=SETTINGS,
    open_choices=OPEN_CHOICES,
    not_conditions=NOT_CONDITIONS,
    items={"networks": _network},
    compared={
        "ann.augmentation": _augmentation,
        "ann.validation": _validation,
        "ann.learning_rates": _rates,
        "activations.limit": _limit,
        **{key: _by_dataset(key) for key in BY_DATASET},
    },
    unset={"ann.training.optimizer.momentum": 0.0},
    counterparts={
        "cifar10": ("cifar10", "cifar10_arrays", "mnist5k", "mnist", "digits"),
        "cifar100": ("cifar100",),
        "imagenet": ("imagenet",),
    },
    files=(
        "bojkovic2024_claims.csv",
        "bojkovic2024_table1_relu_conversion.csv",
        "bojkovic2024_table2_truncated_relu.csv",
        "bojkovic2024_tables3_4_calibrated.csv",
        "bojkovic2024_tables3_4_baselines.csv",
        "bojkovic2024_table5_ann.csv",
        "bojkovic2024_energy.csv",
    ),
)
