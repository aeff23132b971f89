"""The encodings' names, parameters and defaults; `spikeinit.encoding` computes them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from spikeinit.errors import UserError

ENCODINGS: dict[str, dict[str, float]] = {
    "rate": {},
    "constant": {"mean": 0.0, "std": 1.0},
    "static_spikes": {},
    "retina": {"threshold": 1.0, "phase": 0.0},
    "standardized": {},
    "events": {"window_ms": 1.0},
    "slices": {},
}
"""Each encoding's parameters with their defaults."""

ANALOGUE = frozenset({"constant", "standardized", "slices"})
"""Encodings whose input is a number in every step; that of all others is a spike (1) or none (0)."""

OF_RECORDINGS = frozenset({"events", "slices"})
"""Encodings of recordings of events; all others are of images."""


def misfit(name: str, *, recordings: bool) -> str | None:
    """What is wrong with an encoding for a data set of recordings, or of images; None where they fit."""
    if recordings == (name in OF_RECORDINGS):
        return None
    fitting = [known for known in ENCODINGS if (known in OF_RECORDINGS) == recordings]
    needed, given = ("images", "recordings of events") if recordings else ("recordings of events", "images")
    return f"encoding {name} takes {needed}, but the data set holds {given}; choose one of {', '.join(fitting)}"


def is_binary(name: str) -> bool:
    """Whether an encoding gives spikes, so that the first layer only adds; `UserError` for an unknown one."""
    _parameters(name)
    return name not in ANALOGUE


PER_CHANNEL = frozenset({"constant"})
"""Encodings whose parameters may also be lists of one number per channel."""


def complete(name: str, parameters: Mapping[str, float | Sequence[float]]) -> dict[str, Any]:
    """The parameters of an encoding with the defaults filled in.

    Raises `UserError` for an unknown encoding or parameter, or a value out of range.
    """
    defaults = _parameters(name)
    for key, value in parameters.items():
        if key not in defaults:
            allowed = ", ".join(defaults) or "none"
            raise UserError(f"encoding {name} takes no parameter {key!r}; it takes: {allowed}")
        several = name in PER_CHANNEL and isinstance(value, (list, tuple)) and len(value) > 0
        if not all(_is_number(item) for item in (value if several else [value])):
            raise UserError(f"encoding {name}: {key} = {value!r}; a finite number is needed")
    filled = {**defaults, **parameters}
    if name == "constant" and min(_items(filled["std"])) <= 0:
        raise UserError(f"encoding constant: std = {filled['std']}; a standard deviation is above 0")
    if name == "events" and filled["window_ms"] <= 0:
        raise UserError(f"encoding events: window_ms = {filled['window_ms']}; a window is longer than 0 ms")
    if name == "retina":
        if filled["threshold"] <= 0:
            raise UserError(f"encoding retina: threshold = {filled['threshold']}; it must be above 0")
        if not 0 <= filled["phase"] < filled["threshold"]:
            raise UserError(
                f"encoding retina: phase = {filled['phase']}; it must be at least 0 and below the threshold,"
                f" {filled['threshold']}"
            )
    return filled


def _parameters(name: str) -> dict[str, float]:
    if name in ENCODINGS:
        return ENCODINGS[name]
    close = difflib.get_close_matches(str(name), ENCODINGS, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise UserError(f"encoding {name!r} is unknown{hint} (known: {', '.join(ENCODINGS)})")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _items(value: float | Sequence[float]) -> Sequence[float]:
    return value if isinstance(value, (list, tuple)) else [value]
