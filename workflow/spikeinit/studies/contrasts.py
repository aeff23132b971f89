"""By which rules intervals over seeds or repeats decide: contrasts beside a bound, and means between bounds.

    above_zero(0.95, Contrast("lead", values, "points", above=2.5))
    all_within(0.95, [Within(variances, 0.9, 1.1)])

Where a bound falls inside an interval nothing is decided, and a single seed decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from spikeinit.statistics.intervals import mean_interval, share_interval
from spikeinit.studies.claims import OurResult

ONE_SEED = "one seed, which decides nothing"


@dataclass(frozen=True)
class Contrast:
    """A number per seed that is above a bound where the claim holds, by default above zero, or below one.

    For example `Contrast("lead", values, "points", above=2.5)` holds for a lead of 3. unit: of the shown mean.
    """

    text: str
    values: np.ndarray
    unit: str = ""
    above: float = 0.0
    below: float | None = None

    @property
    def excess(self) -> np.ndarray:
        """By how much the number is on the right side of its bound: above zero where the claim holds."""
        return self.values - self.above if self.below is None else self.below - self.values

    @property
    def needs(self) -> str:
        """The bound in words."""
        return f"above {self.above:g}" if self.below is None else f"below {self.below:g}"

    def shown(self, number: str) -> str:
        """The contrast with a number, its unit and, if it is not zero, its bound."""
        needed = f" ({self.needs} needed)" if self.above or self.below is not None else ""
        return f"{self.text} {number}{f' {self.unit}' if self.unit else ''}{needed}"


def above_zero(confidence: float, *contrasts: Contrast, some: bool = False) -> OurResult:
    """Whether every contrast is above its bound over the seeds, with all contrasts and their intervals in one text.

    It agrees when Student's interval of each contrast lies on the right side of its bound. It disagrees when that of
    one lies on the other side, at a confidence that Bonferroni's correction raises for several contrasts, since any of
    them may speak against a claim. It is open otherwise, and with a single seed. Where values are missing our runs say
    nothing.

    some: whether the claim is that something may happen. It then agrees when one contrast lies on the right side of its
    bound, at the confidence that is raised, and disagrees when every one lies on the other side.
    """
    if any(np.isnan(contrast.values).any() for contrast in contrasts):
        return OurResult()
    seeds = len(contrasts[0].values)
    intervals = [mean_interval(contrast.values, confidence) for contrast in contrasts]
    excess = [mean_interval(contrast.excess, confidence) for contrast in contrasts]
    ours = "; ".join(_text(contrast, own.low, own.high) for contrast, own in zip(contrasts, intervals, strict=True))
    if seeds == 1:
        return OurResult(ours, n="1 seed", note=ONE_SEED)
    raised = [mean_interval(contrast.excess, 1 - (1 - confidence) / len(contrasts)) for contrast in contrasts]
    if some:
        agrees = decided(any(own.low > 0 for own in raised), all(own.high <= 0 for own in excess))
    else:
        agrees = decided(all(own.low > 0 for own in excess), any(own.high <= 0 for own in raised))
    note = "a bound lies within an interval" if agrees is None else ""
    return OurResult(ours, n=f"{seeds} seeds", agrees=agrees, note=note)


def _text(contrast: Contrast, low: float, high: float) -> str:
    interval = "" if math.isnan(low) else f" [{low:.2f}, {high:.2f}]"
    return contrast.shown(f"{contrast.values.mean():.2f}{interval}")


@dataclass(frozen=True)
class Within:
    """A mean over repeats or seeds that lies between bounds where the claim holds; of truth values it is a share."""

    values: np.ndarray
    low: float = -math.inf
    high: float = math.inf

    def interval(self, confidence: float) -> tuple[float, float]:
        """Student's of a mean, Clopper and Pearson's of a share; NaN for a single number."""
        if self.values.dtype == bool:
            return share_interval(self.values, confidence)
        own = mean_interval(self.values, confidence)
        return own.low, own.high


def all_within(confidence: float, means: Iterable[Within]) -> bool | None:
    """Whether every mean lies within its bounds.

    It does where the whole interval of each lies inside them. It does not where the interval of one lies outside, at a
    confidence that Bonferroni's correction raises for several means, since any of them may speak against a claim. Where
    a bound falls inside an interval it is open, and so it is with a single number or with no means at all.
    """
    found = list(means)
    if not found:
        return None
    inside = [own.low <= low and high <= own.high for own in found for low, high in [own.interval(confidence)]]
    each = 1 - (1 - confidence) / len(found)
    outside = [high < own.low or low > own.high for own in found for low, high in [own.interval(each)]]
    return decided(all(inside), any(outside))


def with_interval(values: np.ndarray, confidence: float, digits: str = ".2g") -> str:
    """A mean, or a share of truth values, with its interval: "0.95 [0.93, 0.97]"."""
    low, high = Within(values).interval(confidence)
    mean = format(float(np.nanmean(values)), digits) if (~np.isnan(values)).any() else "none"
    return mean if math.isnan(low) else f"{mean} [{low:{digits}}, {high:{digits}}]"


def of_seeds(result: OurResult, seeds: int) -> OurResult:
    """The result, left open where what it compares are single runs of something random."""
    if result.agrees is None or seeds > 1:
        return result
    return replace(result, agrees=None, note="; ".join(note for note in (result.note, ONE_SEED) if note))


def decided(holds: bool, against: bool) -> bool | None:
    """True where the evidence shows that a claim holds, False where it is against it, None where it shows neither."""
    return True if holds else False if against else None
