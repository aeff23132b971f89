"""Which runs the sensitivity study needs: one for each data set and distinct point of its sweeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spikeinit.config import checks, sweeps
from spikeinit.config.configuration import Config
from spikeinit.config.paths import value_at
from spikeinit.config.schema import Schema
from spikeinit.jobs.runs import Run, evaluate_spec, initializer_spec, sharing_jobs, train_source
from spikeinit.specs import EncodingSpec, ImageSelection, NetworkSpec, NeuronSpec, TrainingSpec, TrainSpec, to_json
from spikeinit.studies.sensitivity import analogue
from spikeinit.study import Section

NAME = "sensitivity"


def runs(config: Config) -> list[Run]:
    """One run for each data set and distinct point of all sweeps, in the order of first appearance."""
    section = config.sections[NAME]
    declared = sweeps.active(section)
    keys = sorted({key for sweep in declared.values() for key in sweep})  # so that no name hangs on the other sweeps
    specs: dict[str, TrainSpec] = {}
    sections: dict[str, tuple[str, dict[str, Any]]] = {}
    members: dict[str, list[str]] = {}
    for dataset in section["datasets"]:
        for name, sweep in declared.items():
            for point in sweeps.points(sweep):
                changed = sweeps.section_at(section, NAME, point, config.schema)
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
                **{key: sweeps.text(value_at(changed, key)) for key in keys},
            },
            specs[identity],
            evaluate_spec(specs[identity], section["evaluation"]),
        )
        for run_name, (identity, (dataset, changed)) in zip(sweeps.run_names(changes), sections.items(), strict=True)
    ]
    return sharing_jobs(found, section["runs_per_job"])


def _changes(section: Section, changed: Mapping[str, Any], keys: list[str]) -> dict[str, Any]:
    values = {key: (value_at(section, key), value_at(changed, key)) for key in keys}
    return {key: now for key, (base, now) in values.items() if base != now}


def _train_spec(config: Config, dataset: str, section: Section) -> TrainSpec:
    return TrainSpec(
        images=ImageSelection(dataset, section["train_images"], section["test_images"]),
        network=NetworkSpec(**section["network"]),
        encoding=EncodingSpec(**section["encoding"]),
        neuron=NeuronSpec.from_section(section["neuron"]),
        initializer=initializer_spec(config, section["initializer"], {"layers": "all", "bias": "law"}),
        training=TrainingSpec(**section["training"]),
        seeds=tuple(section["seeds"]),
        source=train_source(section["network"]["name"]),
    )


def problems(section: Section, config: Section, schema: Schema) -> checks.Problems:
    """What is wrong with this study's section beyond its schema, at the baseline and at every point of every sweep."""
    found = checks.dataset_problems(f"{NAME}.datasets", section["datasets"], config)
    found += _part_problems(NAME, section)
    wrong = sweeps.problems(NAME, section, schema)
    if wrong or found:
        return found + wrong
    for name, sweep in sweeps.active(section).items():
        of_points = [
            problem
            for point in sweeps.points(sweep)
            for problem in _part_problems(f"{NAME}.sweeps.{name}", sweeps.section_at(section, NAME, point, schema))
        ]
        found += list(dict.fromkeys(of_points))
    return found


def _part_problems(path: str, section: Section) -> checks.Problems:
    layer = checks.of_layer(section["neuron"], section["neuron"]["decay"])
    network, timesteps = section["network"], section["encoding"]["timesteps"]
    wrong = checks.network_problems(f"{path}.network", network, *section["datasets"])
    return [
        *(wrong or checks.spike_delay_problems(f"{path}.neuron", section["neuron"], network, timesteps)),
        *checks.encoding_problems(f"{path}.encoding", section["encoding"], *section["datasets"]),
        *checks.initializer_problems(f"{path}.initializer", section["initializer"], layer),
        *checks.training_problems(f"{path}.training", section["training"]),
    ]


def table_options(config: Config) -> dict[str, Any]:
    """Options of the tables: how wide their intervals are, and the folders of the analogue networks' journals."""
    return {
        "confidence": config.sections[NAME]["statistics"]["confidence"],
        "analogue": [
            {"dataset": ann.dataset, "seed": ann.spec.seed, "folder": ann.run} for ann in analogue.anns(config)
        ],
    }
