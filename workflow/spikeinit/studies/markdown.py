"""Tables of Markdown, as GitHub shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; what stands in its cells is shown as it is."""
    lines = [f"| {' | '.join(columns)} |", f"|{'|'.join(' --- ' for _ in columns)}|"]
    return lines + [f"| {' | '.join(map(cell, row))} |" for row in rows]


def cell(text: str) -> str:
    """Text on one line, in which nothing is taken for HTML or for the end of a cell."""
    return escape(str(text), quote=False).replace("|", "\\|").replace("\n", " ")
