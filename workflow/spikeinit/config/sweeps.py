"""Sweeps: declared grids over keys of a study's own section.

    sweeps:
      beta: {neuron.decay: [0.5, 0.7, 0.9], encoding.timesteps: 50}
      threshold_by_beta: {neuron.threshold: [1.0, 1.5], neuron.decay: [0.5, 0.9]}
    only: [beta]

A key is a path below the study's section. A list is swept; anything else holds for the whole sweep. Several lists are
crossed, the last one running fastest. A swept value that is a list itself stands in a list of lists. null leaves out
a sweep, or a key of one, that a file merged before has set. Where `only` is given, it names the sweeps that are run.
Values obey the schema of their key.
"""

from __future__ import annotations

import copy
import difflib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from spikeinit.config.checks import Problems
from spikeinit.config.schema import Schema
from spikeinit.io import canonical_json, digest
from spikeinit.names.slugs import number_text, short_name

SWEPT_PARTS = ("network", "initializer", "encoding", "neuron", "training")
"""Parts of a section whose keys can be swept: everything that decides a training but its data and seeds."""

LONGEST_NAME = 64

Sweep = Mapping[str, Any]
Point = dict[str, Any]
"""Key path -> value."""


def active(section: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The sweeps of a section that are run: those of `only`, or all; none that is null, nor keys that are."""
    only = section["only"]
    return {
        name: {key: value for key, value in sweep.items() if value is not None}
        for name, sweep in section["sweeps"].items()
        if sweep is not None and (only is None or name in only)
    }


def points(sweep: Sweep) -> list[Point]:
    """All points of a sweep."""
    choices = [value if isinstance(value, list) else [value] for value in sweep.values()]
    return [dict(zip(sweep, values, strict=True)) for values in itertools.product(*choices)]


def section_at(section: Mapping[str, Any], study: str, point: Point, schema: Schema) -> dict[str, Any]:
    """The study's section with the point's values in place, and the schema's defaults inside them."""
    changed = copy.deepcopy(dict(section))
    for key, value in point.items():
        *parents, last = key.split(".")
        part = changed
        for name in parents:
            part = part.setdefault(name, {})
        part[last] = schema.fill_at([study, *key.split(".")], value)
    return changed


def text(value: Any) -> Any:
    """A value as tables and names show it: numbers and words as they are, lists and mappings in one short text."""
    if isinstance(value, Mapping):
        return " ".join(str(text(item)) for item in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(str(text(item)) for item in value) or "none"
    return value


def run_names(changes: Sequence[tuple[str, Point]]) -> list[str]:
    """Unique slugs such as mnist5k_decay0.5 for (data set, what differs from the baseline).

    One that would be too long, or that another run has, ends in eight digits of a digest instead.
    """
    names: list[str] = []
    for dataset, point in changes:
        parts = [f"{short_name(key)}{_slug(value)}" for key, value in point.items()]
        name = "_".join([dataset, *parts] if parts else [dataset, "baseline"]).lower()
        if len(name) > LONGEST_NAME or name in names:
            suffix = "-" + digest([dataset, point])[:8]
            name = name[: LONGEST_NAME - len(suffix)] + suffix
        names.append(name)
    return names


def _slug(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_text(value)
    kept = [character if character.isalnum() and character.isascii() else "-" for character in str(text(value))]
    return "-" + "".join(kept)


def problems(study: str, section: Mapping[str, Any], schema: Schema) -> Problems:
    """Names in `only` that are no sweeps, keys that cannot be swept, and values that their key does not take."""
    path = f"{study}.sweeps"
    found = _only_problems(study, section)
    chosen = active(section)
    for name, sweep in chosen.items():
        where = f"{path}.{name}"
        if not sweep:
            found.append((where, "sweeps nothing; give at least one key, for instance neuron.decay: [0.5, 0.9]"))
        for key, value in sweep.items():
            found += _key_problems(f"{where}.{key}", study, key, value, schema)
    if not chosen and not found:
        found.append((path, "no sweep is left; give at least one, for instance beta: {neuron.decay: [0.5, 0.9]}"))
    return found


def _only_problems(study: str, section: Mapping[str, Any]) -> Problems:
    sweeps = section["sweeps"]
    known = [name for name, sweep in sweeps.items() if sweep is not None]
    found = []
    for index, name in enumerate(section["only"] or []):
        if name in known:
            continue
        if name in sweeps:
            what = f"this sweep is null in {study}.sweeps or in a stand-in that holds here; give it keys"
        else:
            close = difflib.get_close_matches(name, known, n=1)
            what = "unknown sweep" + (f"; did you mean {close[0]}?" if close else "")
        found.append((f"{study}.only.{index}", f"= {name!r}   {what} (known: {', '.join(known)})"))
    return found


def _key_problems(where: str, study: str, key: str, value: Any, schema: Schema) -> Problems:
    if key.split(".")[0] not in SWEPT_PARTS:
        return [(where, f"cannot be swept; keys begin with {', '.join(f'{name}.' for name in SWEPT_PARTS)}")]
    return value_problems(where, study, key, value, schema)


def value_problems(where: str, study: str, key: str, value: Any, schema: Schema) -> Problems:
    """What is wrong with values of a key below a study's section: not allowed by the schema, or listed twice.

    A list holds several values, anything else is one.
    """
    unknown = schema.unknown_key([study, *key.split(".")])
    if unknown:
        return [(where, unknown)]
    values = value if isinstance(value, list) else [value]
    if not values:
        return [(where, "= []   needs at least one value")]
    found = []
    seen = set()
    for index, item in enumerate(values):
        place = f"{where}.{index}" if isinstance(value, list) else where
        found += schema.problems_at([study, *key.split(".")], item, place)
        if canonical_json(item) in seen:
            found.append((place, f"= {item}   listed twice"))
        seen.add(canonical_json(item))
    return found
