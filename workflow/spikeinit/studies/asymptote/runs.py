"""Which runs the asymptote study needs: codings, a grid of neurons, optimisers and surrogates, normalisations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spikeinit.config import checks
from spikeinit.config.configuration import Config
from spikeinit.config.schema import Schema
from spikeinit.errors import UserError
from spikeinit.jobs.runs import Run, evaluate_spec, initializer_spec, sharing_jobs, train_source
from spikeinit.names.slugs import number_text
from spikeinit.specs import EncodingSpec, ImageSelection, NetworkSpec, NeuronSpec, TrainingSpec, TrainSpec
from spikeinit.study import Section

NAME = "asymptote"

TECHNIQUES = {
    "none": {"dropout": 0.0},
    "dropout": {"dropout": 0.5},
    "bn": {"normalization": "batch", "dropout": 0.0},
    "bntt": {"normalization": "batch_through_time", "dropout": 0.0},
}
"""Technique of Table A8 -> options of the network: where there is normalisation it takes the place of dropout.

BN is batch normalisation, BNTT batch normalisation through time, with statistics of its own for every step.
"""

RUN_TABLES = ("metrics", "curves", "iterations", "accuracy")
"""The CSV files of each run that the tables are made of."""

MEASURED = {"input_rate": 0.1, "input_mean": 0.1}
"""Stand-ins for what some laws measure on data, when all that is asked is whether the law exists for a neuron."""


def runs(config: Config) -> list[Run]:
    """All experiments' runs, cut into batches of `runs_per_job`; added initialisers only where their law exists."""
    section = config.sections[NAME]
    declared = itertools.chain.from_iterable(make(config, section) for make in EXPERIMENTS)
    found = [Run(**values, study=NAME, tables=RUN_TABLES) for values in declared]
    return sharing_jobs(found, section["runs_per_job"])


def _coding(config: Config, section: Section) -> Iterator[dict[str, Any]]:
    part = section["coding"]
    for task in part["tasks"]:
        for encoding, choice in itertools.product(task["encodings"], _initializers(section, part["neuron"])):
            parts = [task["dataset"], task["network"]["name"], encoding["name"]]
            yield _run(config, section, part, task, "coding", parts, choice, encoding=encoding, neuron=part["neuron"])


def _grid(config: Config, section: Section) -> Iterator[dict[str, Any]]:
    part = section["grid"]
    for theta, k, gain in itertools.product(part["theta"], part["k"], part["lambda"]):
        neuron = {"k": k, "lambda": gain, "theta": theta}
        for choice in _initializers(section, neuron):
            yield _run(config, section, part, part["task"], "grid", [], choice, neuron=neuron)


def _versatility(config: Config, section: Section) -> Iterator[dict[str, Any]]:
    part = section["versatility"]
    for neuron in part["neurons"]:
        for optimizer, choice in itertools.product(part["optimizers"], section["initializers"]):
            parts, given = [optimizer["name"]], {"neuron": neuron, "optimizer": optimizer}
            yield _run(config, section, part, part["task"], "optimizers", parts, choice, **given)
        for surrogate, choice in itertools.product(part["surrogates"], section["initializers"]):
            parts, given = [surrogate["name"]], {"neuron": neuron, "surrogate": surrogate}
            yield _run(config, section, part, part["task"], "surrogates", parts, choice, **given)


def _normalization(config: Config, section: Section) -> Iterator[dict[str, Any]]:
    part = section["normalization"]
    for task in part["tasks"]:
        for case, choice in itertools.product(task["cases"], section["initializers"]):
            technique = case["technique"]
            neuron = {"k": case["k"], "lambda": case["lambda"], "theta": 1.0}
            own = task["network"] | {"options": {**task["network"]["options"], **TECHNIQUES[technique]}}
            parts = [task["dataset"], technique]
            chosen = {"neuron": neuron, "technique": technique, "optimizer": part["optimizer"]}
            yield _run(config, section, part, {**task, "network": own}, "normalization", parts, choice, **chosen)


EXPERIMENTS = (_coding, _grid, _versatility, _normalization)
"""Functions from (config, section) to the names, labels and specs of an experiment's runs."""


def _initializers(section: Section, neuron: Mapping[str, float]) -> list[Mapping[str, Any]]:
    """The published initialisers, and of the added ones those whose law exists for this neuron."""
    added = [c for c in section["added_initializers"] if not checks.initializer_problems("", c, _context(neuron))]
    return [*section["initializers"], *added]


def _context(neuron: Mapping[str, float]) -> dict[str, float]:
    return {**checks.of_layer({"threshold": neuron["theta"], "gain": neuron["lambda"]}, neuron["k"]), **MEASURED}


def _run(
    config: Config,
    section: Section,
    part: Mapping[str, Any],
    task: Mapping[str, Any],
    experiment: str,
    parts: Sequence[str],
    choice: Mapping[str, Any],
    *,
    neuron: Mapping[str, float],
    encoding: Mapping[str, Any] | None = None,
    optimizer: Mapping[str, Any] | None = None,
    surrogate: Mapping[str, Any] | None = None,
    technique: str | None = None,
) -> dict[str, Any]:
    """Name, labels and specs of one run: `part` is its experiment's section, `task` the data, network and budget."""
    encoding = encoding or part["encoding"]
    optimizer = optimizer or section["optimizer"]
    surrogate = surrogate or section["surrogate"]
    initializer = "-".join([choice["name"], *(f"{key}{value}" for key, value in choice.items() if key != "name")])
    neuron_text = "_".join(f"{key[0]}{number_text(neuron[key])}" for key in ("k", "lambda", "theta"))
    name = "_".join([experiment, *parts, neuron_text, initializer]).lower()
    if len(name) > 64:
        raise UserError(f"the run name {name!r} is longer than 64 characters; shorten the data set's name")
    labels = {
        "experiment": experiment,
        "dataset": task["dataset"],
        "network": task["network"]["name"],
        "technique": technique,
        "encoding": encoding["name"],
        "timesteps": task["timesteps"],
        "k": float(neuron["k"]),
        "lambda": float(neuron["lambda"]),
        "theta": float(neuron["theta"]),
        "optimizer": optimizer["name"],
        "surrogate": surrogate["name"],
        "slope": float(surrogate["slope"]),
        "initializer": initializer,
        "failure_accuracy": float(task["failure_accuracy"]),
    }
    spec = TrainSpec(
        images=ImageSelection(task["dataset"], task["train_images"], task["test_images"]),
        network=NetworkSpec(**task["network"]),
        encoding=EncodingSpec(encoding["name"], task["timesteps"], dict(encoding["parameters"])),
        neuron=NeuronSpec(
            decay=float(neuron["k"]),
            gain=float(neuron["lambda"]),
            threshold=float(neuron["theta"]),
            reset="zero",
            surrogate=surrogate["name"],
            slope=float(surrogate["slope"]),
            detach_reset=section["detach_reset"],
            learn=(),
        ),
        initializer=initializer_spec(config, choice, section["initializer"]),
        training=TrainingSpec(
            epochs=task["epochs"],
            batch_size=task["batch_size"],
            last_batch=task["last_batch"],
            optimizer=dict(optimizer),
            schedule=dict(task["schedule"]),
            loss=dict(section["loss"]),
            monitor_images=task["monitor_images"],
            target_accuracies=tuple(map(float, section["target_accuracies"])),
            trace_every=task["trace_every"],
        ),
        seeds=tuple(part["seeds"]),
        source=train_source(task["network"]["name"]),
    )
    return {"name": name, "labels": labels, "spec": spec, "evaluation": evaluate_spec(spec, section["evaluation"])}


def table_options(config: Config) -> dict[str, Any]:
    """What the tables need beside the runs: the neurons and currents of the response curves."""
    return {"response": config.sections[NAME]["response"]}


def tasks(section: Section) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(key path below the section, task) of every task."""
    for experiment in ("coding", "normalization"):
        for index, task in enumerate(section[experiment]["tasks"]):
            yield f"{experiment}.tasks.{index}", task
    for experiment in ("grid", "versatility"):
        yield f"{experiment}.task", section[experiment]["task"]


def problems(section: Section, config: Section, schema: Schema) -> checks.Problems:
    """What is wrong with this study's section beyond its schema."""
    found: checks.Problems = []
    for key, task in tasks(section):
        path = f"{NAME}.{key}"
        unknown = checks.dataset_problems(path, [task["dataset"]], config)
        found += [(f"{path}.dataset", text) for _, text in unknown]
        network = task["network"]
        for case in task.get("cases", [{"technique": "none"}]):
            options = {**network["options"], **TECHNIQUES[case["technique"]]}
            problem = checks.network_problems(f"{path}.network", {**network, "options": options}, task["dataset"])
            found += [one for one in problem if one not in found]
        found += checks.schedule_problems(f"{path}.schedule", task["schedule"])
        for index, encoding in enumerate(task.get("encodings", [])):
            found += checks.encoding_problems(f"{path}.encodings.{index}", encoding, task["dataset"])
        if "encodings" not in task:
            experiment = key.partition(".")[0]
            found += checks.encoding_problems(
                f"{NAME}.{experiment}.encoding", section[experiment]["encoding"], task["dataset"]
            )
    for index, optimizer in enumerate(section["versatility"]["optimizers"]):
        found += checks.optimizer_problems(f"{NAME}.versatility.optimizers.{index}", optimizer)
    found += checks.optimizer_problems(f"{NAME}.optimizer", section["optimizer"])
    found += checks.optimizer_problems(f"{NAME}.normalization.optimizer", section["normalization"]["optimizer"])
    found += checks.repeated_problems(f"{NAME}.versatility.optimizers", section["versatility"]["optimizers"])
    found += checks.repeated_problems(f"{NAME}.versatility.neurons", section["versatility"]["neurons"])
    every = [*section["initializers"], *section["added_initializers"]]
    for key in ("initializers", "added_initializers"):
        for index, choice in enumerate(section[key]):
            context = _context(section["coding"]["neuron"])
            found += checks.initializer_problems(f"{NAME}.{key}.{index}", choice, context)
    found += checks.repeated_problems(f"{NAME}.initializers", every)
    return found
