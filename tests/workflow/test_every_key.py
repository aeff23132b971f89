"""Every key of the configuration counts, in its own study alone: none is without effect, none is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from planned_specs import changed, leaves, put, schema, smoke, specs

from spikeinit.errors import UserError
from spikeinit.studies import STUDIES

UNHEARD = {("stand_ins",)}
"""Parts of a section that count only where they hold: with the data that a stand-in stands for."""


def others(value: Any, known: Any) -> Iterator[Any]:
    """Other values to try at a key: numbers nearby, other names of its kind, shorter and longer lists."""
    known = known or {}
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from (value + 1, value * 0.5, value * 2, value + 2, 0.25, 0.75)
    elif isinstance(value, str):
        yield from (name for part in (known, *known.get("anyOf", [])) for name in part.get("enum", []) if name != value)
        yield 0.5
    elif isinstance(value, list):
        yield from [value[:-1]] * (len(value) > 1)
        for item in others(value[-1], known.get("items")) if value else ():
            yield [*value[:-1], item]
            yield [*value, item]
    elif value is None:
        yield from (1, 2, 50, 0.5)


@pytest.mark.parametrize("study", STUDIES)
def test_every_key_of_a_study_decides_something(study):
    mapping = smoke(study)
    before = specs(mapping)
    silent, tried, untried = [], 0, []
    for path, value in leaves(mapping[study], (study,)):
        if path[1:2] in UNHEARD:
            continue
        heard = None
        for other in others(value, schema()._child(path)):
            try:
                heard = changed(before, specs(put(mapping, path, other))) or changed(
                    specs(put(mapping, path, other)), before
                )
            except UserError:
                continue
            if heard:
                break
        tried += heard is not None
        if heard is None:
            untried.append(".".join(path))
        elif not heard:
            silent.append(".".join(path))
    assert silent == []
    assert tried > 3 * len(untried), untried
