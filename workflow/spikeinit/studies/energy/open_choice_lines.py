"""Lines of the scorecard about what the thesis leaves open: does a conclusion hang on it, and what fits print best?"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from spikeinit.config.open_choices import AS_CONFIGURED
from spikeinit.studies.claims import Claim, OurResult
from spikeinit.studies.open_choices import no_flip
from spikeinit.studies.scorecard import Evidence, ScorecardEntry, scorecard_entry

NO_FLIP = Claim(
    id="open-choices:conclusions",
    place="left open",
    statement="no conclusion hangs on what the thesis leaves open",
    printed="not stated",
)
NEAREST = Claim(
    id="open-choices:nearest",
    place="left open",
    statement="the choice that comes nearest to the printed spikes is the configured one",
    printed="not stated",
)


def open_choice_lines(evidence: Evidence) -> list[ScorecardEntry]:
    """Both lines, under the conditions of the runs that try the choices; `not run` where none is tried."""
    table, distances = evidence.tables["open_choices"], evidence.tables["open_choice_distances"]
    settings = distances["settings"].dropna().unique()
    own = replace(
        evidence.conditions,
        differences=(*evidence.conditions.differences, *(f"open choices were tried at {text}" for text in settings)),
    )
    return [scorecard_entry(NO_FLIP, no_flip(table), own), scorecard_entry(NEAREST, nearest(distances), own)]


def nearest(distances: pd.DataFrame) -> OurResult:
    """Whether any other choice is shown to be nearer to print than the configured one, run by run.

    It agrees where every other choice is shown to be further away, and disagrees where one is shown to be nearer.
    """
    if distances.empty:
        return OurResult()
    others = distances[distances["open_choice"] != AS_CONFIGURED]
    best = distances.iloc[0]
    configured = distances[distances["open_choice"] == AS_CONFIGURED].iloc[0]
    ours = f"{best['open_choice']}: distance {best['distance']:.3f}"
    if best["open_choice"] != AS_CONFIGURED:
        ours += f", as configured {configured['distance']:.3f}"
    nearer, further = (others["nearer_low"] > 0).sum(), (others["nearer_high"] < 0).sum()
    note = f"of {len(others)} other choices {nearer} are shown to be nearer, {further} to be further away"
    agrees = False if nearer else True if further == len(others) else None
    return OurResult(ours, n=str(int(best["runs"])), agrees=agrees, note=note)
