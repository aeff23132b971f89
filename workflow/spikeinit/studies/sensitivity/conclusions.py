"""Which of the report's conclusions hang on the neuron: the same rules applied to the same sweeps of other neurons.

The report's neuron spikes one step late, starts at random, and has a surrogate gradient that overflows. The sweeps
<name>_finite are those with the finite surrogate, the sweeps <name>_at_rest also have neurons that spike in their own
step and start at rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from spikeinit.statistics.intervals import mean_interval
from spikeinit.studies.contrasts import Contrast, above_zero
from spikeinit.studies.sensitivity.rules import RULES
from spikeinit.studies.sensitivity.sweep_measures import sweep_of
from spikeinit.studies.sensitivity.tables import by_seed, curves
from spikeinit.studies.table_tools import StudyRuns

NEURONS = {
    "": "the author's: late spike, random start, overflowing surrogate",
    "_finite": "finite surrogate",
    "_at_rest": "finite surrogate, spike in its own step, start at rest",
}
"""What the name of a sweep ends in -> its neuron."""

ANSWERS = {True: "holds", False: "does not hold", None: "open"}
COLUMNS = ("dataset", "claim", "neuron", "contrast", "needs", "unit", "mean", "low", "high", "seeds", "claim_holds")


def conclusions(runs: StudyRuns) -> pd.DataFrame:
    """One row per claim, neuron and contrast: its mean over the seeds with Student's interval, and whether it holds.

    `claim_holds` is about all contrasts of the claim together, as in the scorecard.
    """
    final, by_epoch = by_seed(runs), curves(runs)
    confidence = runs.spec["confidence"]
    rows: list[dict[str, Any]] = []
    for dataset in dict.fromkeys(runs.plan["dataset"]):
        for claim, rule in RULES.items():
            for suffix, neuron in NEURONS.items():
                sweep = sweep_of(final, by_epoch, dataset, rule.sweep + suffix, rule.key)
                labels = {"dataset": dataset, "claim": claim, "neuron": neuron}
                rows += [{**labels, **row} for row in _rows(rule.contrasts(sweep), confidence)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(contrasts: list[Contrast], confidence: float) -> list[dict[str, Any]]:
    if not contrasts or any(np.isnan(contrast.values).any() for contrast in contrasts):
        return []
    answer = ANSWERS[above_zero(confidence, *contrasts).agrees]
    found = [(contrast, mean_interval(contrast.values, confidence)) for contrast in contrasts]
    return [
        {
            "contrast": contrast.text,
            "needs": contrast.needs,
            "unit": contrast.unit,
            "mean": interval.mean,
            "low": interval.low,
            "high": interval.high,
            "seeds": interval.n,
            "claim_holds": answer,
        }
        for contrast, interval in found
    ]
