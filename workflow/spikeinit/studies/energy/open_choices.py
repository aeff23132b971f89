"""The runs that try what the thesis leaves open: some combinations at every choice, see `config.open_choices`."""

from __future__ import annotations

from dataclasses import replace

from spikeinit.config import open_choices
from spikeinit.config.checks import Problems
from spikeinit.config.configuration import Config
from spikeinit.config.open_choices import BATCHES, KEY
from spikeinit.config.sweeps import Point
from spikeinit.jobs.runs import Run, sharing_jobs
from spikeinit.studies.energy.combinations import NAME, combination, normal
from spikeinit.study import Section


def runs(config: Config) -> list[Run]:
    """Each of the tried combinations on each data set, at every choice; with the seeds of the section `open_choices`.

    A combination and seed draws the same random numbers at every choice, so that choices are compared in pairs.
    """
    section = config.sections[NAME]
    asked = section[KEY]
    found = [
        _run(config, section, point, dataset, mean, beta)
        for point in open_choices.points(section)
        for dataset in asked["datasets"] or section["datasets"]
        for mean in asked["weight_means"] or section["weight_means"]
        for beta in asked["beta_ranges"] or section["beta_ranges"]
    ]
    return sharing_jobs(found, asked["runs_per_job"], prefix=BATCHES) if found else []


def _run(config: Config, section: Section, point: Point, dataset: str, mean: float, beta: str) -> Run:
    changed = open_choices.section_at(section, NAME, point, config.schema) | {"seeds": section[KEY]["seeds"]}
    run = combination(config, changed, dataset, normal(changed, mean), beta)
    choice = open_choices.name(point)
    return replace(run, name=open_choices.run_name(run.name, choice), labels={**run.labels, "open_choice": choice})


def problems(section: Section) -> Problems:
    """Data sets, mean weights and ranges of decay rates that are tried, and are not among the section's own."""
    asked = section[KEY] or {}
    return [
        (
            f"{NAME}.{KEY}.{key}.{index}",
            f"= {value!r}   not one of {key} ({', '.join(map(str, section[key]))}); give one of them, or try no open"
            f" choice ({NAME}.{KEY}: null)",
        )
        for key in ("datasets", "weight_means", "beta_ranges")
        for index, value in enumerate(asked.get(key) or [])
        if value not in section[key]
    ]
