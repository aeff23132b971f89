"""Published claims as data, and what judges them: a check for a statement, a match for a printed number.

    CHECKS = Checks(__file__)

    @CHECKS.check
    def falling_spikes(evidence: Evidence, claim: Claim) -> OurResult:
        means = evidence.tables["by_threshold"]["spikes_mean"]
        return OurResult(ours=f"{means.min():.1f}", agrees=means.is_monotonic_decreasing)

    def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
        return judged(read_claims(evidence.published["claims"], CHECKS), CHECKS, evidence)

A row of claims.csv says what is claimed. Its column `check` names the function that judges it; several rows may name
the same one. `studies.judging` and `studies.contrasts` have the rules by which checks decide.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikeinit.errors import UserError
from spikeinit.io import read_csv
from spikeinit.studies.scorecard import Conditions, Evidence, ScorecardEntry, scorecard_entry
from spikeinit.tables import read_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Claim:
    """A published claim; the fields are the columns of <paper>_claims.csv, but for the last.

    id: its name in the scorecard. place: where the paper says it. statement: what is claimed, in checkable form.
    printed: the number that the paper prints, or "stated". datasets: the published data sets it is about.
    part: the part of the study whose conditions count, where a study has such parts. check: what judges it.
    contradicted: why the paper's own numbers are against it, if they are. note: what a reader of the line should know.
    comparable_scaled: whether smaller runs can point in its direction; a printed number they cannot confirm.
    """

    id: str
    place: str
    statement: str
    printed: str
    datasets: tuple[str, ...] = ()
    part: str = ""
    check: str = ""
    contradicted: str = ""
    note: str = ""
    comparable_scaled: bool = True


COLUMNS = tuple(item.name for item in fields(Claim))[:-1]
"""The columns of a file of claims. Data sets are separated by ";"."""


@dataclass(frozen=True)
class OurResult:
    """What our runs say to one claim. `agrees` is None where they cannot say."""

    ours: str = ""
    low: float = math.nan
    high: float = math.nan
    n: str = ""
    agrees: bool | None = None
    note: str = ""


Check = Callable[[Evidence, Claim], OurResult]
"""What our runs say to a claim. The conditions of the evidence are those of the claim's part."""


class Checks(Mapping[str, Check]):
    """The checks of one study. A check is called by the name of its function, which is what a claim names.

    file: the Python file that holds them, for messages.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._checks: dict[str, Check] = {}

    def check(self, function: Check) -> Check:
        """Decorate a function to register it."""
        self.add(function.__name__, function)
        return function

    def check_on_datasets(self, function: Callable[..., OurResult]) -> Callable[..., OurResult]:
        """The same for a function that also takes our data sets, one for each data set of the claim, in their order.

        It is not asked where one of them was not run: then our runs say nothing.
        """
        return self.add_on_datasets(function.__name__, function)

    def add_on_datasets(self, name: str, function: Callable[..., OurResult]) -> Callable[..., OurResult]:
        """Register such a function that a function has made."""

        def check(evidence: Evidence, claim: Claim) -> OurResult:
            found = [evidence.conditions.datasets[dataset] for dataset in claim.datasets]
            return OurResult() if None in found else function(evidence, claim, *found)

        self.add(name, check)
        return function

    def add(self, name: str, check: Check) -> None:
        """Register a check that a function has made; `ValueError` for a name that is taken."""
        if name in self._checks:
            raise ValueError(f"{self.file}: there are two checks {name!r}; give one of them another name")
        self._checks[name] = check

    def __getitem__(self, name: str) -> Check:
        return self._checks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._checks)

    def __len__(self) -> int:
        return len(self._checks)


def rows_of(evidence: Evidence, claim: Claim, table: str) -> pd.DataFrame:
    """The rows of a table of runs that are about the claim's data sets, those of ours that stand for them.

    Nothing where none of them was run. All rows for a claim that is about no data set in particular.
    """
    frame = evidence.tables[table]
    if not claim.datasets:
        return frame
    return frame[frame["dataset"].isin({evidence.conditions.datasets.get(dataset) for dataset in claim.datasets})]


def read_claims(path: str | Path, checks: Checks | None = None) -> list[Claim]:
    """The claims of a file, in its order.

    Raises `UserError` for a missing file, for other columns than `COLUMNS`, and for an id that stands there twice. With
    `checks` also for a claim whose check is not among them, and for a check that no claim names.
    """
    try:
        rows = read_csv(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; a study's claims stand in a CSV with {', '.join(COLUMNS)}") from None
    if not rows or tuple(rows[0]) != COLUMNS or any(None in row or None in row.values() for row in rows):
        raise UserError(f"{path}: every row must have the columns {','.join(COLUMNS)}, in this order")
    claims = [Claim(**{**row, "datasets": tuple(filter(None, row["datasets"].split(";")))}) for row in rows]
    for id, count in Counter(claim.id for claim in claims).items():
        if count > 1:
            raise UserError(f"{path}: {count} claims have the id {id!r}; give each one of its own")
    if checks is not None:
        _fit(path, claims, checks)
    return claims


def _fit(path: str | Path, claims: Sequence[Claim], checks: Checks) -> None:
    for claim in claims:
        if claim.check not in checks:
            raise UserError(
                f"{path}: claim {claim.id!r} names the check {claim.check!r}, which {checks.file} does not register"
                f" (it has {', '.join(checks) or 'none'}); write the function there, or correct the name"
            )
    for unused in checks.keys() - {claim.check for claim in claims}:
        raise UserError(
            f"{checks.file}: no claim of {path} names the check {unused!r}; add the claim or delete the check"
        )


def judged(claims: Iterable[Claim], checks: Mapping[str, Check], evidence: Evidence) -> list[ScorecardEntry]:
    """A line of the scorecard for each claim, in their order."""
    entries = []
    for claim in claims:
        own = replace(evidence, conditions=conditions_of(claim, evidence))
        entries.append(scorecard_entry(claim, checks[claim.check](own, claim), own.conditions))
    return entries


def conditions_of(claim: Claim, evidence: Evidence) -> Conditions:
    """Those of the claim's part of the study; `UserError` for a part that the study does not have."""
    if not claim.part:
        return evidence.conditions
    parts = evidence.tables.spec.get("parts", {})
    if claim.part not in parts:
        known = ", ".join(parts) or "none"
        raise UserError(f"claim {claim.id!r}: its part is {claim.part!r}; the parts of this study are: {known}")
    return Conditions.from_spec(parts[claim.part])


Row = Mapping[str, Any]
"""A row of a file of printed numbers."""


def _rows(path: Path) -> Sequence[Row]:
    return read_table(path).to_dict("records")


@dataclass(frozen=True)
class PrintedTable:
    """The printed cells of one file, each of which is a claim.

        PrintedTable("ann_accuracy", claim=_accuracy_claim, ours=_accuracy, match=_beside_accuracy)

    file: name of the file without its suffix. claim: from a row to what it claims, or to None where the paper takes
    the number over from others. ours: from the evidence and a row to what our runs have in its place; empty, where
    nothing was run. match: from those two, the evidence and the number of cells that are compared at once to the
    result; it is not asked where nothing was run. rows: reads the file. needs_runs: False for arithmetic, which is
    judged as published at every scale. together: the claim of all cells at once, of which a line of its own counts how
    many are reproduced, and how many would be by chance. Cells that the paper's own numbers contradict do not count.
    """

    file: str
    claim: Callable[[Any], Claim | None]
    ours: Callable[[Evidence, Any], Any]
    match: Callable[[Any, Any, Evidence, int], OurResult]
    rows: Callable[[Path], Iterable[Any]] = field(default=_rows)
    needs_runs: bool = True
    together: Claim | None = None

    def judged(self, evidence: Evidence) -> list[ScorecardEntry]:
        """A line of the scorecard for each cell, in the order of the rows, behind that of all together."""
        conditions = evidence.conditions if self.needs_runs else Conditions((), {})
        rows = list(self.rows(evidence.published[self.file]))
        claims = [(claim, row) for row in rows if (claim := self.claim(row)) is not None]
        beside = [self.ours(evidence, row) for _, row in claims]
        cells = sum(len(ours) > 0 for ours in beside)
        results = [
            self.match(ours, row, evidence, cells) if len(ours) else OurResult()
            for ours, (_, row) in zip(beside, claims, strict=True)
        ]
        entries = [
            scorecard_entry(claim, result, conditions) for (claim, _), result in zip(claims, results, strict=True)
        ]
        if self.together is None:
            return entries
        datasets = tuple(dict.fromkeys(dataset for claim, _ in claims for dataset in claim.datasets))
        sound = [
            result for (claim, _), result in zip(claims, results, strict=True) if result.ours and not claim.contradicted
        ]
        counted = counted_together(sound, 1 - evidence.confidence)
        return [scorecard_entry(replace(self.together, datasets=datasets), counted, conditions), *entries]


def counted_together(results: Sequence[OurResult], significance: float) -> OurResult:
    """How many printed cells are reproduced: all of them for a claim that agrees, none outside for one that is open.

    By chance, one in twenty cells whose true value lies a whole margin away counts as reproduced at a level of 0.05. Of
    cells that replicate exactly, one or more count as outside in one of twenty scorecards, however many there are.
    """
    if not results:
        return OurResult()
    within, outside = (sum(result.agrees is agrees for result in results) for agrees in (True, False))
    total = len(results)
    ours = f"{within} of {total} within the margin, {outside} outside, {total - within - outside} left open"
    note = (
        f"by chance {significance * total:.3g} of {total} that are a whole margin off would count as within, and "
        f"{significance:g} of {total} exact replications as outside (Bonferroni)"
    )
    return OurResult(ours, n=str(total), agrees=False if outside else True if within == total else None, note=note)
