"""What names look like, and how keys are called in short."""

from __future__ import annotations

NAME_PATTERN = "[a-z0-9][a-z0-9_.-]{0,63}"
"""What run, data set and result names look like: the schema's pattern without its anchors."""


def short_name(key: str) -> str:
    """The last word of a key that says something: decay, loss, and encoding for encoding.name."""
    *parents, last = key.split(".")
    return parents[-1] if last == "name" and parents else last
