"""The conditions that Ding et al. 2022 state, and what the paper leaves open.

Table A4 gives N-MNIST 32 x 32 pixels; the camera has 34 x 34, and all of them are used here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from spikeinit.studies import unstated
from spikeinit.study import ANY, Departure, Finding, OneOf, OpenChoice, Part, Published, Section, Stated, Taken

COUNTERPARTS = {
    "mnist": ("mnist", "mnist5k"),
    "nmnist": ("nmnist",),
    "cifar10": ("cifar10",),
    "cifar10_dvs": ("cifar10_dvs",),
    "cifar100": ("cifar100",),
    "tinyimagenet": ("tinyimagenet",),
}

ADAM = {"name": "adam", "learning_rate": 0.001, "betas": [0.9, 0.99]}

WHOLE = {"train_images": None, "test_images": None, "timesteps": 20}

SHORT = {**WHOLE, "network": {"name": "five_layer", "width": 1.0, "options": {}}, "epochs": 3, "batch_size": 64}
"""Sec. 6: three epochs of MNIST."""

COSINE = {"name": "cosine"}
STEPPED = {"name": "multistep", "milestones": [50, 90, 130], "factor": 0.1}

LONG = {
    "mnist": {"network": {"name": "five_layer"}, "epochs": 50, "batch_size": 32, "schedule": COSINE},
    "nmnist": {"network": {"name": "five_layer"}, "epochs": 50, "batch_size": 32, "schedule": COSINE},
    "cifar10": {"network": {"name": "vgg9"}, "epochs": 150, "batch_size": 32, "schedule": STEPPED},
    "cifar10_dvs": {"network": {"name": "vgg9_dvs"}, "epochs": 150, "batch_size": 16, "schedule": STEPPED},
}
"""Table A4, by data set."""

FACTOR = OpenChoice((0.1,), "Table A4 names the epochs at which the learning rate falls, and not by how much.")
LAST_BATCH = OpenChoice(
    ANY,
    "Figure 5 counts 2,811 iterations in three epochs, 937 in each, which leaves out a last batch of 32 images. The "
    "text does not say so, and here it is trained on by default.",
)
POOLING = OpenChoice(ANY, "The paper does not state the kind of pooling.")
DROPOUT = OpenChoice((0.5,), "The paper does not state the rate of dropout, and it is 0.5 here.")
FAILURE = (
    "The paper does not say below which accuracy training is invalid, and here it is one and a half times that of "
    "guessing."
)
POISSON = OpenChoice(
    ("rate", "constant", "retina"), "The paper does not state the coding of this experiment, and has three for images."
)
PARAMETERS = OpenChoice(
    ({},), "The paper gives no parameters of its codings, such as threshold and phase of the retina-like one."
)

CURVES = ("monitor_images", "trace_every")


def _schedule(name: str) -> tuple[str, ...]:
    """Keys of a schedule that have no effect under the named one."""
    return tuple(f"schedule.{key}" for key in ("every", "factor") if (name, key) != ("multistep", "factor"))


def _network(name: str) -> dict[str, Any]:
    return {"name": name, "width": 1.0, "options": {}}


def _open_network(name: str, path: str = "network.options") -> dict[str, OpenChoice]:
    """What Table A4 leaves open of a network; the five-layer network has no dropout."""
    dropout = {} if name == "five_layer" else {f"{path}.dropout": DROPOUT}
    return {f"{path}.pooling": POOLING, **dropout}


def _unset_network(name: str, path: str = "network.options") -> dict[str, Any]:
    return {f"{path}.pooling": "average", **({} if name == "five_layer" else {f"{path}.dropout": 0.5})}


def _encoding(_: Section, __: Section) -> Stated:
    return Stated(
        open_choices={"parameters": PARAMETERS},
        not_conditions={"Which codings were run is told beside each cell.": ("name",)},
    )


def _coding_task(_: Section, task: Section) -> Stated:
    """Table A4 for a task of Table 2: by its data set, or by its network on one that stands in for none."""
    published = next((name for name in LONG if task["dataset"] in COUNTERPARTS[name]), None)
    if published is None:
        published = next(
            (name for name, one in LONG.items() if one["network"] == {"name": task["network"]["name"]}), ""
        )
    stated = LONG.get(published, {"network": {"name": OneOf(("five_layer", "vgg9", "vgg9_dvs"))}})
    name = stated["network"]["name"]
    schedule = stated.get("schedule", {"name": OneOf(("cosine", "multistep"))})
    multistep = schedule["name"] == "multistep"
    shown = {key: value for key, value in schedule.items() if key != "factor"}
    return Stated(
        settings={**stated, **WHOLE, "network": _network(name), "schedule": shown},
        open_choices={
            **_open_network(task["network"]["name"]),
            **({"schedule.factor": FACTOR} if multistep else {}),
            "last_batch": LAST_BATCH,
            "failure_accuracy": OpenChoice((15.0,), FAILURE),
        },
        not_conditions={
            unstated.DATASETS: ("dataset",),
            unstated.ONLY_LOOKED_AT: CURVES,
            unstated.WITHOUT_EFFECT: _schedule("multistep" if multistep else "cosine"),
        },
        items={"encodings": _encoding},
        unset=_unset_network(task["network"]["name"]),
    )


AS_CIFAR10 = "The paper does not state the training of Table A8, and that of CIFAR-10 is taken."
GUESSING = {"cifar100": 1.5, "tinyimagenet": 0.75}
"""One and a half times the accuracy of guessing, in percent."""


SIZES = (
    "The paper does not state its VGG11, and the original is taken. Kim and Panda, whose normalisation it uses, have "
    "one hidden dense layer, no biases and an eps of 1e-4."
)
VGG11 = {"pooling": "average", "pools": 5, "hidden": [4096, 4096], "bias": True, "eps": 1e-5}


def _normalization_task(_: Section, task: Section) -> Stated:
    return Stated(
        settings={**WHOLE, "network": _network("vgg11")},
        open_choices={
            "network.options.pooling": POOLING,
            "network.options.pools": OpenChoice((5,), SIZES),
            "network.options.hidden": OpenChoice(([4096, 4096], [4096]), SIZES),
            "network.options.bias": OpenChoice((True, False), SIZES),
            "network.options.eps": OpenChoice((1e-5, 1e-4), SIZES),
            "last_batch": LAST_BATCH,
            "epochs": OpenChoice((150,), AS_CIFAR10),
            "batch_size": OpenChoice((32,), AS_CIFAR10),
            "schedule.name": OpenChoice(("multistep",), AS_CIFAR10),
            "schedule.milestones": OpenChoice(([50, 90, 130],), AS_CIFAR10),
            "schedule.factor": OpenChoice((0.1,), AS_CIFAR10),
            "failure_accuracy": OpenChoice((GUESSING.get(task["dataset"], 15.0),), FAILURE),
        },
        not_conditions={
            unstated.DATASETS: ("dataset",),
            unstated.ONLY_LOOKED_AT: CURVES,
            unstated.WITHOUT_EFFECT: ("schedule.every",),
            "Which techniques were run with which neurons is told beside each cell.": ("cases",),
        },
        unset={f"network.options.{key}": value for key, value in VGG11.items()},
    )


BETWEEN = "The text names the ends of this range, and not the values between."


def _span(
    part: str, key: str, low: float, *highs: float, said: str = BETWEEN
) -> Callable[[Section], Iterator[Finding]]:
    """Compares the values of a key of the grid with the ends that the text names, of which the upper may be several."""
    ends = " or ".join(map(str, highs))

    def compare(section: Section) -> Iterator[Finding]:
        values = section[part][key]
        if min(values) != low or max(values) not in highs:
            yield Departure(f"{part}.{key} {values} instead of values from {low} to {ends}")
        else:
            yield Taken(f"{part}.{key}", str(values), f"values from {low} to {ends}", said)

    return compare


SPEED_ACCURACY = 60.0
"""Percent; the speed of training is the iteration at which a batch first reaches it (Figures 5 and A8)."""


FIGURE_2 = "The text names no parameters of the neurons of Figure 2, which has one without a leak and several with one."


def _response(section: Section) -> Iterator[Finding]:
    """Figure 2 and its sentences compare a neuron without a leak with leaky ones, so that both must be there."""
    leaks = [neuron["k"] for neuron in section["response"]["neurons"]]
    leaky = sum(k < 1 for k in leaks)
    if leaky == len(leaks) or leaky < LEAKY_CURVES:
        yield Departure(
            f"response.neurons with k {', '.join(map(str, leaks))} instead of k = 1 and {LEAKY_CURVES} or more below 1"
        )
    else:
        yield Taken("response.neurons", f"with k {', '.join(map(str, leaks))}", "any with k = 1 and below", FIGURE_2)


LEAKY_CURVES = 2
"""Figure 2 has several leaky neurons."""


def _target(section: Section) -> Iterator[Finding]:
    if SPEED_ACCURACY not in section["target_accuracies"]:
        yield Departure(f"target_accuracies {section['target_accuracies']} without {SPEED_ACCURACY:g}")


SETTINGS: Mapping[str, Any] = {
    "initializers": tuple({"name": name} for name in ("glorot", "he", "wu2018", "lee2016", "ding2022")),
    "initializer": {"layers": "all", "bias": "law"},
    "surrogate": {"name": "arctan", "slope": 2.0},
    "optimizer": ADAM,
    "coding": {"neuron": {"k": 0.8, "lambda": 0.2, "theta": 1.0}},
    "grid": {"theta": (0.5, 1.0, 2.0, 4.0), "task": SHORT},
    "versatility": {
        "task": SHORT,
        "neurons": tuple(
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
                (0.5, 0.5, 1.0),
            )
        ),
        "optimizers": (
            ADAM,
            {"name": "sgd", "learning_rate": 0.5, "momentum": 0.9},
            {"name": "asgd", "learning_rate": 2.0, "lambd": 1e-6, "alpha": 0.75},
            {"name": "adagrad", "learning_rate": 0.01},
        ),
        "surrogates": (
            {"name": "hardtanh", "slope": 1.0},
            {"name": "arctan", "slope": 1.0},
            {"name": "tanh", "slope": 2.0},
            {"name": "sigmoid", "slope": 2.0},
        ),
    },
}
"""In the configuration's own keys (Secs. 3, 5 and 6, Figures 6 and A9, Tables A4 to A7)."""


def _open_short(part: str) -> dict[str, OpenChoice]:
    """What Sec. 6 leaves open of its trainings of three epochs."""
    return {
        f"{part}.encoding.name": POISSON,
        f"{part}.encoding.parameters": PARAMETERS,
        **_open_network("five_layer", f"{part}.task.network.options"),
        f"{part}.task.schedule.name": OpenChoice(
            ("constant", "cosine"), "The paper does not say how the learning rate changes over these three epochs."
        ),
        f"{part}.task.last_batch": LAST_BATCH,
        f"{part}.task.failure_accuracy": OpenChoice((15.0,), FAILURE),
    }


OPEN_CHOICES = {
    "optimizer.weight_decay": OpenChoice((0.0,), "The paper does not mention weight decay, and there is none here."),
    "loss.name": OpenChoice(("cross_entropy", "cross_entropy_per_step"), "The paper does not state the loss."),
    "loss.reduction": OpenChoice(ANY, "The paper does not say what is done with the output over the steps."),
    "detach_reset": OpenChoice(
        ANY, "The paper does not say whether the gradient goes through the reset, and here it does not by default."
    ),
    **_open_short("grid"),
    **_open_short("versatility"),
    "normalization.encoding.name": POISSON,
    "normalization.encoding.parameters": PARAMETERS,
    **{f"normalization.optimizer.{key}": OpenChoice((value,), AS_CIFAR10) for key, value in ADAM.items()},
    "normalization.optimizer.weight_decay": OpenChoice((0.0,), AS_CIFAR10),
}

NOT_CONDITIONS = {
    unstated.DATASETS: ("grid.task.dataset", "versatility.task.dataset"),
    unstated.SEEDS: ("coding.seeds", "grid.seeds", "versatility.seeds", "normalization.seeds"),
    unstated.JOBS: ("runs_per_job",),
    "Later initialisers stand beside those of the paper, and change none of their runs.": ("added_initializers",),
    "The text names no currents and steps for Figure 2.": ("response.timesteps", "response.points"),
    unstated.ONLY_LOOKED_AT: tuple(f"{part}.task.{key}" for part in ("grid", "versatility") for key in CURVES),
    unstated.WITHOUT_EFFECT: tuple(
        f"{part}.task.{key}" for part in ("grid", "versatility") for key in _schedule("constant")
    ),
    unstated.ONLY_SAID: ("evaluation", "statistics"),
}


def _datasets(section: Section) -> Iterator[str]:
    for experiment in ("coding", "normalization"):
        for task in section[experiment]["tasks"]:
            yield task["dataset"]
    for experiment in ("grid", "versatility"):
        yield section[experiment]["task"]["dataset"]


def _parts(section: Section) -> dict[str, Part]:
    """The response curves of Figure 2 need no training, and hang on no other key; all else is judged as a whole."""
    return {"response": Part(("response",)), "trainings": Part((), tuple(_datasets(section)))}


PUBLISHED = Published(
    settings=SETTINGS,
    open_choices=OPEN_CHOICES,
    not_conditions=NOT_CONDITIONS,
    items={"coding.tasks": _coding_task, "normalization.tasks": _normalization_task},
    compared={
        "grid.k": _span("grid", "k", 0.1, 1.0),
        "grid.lambda": _span(
            "grid",
            "lambda",
            0.1,
            4.0,
            8.0,
            said="The text samples gains up to 4.0 and reports failures at 8.0, and does not name the values between.",
        ),
        "target_accuracies": _target,
        "response.neurons": _response,
    },
    unset={
        "optimizer.weight_decay": 0.0,
        "normalization.optimizer.weight_decay": 0.0,
        **_unset_network("five_layer", "grid.task.network.options"),
        **_unset_network("five_layer", "versatility.task.network.options"),
    },
    counterparts=COUNTERPARTS,
    files=(
        "ding2022_claims.csv",
        "ding2022_section5_2_speeds.csv",
        "ding2022_figure6.csv",
        "ding2022_table2_coding.csv",
        "ding2022_tableA6_optimizers.csv",
        "ding2022_tableA7_surrogates.csv",
        "ding2022_tableA8_normalization.csv",
    ),
    datasets=_datasets,
    parts=_parts,
)
