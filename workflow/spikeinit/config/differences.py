"""How a configuration departs from what a paper states.

>>> differences({"training": {"epochs": 50}}, {"training": {"epochs": 4}})
['training.epochs 4 instead of 50']
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any


def counterparts(known: Mapping[str, Sequence[str]], configured: Collection[str]) -> dict[str, str | None]:
    """Published data set -> the first of its counterparts that is configured; None where none is."""
    return {
        published: next((candidate for candidate in candidates if candidate in configured), None)
        for published, candidates in known.items()
    }


def differences(published: Mapping[str, Any], section: Mapping[str, Any], path: str = "") -> list[str]:
    """Readable list of the values in `section` that differ from the `published` ones, key by key."""
    found = []
    for key, expected in published.items():
        given = section.get(key, "none")
        where = f"{path}{key}"
        if isinstance(expected, Mapping) and isinstance(given, Mapping):
            found += differences(expected, given, f"{where}.")
        elif _comparable(given) != _comparable(expected):
            found.append(f"{where} {_shown(given)} instead of {_shown(expected)}")
    return found


def _comparable(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _shown(value: Any) -> str:
    return "all" if value is None else str(value)
