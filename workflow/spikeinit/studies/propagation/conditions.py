"""The conditions that Micheli et al. (2024) state, and how a configuration departs from them, part by part.

Unstated in the paper: the six thresholds of figure 2, the values of figure 10, how many of the 1 ms bins of N-MNIST.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spikeinit.config.differences import counterparts, differences
from spikeinit.study import Part, Published, Section

PUBLISHED_INITIALIZERS = (
    "micheli2024",
    "rossbroich2022",
    "ding2022",
    "lee2016",
    "bellec2018",
    "zenke_vogels2021",
    "he",
    "glorot",
)

PUBLISHED_SIMULATION = {
    "depth": 100,
    "width": 1000,
    "repeats": 20,
    "threshold": 1.0,
    "time": {"timesteps": 20, "decay": 0.5, "high_decay": 0.9, "repeats": 10},
}
PUBLISHED_THRESHOLDS = 6
PUBLISHED_WIDTHS = (100, 600)
FINITE_SIZE_LIMIT = 0.85
"""Above this threshold layers of 100 neurons lose activity, the paper says."""

PUBLISHED_NEURON = {
    "decay": 0.5,
    "threshold": 1.0,
    "reset": "subtract",
    "surrogate": "arctan",
    "gain": 1.0,
    "learn": [],
}
PUBLISHED_TRAINING = {
    "batch_size": 64,
    "optimizer": {"name": "adam", "learning_rate": 0.001},
    "schedule": {"name": "cosine"},
    "loss": {"name": "cross_entropy", "reduction": "sum"},
}
PUBLISHED_EPOCHS = {"mnist": 150, "fashion_mnist": 150, "nmnist": 150, "cifar10": 300}
PUBLISHED_TIMESTEPS = 3
"""For images; the paper does not say how many of its 1 ms bins of N-MNIST are used."""

COUNTERPARTS = {
    "mnist": ("mnist", "mnist5k", "digits"),
    "fashion_mnist": ("fashion_mnist",),
    "nmnist": ("nmnist", "nmnist1k", "nmnist_small"),
    "cifar10": ("cifar10",),
}
"""Published data set -> the data sets whose results are laid beside it, best first."""


def _parts(section: Section) -> dict[str, Part]:
    """Part of the study -> how it departs from the paper, and on which data sets."""
    shared = _training_differences(section)
    parts = {"simulation": Part(tuple(_simulation_differences(section)))}
    for network in ("deep_mlp", "deep_cnn"):
        tasks = [task for task in section["classification"]["tasks"] if task["network"]["name"] == network]
        datasets = tuple(task["dataset"] for task in tasks)
        shown = counterparts(COUNTERPARTS, datasets).values()
        found = [text for task in tasks if task["dataset"] in shown for text in _task_differences(task)]
        parts[network] = Part((*shared, *dict.fromkeys(found)), datasets)
    robustness = section["robustness"]
    found = _task_differences({**robustness, "network": {"width": robustness["network_width"], "options": {}}})
    parts["robustness"] = Part((*shared, *found), (robustness["dataset"],))
    return parts


def _simulation_differences(section: Section) -> list[str]:
    simulation = section["simulation"]
    found = differences(PUBLISHED_SIMULATION, simulation)
    thresholds = sorted(simulation["thresholds"])
    if len(thresholds) < PUBLISHED_THRESHOLDS or thresholds[0] != 0 or thresholds[-1] != 1:
        found.append(f"thresholds {thresholds} instead of {PUBLISHED_THRESHOLDS} from 0 to 1")
    absent = [name for name in PUBLISHED_INITIALIZERS if name not in simulation["initializers"]]
    if absent:
        found.append(f"without {', '.join(absent)}")
    widths, limits = simulation["finite_size"]["widths"], simulation["finite_size"]["thresholds"]
    if not set(PUBLISHED_WIDTHS) <= set(widths):
        found.append(f"layers of {widths} neurons instead of {list(PUBLISHED_WIDTHS)}")
    if not any(FINITE_SIZE_LIMIT < value < 1 for value in limits) or 1 not in limits:
        found.append(f"no threshold between {FINITE_SIZE_LIMIT} and 1 in layers of other widths, or not 1 itself")
    return found


def _training_differences(section: Section) -> list[str]:
    found = differences(PUBLISHED_NEURON, section["neuron"], "neuron.")
    found += differences(PUBLISHED_TRAINING, section["training"])
    absent = [name for name in PUBLISHED_INITIALIZERS if name not in section["classification"]["initializers"]]
    return [*found, f"without {', '.join(absent)}"] if absent else found


def _task_differences(task: Mapping[str, Any]) -> list[str]:
    dataset = task["dataset"]
    events = dataset in COUNTERPARTS["nmnist"]
    published = next((name for name, candidates in COUNTERPARTS.items() if dataset in candidates), "")
    expected = {"epochs": PUBLISHED_EPOCHS.get(published, 150), "train_images": None, "test_images": None}
    found = differences(expected, task, f"{dataset}: ")
    if task["network"]["width"] != 1:
        found.append(f"{dataset}: network width {task['network']['width']:g} instead of 1")
    if task["network"]["options"]:
        found.append(f"{dataset}: network with {task['network']['options']}")
    if task["encoding"]["name"] != ("events" if events else "standardized"):
        found.append(f"{dataset}: encoding {task['encoding']['name']}")
    if not events and task["encoding"]["timesteps"] != PUBLISHED_TIMESTEPS:
        found.append(f"{dataset}: {task['encoding']['timesteps']} time steps instead of {PUBLISHED_TIMESTEPS}")
    return found


PUBLISHED = Published(counterparts=COUNTERPARTS, files=("micheli2024_claims.csv",), parts=_parts)
