"""How a configuration departs from what a paper states, and what it takes where the paper leaves something open.

>>> stated = Stated(
...     settings={"training": {"epochs": 50}},
...     open_choices={"gain": OpenChoice((1.0, 2.0), "The paper prints 2, its code has 1.")},
... )
>>> [finding.text for finding in compared(stated, {"training": {"epochs": 4}, "gain": 1.0})]
['training.epochs 4 instead of 50', 'gain 1.0: The paper prints 2, its code has 1.']
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from spikeinit.config.paths import below, leaves, value_at
from spikeinit.nested import merge
from spikeinit.study import ANY, Departure, Finding, OneOf, OpenChoice, Section, Stated, Taken

UNSET = object()


def counterparts(known: Mapping[str, Sequence[str]], configured: Collection[str]) -> dict[str, str | None]:
    """Published data set -> the first of its counterparts that is configured; None where none is."""
    return {
        published: next((candidate for candidate in candidates if candidate in configured), None)
        for published, candidates in known.items()
    }


def compared(stated: Stated, section: Section, path: str = "", whole: Section | None = None) -> list[Finding]:
    """Everything that the paper and a section have to say to one another: departures first, then open choices.

    path: what the key paths in the answer begin with. whole: the study's section, where `section` is an item of it.
    """
    whole = section if whole is None else whole
    section = _with_unset(section, stated.unset)
    found = [replace(one, key=f"{path}{one.key}") for one in _departures(stated, section, path)]
    for key, choice in stated.open_choices.items():
        if (value := value_at(section, key, UNSET)) is not UNSET:
            found.append(replace(_chosen(f"{path}{key}", value, choice), key=f"{path}{key}"))
    for key, compare in stated.compared.items():
        found += [replace(one, key=f"{path}{key}") for one in compare(section)]
    for key, of_item in stated.items.items():
        for index, item in enumerate(value_at(section, key, ())):
            found += compared(of_item(whole, item), item, f"{path}{key}.{index}.", whole)
    return sorted(found, key=lambda one: isinstance(one, Taken))


def owners(stated: Stated, section: Section, path: str = "", whole: Section | None = None) -> dict[str, list[str]]:
    """Key path of every value in a section -> the declarations it belongs to: one, unless something is wrong."""
    whole = section if whole is None else whole
    section = _with_unset(section, stated.unset)
    found = {f"{path}{key}": _owners(stated, key) for key, _ in leaves(section)}
    for key, of_item in stated.items.items():
        for index, item in enumerate(value_at(section, key, ())):
            found |= owners(of_item(whole, item), item, f"{path}{key}.{index}.", whole)
    return found


def _with_unset(section: Section, unset: Mapping[str, Any]) -> Section:
    for key, value in unset.items():
        if value_at(section, key, UNSET) is UNSET:
            nested = value
            for name in reversed(key.split(".")):
                nested = {name: nested}
            section = merge(section, nested)
    return section


def _owners(stated: Stated, key: str) -> list[str]:
    """Kinds of declaration that a key belongs to. A setting names its key alone, all others also what is below."""
    declared = {
        "open_choices": stated.open_choices,
        "not_conditions": [path for paths in stated.not_conditions.values() for path in paths],
        "items": stated.items,
        "compared": stated.compared,
    }
    found = ["settings"] * (key in dict(leaves(stated.settings)))
    return found + [kind for kind, paths in declared.items() for path in paths if below(key, [path])]


def _departures(stated: Stated, section: Section, path: str) -> Iterator[Departure]:
    given, expected = dict(leaves(section)), dict(leaves(stated.settings))
    for key, value in expected.items():
        if key in given and not _agrees(value, given[key]):
            yield Departure(f"{path}{key} {_shown(given[key])} instead of {_shown(value)}", key=key)
        elif key not in given and value != {}:
            yield Departure(f"{path}{key} none instead of {_shown(value)}", key=key)
    for key, value in given.items():
        if not _owners(stated, key):
            yield Departure(f"{path}{key} {_shown(value)}, which the paper does not state", key=key)


def _chosen(key: str, value: Any, choice: OpenChoice) -> Finding:
    compatible = ANY if choice.values == ANY else " or ".join(map(_shown, choice.values))
    if choice.values == ANY or any(_agrees(one, value) for one in choice.values):
        return Taken(_of_all(key), _shown(value), compatible, choice.statement)
    return Departure(f"{key} {_shown(value)} instead of {compatible}")


def _of_all(key: str) -> str:
    """coding.tasks[].epochs for coding.tasks.0.epochs: items that choose the same share a line."""
    return re.sub(r"\.\d+(?=\.|$)", "[]", key)


def _agrees(stated: Any, given: Any) -> bool:
    if isinstance(stated, OneOf):
        return any(_agrees(one, given) for one in stated.values)
    if isinstance(stated, Mapping):
        same = isinstance(given, Mapping) and stated.keys() == given.keys()
        return same and all(_agrees(value, given[key]) for key, value in stated.items())
    if isinstance(stated, (list, tuple)):
        if not isinstance(given, (list, tuple)) or len(stated) != len(given):
            return False
        if isinstance(stated, list):
            return all(map(_agrees, stated, given))
        return all(any(_agrees(one, other) for other in given) for one in stated)
    return given == stated


def _shown(value: Any) -> str:
    if isinstance(value, OneOf):
        return " or ".join(map(_shown, value.values))
    if isinstance(value, tuple):
        return str(list(value))
    return "all" if value is None else str(value)
