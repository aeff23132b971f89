"""What names look like, and how keys are called in short."""

from __future__ import annotations

NAME_PATTERN = "[a-z0-9][a-z0-9_.-]{0,63}"
"""What run, data set and result names look like: the schema's pattern without its anchors.

Names are folders. Without capitals, two of them are two folders also where a file system does not tell capitals apart.
"""

NAME_RULE = "a name has 1 to 64 characters out of a-z 0-9 _ . - and starts with a letter or digit"
"""The same for messages."""


def number_text(value: float) -> str:
    """A number as names show it: at most six digits, or all of them where another number has the same six.

    1e+06 is 1e06, for a name has no plus sign.
    """
    short = f"{value:g}"
    return (short if float(short) == value else repr(value)).replace("+", "")


def short_name(key: str) -> str:
    """The last word of a key that says something: decay, loss, and encoding for encoding.name."""
    *parents, last = key.split(".")
    return parents[-1] if last == "name" and parents else last
