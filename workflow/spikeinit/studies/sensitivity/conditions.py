"""What Peat (2024) states, the recipe of the public code behind it, and what neither says.

More seeds than the report's one are no departure, nor are more values in a sweep, nor more sweeps. The report's text
names hardly any condition; the author's public code (tpeat/snn-experiments) says what was run. There the sweeps of
Sec. 3 to 6 stand around T = 5, beta = 0.8, z = 1, a threshold of 1 and Bernoulli input. Table 1 of the report is the
base of Sec. 7 and 8 alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spikeinit.config import sweeps
from spikeinit.config.paths import value_at
from spikeinit.studies import unstated
from spikeinit.study import Departure, Finding, OpenChoice, Published, Section, Taken

SETTINGS = {
    "train_images": None,
    "test_images": None,
    "network": {"name": "mlp", "width": 1.0, "options": {"hidden": [10]}},
    "neuron": {"learn": ()},
    "training": {
        "epochs": 10,
        "loss": {"name": "mean_squared_error", "reduction": "mean"},
        "monitor_images": None,
    },
}
"""What the report states (Sec. 1, 8 and 9), in the configuration's own keys.

`monitor_images`: the report's curves are of all test images, and some claims are about early epochs.
"""

BASE = "The report does not state it for the sweeps of Sec. 3 to 6, and the author's code has"

OPEN_CHOICES = {
    "encoding.name": OpenChoice(("rate",), f"{BASE} Bernoulli spikes, drawn anew for every batch."),
    "encoding.timesteps": OpenChoice((5,), f"{BASE} 5."),
    "neuron.decay": OpenChoice((0.8,), f"{BASE} 0.8."),
    "neuron.threshold": OpenChoice((1.0,), f"{BASE} 1."),
    "neuron.slope": OpenChoice((1.0,), f"{BASE} 1."),
    "initializer": OpenChoice(
        ({"name": "pytorch"},),
        "The report does not state the initial weights, and the author's code has PyTorch's own.",
    ),
    "encoding.parameters": OpenChoice(
        ({},), "The report does not mention a normalisation, and pixels are numbers from 0 to 1 here."
    ),
    "neuron.reset": OpenChoice(
        ("subtract",), "The report does not state the reset, and the author's code subtracts the threshold."
    ),
    "neuron.surrogate": OpenChoice(
        ("overflowing_sigmoid",),
        "The report does not name the surrogate, and the author's code has the derivative of a sigmoid in a form that "
        "overflows to NaN far below the threshold.",
    ),
    "neuron.gain": OpenChoice((1.0,), "The report states no factor on the input, and the author's code has none."),
    "neuron.initial_potential": OpenChoice(
        ("kaiming_uniform",),
        "The report does not state it, and the author's code draws it at random for every batch.",
    ),
    "neuron.spike_delay": OpenChoice(
        (1,),
        "The report does not state it, and in the author's code a spike comes from the potential of the step before.",
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
    "It adds trainings, and changes none.": ("analogue",),
    unstated.WITHOUT_EFFECT: (
        "neuron.decay_scope",
        "neuron.initial_potential_momentum",
        "training.schedule.every",
        "training.schedule.factor",
    ),
    unstated.ONLY_LOOKED_AT: ("training.trace_every", "training.target_accuracies"),
    unstated.ONLY_SAID: ("evaluation", "statistics"),
}

TABLE_1 = {"encoding.timesteps": 50, "neuron.decay": 0.7, "neuron.threshold": 1.5, "neuron.slope": 2.0}
"""The base of Sec. 7 and 8."""
RATES = {"name": "cross_entropy", "reduction": "mean"}
COUNTS = {"name": "cross_entropy", "reduction": "sum"}

PUBLISHED_SWEEPS: dict[str, tuple[str, list[Any], dict[str, Any]]] = {
    "beta": ("neuron.decay", [0.5, 0.7, 0.8, 0.9, 0.95, 0.99], {}),
    "timesteps": ("encoding.timesteps", [5, 10, 20, 50, 100], {}),
    "slope": ("neuron.slope", [0.5, 1.0, 2.0, 5.0, 10.0], {}),
    "threshold": ("neuron.threshold", [0.5, 0.75, 1.0, 1.25, 1.5], {}),
    "threshold_wide": ("neuron.threshold", [1.5, 2.0, 2.5, 3.0, 4.0, 5.0], {"training.loss": RATES}),
    "encoding": ("encoding.name", ["constant", "static_spikes", "rate"], TABLE_1),
    "loss": ("training.loss", [{"name": "mean_squared_error", "reduction": "mean"}, COUNTS], TABLE_1),
}
"""Sweep -> its key, its values, and what it holds off the base (Sec. 3 to 8; values of z and of the wider thresholds by
the figures and the code)."""

WIDE = (
    "The report names neither values nor loss of its second threshold experiment; the values are those of its figure, "
    "whose losses near 1.85 fit cross-entropy on firing rates and not on spike counts."
)


def _sweeps(section: Section) -> Iterator[Finding]:
    """A published sweep departs where a printed value is missing, or where it holds another key off its base."""
    declared = sweeps.active(section)
    for name, (key, values, held) in PUBLISHED_SWEEPS.items():
        if key not in declared.get(name, {}):
            yield Departure(f"no sweep {name} over {key}")
            continue
        points = sweeps.points(declared[name])
        given = [point[key] for point in points]
        missing = [sweeps.text(value) for value in values if value not in given]
        if missing:
            yield Departure(f"sweep {name} without {', '.join(map(str, missing))}")
        for other in sorted({*held, *(other for point in points for other in point)} - {key}):
            expected = sweeps.text(held.get(other, _base(other)))
            shown = {sweeps.text(point.get(other, value_at(section, other))) for point in points}
            if shown != {expected}:
                found = ", ".join(map(str, sorted(shown, key=str)))
                yield Departure(f"sweep {name} at {other} {found} instead of {expected}")
    wide = declared.get("threshold_wide", {}).get("training.loss")
    if wide is not None:
        yield Taken("sweeps.threshold_wide", str(sweeps.text(wide)), sweeps.text(RATES), WIDE)


def _base(key: str) -> Any:
    """The value of a key in the sweeps of Sec. 3 to 6; None for a key that they do not have."""
    stated = value_at(SETTINGS, key)
    return OPEN_CHOICES[key].values[0] if stated is None and key in OPEN_CHOICES else stated


PUBLISHED = Published(
    settings=SETTINGS,
    open_choices=OPEN_CHOICES,
    not_conditions=NOT_CONDITIONS,
    compared={"sweeps": _sweeps},
    unset=unstated.adam_unset("training.optimizer"),
    counterparts={"mnist": ("mnist", "mnist5k")},
    files=("peat2024_claims.csv", "peat2024_curves.csv", "peat2024_flops.csv"),
)
