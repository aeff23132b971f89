"""The baseline and the sweeps that Peat (2024) states, and what the report leaves open.

More seeds than the report's one are no departure, nor are more values in a sweep. The report names neither optimiser,
nor batch size, nor reset, nor surrogate: there the author's public code (tpeat/snn-experiments) says what was run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spikeinit.config import sweeps
from spikeinit.config.paths import value_at
from spikeinit.studies import unstated
from spikeinit.study import ANY, Departure, Finding, OpenChoice, Published, Section, Taken

SETTINGS = {
    "train_images": None,
    "test_images": None,
    "network": {"name": "mlp", "width": 1.0, "options": {"hidden": [10]}},
    "encoding": {"timesteps": 50},
    "neuron": {"decay": 0.7, "threshold": 1.5, "slope": 2.0, "learn": ()},
    "training": {
        "epochs": 10,
        "loss": {"name": "mean_squared_error", "reduction": "mean"},
        "monitor_images": None,
    },
}
"""The baseline the report states (Table 1 and Sec. 1, 8 and 9), in the configuration's own keys.

`monitor_images`: the report's curves are of all test images, and some claims are about early epochs.
"""

OPEN_CHOICES = {
    "initializer": OpenChoice(
        ({"name": "pytorch"},),
        "The report does not state the initial weights, and the author's code has PyTorch's own.",
    ),
    "encoding.name": OpenChoice(
        ("constant", "static_spikes", "rate"),
        "Table 1 names no encoding and Sec. 7 compares three, of which baseline and other sweeps have this one.",
    ),
    "encoding.parameters": OpenChoice(
        ({},), "The report does not mention a normalisation, and pixels are numbers from 0 to 1 here."
    ),
    "neuron.reset": OpenChoice(
        ("subtract",), "The report does not state the reset, and the author's code subtracts the threshold."
    ),
    "neuron.surrogate": OpenChoice(
        ("sigmoid",), "The report does not name the surrogate, and the author's code has the derivative of a sigmoid."
    ),
    "neuron.gain": OpenChoice((1.0,), "The report states no factor on the input, and the author's code has none."),
    "neuron.initial_potential": OpenChoice(
        (0.0, "kaiming_uniform"),
        "The report does not state it, the author's code draws it at random, and the default here is 0.",
    ),
    "neuron.spike_delay": OpenChoice(
        (0, 1),
        "The report does not state it, in the author's code a spike leaves one step after its potential, "
        "and the default here has no delay.",
    ),
    "neuron.detach_reset": OpenChoice(
        (True,),
        "The report does not say whether the gradient goes through the reset, and in the author's code it does not.",
    ),
    "training.batch_size": OpenChoice((64,), "The report does not state it, and the author's code has 64."),
    "training.optimizer.name": OpenChoice(
        ("adam",),
        "The report does not say which optimiser trains its spiking networks, and the author's code has Adam.",
    ),
    "training.optimizer.learning_rate": OpenChoice(
        (0.001,), "The report does not state it, and the author's code has 0.001."
    ),
    **unstated.adam("training.optimizer", "The report"),
    "training.schedule.name": OpenChoice(
        ("constant",), "The report does not mention a schedule of the learning rate, and it is constant here."
    ),
}

NOT_CONDITIONS = {
    unstated.DATASETS: ("datasets", "stand_ins"),
    unstated.SEEDS: ("seeds",),
    unstated.JOBS: ("runs_per_job",),
    "A sweep that it leaves out is named as missing.": ("only",),
    unstated.WITHOUT_EFFECT: ("neuron.decay_scope", "training.schedule.every", "training.schedule.factor"),
    unstated.ONLY_LOOKED_AT: ("training.trace_every", "training.target_accuracies"),
    unstated.ONLY_SAID: ("evaluation", "statistics"),
}

PUBLISHED_SWEEPS: dict[str, tuple[str, list[Any]]] = {
    "beta": ("neuron.decay", [0.5, 0.7, 0.8, 0.9, 0.95, 0.99]),
    "timesteps": ("encoding.timesteps", [5, 10, 20, 50, 100]),
    "slope": ("neuron.slope", []),
    "threshold": ("neuron.threshold", [0.5, 0.75, 1.0, 1.25, 1.5]),
    "encoding": ("encoding.name", ["constant", "static_spikes", "rate"]),
    "loss": (
        "training.loss",
        [{"name": "mean_squared_error", "reduction": "mean"}, {"name": "cross_entropy", "reduction": "sum"}],
    ),
}
"""Sweep -> its key and its values (Sec. 3 to 8). The text does not name the values of the slope z."""


AROUND = (
    "The report gives its baseline, Table 1, for Sec. 7 and 8, and in the author's code the sweeps of Sec. 3 to 6 are "
    "around T = 5, beta = 0.8, z = 1, a threshold of 1 and Bernoulli input."
)


def _sweeps(section: Section) -> Iterator[Finding]:
    """A published sweep departs where a printed value is missing, or where another key is off the baseline."""
    declared = sweeps.active(section)
    for name, (key, values) in PUBLISHED_SWEEPS.items():
        if key not in declared.get(name, {}):
            yield Departure(f"no sweep {name} over {key}")
            continue
        points = sweeps.points(declared[name])
        given = [point[key] for point in points]
        missing = [sweeps.text(value) for value in values if value not in given]
        if missing:
            yield Departure(f"sweep {name} without {', '.join(map(str, missing))}")
        for other in sorted({other for point in points for other in point} - {key}):
            expected = [sweeps.text(value) for value in _baseline(other)]
            shown = {sweeps.text(point[other]) for point in points}
            if not shown <= set(expected):
                held = ", ".join(map(str, sorted(shown, key=str)))
                yield Departure(
                    f"sweep {name} at {other} {held} instead of {' or '.join(map(str, expected)) or 'none'}"
                )
    yield Taken("sweeps", "around the baseline", "around the baseline", AROUND)
    if "slope" in declared:
        values = [point["neuron.slope"] for point in sweeps.points(declared["slope"])]
        yield Taken("sweeps.slope", str(values), ANY, "The text of the report does not name the values of z.")


def _baseline(key: str) -> tuple[Any, ...]:
    """The values of a key of the baseline that are as published; none for a key that the baseline does not have."""
    stated = value_at(SETTINGS, key)
    return (stated,) if stated is not None else OPEN_CHOICES[key].values if key in OPEN_CHOICES else ()


PUBLISHED = Published(
    settings=SETTINGS,
    open_choices=OPEN_CHOICES,
    not_conditions=NOT_CONDITIONS,
    compared={"sweeps": _sweeps},
    unset=unstated.adam_unset("training.optimizer"),
    counterparts={"mnist": ("mnist", "mnist5k")},
    files=("peat2024_claims.csv", "peat2024_flops.csv"),
)
