"""Which runs the energy study needs, what is wrong with its section, and what it tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from spikeinit.config import checks
from spikeinit.config.configuration import Config
from spikeinit.config.schema import Schema
from spikeinit.io import digest
from spikeinit.jobs.anns import ANALOGUE_INPUT, DATA_DRIVEN, ENERGY_NETWORK, Ann, ann_digest, ann_request
from spikeinit.jobs.runs import Run, evaluate_spec, initializer_spec, run_name, train_source
from spikeinit.specs import EncodingSpec, ImageSelection, NetworkSpec, NeuronSpec, TrainingSpec, TrainSpec
from spikeinit.studies.energy.comparisons import weight_and_decay_comparisons
from spikeinit.study import Section

NAME = "energy"


def runs(config: Config) -> list[Run]:
    """The nine combinations for each data set, then the comparison's initialisers."""
    section = config.sections[NAME]
    comparison = section["comparison"]
    published = [
        ({"name": "normal", "mean": float(mean), "sd": float(section["weight_sd"])}, beta)
        for mean in section["weight_means"]
        for beta in section["beta_ranges"]
    ]
    compared = [(choice, beta) for choice in comparison["initializers"] for beta in comparison["beta_ranges"]]
    return [
        _run(config, section, dataset, choice, beta)
        for dataset in section["datasets"]
        for choice, beta in published + compared * _is_compared(dataset, comparison)
    ]


def _is_compared(dataset: str, comparison: Mapping[str, Any]) -> bool:
    return comparison["datasets"] is None or dataset in comparison["datasets"]


def _run(config: Config, section: Section, dataset: str, choice: Mapping[str, Any], beta: str) -> Run:
    normal = choice["name"] == "normal"
    parameters = {key: value for key, value in choice.items() if not (normal and key == "sd")}
    labels = {
        "dataset": dataset,
        "initializer": choice["name"],
        "weight_mean": choice.get("mean") if normal else None,
        "beta_range": beta,
        "fan_in": section["initializer"]["fan_in"] if normal else None,
    }
    low, high = section["beta_ranges"][beta]
    data_driven = choice["name"] == DATA_DRIVEN
    start = {"initial_potential": section["neuron"]["threshold"] / 2} if data_driven else {}
    initializer = initializer_spec(config, choice, section["initializer"])
    if normal:
        initializer = replace(initializer, fan_in=section["initializer"]["fan_in"])
    if data_driven:
        ann = _ann(section, dataset)
        initializer = replace(initializer, parameters={"ann": ann_digest(ann), "ann_seed": ann.spec.seed})
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


def anns(config: Config) -> list[Ann]:
    """The network as a ReLU network on every data set where `data_driven` is among the compared initialisers."""
    section = config.sections[NAME]
    comparison = section["comparison"]
    if not any(choice["name"] == DATA_DRIVEN for choice in comparison["initializers"]):
        return []
    return [_ann(section, dataset) for dataset in section["datasets"] if _is_compared(dataset, comparison)]


def _ann(section: Section, dataset: str) -> Ann:
    options = section["data_driven"]
    constant = section["encoding"]["parameters"] if section["encoding"]["name"] == ANALOGUE_INPUT else {}
    return ann_request(
        NAME,
        ImageSelection(dataset, section["train_images"], section["test_images"]),
        ENERGY_NETWORK,
        {**section["network"], "activation": {"name": "relu"}},
        options["ann"],
        options["activations"],
        {"mean": 0.0, "std": 1.0, **constant},
        ("optimal",),
        (section["encoding"]["timesteps"],),
        options["norm"],
    )


def problems(section: Section, config: Section, schema: Schema) -> checks.Problems:
    """What is wrong with this study's section beyond its schema."""
    found = checks.dataset_problems("energy.datasets", section["datasets"], config)
    for name, bounds in section["beta_ranges"].items():
        found += checks.decay_range_problems(f"energy.beta_ranges.{name}", bounds)
    for index, name in enumerate(section["comparison"]["beta_ranges"]):
        if name not in section["beta_ranges"]:
            known = ", ".join(section["beta_ranges"])
            found.append((f"energy.comparison.beta_ranges.{index}", f"= {name!r}   not one of beta_ranges ({known})"))
    for index, name in enumerate(section["comparison"]["datasets"] or []):
        if name not in section["datasets"]:
            known = ", ".join(section["datasets"])
            found.append((f"energy.comparison.datasets.{index}", f"= {name!r}   not one of datasets ({known})"))
    compared = section["comparison"]["beta_ranges"]
    middles = [sum(section["beta_ranges"][name]) / 2 for name in compared if name in section["beta_ranges"]]
    layers = [checks.of_layer(section["neuron"], decay) for decay in middles]
    for index, choice in enumerate(section["comparison"]["initializers"]):
        path = f"energy.comparison.initializers.{index}"
        if choice["name"] == DATA_DRIVEN:
            found += [(f"{path}.{key}", f"{DATA_DRIVEN} takes no parameters here") for key in choice if key != "name"]
            found += _copied_neuron_problems(section["neuron"])
            continue
        found += checks.initializer_problems(path, choice, *layers)
    found += checks.repeated_problems("energy.comparison.initializers", section["comparison"]["initializers"])
    found += checks.training_problems("energy.training", section["training"])
    found += checks.training_problems("energy.data_driven.ann.training", section["data_driven"]["ann"]["training"])
    found += checks.encoding_problems("energy.encoding", section["encoding"], *section["datasets"])
    network, timesteps = section["network"], section["encoding"]["timesteps"]
    wrong = checks.network_problems("energy.network", network, *section["datasets"])
    if wrong:
        return found + wrong
    found += checks.spike_delay_problems("energy.neuron", section["neuron"], network, timesteps)
    if section["initializer"]["fan_in"] == "published":
        found += checks.published_fan_in_problems("energy.initializer.fan_in", network)
    return found


def _copied_neuron_problems(neuron: Mapping[str, Any]) -> checks.Problems:
    """Neurons that cannot behave as those of the network which `data_driven` copies."""
    remedy = f"or take {DATA_DRIVEN} out of energy.comparison.initializers"
    found = []
    if neuron["spike_delay"]:
        found.append(
            ("energy.neuron.spike_delay", f"= 1   {DATA_DRIVEN} copies neurons without delay; give 0, {remedy}")
        )
    if isinstance(neuron["initial_potential"], str):
        what = f"{DATA_DRIVEN} starts at half the threshold; give a number, {remedy}"
        found.append(("energy.neuron.initial_potential", f"= {neuron['initial_potential']!r}   {what}"))
    return found


def hypotheses(config: Config) -> dict[str, Any]:
    """What `test_hypotheses` is asked: the thesis's comparisons and the two-way analysis of variance.

    Runs that died count, as they do in the tables: the thesis leaves none out.
    """
    section = config.sections[NAME]
    comparisons = weight_and_decay_comparisons(section["weight_means"], _low_to_high(section["beta_ranges"]))
    return {
        "outcomes": ["trained", "dead"],
        "comparisons": [comparison.to_spec() for comparison in comparisons],
        "anova": {"factors": ["weight_mean", "beta_range"], "where": {"initializer": "normal"}},
    }


def _low_to_high(ranges: Mapping[str, Sequence[float]]) -> list[str]:
    return sorted(ranges, key=lambda name: tuple(ranges[name]))
