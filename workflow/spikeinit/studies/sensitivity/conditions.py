"""The baseline and the sweeps that Peat (2024) states, and how a configuration departs from them.

More seeds than the report's one are no departure, nor are more values in a sweep.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spikeinit.config import sweeps
from spikeinit.study import Published, Section

SETTINGS = {
    "train_images": None,
    "test_images": None,
    "network": {"name": "mlp", "width": 1.0, "options": {"hidden": [10]}},
    "encoding": {"timesteps": 50},
    "neuron": {
        "decay": 0.7,
        "threshold": 1.5,
        "reset": "subtract",
        "surrogate": "sigmoid",
        "slope": 2.0,
        "learn": [],
    },
    "training": {
        "epochs": 10,
        "batch_size": 64,
        "optimizer": {"name": "adam", "learning_rate": 0.001},
        "schedule": {"name": "constant"},
        "loss": {"name": "mean_squared_error", "reduction": "mean"},
        "monitor_images": None,
    },
}
"""The baseline the report states (Table 1 and Sec. 1), in the configuration's own keys."""

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
"""Sweep -> its key and its values (Sec. 3 to 8). The values of the slope z are not printed."""


def _departures(section: Section) -> Iterator[str]:
    declared = sweeps.active(section)
    for name, (key, values) in PUBLISHED_SWEEPS.items():
        if key not in declared.get(name, {}):
            yield f"no sweep {name} over {key}"
            continue
        points = sweeps.points(declared[name])
        given = [point[key] for point in points]
        missing = [sweeps.text(value) for value in values if value not in given]
        if missing:
            yield f"sweep {name} without {', '.join(map(str, missing))}"
        for other in sorted({other for point in points for other in point} - {key}):
            expected = sweeps.value_at(SETTINGS, other)
            shown = {sweeps.text(point[other]) for point in points}
            if expected is not None and shown != {sweeps.text(expected)}:
                yield f"sweep {name} at {other} {', '.join(map(str, sorted(shown)))} instead of {expected}"


PUBLISHED = Published(
    settings=SETTINGS,
    counterparts={"mnist": ("mnist", "mnist5k")},
    files=("peat2024_claims.csv", "peat2024_flops.csv"),
    departures=_departures,
)
