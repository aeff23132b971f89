"""What a study answers, in a few lines: for the last lines of the terminal, the report's first page and the record.

The lines come from the study's own tables and from its scorecard. Nothing is judged here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from spikeinit.studies import markdown

if TYPE_CHECKING:
    from spikeinit.studies.scorecard import ScorecardEntry

COLUMNS = ("study", "paper", "question", "answer", "verdicts", "figure")
HEADINGS = ("study", "question", "answer of our runs", "verdicts")
NAMED = 8
"""How many lines of a kind a page names; the scorecard has all of them."""


@dataclass(frozen=True)
class Summary:
    """One study. verdicts: verdict -> lines of the scorecard with it, in the scorecard's order of verdicts, without
    zeros. not_reproduced, contradicted: statements with what is printed and what we have. figure: below its folder."""

    study: str
    paper: str
    question: str
    answer: str
    verdicts: dict[str, int]
    not_reproduced: list[str]
    contradicted: list[str]
    figure: str

    @property
    def counts(self) -> str:
        """Such as "8 reproduced, 2 open"; what was not run comes last."""
        return ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items()) or "no claims"


def summarized(spec: Mapping[str, Any], answer: str, entries: Sequence[ScorecardEntry]) -> Summary:
    """The summary of a study with the options `spec` of its scorecard."""
    from spikeinit.studies.scorecard import CONTRADICTED, NOT_REPRODUCED, VERDICTS

    counts = Counter(entry.verdict for entry in entries)
    return Summary(
        study=spec["study"],
        paper=spec["paper"],
        question=spec["question"],
        answer=answer,
        verdicts={verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]},
        not_reproduced=[_line(entry) for entry in entries if entry.verdict == NOT_REPRODUCED],
        contradicted=[_line(entry) for entry in entries if entry.verdict == CONTRADICTED],
        figure=spec["figure"],
    )


def _line(entry: ScorecardEntry) -> str:
    beside = f" (printed {entry.published}" + (f", ours {entry.ours})" if entry.ours else ")")
    return f"{entry.source}: {entry.statement}{beside}"


def to_rows(summaries: Sequence[Summary]) -> list[dict[str, str]]:
    """Rows of summary.csv with `COLUMNS`."""
    return [{**{key: vars(one).get(key) for key in COLUMNS}, "verdicts": one.counts} for one in summaries]


def to_terminal(summaries: Sequence[Summary], folder: str) -> str:
    """The last lines of a run. folder: results/<name>."""
    lines = []
    for one in summaries:
        lines += ["", f"{one.study} ({one.paper}): {one.question}"]
        lines += [f"  {one.answer}"] * bool(one.answer)
        lines += [f"  {one.counts}: {folder}/studies/{one.study}/scorecard.md"]
    return "\n".join(lines)


def to_markdown(summaries: Sequence[Summary], name: str) -> str:
    """summary.md: a row for each study, then what was not reproduced and what the papers contradict themselves."""
    links = {one.study: f"[{one.study}](studies/{one.study}/scorecard.md)" for one in summaries}
    rows = [(f"{links[one.study]}, {one.paper}", one.question, one.answer, one.counts) for one in summaries]
    lines = [f"# Summary of {name}", "", *markdown.table(HEADINGS, rows)]
    lines += ["", EXPLANATION, ""]
    for one in summaries:
        if one.figure:
            lines += [f"![{one.study}: {one.question}](studies/{one.study}/{one.figure})", ""]
    for heading, found in _lists(summaries):
        lines += [f"## {heading}", ""]
        for one, statements in found:
            lines += [f"- {one.study}: {markdown.cell(statement)}" for statement in statements[:NAMED]]
            lines += [f"- {one.study}: {_more(statements)}"] * (len(statements) > NAMED)
        lines.append("")
    return "\n".join(lines)


def to_html(summaries: Sequence[Summary]) -> str:
    """The body of summary.html."""
    import pandas as pd

    from spikeinit.studies.html_tables import table_element

    rows = [(f"{one.study}, {one.paper}", one.question, one.answer, one.counts) for one in summaries]
    parts = [table_element(pd.DataFrame(rows, columns=list(HEADINGS))), f"<p>{escape(EXPLANATION)}</p>"]
    for heading, found in _lists(summaries):
        parts += [f"<h2>{escape(heading)}</h2>", "<ul>"]
        for one, statements in found:
            shown = [*statements[:NAMED], *([_more(statements)] if len(statements) > NAMED else [])]
            parts += [f"<li>{escape(one.study)}: {escape(statement)}</li>" for statement in shown]
        parts.append("</ul>")
    return "\n".join(parts)


EXPLANATION = (
    "The verdicts count the lines of the scorecard. A claim is judged only where the published conditions were met. "
    "It is scaled down where they were not, and not run where nothing was run."
)


def _lists(summaries: Sequence[Summary]) -> list[tuple[str, list[tuple[Summary, list[str]]]]]:
    lists = {
        "Not reproduced": [(one, one.not_reproduced) for one in summaries if one.not_reproduced],
        "Contradicted by the papers' own tables": [(one, one.contradicted) for one in summaries if one.contradicted],
    }
    return [(heading, found) for heading, found in lists.items() if found]


def _more(statements: Sequence[str]) -> str:
    return f"{len(statements) - NAMED} more in its scorecard"
