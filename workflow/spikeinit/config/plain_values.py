"""What YAML can express and a configuration cannot hold: found before any schema looks at it.

YAML knows infinities, dates, keys that are numbers, and mappings that contain themselves. JSON, in which every spec is
written down, knows none of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from spikeinit.config.schema_errors import join
from spikeinit.study import Problems

MOST_VALUES = 1_000_000
"""Values of one configuration. Anchors that contain one another can stand for billions in a few lines."""

LARGEST_WHOLE = 2**63 - 1
"""The largest whole number that NumPy and PyTorch count with."""

DEEPEST = 50
"""Levels of mappings and lists within one another."""


def problems(config: Any) -> tuple[Problems, Problems]:
    """(key path, what is wrong) of what no key could hold, in the order in which it stands: structure, then values.

    structure: what keeps the configuration from being walked through at all, such as a mapping that contains itself.
    values: single values, such as infinities.
    """
    structure: Problems = []
    values: Problems = []
    for count, (path, is_structure, text) in enumerate(_walk(config, "", ())):
        if text:
            (structure if is_structure else values).append((path, text))
        if count == MOST_VALUES:
            text = f"more than {MOST_VALUES:,} values; do anchors (&) and aliases (*) contain one another?"
            return [("the whole", text)], []
    return structure, values


def _walk(value: Any, path: str, within: tuple[int, ...]) -> Iterator[tuple[str, bool, str]]:
    """(key path, whether it is about structure, what is wrong or "") of a value and of everything in it."""
    if not isinstance(value, (Mapping, list)):
        yield path, False, _problem(value)
    elif id(value) in within:
        yield path, True, "contains itself, by an alias (*) inside its own anchor (&); write the values out"
    elif len(within) == DEEPEST:
        yield path, True, f"lies more than {DEEPEST} levels deep"
    else:
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            below = join(path, str(key))
            if isinstance(value, Mapping) and not isinstance(key, str):
                yield below, True, f"the key {key!r} is no text, as YAML reads it; put it in quotes"
            else:
                yield from _walk(item, below, (*within, id(value)))


def _problem(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        return _text_problem(value)
    if isinstance(value, int):
        return f"= {_short(value)}   is above {LARGEST_WHOLE}" if abs(value) > LARGEST_WHOLE else ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"= {_yaml_name(value)}   must be a finite number"
    kind = type(value).__name__
    return f"= {value}   is a {kind}, as YAML reads it; put it in quotes if text is meant"


def _text_problem(text: str) -> str:
    if "\0" in text:
        return f"= {text!r}   holds a zero byte"
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return f"= {text!r}   holds half a character, which no file can store"
    return ""


def _yaml_name(value: float) -> str:
    return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"


def _short(value: int) -> str:
    if value.bit_length() > 10_000:  # Python refuses to write out longer ones
        return "a whole number of thousands of digits"
    text = str(value)
    return text if len(text) <= 25 else f"{text[:10]}... ({len(text)} digits)"
