"""The scorecard for people: Markdown for GitHub and a page of HTML for the report. `scorecard` makes its entries."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape

import pandas as pd

from spikeinit.studies import markdown
from spikeinit.studies.html_tables import page, table_element
from spikeinit.studies.scorecard import AS_PUBLISHED, NOT_RUN, VERDICTS, ScorecardEntry

EXPLANATION = (
    "A verdict is given only where the published conditions were met: reproduced, not reproduced, or open where the "
    "evidence decides neither way. A scaled-down line shows what our smaller runs point to, which is no verdict. "
    "A line is not run where our runs have nothing in its place. Brackets hold the interval of a mean; beside a number "
    "that the paper measured once, that of one further run of ours, which decides there."
)
LEFT_OPEN = "left open by the paper, or printed in one way and programmed in another"
FOLDED_FROM = 12
"""Groups of so many lines are folded away until a reader opens them."""
READABLE = ("statement", "published", "ours", "n", "verdict", "direction", "note")


def to_markdown(entries: Sequence[ScorecardEntry], title: str, open_choices: Sequence[str]) -> str:
    """The scorecard for GitHub: counts, what differs from the paper, then one table per source, long ones folded.

    open_choices: what was taken where the paper leaves something open, one line each.
    """
    lines = [f"# {title}", "", EXPLANATION, "", *(f"- {text}" for text in _summary(entries)), ""]
    if open_choices:
        lines += [f"<details><summary>{_heading_of(open_choices)}</summary>", ""]
        lines += [*(f"- {markdown.cell(text)}" for text in open_choices), "", "</details>", ""]
    for source, group in _by_source(entries):
        folded = len(group) >= FOLDED_FROM
        heading = f"{source}: {_counts(group)}"
        lines += [f"<details><summary>{escape(heading)}</summary>", ""] if folded else [f"## {source}", ""]
        columns = _columns(group)
        lines += markdown.table(columns, ([row[column] for column in columns] for row in map(_readable, group)))
        lines.append("")
        lines += ["</details>", ""] if folded else []
    return "\n".join(lines)


def to_html(entries: Sequence[ScorecardEntry], title: str, open_choices: Sequence[str]) -> str:
    """The same as a self-contained page for the report."""
    parts = [f"<p>{escape(EXPLANATION)}</p><ul>", *(f"<li>{escape(text)}</li>" for text in _summary(entries)), "</ul>"]
    if open_choices:
        parts.append(f"<details><summary>{escape(_heading_of(open_choices))}</summary><ul>")
        parts += [*(f"<li>{escape(text)}</li>" for text in open_choices), "</ul></details>"]
    for source, group in _by_source(entries):
        opened = "" if len(group) >= FOLDED_FROM else " open"
        parts.append(f"<details{opened}><summary>{escape(f'{source}: {_counts(group)}')}</summary>")
        parts.append(table_element(pd.DataFrame(map(_readable, group))[_columns(group)]))
        parts.append("</details>")
    return page(title, "\n".join(parts))


def _summary(entries: Sequence[ScorecardEntry]) -> list[str]:
    conditions = sorted({entry.conditions for entry in entries} - {AS_PUBLISHED, ""})
    differing = [text for text in conditions if not text.startswith(NOT_RUN)]
    parts = dict.fromkeys(part for text in differing for part in text.split("; ") if not part.endswith(f" {NOT_RUN}"))
    absent = [text for text in conditions if text.startswith(NOT_RUN)]
    different = [f"differs from the paper: {'; '.join(parts)}"] if parts else []
    return [f"{len(entries)} claims and numbers: {_counts(entries)}", *different, *absent]


def _heading_of(open_choices: Sequence[str]) -> str:
    return f"{LEFT_OPEN}: {len(open_choices)} choices"


def _counts(entries: Sequence[ScorecardEntry]) -> str:
    verdicts = Counter(entry.verdict for entry in entries)
    return ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in VERDICTS if verdicts[verdict])


def _by_source(entries: Sequence[ScorecardEntry]) -> list[tuple[str, list[ScorecardEntry]]]:
    return [
        (name, [entry for entry in entries if entry.source == name])
        for name in dict.fromkeys(e.source for e in entries)
    ]


def _columns(group: Sequence[ScorecardEntry]) -> list[str]:
    """Columns in which at least one line has something to say."""
    rows = [_readable(entry) for entry in group]
    return [column for column in READABLE if any(row[column] for row in rows)]


def _readable(entry: ScorecardEntry) -> dict[str, str]:
    row = {column: getattr(entry, column) for column in READABLE}
    ours = entry.ours if not _is_number(entry.ours) else f"{float(entry.ours):.3g}"
    row["ours"] = ours if math.isnan(entry.low) else f"{ours} [{entry.low:.3g}, {entry.high:.3g}]"
    if entry.conditions.startswith(NOT_RUN):
        row["note"] = "; ".join(text for text in (entry.conditions, entry.note) if text)
    return row


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
