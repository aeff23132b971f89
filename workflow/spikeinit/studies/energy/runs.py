"""Which runs the energy study needs, what is wrong with its section, and what it tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spikeinit.config import checks, open_choices
from spikeinit.config.configuration import Config
from spikeinit.config.differences import counterparts
from spikeinit.config.schema import Schema
from spikeinit.jobs.anns import DATA_DRIVEN, Ann
from spikeinit.jobs.runs import Run, sharing_jobs
from spikeinit.studies.energy import open_choices as tried
from spikeinit.studies.energy.combinations import NAME, ann, combination, normal
from spikeinit.studies.energy.comparisons import weight_and_decay_comparisons
from spikeinit.studies.energy.conditions import OPEN_CHOICES, PUBLISHED
from spikeinit.study import Section


def runs(config: Config) -> list[Run]:
    """The nine combinations for each data set, then the comparison's initialisers, then those of open choices."""
    section = config.sections[NAME]
    comparison = section["comparison"]
    published = [(normal(section, mean), beta) for mean in section["weight_means"] for beta in section["beta_ranges"]]
    compared = [(choice, beta) for choice in comparison["initializers"] for beta in comparison["beta_ranges"]]
    configured = (
        combination(config, section, dataset, choice, beta)
        for dataset in section["datasets"]
        for choice, beta in published + compared * _is_compared(dataset, comparison)
    )
    return [*sharing_jobs(configured, section["runs_per_job"]), *tried.runs(config)]


def _is_compared(dataset: str, comparison: Mapping[str, Any]) -> bool:
    return comparison["datasets"] is None or dataset in comparison["datasets"]


def anns(config: Config) -> list[Ann]:
    """The network as a ReLU network on every data set where `data_driven` is among the compared initialisers."""
    section = config.sections[NAME]
    comparison = section["comparison"]
    if not any(choice["name"] == DATA_DRIVEN for choice in comparison["initializers"]):
        return []
    return [ann(section, dataset) for dataset in section["datasets"] if _is_compared(dataset, comparison)]


def problems(section: Section, config: Section, schema: Schema) -> checks.Problems:
    """What is wrong with this study's section beyond its schema, as it is and at every open choice that is tried."""

    def at_a_choice(changed: Section) -> checks.Problems:
        """No compared initialiser runs at a choice."""
        comparison = {**changed["comparison"], "initializers": []}
        return _problems_as_configured({**changed, "comparison": comparison}, config)

    choices = tried.problems(section) + open_choices.problems(NAME, section, OPEN_CHOICES, schema, at_a_choice)
    return _problems_as_configured(section, config) + choices


def _problems_as_configured(section: Section, config: Section) -> checks.Problems:
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
    return comparisons_of(section["weight_means"], _low_to_high(section["beta_ranges"]))


def comparisons_of(weight_means: Sequence[float], beta_ranges: Sequence[str]) -> dict[str, Any]:
    """The same for some mean weights and ranges of decay rates, these from low to high."""
    comparisons = weight_and_decay_comparisons(weight_means, beta_ranges)
    return {
        "outcomes": ["trained", "dead"],
        "comparisons": [comparison.to_spec() for comparison in comparisons],
        "anova": {"factors": ["weight_mean", "beta_range"], "where": {"initializer": "normal"}},
    }


def _low_to_high(ranges: Mapping[str, Sequence[float]]) -> list[str]:
    return sorted(ranges, key=lambda name: tuple(ranges[name]))


def table_options(config: Config) -> dict[str, Any]:
    """Options of the tables: how the conclusions are judged at each open choice; none where none is tried."""
    section = config.sections[NAME]
    asked = section["open_choices"]
    if asked is None:
        return {"open_choices": None}
    ranges = {name: section["beta_ranges"][name] for name in asked["beta_ranges"] or section["beta_ranges"]}
    return {
        "open_choices": {
            "datasets": counterparts(PUBLISHED.counterparts, asked["datasets"] or section["datasets"]),
            "settings": open_choices.settings_text(section),
            "hypotheses": {
                **comparisons_of(asked["weight_means"] or section["weight_means"], _low_to_high(ranges)),
                **{key: section["statistics"][key] for key in ("confidence", "equivalence_margin", "accuracy_margin")},
            },
        }
    }
