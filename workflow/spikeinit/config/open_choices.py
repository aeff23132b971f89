"""What a paper leaves open, tried out: the same study with other values for it, one at a time or crossed.

    open_choices:
      values: {neuron.gain: [one_minus_decay], training.batch_size: [32, 64]}
      crossed: false
      settings: {train_images: 1000}

asks for the section as it is, and for three others, each with one of these values; crossed, for all six combinations. A
value that the section has itself is not tried twice.
Keys are those that the study declares to be left open (`Stated.open_choices`). `settings` hold for all of them, the
section as it is included: values of other keys, which make these runs short.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spikeinit.config import sweeps
from spikeinit.config.checks import Problems
from spikeinit.config.paths import value_at
from spikeinit.config.schema import Schema
from spikeinit.config.sweeps import LONGEST_NAME, Point
from spikeinit.io import canonical_json, digest
from spikeinit.study import OpenChoice, Section

KEY = "open_choices"
BATCHES = "choices_"  # the names of their batches begin so: other runs of the study share jobs of their own
AS_CONFIGURED = "as configured"
SEPARATOR = ", "
SETTINGS = ("train_images", "test_images", *sweeps.SWEPT_PARTS)
"""Parts of a section that may be set for these runs alone."""

_CONFIGURED = object()


def points(section: Section) -> list[Point]:
    """Every choice that is tried, as the values that differ from the section's own: none of them first.

    Nothing for a section that tries none, or no other value than its own. A key whose list is null is left out. Keys
    are taken in their alphabetic order, so that a choice has the same name however the configuration is written.
    """
    asked = section.get(KEY)
    if asked is None:
        return []
    listed = {key: values for key, values in sorted(asked["values"].items()) if values is not None}
    values = {key: others for key, given in listed.items() if (others := _others(section, key, given))}
    if not values:
        return []
    if not asked["crossed"]:
        return [{}, *({key: value} for key, others in values.items() for value in others)]
    combinations = itertools.product(*([_CONFIGURED, *others] for others in values.values()))
    return [
        {key: value for key, value in zip(values, chosen, strict=True) if value is not _CONFIGURED}
        for chosen in combinations
    ]


def _others(section: Section, key: str, values: Sequence[Any]) -> list[Any]:
    own = canonical_json(value_at(section, key))
    return [value for value in values if canonical_json(value) != own]


def name(point: Point) -> str:
    """A choice in words: "neuron.gain one_minus_decay", or "as configured"."""
    return _words(point) or AS_CONFIGURED


def run_name(run: str, choice: str) -> str:
    """The name of a run at a choice, in characters that a path takes; too long a one ends in a digest."""
    words = "".join(character if character.isalnum() or character in "._" else "-" for character in choice.lower())
    name = f"{run}_{words}"
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 9]}-{digest(choice)[:8]}"


def parts(choice: str) -> list[str]:
    """Every value in such words that differs from the configured one; none for "as configured"."""
    return [] if choice == AS_CONFIGURED else choice.split(SEPARATOR)


def without(choice: str, change: str) -> str:
    """The choice in words that differs from one only in that a value is the configured one."""
    return SEPARATOR.join(part for part in parts(choice) if part != change) or AS_CONFIGURED


def settings_text(section: Section) -> str:
    """What holds for these runs alone, in words: "train_images 1000, training.epochs 4"."""
    return _words(section[KEY]["settings"])


def _words(values: Point) -> str:
    return SEPARATOR.join(f"{key} {sweeps.text(value)}" for key, value in values.items())


def section_at(section: Section, study: str, point: Point, schema: Schema) -> dict[str, Any]:
    """The study's section with the settings of these runs and one choice in place."""
    return sweeps.section_at(section, study, {**section[KEY]["settings"], **point}, schema)


def problems(
    study: str,
    section: Section,
    left_open: Mapping[str, OpenChoice],
    schema: Schema,
    of_section: Callable[[Section], Problems],
) -> Problems:
    """Keys that are not left open, values that their key does not take, and sections that cannot run.

    left_open: what the study declares to be left open. of_section: what is wrong with a whole section of the study.
    """
    asked = section.get(KEY)
    if asked is None:
        return []
    path = f"{study}.{KEY}"
    found: Problems = []
    for key, listed in asked["values"].items():
        where = f"{path}.values.{key}"
        if key not in left_open:
            found.append((where, f"is not among what the paper leaves open: {', '.join(left_open)}"))
        elif key in asked["settings"]:
            found.append((where, f"has a value in {path}.settings too; give it in one of the two"))
        elif listed is not None and not isinstance(listed, list):
            found.append((where, f"= {listed!r}   a list of other values is expected, such as [{listed}]"))
        elif listed is not None:
            found += sweeps.value_problems(where, study, key, listed, schema)
    for key, value in asked["settings"].items():
        where = f"{path}.settings.{key}"
        if key.split(".")[0] not in SETTINGS:
            found.append((where, f"cannot be set for these runs alone; keys begin with {', '.join(SETTINGS)}"))
        elif unknown := schema.unknown_key([study, *key.split(".")]):
            found.append((where, unknown))
        else:
            found += schema.problems_at([study, *key.split(".")], value, where)
    if found:
        return found
    known = {what for _, what in of_section(section)}
    for point in points(section):
        wrong = of_section(section_at(section, study, point, schema))
        found += [(f"{path}: {name(point)}: {key}", what) for key, what in wrong if what not in known]
    return found
