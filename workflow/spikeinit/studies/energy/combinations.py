"""A combination of the energy study: an initialiser and a range of decay rates on a data set, and its ReLU network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from spikeinit.config.configuration import Config
from spikeinit.io import digest
from spikeinit.jobs.anns import ANALOGUE_INPUT, DATA_DRIVEN, ENERGY_NETWORK, Ann, ann_digest, ann_request
from spikeinit.jobs.runs import Run, evaluate_spec, initializer_spec, run_name, train_source
from spikeinit.specs import EncodingSpec, ImageSelection, NetworkSpec, NeuronSpec, TrainingSpec, TrainSpec
from spikeinit.study import Section

NAME = "energy"


def normal(section: Section, mean: float) -> dict[str, Any]:
    """The thesis's initialiser with one of its mean weights."""
    return {"name": "normal", "mean": float(mean), "sd": float(section["weight_sd"])}


def combination(config: Config, section: Section, dataset: str, choice: Mapping[str, Any], beta: str) -> Run:
    """The run of an initialiser and a range of decay rates, by its name, with the values of the section."""
    is_normal = choice["name"] == "normal"
    parameters = {key: value for key, value in choice.items() if not (is_normal and key == "sd")}
    labels = {
        "dataset": dataset,
        "initializer": choice["name"],
        "weight_mean": choice.get("mean") if is_normal else None,
        "beta_range": beta,
        "fan_in": section["initializer"]["fan_in"] if is_normal else None,
        "open_choice": None,
    }
    low, high = section["beta_ranges"][beta]
    data_driven = choice["name"] == DATA_DRIVEN
    start = {"initial_potential": section["neuron"]["threshold"] / 2} if data_driven else {}
    initializer = initializer_spec(config, choice, section["initializer"])
    if is_normal:
        initializer = replace(initializer, fan_in=section["initializer"]["fan_in"])
    if data_driven:
        network = ann(section, dataset)
        initializer = replace(initializer, parameters={"ann": ann_digest(network), "ann_seed": network.spec.seed})
    spec = TrainSpec(
        images=ImageSelection(dataset, section["train_images"], section["test_images"]),
        network=NetworkSpec(**section["network"]),
        encoding=EncodingSpec(**section["encoding"]),
        neuron=NeuronSpec.from_section(section["neuron"], decay=(float(low), float(high)), **start),
        initializer=initializer,
        training=TrainingSpec(**section["training"]),
        seeds=tuple(section["seeds"]),
        apart=digest([dataset, dict(choice), float(low), float(high)])[:16] if section["streams"] == "apart" else "",
        source=train_source(section["network"]["name"]),
    )
    evaluation = evaluate_spec(spec, section["evaluation"])
    started_from = (dataset, ENERGY_NETWORK) if data_driven else None
    return Run(run_name(dataset, parameters, beta), NAME, labels, spec, evaluation, ann=started_from)


def ann(section: Section, dataset: str) -> Ann:
    """The network as a ReLU network, from which the initialiser `data_driven` starts."""
    options = section["data_driven"]
    constant = section["encoding"]["parameters"] if section["encoding"]["name"] == ANALOGUE_INPUT else {}
    return ann_request(
        NAME,
        ImageSelection(dataset, section["train_images"], section["test_images"]),
        ENERGY_NETWORK,
        {**section["network"], "activation": {"name": "relu"}},
        options["ann"],
        {"mean": 0.0, "std": 1.0, **constant},
        options["activations"],
        ("optimal",),
        (section["encoding"]["timesteps"],),
        options["norm"],
    )
