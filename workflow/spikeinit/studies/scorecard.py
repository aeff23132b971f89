"""The scorecard: every published claim and number beside ours, with a verdict only where one is earned.

"reproduced" and "not reproduced" are said only of claims whose published conditions were met. Everything else is
"scaled down": its direction tells what our smaller runs show, and is no verdict. A claim that the paper's own tables
contradict is marked as such whatever our runs show. Shared by all studies; a study's `claims` module makes the entries.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from spikeinit.errors import UserError
from spikeinit.studies.html_tables import page, table_element
from spikeinit.studies.table_tools import StudyTables

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
SCALED_DOWN = "scaled down"
CONTRADICTED = "contradicted by the paper's own tables"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, CONTRADICTED, SCALED_DOWN)

AS_PUBLISHED = "as published"
NOT_RUN = "not run"


@dataclass(frozen=True)
class Conditions:
    """How far our runs follow the paper's. `datasets`: published data set -> the one that was run, or None."""

    met: bool
    differences: tuple[str, ...]
    datasets: Mapping[str, str | None]

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Conditions:
        """From a stage's options; `UserError` when conditions are called met and differ all the same."""
        met, differences = spec["conditions_met"], tuple(spec["differences"])
        if met and differences:
            raise UserError(f"spec: conditions_met is true, yet differences are listed: {'; '.join(differences)}")
        return cls(met, differences, dict(spec["datasets"]))

    def met_on(self, *datasets: str) -> bool:
        """Whether a claim about these published data sets was tested as published."""
        return self.met and all(self.datasets.get(dataset) == dataset for dataset in datasets)

    def text(self, *datasets: str) -> str:
        """ "as published", "not run: fashion_mnist" when none of the data sets was run, or what differs."""
        if datasets and not any(self.datasets.get(dataset) for dataset in datasets):
            return f"{NOT_RUN}: {', '.join(datasets)}"
        replaced = [
            f"{ours} instead of {name}" if ours else f"{name} {NOT_RUN}"
            for name in datasets
            if (ours := self.datasets.get(name)) != name
        ]
        return "; ".join([*replaced, *self.differences]) or (AS_PUBLISHED if self.met else "conditions not met")


@dataclass(frozen=True)
class Evidence:
    """What a study's claims are judged by. `published`: file name without suffix -> CSV of printed numbers.

    `statistics` and `audit` are empty for a study that has none.
    """

    tables: StudyTables
    statistics: pd.DataFrame
    audit: pd.DataFrame
    published: Mapping[str, Path]
    conditions: Conditions
    confidence: float = 0.95


@dataclass(frozen=True)
class Finding:
    """What our runs say to one claim. `agrees` is None where they cannot say."""

    ours: str = ""
    low: float = math.nan
    high: float = math.nan
    n: str = ""
    agrees: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of the scorecard; the fields are the columns of scorecard.csv."""

    claim: str
    source: str
    statement: str
    published: str
    ours: str
    low: float
    high: float
    n: str
    conditions: str
    verdict: str
    direction: str
    note: str


COLUMNS = tuple(item.name for item in fields(Entry))


@dataclass(frozen=True)
class Claim:
    """A published claim: where it stands, what it says, of which data sets.

    `comparable_scaled`: whether smaller runs can point in its direction; a printed number they cannot confirm.
    """

    claim: str
    source: str
    statement: str
    published: str
    datasets: tuple[str, ...] = ()
    contradicted: str = ""
    comparable_scaled: bool = field(default=True)


def judge(claim: Claim, finding: Finding, conditions: Conditions) -> Entry:
    """The scorecard's line for a claim: verdict by the published conditions, direction by our evidence."""
    met = conditions.met_on(*claim.datasets)
    direction = "" if finding.agrees is None else "agrees" if finding.agrees else "disagrees"
    if claim.contradicted:
        verdict = CONTRADICTED
    elif not met:
        verdict = SCALED_DOWN
    else:
        verdict = REPRODUCED if finding.agrees else NOT_REPRODUCED
    if not met and not claim.comparable_scaled:
        direction = ""
    return Entry(
        claim=claim.claim,
        source=claim.source,
        statement=claim.statement,
        published=claim.published,
        ours=finding.ours,
        low=finding.low,
        high=finding.high,
        n=finding.n,
        conditions=conditions.text(*claim.datasets),
        verdict=verdict,
        direction=direction,
        note="; ".join(note for note in (claim.contradicted, finding.note) if note),
    )


def to_rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Rows of scorecard.csv with `COLUMNS`."""
    return [asdict(entry) for entry in entries]


EXPLANATION = (
    "A verdict is given only where the published conditions were met. A scaled-down line shows what our smaller runs "
    "point to, which is no verdict."
)
FOLDED_FROM = 12
"""Groups of so many lines are folded away until a reader opens them."""
READABLE = ("statement", "published", "ours", "n", "verdict", "direction", "note")


def to_markdown(entries: Sequence[Entry], title: str) -> str:
    """The scorecard for GitHub: counts, what differs from the paper, then one table per source, long ones folded."""
    lines = [f"# {title}", "", EXPLANATION, "", *(f"- {text}" for text in _summary(entries)), ""]
    for source, group in _by_source(entries):
        folded = len(group) >= FOLDED_FROM
        heading = f"{source}: {_counts(group)}"
        lines += [f"<details><summary>{escape(heading)}</summary>", ""] if folded else [f"## {source}", ""]
        if reason := _nothing_run(group):
            lines += [reason, ""]
        else:
            columns = _columns(group)
            lines += [f"| {' | '.join(columns)} |", f"|{'|'.join(' --- ' for _ in columns)}|"]
            lines += [f"| {' | '.join(_markdown_cell(row[c]) for c in columns)} |" for row in map(_readable, group)]
            lines.append("")
        lines += ["</details>", ""] if folded else []
    return "\n".join(lines)


def to_html(entries: Sequence[Entry], title: str) -> str:
    """The same as a self-contained page for the report."""
    parts = [f"<p>{escape(EXPLANATION)}</p><ul>", *(f"<li>{escape(text)}</li>" for text in _summary(entries)), "</ul>"]
    for source, group in _by_source(entries):
        opened = "" if len(group) >= FOLDED_FROM else " open"
        parts.append(f"<details{opened}><summary>{escape(f'{source}: {_counts(group)}')}</summary>")
        reason = _nothing_run(group)
        rows = pd.DataFrame(map(_readable, group))[_columns(group)]
        parts.append(f"<p>{escape(reason)}</p>" if reason else table_element(rows))
        parts.append("</details>")
    return page(title, "\n".join(parts))


def _summary(entries: Sequence[Entry]) -> list[str]:
    conditions = sorted({entry.conditions for entry in entries} - {AS_PUBLISHED, ""})
    differing = [text for text in conditions if not text.startswith(NOT_RUN)]
    parts = dict.fromkeys(part for text in differing for part in text.split("; ") if not part.endswith(f" {NOT_RUN}"))
    absent = [text for text in conditions if text.startswith(NOT_RUN)]
    different = [f"differs from the paper: {'; '.join(parts)}"] if parts else []
    return [f"{len(entries)} claims and numbers: {_counts(entries)}", *different, *absent]


def _counts(entries: Sequence[Entry]) -> str:
    verdicts = Counter(entry.verdict for entry in entries)
    return ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in VERDICTS if verdicts[verdict])


def _by_source(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    return [
        (name, [entry for entry in entries if entry.source == name])
        for name in dict.fromkeys(e.source for e in entries)
    ]


def _nothing_run(group: Sequence[Entry]) -> str:
    """Why a whole group has nothing of ours to show, or ""."""
    reasons = {entry.conditions for entry in group}
    silent = not any(entry.ours or entry.verdict == CONTRADICTED for entry in group)
    return reasons.pop() if silent and len(reasons) == 1 else ""


def _columns(group: Sequence[Entry]) -> list[str]:
    """Columns in which at least one line has something to say."""
    rows = [_readable(entry) for entry in group]
    return [column for column in READABLE if any(row[column] for row in rows)]


def _readable(entry: Entry) -> dict[str, str]:
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


def _markdown_cell(text: str) -> str:
    return escape(str(text), quote=False).replace("|", "\\|").replace("\n", " ")
