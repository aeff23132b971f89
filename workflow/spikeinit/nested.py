"""Nested dictionaries: laid over one another, and many of them written as what they share and what each has alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` merged deeply over `base`, as Snakemake does with several config files: mappings merge, lists replace."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def factored(members: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Nested dictionaries as {"common": what all share, "own": {name: the rest}}, so that many take little room."""
    values = list(members.values())
    common = _shared(values)
    return {"common": common, "own": {name: _without(value, common) for name, value in members.items()}}


def expanded(parts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The members that `factored` was given."""
    return {name: merge(parts["common"], own) for name, own in parts["own"].items()}


def _shared(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first, *others = values
    found = {}
    for key, value in first.items():
        if not all(key in other for other in others):
            continue
        if all(isinstance(item[key], dict) for item in values):
            found[key] = _shared([item[key] for item in values])
        elif all(repr(item[key]) == repr(value) for item in others):  # 1, 1.0 and true are equal, but not alike
            found[key] = value
    return found


def _without(value: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    rest = {}
    for key, item in value.items():
        if key not in common:
            rest[key] = item
        elif isinstance(item, dict) and (own := _without(item, common[key])):
            rest[key] = own
    return rest
