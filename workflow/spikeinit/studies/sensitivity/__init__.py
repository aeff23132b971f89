"""The sensitivity study (Peat 2024): how hyperparameters of neuron and surrogate move loss, accuracy and cost.

A small network, one baseline, and sweeps: declared grids over any key of the section (`spikeinit.config.sweeps`).
Points that two sweeps share are one run. This module says which runs those are; tables, figures and claims have their
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spikeinit.config import checks, sweeps
from spikeinit.config.configuration import Config
from spikeinit.jobs.runs import Run, evaluate_spec, initializer_spec, shared_differences, sharing_jobs, train_source
from spikeinit.specs import EncodingSpec, ImageSelection, NetworkSpec, NeuronSpec, TrainingSpec, TrainSpec, to_json

NAME = "sensitivity"

PUBLISHED = {
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

STAND_INS = ("mnist", "mnist5k")
"""The data sets whose results are laid beside the report's MNIST, best first."""


def runs(config: Config) -> list[Run]:
    """One run for each data set and distinct point of all sweeps, in the order of first appearance."""
    section = config.sections[NAME]
    declared = sweeps.active(section["sweeps"])
    keys = list(dict.fromkeys(key for sweep in declared.values() for key in sweep))
    specs: dict[str, TrainSpec] = {}
    sections: dict[str, tuple[str, dict[str, Any]]] = {}
    members: dict[str, list[str]] = {}
    for dataset in section["datasets"]:
        for name, sweep in declared.items():
            for point in sweeps.points(sweep):
                changed = sweeps.section_at(section, NAME, point)
                spec = _train_spec(config, dataset, changed)
                identity = to_json(spec)
                specs.setdefault(identity, spec)
                sections.setdefault(identity, (dataset, changed))
                members.setdefault(identity, []).append(name)
    changes = [(dataset, _changes(section, changed, keys)) for dataset, changed in sections.values()]
    found = [
        Run(
            run_name,
            NAME,
            {
                "dataset": dataset,
                "sweeps": ";".join(dict.fromkeys(members[identity])),
                **{key: sweeps.text(sweeps.value_at(changed, key)) for key in keys},
            },
            specs[identity],
            evaluate_spec(specs[identity], section["evaluation"]),
        )
        for run_name, (identity, (dataset, changed)) in zip(sweeps.run_names(changes), sections.items(), strict=True)
    ]
    return sharing_jobs(found, section["runs_per_job"])


def _changes(section: Mapping[str, Any], changed: Mapping[str, Any], keys: list[str]) -> dict[str, Any]:
    values = {key: (sweeps.value_at(section, key), sweeps.value_at(changed, key)) for key in keys}
    return {key: now for key, (base, now) in values.items() if base != now}


def _train_spec(config: Config, dataset: str, section: Mapping[str, Any]) -> TrainSpec:
    neuron = {key: tuple(value) if isinstance(value, list) else value for key, value in section["neuron"].items()}
    return TrainSpec(
        images=ImageSelection(dataset, section["train_images"], section["test_images"]),
        network=NetworkSpec(**section["network"]),
        encoding=EncodingSpec(**section["encoding"]),
        neuron=NeuronSpec(**neuron),
        initializer=initializer_spec(config, section["initializer"], {"layers": "all", "bias": "law"}),
        training=TrainingSpec(**section["training"]),
        seeds=tuple(section["seeds"]),
        source=train_source(section["network"]["name"]),
    )


def problems(section: Mapping[str, Any], config: Mapping[str, Any]) -> checks.Problems:
    """What is wrong with this study's section beyond its schema, at the baseline and at every point of every sweep."""
    found = checks.dataset_problems(f"{NAME}.datasets", section["datasets"], config)
    found += _part_problems(NAME, section)
    wrong = sweeps.problems(f"{NAME}.sweeps", NAME, section["sweeps"])
    if wrong or found:
        return found + wrong
    for name, sweep in sweeps.active(section["sweeps"]).items():
        of_points = [
            problem
            for point in sweeps.points(sweep)
            for problem in _part_problems(f"{NAME}.sweeps.{name}", sweeps.section_at(section, NAME, point))
        ]
        found += list(dict.fromkeys(of_points))
    return found


def _part_problems(path: str, section: Mapping[str, Any]) -> checks.Problems:
    neuron = section["neuron"]
    gain = 1 - neuron["decay"] if neuron["gain"] == "one_minus_decay" else neuron["gain"]
    context = {"threshold": neuron["threshold"], "decay": neuron["decay"], "gain": gain}
    return [
        *checks.network_problems(f"{path}.network", section["network"]),
        *checks.encoding_problems(f"{path}.encoding", section["encoding"], *section["datasets"]),
        *checks.initializer_problems(f"{path}.initializer", section["initializer"], context),
        *checks.optimizer_problems(f"{path}.training.optimizer", section["training"]["optimizer"]),
    ]


def differences(config: Config) -> list[str]:
    """How this configuration departs from the published conditions; empty where the paper's numbers may be expected.

    More seeds than the report's one are no difference, nor are more values in a sweep.
    """
    section = config.sections[NAME]
    found = shared_differences(PUBLISHED, section)
    declared = sweeps.active(section["sweeps"])
    for name, (key, values) in PUBLISHED_SWEEPS.items():
        if key not in declared.get(name, {}):
            found.append(f"no sweep {name} over {key}")
            continue
        points = sweeps.points(declared[name])
        given = [point[key] for point in points]
        missing = [sweeps.text(value) for value in values if value not in given]
        if missing:
            found.append(f"sweep {name} without {', '.join(map(str, missing))}")
        for other in sorted({other for point in points for other in point} - {key}):
            expected = sweeps.value_at(PUBLISHED, other)
            shown = {sweeps.text(point[other]) for point in points}
            if expected is not None and shown != {sweeps.text(expected)}:
                found.append(f"sweep {name} at {other} {', '.join(map(str, sorted(shown)))} instead of {expected}")
    return found


def stands_in_for(config: Config) -> dict[str, str | None]:
    """The report's data set -> the configured one laid beside it; None where nothing is."""
    configured = config.sections[NAME]["datasets"]
    return {"mnist": next((candidate for candidate in STAND_INS if candidate in configured), None)}


def table_options(config: Config) -> dict[str, Any]:
    """Options of the tables: how wide their intervals are."""
    return {"confidence": config.sections[NAME]["statistics"]["confidence"]}
