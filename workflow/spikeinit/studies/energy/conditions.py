"""The conditions that Pärna (2025) states, in Sec. 3 and Appendix 2, and what the thesis leaves open."""

from __future__ import annotations

from collections.abc import Iterator

from spikeinit.studies import unstated
from spikeinit.study import ANY, Departure, Finding, OpenChoice, Published, Section

PUBLISHED_RUNS = 10
PUBLISHED_TIMESTEPS = 20

SETTINGS = {
    "train_images": None,
    "test_images": None,
    "weight_means": (-0.01, 0.0, 0.01),
    "weight_sd": 0.1,
    "beta_ranges": {"low": [0.0, 0.34], "medium": [0.34, 0.67], "high": [0.67, 1.0]},
    "network": {"name": "energy", "width": 1.0, "options": {}},
    "encoding": {"name": "rate", "parameters": {}},
    "neuron": {"threshold": 1.0, "reset": "subtract", "slope": 1.0, "learn": ("decay", "threshold")},
    "training": {
        "epochs": 50,
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "schedule": {"name": "step", "every": 10, "factor": 0.1},
        "loss": {"name": "cross_entropy_per_step"},
    },
    "statistics": {"confidence": 0.95},
}
"""In the configuration's own keys. The printed alpha = 2 of the surrogate is the slope 1."""

OPEN_CHOICES = {
    "encoding.timesteps": OpenChoice(
        (PUBLISHED_TIMESTEPS,),
        "The thesis simulates for 20 ms and does not state the length of a step, which is read as 1 ms.",
    ),
    "streams": OpenChoice(
        ("apart", "shared"),
        "The thesis does not say whether runs of two combinations share random numbers. Drawn apart they are "
        "independent, as its t-tests take them to be. Shared, ten seeds give a row ten draws and not thirty.",
    ),
    "neuron.gain": OpenChoice(
        (1.0, "one_minus_decay"),
        "Eq. 1 multiplies the input by 1 - beta, and the library that the thesis names, snnTorch, does not.",
    ),
    "neuron.surrogate": OpenChoice(
        ("arctan", "arctan_over_pi"),
        "Eq. 5 has a factor 1/pi, and the library that the thesis names, snnTorch, has none.",
    ),
    "neuron.decay_scope": OpenChoice(
        ANY, "The thesis does not say whether the neurons of a layer share one decay rate or each has its own."
    ),
    **unstated.neuron("The thesis"),
    "initializer.bias": OpenChoice(
        ANY,
        "The thesis does not state the initial biases. By the law of the normal initialiser they are PyTorch's own.",
    ),
    "initializer.layers": OpenChoice(
        ANY, "The thesis does not say whether the first and the last layer get the same initial weights as the others."
    ),
    "training.batch_size": OpenChoice(
        (1024, 2048), "Appendix 2 has 1024, and 2048 in the runs on an A100 without saying which they are."
    ),
    "training.loss.reduction": OpenChoice(
        ("sum", "mean"),
        "The thesis accumulates the losses of the steps, and the loss of this kind in snnTorch, which it names, "
        "divides their sum by the number of steps.",
    ),
    **unstated.adam("training.optimizer", "The thesis"),
}

NOT_CONDITIONS = {
    unstated.DATASETS: ("datasets",),
    unstated.JOBS: ("runs_per_job",),
    "Other initialisers stand beside the published combinations, and change none of their runs.": (
        "comparison",
        "data_driven",
    ),
    "Other values of open choices are tried in runs of their own.": ("open_choices",),
    unstated.WITHOUT_EFFECT: ("neuron.initial_potential_momentum",),
    unstated.ONLY_LOOKED_AT: ("training.monitor_images", "training.trace_every", "training.target_accuracies"),
    unstated.ONLY_SAID: (
        "evaluation",
        "statistics.equivalence_margin",
        "statistics.accuracy_margin",
        "statistics.reference_effect",
        "statistics.resamples",
        "statistics.seed",
    ),
}


def _number_of_runs(section: Section) -> Iterator[Finding]:
    if len(section["seeds"]) < PUBLISHED_RUNS:
        yield Departure(f"{len(section['seeds'])} runs per combination (seeds) instead of {PUBLISHED_RUNS}")


def _law_of_the_weights(section: Section) -> Iterator[Finding]:
    """The thesis has one law for all layers, and says nothing of other widths than its own."""
    width = section["network"]["width"]
    if section["initializer"]["fan_in"] == "published" and width != SETTINGS["network"]["width"]:
        yield Departure(
            f"initializer.fan_in published at network.width {width} (weight_means and weight_sd scaled layer by layer "
            "so that a neuron's input keeps its published mean and variance)"
        )


PUBLISHED = Published(
    settings=SETTINGS,
    open_choices=OPEN_CHOICES,
    not_conditions=NOT_CONDITIONS,
    compared={"seeds": _number_of_runs, "initializer.fan_in": _law_of_the_weights},
    unset=unstated.adam_unset("training.optimizer"),
    counterparts={"mnist": ("mnist", "mnist5k"), "fashion_mnist": ("fashion_mnist",)},
    files=("paerna2025_claims.csv", "paerna2025_tests.csv", "paerna2025_spikes.csv"),
)
