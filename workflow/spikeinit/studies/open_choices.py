"""Whether a study's conclusions hang on what its paper leaves open: each of its claims, judged at every choice.

A conclusion flips where our runs decide it one way as configured and the other way at another choice. Where one of the
two is open, nothing is said to flip: a choice with few runs leaves more open, and that is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from spikeinit.config.open_choices import AS_CONFIGURED
from spikeinit.studies.claims import Check, Claim, OurResult, conditions_of
from spikeinit.studies.scorecard import Conditions, Evidence, ScorecardEntry, scorecard_entry

COLUMNS = ("open_choice", "conclusion", "statement", "ours", "n", "answer", "flips", "settings", "note")
AGREES, DISAGREES, OPEN = "agrees", "disagrees", "open"


def conclusions(
    claims: Iterable[Claim], checks: Mapping[str, Check], evidence: Mapping[str, Evidence], settings: str = ""
) -> pd.DataFrame:
    """One row for each choice and claim, with `COLUMNS`; claims to which the configured runs say nothing are left out.

    evidence: open choice -> what was run there, `AS_CONFIGURED` among them. settings: what holds for these runs alone.
    """
    rows = []
    for claim in claims:
        results = {choice: checks[claim.check](own, claim) for choice, own in evidence.items()}
        configured = results[AS_CONFIGURED]
        if not configured.ours:
            continue
        for choice, result in results.items():
            rows.append(
                {
                    "open_choice": choice,
                    "conclusion": claim.id,
                    "statement": claim.statement,
                    "ours": result.ours,
                    "n": result.n,
                    "answer": _answer(result),
                    "flips": None not in (result.agrees, configured.agrees) and result.agrees != configured.agrees,
                    "settings": settings,
                    "note": result.note,
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _answer(result: OurResult) -> str:
    return OPEN if result.agrees is None else AGREES if result.agrees else DISAGREES


def no_flip(table: pd.DataFrame) -> OurResult:
    """Whether no conclusion of such a table flips; open where a choice leaves one open.

    The note names what another choice decides against a conclusion that is open as configured: no flip, but a warning.
    """
    if table.empty:
        return OurResult()
    configured = table[table["open_choice"] == AS_CONFIGURED].set_index("conclusion")["answer"]
    others = table[table["open_choice"] != AS_CONFIGURED]
    choices = others["open_choice"].nunique()
    flips = others[others["flips"]]
    against = others[(others["answer"] == DISAGREES) & (others["conclusion"].map(configured) == OPEN)]
    decided = table.groupby("conclusion", sort=False)["answer"].agg(lambda answers: (answers != OPEN).all())
    ours = f"{len(flips)} of {len(others)} answers flip" + (f" ({_places(flips)})" if len(flips) else "")
    everywhere = int(decided.sum())
    note = f"{len(decided)} conclusions at {choices} other choices; {everywhere} of them are decided at every choice"
    if len(against):
        note += f"; decided against what is open as configured: {_places(against)}"
    agrees = False if len(flips) else True if decided.all() else None
    return OurResult(ours, n=str(table["n"].iloc[0]), agrees=agrees, note=note)


def no_flip_line(claim: Claim, evidence: Evidence, table: pd.DataFrame) -> ScorecardEntry:
    """The scorecard's line of `no_flip`, under the conditions of the claim's part and of the runs that try the choices.

    It is `not run` where none is tried.
    """
    own = replace(evidence, conditions=conditions_of(claim, evidence))
    return scorecard_entry(claim, no_flip(table), tried_under(own, table["settings"]))


def tried_under(evidence: Evidence, settings: pd.Series) -> Conditions:
    """The conditions of such runs. settings: what holds for them alone, in words."""
    departures = [f"open choices were tried at {text}" for text in settings.dropna().unique() if text]
    return replace(evidence.conditions, differences=(*evidence.conditions.differences, *departures))


def _places(rows: pd.DataFrame) -> str:
    return "; ".join(f"“{row.statement}” at {row.open_choice}" for row in rows.itertuples())
