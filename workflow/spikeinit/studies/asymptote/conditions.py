"""The conditions that Ding et al. 2022 state, and how a configuration departs from them.

Unstated in the paper, and therefore in no list here: the coding of the experiments of Sec. 6 (Poisson here), the kind
of pooling, the number of repetitions, VGG11's sizes, the split of CIFAR10-DVS, and the training of Table A8 (that of
CIFAR-10 here). Table A4 gives N-MNIST 32 x 32 pixels; the camera has 34 x 34, and all of them are used here.
"""

from __future__ import annotations

from collections.abc import Iterator

from spikeinit.config.differences import differences
from spikeinit.study import Published, Section

ADAM = {"name": "adam", "learning_rate": 0.001, "betas": [0.9, 0.99]}

WHOLE = {"train_images": None, "test_images": None, "timesteps": 20}

SHORT = {**WHOLE, "network": {"name": "five_layer", "width": 1.0}, "epochs": 3, "batch_size": 64}
"""Sec. 6: three epochs of MNIST."""

STEPPED = {"name": "multistep", "milestones": [50, 90, 130], "factor": 0.1}

LONG = {
    "five_layer": {
        **WHOLE,
        "network": {"name": "five_layer", "width": 1.0},
        "epochs": 50,
        "batch_size": 32,
        "schedule": {"name": "cosine"},
    },
    "vgg9": {
        **WHOLE,
        "network": {"name": "vgg9", "width": 1.0},
        "epochs": 150,
        "batch_size": 32,
        "schedule": STEPPED,
    },
    "vgg9_dvs": {
        **WHOLE,
        "network": {"name": "vgg9_dvs", "width": 1.0},
        "epochs": 150,
        "batch_size": 16,
        "schedule": STEPPED,
    },
    "vgg11": {**WHOLE, "network": {"name": "vgg11", "width": 1.0}},
}
"""Table A4, by network, and what is known of Table A8's."""

SETTINGS = {
    "surrogate": {"name": "arctan", "slope": 2.0},
    "optimizer": ADAM,
    "loss": {"name": "cross_entropy", "reduction": "mean"},
    "coding": {"neuron": {"k": 0.8, "lambda": 0.2, "theta": 1.0}},
    "grid": {"task": SHORT},
    "versatility": {
        "task": SHORT,
        "neurons": [
            {"k": k, "lambda": gain, "theta": theta}
            for k, gain, theta in (
                (0.3, 0.1, 1.0),
                (0.8, 0.2, 1.0),
                (0.8, 0.5, 1.0),
                (0.2, 0.8, 1.0),
                (1.0, 1.0, 1.0),
                (0.5, 4.0, 1.0),
                (0.6, 0.3, 4.0),
                (0.4, 0.4, 4.0),
            )
        ],
        "optimizers": [
            ADAM,
            {"name": "sgd", "learning_rate": 0.5, "momentum": 0.9},
            {"name": "asgd", "learning_rate": 2.0, "lambd": 1e-6, "alpha": 0.75},
            {"name": "adagrad", "learning_rate": 0.01},
        ],
        "surrogates": [
            {"name": "hardtanh", "slope": 1.0},
            {"name": "arctan", "slope": 1.0},
            {"name": "tanh", "slope": 2.0},
            {"name": "sigmoid", "slope": 2.0},
        ],
    },
}
"""In the configuration's own keys (Secs. 5 and 6, Tables A4 to A7)."""


def _departures(section: Section) -> Iterator[str]:
    for experiment in ("coding", "normalization"):
        for index, task in enumerate(section[experiment]["tasks"]):
            published = LONG.get(task["network"]["name"], {})
            yield from differences(published, task, f"{experiment}.tasks.{index}.")


def _datasets(section: Section) -> Iterator[str]:
    for experiment in ("coding", "normalization"):
        for task in section[experiment]["tasks"]:
            yield task["dataset"]
    for experiment in ("grid", "versatility"):
        yield section[experiment]["task"]["dataset"]


PUBLISHED = Published(
    settings=SETTINGS,
    counterparts={
        "mnist": ("mnist", "mnist5k"),
        "nmnist": ("nmnist",),
        "cifar10": ("cifar10",),
        "cifar10_dvs": ("cifar10_dvs",),
        "cifar100": ("cifar100",),
        "tinyimagenet": ("tinyimagenet",),
    },
    files=(
        "ding2022_claims.csv",
        "ding2022_table2_coding.csv",
        "ding2022_tableA6_optimizers.csv",
        "ding2022_tableA7_surrogates.csv",
        "ding2022_tableA8_normalization.csv",
    ),
    datasets=_datasets,
    departures=_departures,
)
