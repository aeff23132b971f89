"""Rules by which checks decide whether our runs agree with a claim, for every study."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from spikeinit.statistics.intervals import MeanInterval, mean_interval
from spikeinit.studies.claims import OurResult


@dataclass(frozen=True)
class Contrast:
    """A number per seed that is above zero where the claim holds. unit: of the shown mean."""

    text: str
    values: np.ndarray
    unit: str = ""


def above_zero(confidence: float, *contrasts: Contrast) -> OurResult:
    """Whether every contrast is above zero over the seeds, with all contrasts and their intervals in one text.

    It agrees when Student's interval of each contrast lies above zero, disagrees when that of one lies below, and stays
    open otherwise. A single seed has no interval and decides nothing. Where values are missing our runs say nothing.
    """
    if any(np.isnan(contrast.values).any() for contrast in contrasts):
        return OurResult()
    seeds = len(contrasts[0].values)
    over_seeds = [mean_interval(contrast.values, confidence) for contrast in contrasts]
    intervals = [(interval.low, interval.high) for interval in over_seeds]
    ours = "; ".join(_text(contrast, *interval) for contrast, interval in zip(contrasts, intervals, strict=True))
    if seeds == 1:
        return OurResult(ours, n="1 seed", note="one seed decides nothing")
    agrees = None
    if min(low for low, _ in intervals) > 0:
        agrees = True
    elif min(high for _, high in intervals) <= 0:
        agrees = False
    note = "an interval holds zero" if agrees is None else ""
    return OurResult(ours, n=f"{seeds} seeds", agrees=agrees, note=note)


def _text(contrast: Contrast, low: float, high: float) -> str:
    interval = "" if math.isnan(low) else f" [{low:.2f}, {high:.2f}]"
    return f"{contrast.text} {contrast.values.mean():.2f}{interval}{f' {contrast.unit}' if contrast.unit else ''}"


def beside_printed(
    values: Iterable[float],
    confidence: float,
    agrees: Callable[[MeanInterval], bool | None],
    *,
    runs: int | None = None,
    note: str = "",
) -> OurResult:
    """Our values in the place of a printed number: their mean with Student's interval, and whether that agrees.

    agrees: judges the mean and its interval. runs: how many there were, if some of them have no value.
    """
    ours = mean_interval(values, confidence)
    n = ours.n if runs is None else runs
    return OurResult(repr(ours.mean) if ours.n else "", ours.low, ours.high, str(n), agrees(ours), note)


def beside_one_run(
    values: Iterable[float], printed: float, margin: float, confidence: float, cells: int = 1
) -> OurResult:
    """Our runs in the place of a number that the paper prints of one run, with the interval of one further run.

    For n runs with deviation s the interval is mean ± t(n - 1) · s · √(1 + 1/n). It agrees where the interval holds the
    printed number and lies within `margin` of it, and disagrees where the number is farther than `margin` from our mean
    and outside the interval at the level that is corrected for so many `cells` (Bonferroni). Otherwise it stays open,
    as it does for a single run.
    """
    sample = np.asarray(list(values), float)
    sample = sample[~np.isnan(sample)]
    n = len(sample)
    if n < 2:
        return OurResult(repr(float(sample[0])) if n else "", n=str(n), note="one run decides nothing" if n else "")
    mean, spread = float(sample.mean()), float(sample.std(ddof=1)) * math.sqrt(1 + 1 / n)

    def half(level: float) -> float:
        return float(stats.t.ppf(0.5 + level / 2, n - 1)) * spread

    own, corrected, distance = half(confidence), half(1 - (1 - confidence) / cells), abs(mean - printed)
    agrees = None
    if distance <= own and distance + own <= margin:
        agrees = True
    elif distance > max(corrected, margin):
        agrees = False
    return OurResult(repr(mean), mean - own, mean + own, str(n), agrees, f"one printed run; margin {margin:g}")


def holds(low: float, high: float, value: float, margin: float) -> bool | None:
    """Whether the interval from `low` to `high`, with a margin at both ends, holds a value; None where it is NaN."""
    return None if math.isnan(low) else bool(low - margin <= value <= high + margin)


def all_hold(holds: Iterable[bool], text: str, n: str = "") -> OurResult:
    """Whether something holds in every one of some cells; with no cells our runs say nothing.

    text: with "{} of {}" for how many it holds in, of how many. n: what the cells are made of, if not themselves.
    """
    found = list(holds)
    if not found:
        return OurResult()
    return OurResult(text.format(sum(found), len(found)), n=n or str(len(found)), agrees=all(found))


def ordered(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]], of: Callable[[np.ndarray], float], text: str, least: int = 1
) -> OurResult:
    """Whether a statistic of the first sample lies below that of the second, in every pair.

    text: "{} of {} ...", what it is said of. least: a pair with a sample of fewer values is left out.
    """
    made = [(a, b) for a, b in pairs if min(len(a), len(b)) >= least]
    sizes = sorted({len(sample) for pair in made for sample in pair})
    n = " to ".join(str(size) for size in dict.fromkeys((sizes[0], sizes[-1]))) if sizes else ""
    return all_hold((bool(of(a) < of(b)) for a, b in made), text, n)


def equivalent(tests: Sequence[Mapping[str, Any] | None], significance: float) -> OurResult:
    """Whether groups are alike: no difference is significant, and all are shown equivalent.

    tests: rows of a table of statistics with the p of each difference (after Holm) and of the two one-sided tests, None
    for one that was not made. A missing rejection alone shows nothing.
    """
    made = [test for test in tests if test is not None and not math.isnan(test["p"])]
    if not made:
        return OurResult()
    rejected = sum(test["p_holm"] < significance for test in made)
    equivalent = sum(test["tost_p"] < significance for test in made)
    sizes = sorted({f"{test['n1']:.0f} + {test['n2']:.0f}" for test in made})
    agrees = False if rejected else True if equivalent == len(tests) else None
    note = "no difference is significant, but equivalence is not shown for all" if agrees is None else ""
    ours = f"of {len(tests)} comparisons {rejected} differ (two-sided, Holm), {equivalent} are shown equivalent"
    return OurResult(ours, n=", ".join(sizes), agrees=agrees, note=note)
