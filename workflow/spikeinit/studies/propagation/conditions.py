"""The conditions that Micheli et al. (2024) state, part by part, and what the paper leaves open."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from spikeinit.config.differences import counterparts
from spikeinit.config.paths import value_at
from spikeinit.networks import deep_cnn, deep_mlp
from spikeinit.studies import unstated
from spikeinit.study import ANY, Departure, Finding, OneOf, OpenChoice, Part, Published, Section, Stated, Taken

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
ROBUST_INITIALIZERS = ("micheli2024", "he")
"""Figure 10 compares with Kaiming's alone."""

SETTINGS = {
    "simulation": {
        "depth": 100,
        "width": 1000,
        "threshold": 1.0,
        "time": {"timesteps": 20, "decay": 0.5, "high_decay": 0.9},
    },
    "robustness": {
        "train_images": None,
        "test_images": None,
        "encoding": {"name": "standardized", "timesteps": 3, "parameters": {}},
        "epochs": 150,
        "network_width": 1.0,
    },
    "neuron": {
        "decay": 0.5,
        "threshold": 1.0,
        "gain": 1.0,
        "surrogate": "arctan",
        "learn": (),
    },
    "training": {
        "optimizer": {"name": "adam", "learning_rate": 0.001},
        "loss": {"name": "cross_entropy", "reduction": "sum"},
    },
}
"""In the configuration's own keys (Sec. IV and V)."""

VALUES = "The text does not name the values of Figure 10."

OPEN_CHOICES = {
    "robustness.depths": OpenChoice(ANY, VALUES),
    "robustness.widths": OpenChoice(ANY, VALUES),
    "robustness.decays": OpenChoice(ANY, VALUES),
    "robustness.thresholds": OpenChoice(ANY, VALUES),
    "classification.depth_counts": OpenChoice(
        ("hidden", "all"),
        "The paper's MLP has ten layers. Here ten hidden ones stand between the encoding layer and the output, and the "
        "authors' code counts these two among the ten.",
    ),
    "initializer.bias": OpenChoice(
        ANY,
        "The paper's neurons have no bias (Eq. 2). By their laws only ding2022 has one, and the authors' code keeps "
        "PyTorch's own.",
    ),
    "initializer.layers": OpenChoice(
        ("all",), "The paper does not say whether the first and the last layer are initialised like the others."
    ),
    "neuron.reset": OpenChoice(
        ("subtract", "subtract_before_leak"),
        "The paper does not say whether the threshold is taken away before the potential leaks or after. After it is "
        "taken, as in snnTorch, and the other order is simulated too.",
    ),
    "neuron.slope": OpenChoice(
        (1.0,), "The paper does not state the slope of the arctan surrogate, and that of the work it cites is taken."
    ),
    **unstated.neuron("The paper"),
    "training.batch_size": OpenChoice((64,), "The paper does not state the batch size."),
    "training.schedule.name": OpenChoice(
        ("cosine", "cosine_by_batch"),
        "The paper lets the learning rate follow a cosine, and does not say over what. Over all epochs is taken, while "
        "the authors' code goes down and up within ten batches each.",
    ),
    **unstated.adam("training.optimizer", "The paper"),
}

NOT_CONDITIONS = {
    unstated.DATASETS: ("robustness.dataset",),
    unstated.SEEDS: ("simulation.seed", "classification.seeds", "robustness.seeds"),
    unstated.JOBS: ("runs_per_job",),
    "Other values of open choices are tried in runs of their own.": ("open_choices",),
    "Gradients on their way back are not the paper's.": (
        "simulation.gradient_repeats",
        "simulation.time.gradient_repeats",
    ),
    unstated.WITHOUT_EFFECT: ("neuron.decay_scope", "neuron.initial_potential_momentum", "training.schedule.factor"),
    unstated.ONLY_LOOKED_AT: ("training.monitor_images", "training.trace_every", "accuracy_levels"),
    unstated.ONLY_SAID: ("evaluation", "statistics"),
}

PUBLISHED_REPEATS = {"simulation.repeats": 20, "simulation.time.repeats": 10}
PUBLISHED_THRESHOLDS = 6
PUBLISHED_WIDTHS = (100, 600)
FINITE_SIZE_LIMIT = 0.85
"""Above this threshold layers of 100 neurons lose activity, the paper says."""

PUBLISHED_EPOCHS = {"mnist": 150, "fashion_mnist": 150, "nmnist": 150, "cifar10": 300}

COUNTERPARTS = {
    "mnist": ("mnist", "mnist5k", "digits"),
    "fashion_mnist": ("fashion_mnist",),
    "nmnist": ("nmnist", "nmnist1k", "nmnist_small"),
    "cifar10": ("cifar10",),
}
"""Published data set -> the data sets whose results are laid beside it, best first."""


def _at_least(key: str, published: tuple[str, ...]) -> Callable[[Section], Iterator[Finding]]:
    """Compares a list of initialisers, of which those of the paper must be some."""

    def compare(section: Section) -> Iterator[Finding]:
        absent = [name for name in published if name not in value_at(section, key)]
        if absent:
            yield Departure(f"{key} without {', '.join(absent)}")

    return compare


def _repeats(key: str) -> Callable[[Section], Iterator[Finding]]:
    """Compares a number of networks: more of them show the same thing more precisely."""

    def compare(section: Section) -> Iterator[Finding]:
        given, published = value_at(section, key), PUBLISHED_REPEATS[key]
        if given < published:
            yield Departure(f"{key} {given} instead of {published} or more")

    return compare


def _thresholds(section: Section) -> Iterator[Finding]:
    key, given = "simulation.thresholds", sorted(section["simulation"]["thresholds"])
    if len(given) < PUBLISHED_THRESHOLDS or given[0] != 0 or given[-1] != 1:
        yield Departure(f"{key} {given} instead of {PUBLISHED_THRESHOLDS} from 0 to 1")
    else:
        said = "Figure 2 has six thresholds up to 1, which the text does not name."
        yield Taken(key, str(given), "six or more from 0 to 1", said)


BATCHES_OF_A_COSINE = 10
"""T_max of the authors' code, in batches."""


def _schedule_period(section: Section) -> Iterator[Finding]:
    schedule = section["training"]["schedule"]
    if schedule["name"] == "cosine_by_batch" and schedule["every"] != BATCHES_OF_A_COSINE:
        yield Departure(f"training.schedule.every {schedule['every']} instead of {BATCHES_OF_A_COSINE}")


def _finite_widths(section: Section) -> Iterator[Finding]:
    given = section["simulation"]["finite_size"]["widths"]
    if not set(PUBLISHED_WIDTHS) <= set(given):
        yield Departure(f"simulation.finite_size.widths {given} instead of {list(PUBLISHED_WIDTHS)}")


def _finite_thresholds(section: Section) -> Iterator[Finding]:
    key, given = "simulation.finite_size.thresholds", section["simulation"]["finite_size"]["thresholds"]
    if not any(FINITE_SIZE_LIMIT < value < 1 for value in given) or 1 not in given:
        yield Departure(f"{key} {given} instead of some between {FINITE_SIZE_LIMIT} and 1 and 1 itself")
    else:
        said = f"Of the thresholds of Figure 4 the text names {FINITE_SIZE_LIMIT} and 1 alone."
        yield Taken(key, str(given), f"some between {FINITE_SIZE_LIMIT} and 1, and 1", said)


def _task(_: Section, task: Section) -> Stated:
    """Sec. V for one network on one data set."""
    name = task["network"]["name"]
    events = task["dataset"] in COUNTERPARTS["nmnist"]
    published = next((name for name, known in COUNTERPARTS.items() if task["dataset"] in known), "")
    encoding = (
        {"name": "events", "parameters": {"window_ms": 1.0}}
        if events
        else {"name": "standardized", "parameters": {}, "timesteps": 3}
    )
    bins = OpenChoice(ANY, "The paper bins the events of N-MNIST by 1 ms, and does not say how many bins are used.")
    depths = {"deep_mlp": deep_mlp.DEPTH, "deep_cnn": deep_cnn.DEPTH}
    options = {"depth": depths[name]} if name in depths else {}
    return Stated(
        settings={
            "train_images": None,
            "test_images": None,
            "epochs": PUBLISHED_EPOCHS.get(published, 150),
            "network": {"name": OneOf(("deep_mlp", "deep_cnn")), "width": 1.0, "options": options},
            "encoding": encoding,
        },
        open_choices={"encoding.timesteps": bins} if events else {},
        not_conditions={unstated.DATASETS: ("dataset",)},
        unset={
            **{f"network.options.{key}": value for key, value in options.items()},
            **({"encoding.parameters.window_ms": 1.0} if events else {}),
        },
    )


SHARED = ("neuron", "training", "initializer")


def _parts(section: Section) -> dict[str, Part]:
    """Part of the study -> the keys that are its conditions, and its data sets."""
    parts = {"simulation": Part(("simulation",))}
    tasks = section["classification"]["tasks"]
    for network in ("deep_mlp", "deep_cnn"):
        own = {index: task["dataset"] for index, task in enumerate(tasks) if task["network"]["name"] == network}
        shown = counterparts(COUNTERPARTS, tuple(own.values())).values()
        keys = [f"classification.tasks.{index}" for index, dataset in own.items() if dataset in shown]
        counted = ["classification.depth_counts"] if network == "deep_mlp" else []
        parts[network] = Part((*SHARED, "classification.initializers", *counted, *keys), tuple(own.values()))
    parts["robustness"] = Part((*SHARED, "robustness"), (section["robustness"]["dataset"],))
    return parts


PUBLISHED = Published(
    settings=SETTINGS,
    open_choices=OPEN_CHOICES,
    not_conditions=NOT_CONDITIONS,
    items={"classification.tasks": _task},
    compared={
        **{key: _repeats(key) for key in PUBLISHED_REPEATS},
        "simulation.thresholds": _thresholds,
        "training.schedule.every": _schedule_period,
        "simulation.initializers": _at_least("simulation.initializers", PUBLISHED_INITIALIZERS),
        "simulation.finite_size.widths": _finite_widths,
        "simulation.finite_size.thresholds": _finite_thresholds,
        "classification.initializers": _at_least("classification.initializers", PUBLISHED_INITIALIZERS),
        "robustness.initializers": _at_least("robustness.initializers", ROBUST_INITIALIZERS),
    },
    unset=unstated.adam_unset("training.optimizer"),
    counterparts=COUNTERPARTS,
    files=("micheli2024_claims.csv",),
    parts=_parts,
)
