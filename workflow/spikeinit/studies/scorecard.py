"""The scorecard: every published claim and number beside ours, with a verdict only where one is earned.

"reproduced" and "not reproduced" are said only of claims whose published conditions were met. Where they were met and
the evidence decides neither way, the claim is "open". What was not met is "scaled down": its direction tells what our
smaller runs show, and is no verdict. A claim for which nothing was run is "not run". A claim that the paper's own
tables contradict is marked as such whatever our runs show. All studies share this; `studies.claims` has the claims.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from spikeinit.studies.table_tools import StudyTables

if TYPE_CHECKING:
    from spikeinit.studies.claims import Claim, OurResult

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
OPEN = "open"
SCALED_DOWN = "scaled down"
CONTRADICTED = "contradicted by the paper's own tables"
NOT_RUN = "not run"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, OPEN, CONTRADICTED, SCALED_DOWN, NOT_RUN)

AS_PUBLISHED = "as published"


@dataclass(frozen=True)
class Conditions:
    """How far our runs follow the paper's.

    `differences` says in words how they depart from it, e.g. "T 10 instead of 20"; it is empty where they do not.
    `datasets`: published data set -> the one that was run, or None. `open_choices` says what was taken where the paper
    leaves something open, e.g. "neuron.gain 1.0: Eq. 1 has another"; that is no departure.
    """

    differences: tuple[str, ...]
    datasets: Mapping[str, str | None]
    open_choices: tuple[str, ...] = ()

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Conditions:
        """From the keys "differences", "datasets" and "open_choices" of a stage's options, or of one part of them."""
        return cls(tuple(spec["differences"]), dict(spec["datasets"]), tuple(spec["open_choices"]))

    def met_on(self, *datasets: str) -> bool:
        """Whether a claim about these published data sets was tested as published."""
        return not self.differences and all(self.datasets.get(dataset) == dataset for dataset in datasets)

    def text(self, *datasets: str) -> str:
        """ "as published", "not run: fashion_mnist" when none of the data sets was run, or what differs."""
        if datasets and not any(self.datasets.get(dataset) for dataset in datasets):
            return f"{NOT_RUN}: {', '.join(datasets)}"
        replaced = [
            f"{ours} instead of {name}" if ours else f"{name} {NOT_RUN}"
            for name in datasets
            if (ours := self.datasets.get(name)) != name
        ]
        return "; ".join([*replaced, *self.differences]) or AS_PUBLISHED


@dataclass(frozen=True)
class Evidence:
    """What a study's claims are judged by. `published`: file name without suffix -> CSV of printed numbers.

    `statistics`, `anova` and `audit` are empty for a study that has none.
    """

    tables: StudyTables
    statistics: pd.DataFrame
    audit: pd.DataFrame
    published: Mapping[str, Path]
    conditions: Conditions
    confidence: float
    anova: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class ScorecardEntry:
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


COLUMNS = tuple(item.name for item in fields(ScorecardEntry))


def scorecard_entry(claim: Claim, result: OurResult, conditions: Conditions) -> ScorecardEntry:
    """The scorecard's line for a claim: verdict by the published conditions, direction by our evidence."""
    met = conditions.met_on(*claim.datasets)
    direction = "" if result.agrees is None else "agrees" if result.agrees else "disagrees"
    if claim.contradicted:
        verdict = CONTRADICTED
    elif result.agrees is None and not result.ours:
        verdict = NOT_RUN
    elif not met:
        verdict = SCALED_DOWN
    elif result.agrees is None:
        verdict = OPEN
    else:
        verdict = REPRODUCED if result.agrees else NOT_REPRODUCED
    if not met and not claim.comparable_scaled:
        direction = ""
    return ScorecardEntry(
        claim=claim.id,
        source=claim.place,
        statement=claim.statement,
        published=claim.printed,
        ours=result.ours,
        low=result.low,
        high=result.high,
        n=result.n,
        conditions=conditions.text(*claim.datasets),
        verdict=verdict,
        direction=direction,
        note="; ".join(note for note in (claim.contradicted, claim.note, result.note) if note),
    )


def to_rows(entries: Sequence[ScorecardEntry]) -> list[dict[str, Any]]:
    """Rows of scorecard.csv with `COLUMNS`."""
    return [asdict(entry) for entry in entries]
