"""Numbers about two independent samples: t-tests, effect size, equivalence, bootstrap, power.

Samples are one-dimensional arrays without NaN. What a sample does not determine is NaN, never an error or a warning:
a sample of one value has no variance, two constant samples no t statistic.
"""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.weightstats import ttost_ind

CONSTANT = 1e-12
"""Values that differ by less than this fraction of their size count as equal: sums differ by that much by rounding."""


class TTest(NamedTuple):
    """A t-test: statistic, degrees of freedom and p by alternative."""

    statistic: float
    df: float
    p: dict[str, float]


def is_constant(sample: np.ndarray) -> bool:
    """Whether all values are equal up to rounding."""
    return bool(np.ptp(sample) <= CONSTANT * np.max(np.abs(sample)))


def obstacle_to_t_test(a: np.ndarray, b: np.ndarray) -> str:
    """Why the two samples allow no t-test, or "" when they do."""
    if min(a.size, b.size) == 0:
        return "no runs in one of the groups"
    if min(a.size, b.size) == 1:
        return "one run in one of the groups: no variance"
    if is_constant(a) and is_constant(b):
        return "no variance within either group"
    return ""


def t_test(a: np.ndarray, b: np.ndarray, *, welch: bool) -> TTest:
    """Student's t-test of equal means, or Welch's, by `scipy.stats.ttest_ind_from_stats`; NaN with an obstacle."""
    if obstacle_to_t_test(a, b):
        return TTest(math.nan, math.nan, dict.fromkeys(("less", "greater", "two-sided"), math.nan))
    moments = (a.mean(), _deviation(a), a.size, b.mean(), _deviation(b), b.size)
    results = {
        alternative: stats.ttest_ind_from_stats(*moments, equal_var=not welch, alternative=alternative)
        for alternative in ("less", "greater", "two-sided")
    }
    errors = _deviation(a) ** 2 / a.size, _deviation(b) ** 2 / b.size
    df = a.size + b.size - 2.0
    if welch:  # Welch-Satterthwaite
        df = sum(errors) ** 2 / (errors[0] ** 2 / (a.size - 1) + errors[1] ** 2 / (b.size - 1))
    statistic = float(results["less"].statistic)
    return TTest(statistic, float(df), {key: float(result.pvalue) for key, result in results.items()})


def _deviation(sample: np.ndarray) -> float:
    """Sample standard deviation, exactly zero for a constant sample."""
    return 0.0 if is_constant(sample) else float(sample.std(ddof=1))


def standardized_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Cohen's d, the difference of means in units of the pooled deviation; NaN with an obstacle."""
    if obstacle_to_t_test(a, b):
        return math.nan
    df = a.size + b.size - 2
    pooled = math.sqrt(((a.size - 1) * _deviation(a) ** 2 + (b.size - 1) * _deviation(b) ** 2) / df)
    return float(a.mean() - b.mean()) / pooled


def hedges_g(a: np.ndarray, b: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Hedges' g and the confidence interval (low, high) of the population effect that it estimates.

    g = J(m) d with the exact small-sample factor J(m) = Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2)), m = n1 + n2 - 2
    (Hedges 1981, Eq. 6e). With d = t sqrt(1/n1 + 1/n2) and t noncentral t with noncentrality delta / sqrt(1/n1 + 1/n2),
    the interval inverts that distribution (Steiger and Fouladi 1997); it is exact for normal samples of equal variance
    and is not multiplied by J, which would spoil its coverage.
    """
    d = standardized_difference(a, b)
    if math.isnan(d):
        return math.nan, math.nan, math.nan
    m, scale = a.size + b.size - 2, math.sqrt(1.0 / a.size + 1.0 / b.size)
    correction = math.exp(special.gammaln(m / 2) - special.gammaln((m - 1) / 2)) / math.sqrt(m / 2)
    tail = 0.5 * (1.0 - confidence)
    low, high = (scale * _noncentrality(d / scale, m, probability) for probability in (1.0 - tail, tail))
    return correction * d, low, high


def _noncentrality(t: float, df: int, probability: float) -> float:
    """The noncentrality at which P(T <= t) = probability; NaN where the distribution cannot be evaluated."""
    if t < 0:  # the distribution is evaluated most precisely for positive t: reflect
        return -_noncentrality(-t, df, 1.0 - probability)

    def excess(noncentrality: float) -> float:
        return float(special.nctdtr(df, noncentrality, t)) - probability

    low = -float(special.ndtri(probability))  # P(T <= 0) is exactly `probability` here, so for t >= 0 P is no smaller
    high = max(2.0 * t, low) + 1.0
    while excess(high) > 0:
        high *= 2.0
    if not excess(high) <= 0 <= excess(low) + CONSTANT:
        return math.nan
    return float(optimize.brentq(excess, low, high, xtol=1e-10)) if excess(low) > 0 else low


def equivalence_p(a: np.ndarray, b: np.ndarray, margin: float, *, welch: bool) -> float:
    """p of the two one-sided tests that the means differ by less than `margin` (`statsmodels.ttost_ind`).

    A small p shows equivalence. Two samples without any deviation are what they are: p is 0 where their values are
    equal or differ by less than the margin, and 1 where they do not. NaN with another obstacle (`obstacle_to_t_test`),
    and where the margin is not positive.
    """
    if min(a.size, b.size) > 1 and is_constant(a) and is_constant(b):
        difference = abs(float(a.mean() - b.mean()))
        return 0.0 if difference <= CONSTANT * abs(float(a.mean())) or difference < margin else 1.0
    if obstacle_to_t_test(a, b) or not margin > 0:
        return math.nan
    p, *_ = ttost_ind(a, b, -margin, margin, usevar="unequal" if welch else "pooled")
    return float(p)


def spread_test(a: np.ndarray, b: np.ndarray) -> TTest:
    """The test of Brown and Forsythe (1974) that two deviations differ, with a direction.

    It is Student's t-test of the distances from the sample's own median, so that "less" says that `a` is spread less.
    For two samples its square is the statistic of `scipy.stats.levene(center="median")`, which has no direction. It
    does not take the values to be normal, as the ratio of two variances does. NaN where the distances allow no t-test.
    """
    if min(a.size, b.size) == 0:
        return t_test(a, b, welch=False)
    return t_test(np.abs(a - np.median(a)), np.abs(b - np.median(b)), welch=False)


def bootstrap_difference(
    a: np.ndarray, b: np.ndarray, *, confidence: float, resamples: int, generator: np.random.Generator
) -> tuple[float, float]:
    """Bootstrap interval of mean(a) - mean(b): bias-corrected and accelerated, both samples resampled.

    For two constant samples it is the difference itself; NaN for samples of fewer than two values. Where the
    acceleration is undefined (few distinct values) the percentile interval is taken.
    """
    if min(a.size, b.size) < 2:
        return math.nan, math.nan
    if is_constant(a) and is_constant(b):
        difference = float(a.mean() - b.mean())
        return difference, difference

    def difference_of_means(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return x.mean(axis=axis) - y.mean(axis=axis)

    def interval(method: str, **start: object) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # answered by the percentile interval below
            return stats.bootstrap(
                (a, b),
                difference_of_means,
                n_resamples=resamples,
                confidence_level=confidence,
                method=method,
                vectorized=True,
                rng=generator,
                **start,
            )

    result = interval("BCa")
    if np.isnan(result.confidence_interval.low) or np.isnan(result.confidence_interval.high):
        result = interval("percentile", n_resamples=0, bootstrap_result=result)
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def t_test_power(effect: float, n1: int, n2: int, *, alternative: str, significance: float) -> float:
    """Power of Student's t-test for a standardised difference `effect` (statsmodels `TTestIndPower`)."""
    if math.isnan(effect) or min(n1, n2) < 2:
        return math.nan
    sides = {"less": "smaller", "greater": "larger", "two-sided": "two-sided"}[alternative]
    power = TTestIndPower().power(effect, n1, significance, ratio=n2 / n1, alternative=sides)
    if np.isnan(power):  # the noncentral t's far tail underflows: the effect is enormous, its sign decides
        toward = alternative == "two-sided" or (effect < 0) == (alternative == "less")
        return 1.0 if toward else 0.0
    return float(np.clip(power, 0.0, 1.0))
