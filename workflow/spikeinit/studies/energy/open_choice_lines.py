"""Lines of the scorecard about what the thesis leaves open: does a conclusion hang on it, and what fits print best?"""

from __future__ import annotations

import pandas as pd

from spikeinit.config.open_choices import AS_CONFIGURED
from spikeinit.studies.claims import Claim, OurResult
from spikeinit.studies.open_choices import no_flip_line, tried_under
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
    statement="of what the thesis leaves open, the configured values come nearest to the printed spikes",
    printed="not stated",
)


def open_choice_lines(evidence: Evidence) -> list[ScorecardEntry]:
    """Both lines, under the conditions of the runs that try the choices; `not run` where none is tried."""
    tables = evidence.tables
    distances, effects = tables["open_choice_distances"], tables["open_choice_effects"]
    own = tried_under(evidence, distances["settings"])
    return [
        no_flip_line(NO_FLIP, evidence, tables["open_choices"]),
        scorecard_entry(NEAREST, nearest(distances, effects), own),
    ]


def nearest(distances: pd.DataFrame, effects: pd.DataFrame) -> OurResult:
    """Whether another value is shown to bring the spikes nearer to print than the configured one, pair by pair.

    It agrees where every other value is shown to take them further away, and disagrees where one brings them nearer.
    """
    if distances.empty:
        return OurResult()
    configured = distances[distances["open_choice"] == AS_CONFIGURED].iloc[0]
    best = distances.iloc[0]
    ours = f"nearest is {best['open_choice']}: distance {best['distance']:.3f}"
    if best["open_choice"] != AS_CONFIGURED:
        ours += f", as configured {configured['distance']:.3f}"
    nearer, further = effects[effects["low"] > 0], effects[effects["high"] < 0]
    note = f"of {len(effects)} other values {_listed(nearer)} nearer, and {_listed(further)} further away"
    agrees = False if len(nearer) else True if len(further) == len(effects) else None
    return OurResult(ours, n=str(int(best["runs"])), agrees=agrees, note=note)


def _listed(effects: pd.DataFrame) -> str:
    named = f" ({', '.join(effects['value'])})" if len(effects) else ""
    return f"{len(effects)}{named} {'is' if len(effects) == 1 else 'are'} shown to lead"
