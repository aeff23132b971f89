"""Data sets that only stand in for others: taken where the real ones are not at hand, replaced where they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikeinit.config.paths import leaves
from spikeinit.datasets import catalogue
from spikeinit.errors import UserError
from spikeinit.io import with_home
from spikeinit.nested import merge


def settled(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The configuration with the values of `stand_ins` that hold here, and a line for each study that has some.

    A study's `stand_ins` names a data set and other values for the study. They hold where `datasets` is that data set
    alone and datasets.root (or SPIKEINIT_DATA) has the files of all of theirs. What is malformed stays as it is: the
    schema complains about it.
    """
    changed, notes = dict(config), []
    root = data_root(config)
    for study, section in config.items() if isinstance(root, str) else ():
        section = _mapping(section)
        for stand_in, values in _mapping(section.get("stand_ins")).items():
            real = _mapping(values).get("datasets")
            if section.get("datasets") == [stand_in] and _offers(root, real):
                changed[study] = merge(section, values)
                said = ", ".join(f"{key} {'null' if value is None else value}" for key, value in leaves(values))
                notes.append(
                    f"{study}: {root} has {', '.join(real)}, so {study}.stand_ins.{stand_in} holds: {said}"
                    f" (to keep {stand_in}, set {study}.stand_ins.{stand_in} to null)"
                )
                break
    return changed, notes


def data_root(config: Mapping[str, Any]) -> Any:
    """Where the original files lie: datasets.root, or what SPIKEINIT_DATA names; None without either."""
    root = _mapping(config.get("datasets")).get("root") or os.environ.get("SPIKEINIT_DATA")
    return with_home(root) if isinstance(root, str) else root


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _offers(root: str, datasets: Any) -> bool:
    """Whether every one of the catalogue's `datasets` lies below `root`, by names and sizes of the files."""
    if not isinstance(datasets, list) or not datasets or not all(isinstance(name, str) for name in datasets):
        return False
    try:
        return all(catalogue.get(name).offered_in(Path(root)) for name in datasets)
    except UserError:  # an unknown name, which the checks of the study explain
        return False
