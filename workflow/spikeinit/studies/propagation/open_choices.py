"""The runs that try what the paper leaves open: its first MLP at every choice, see `config.open_choices`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from spikeinit.config import open_choices
from spikeinit.config.checks import Problems
from spikeinit.config.configuration import Config
from spikeinit.config.differences import counterparts
from spikeinit.config.open_choices import BATCHES, KEY
from spikeinit.config.schema import Schema
from spikeinit.jobs.runs import Run, sharing_jobs
from spikeinit.studies.propagation.conditions import COUNTERPARTS, OPEN_CHOICES
from spikeinit.studies.propagation.trainings import NAME, compared
from spikeinit.study import Section

NETWORK = "deep_mlp"
"""The network whose first task is tried: the claim that only two initialisers train is about it."""
EXPERIMENT = "open_choice"


def task_of(section: Section) -> dict[str, Any] | None:
    """The task on which choices are tried; None where no such network is trained, and nothing is tried."""
    return next((task for task in section["classification"]["tasks"] if task["network"]["name"] == NETWORK), None)


def runs(config: Config) -> list[Run]:
    """Each of the tried initialisers at every choice, with the seeds of the section `open_choices`.

    An initialiser and seed draws the same random numbers at every choice, so that choices are compared in pairs.
    """
    section = config.sections[NAME]
    asked, task = section[KEY], task_of(section)
    found = []
    for point in open_choices.points(section) if task else []:
        changed = open_choices.section_at(section, NAME, point, config.schema)
        choice = open_choices.name(point)
        for name in asked["initializers"] or section["classification"]["initializers"]:
            run = compared(config, changed, task, name, asked["seeds"])
            labels = {**run.labels, "experiment": EXPERIMENT, "open_choice": choice}
            found.append(replace(run, name=open_choices.run_name(run.name, choice), labels=labels))
    return sharing_jobs(found, asked["runs_per_job"], prefix=BATCHES) if found else []


def problems(section: Section, schema: Schema, of_section: Callable[[Section], Problems]) -> Problems:
    """Initialisers that are tried and not among the section's own, and wrong choices."""
    asked = section[KEY] or {}
    known = section["classification"]["initializers"]
    among = f"classification.initializers ({', '.join(known)})"
    found: Problems = [
        (f"{NAME}.{KEY}.initializers.{index}", f"= {name!r}   not one of {among}; give one of them, or null for all")
        for index, name in enumerate(asked.get("initializers") or [])
        if name not in known
    ]
    return found + open_choices.problems(NAME, section, OPEN_CHOICES, schema, of_section)


def table_options(section: Section) -> dict[str, Any] | None:
    """What the tables are told of the choices; None where none is tried."""
    task = task_of(section)
    if task is None or not open_choices.points(section):
        return None
    return {"datasets": counterparts(COUNTERPARTS, [task["dataset"]]), "settings": open_choices.settings_text(section)}
