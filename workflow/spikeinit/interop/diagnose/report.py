"""A diagnosis as text of 100 columns and as HTML."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from html import escape

import pandas as pd

from spikeinit.interop.diagnose.criteria import Finding
from spikeinit.interop.diagnose.words import number, percent

WIDTH = 100
NAME_WIDTH = 14

COLUMNS = (
    ("weight_variance", "Var[w]", number),
    ("needed_variance", "needed", number),
    ("input_mean_square", "input", number),
    ("potential_mean", "E[u]", number),
    ("potential_variance", "Var[u]", number),
    ("predicted_variance", "(theory)", number),
    ("firing_rate", "rate", number),
    ("predicted_firing_rate", "(theory)", number),
    ("silent", "silent", percent),
    ("saturated", "satur.", percent),
    ("current_gradient", "|dL/di|", number),
)
"""Columns of the text: of the table, their headings, and how a value is written."""


def text(table: pd.DataFrame, findings: Sequence[Finding], title: str) -> str:
    """Title, table and findings; columns without a value are left out."""
    shown = [column for column in COLUMNS if table[column[0]].notna().any()]
    heads = ["layer", *(head for _, head, _ in shown)]
    rows = [
        [_short(row["layer"]), *(write(_float(row[column])) for column, _, write in shown)]
        for _, row in table.iterrows()
    ]
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
    lines = [title, ""]
    for row in [heads, *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append(" ".join(cells).rstrip())
    lines.append("")
    for finding in findings:
        lines += textwrap.wrap(str(finding), WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False)
    if not findings:
        lines.append("No findings.")
    return "\n".join(lines)


def html(table: pd.DataFrame, findings: Sequence[Finding], title: str) -> str:
    """The same as HTML for a notebook; names of modules are escaped."""
    shown = [column for column in COLUMNS if table[column[0]].notna().any()]
    head = "".join(f"<th>{escape(text)}</th>" for text in ("layer", *(head for _, head, _ in shown)))
    body = "".join(
        f"<tr><td>{escape(str(row['layer']))}</td>"
        + "".join(f'<td class="number">{escape(write(_float(row[column])))}</td>' for column, _, write in shown)
        + "</tr>\n"
        for _, row in table.iterrows()
    )
    listed = "".join(f"<li>{escape(str(finding))}</li>\n" for finding in findings) or "<li>No findings.</li>"
    return (
        f"<p><b>{escape(title)}</b></p><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>"
        f"<ul>{listed}</ul>"
    )


def _short(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"..{name[2 - NAME_WIDTH :]}"


def _float(value: object) -> float:
    return math.nan if value is None or pd.isna(value) else float(value)
