"""Confidence intervals of a mean, a difference of means, a share and a further run, for tables and scorecards."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import stats


class MeanInterval(NamedTuple):
    """Mean of n values with its sample standard deviation (divisor n - 1) and the bounds of its interval."""

    n: int
    mean: float
    deviation: float
    low: float
    high: float


def mean_interval(values: Iterable[float], confidence: float) -> MeanInterval:
    """Student's interval of the mean of n values with deviation s: mean ± t(n - 1) · s / √n.

    For example, 1, 2, 3 at a confidence of 0.95 have the mean 2 and the interval from -0.48 to 4.48. `values` has one
    dimension, and NaN values are left out. What too few values do not determine is NaN: deviation and bounds for n = 1,
    for n = 0 the mean as well. The unit of mean, deviation and bounds is that of the values.
    """
    sample = np.asarray(list(values), dtype=float)
    sample = sample[~np.isnan(sample)]
    n = sample.size
    mean = float(sample.mean()) if n else math.nan
    if n < 2:
        return MeanInterval(n, mean, math.nan, math.nan, math.nan)
    deviation = float(sample.std(ddof=1))
    half = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * deviation / math.sqrt(n)
    return MeanInterval(n, mean, deviation, mean - half, mean + half)


def share_interval(held: Iterable[bool], confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's interval (low, high) of the share of trials in which something holds.

    It is exact: it holds the true share in at least `confidence` of all samples. For example, 20 of 20 at a confidence
    of 0.95 give the interval from 0.83 to 1. Both bounds are NaN without a trial.
    """
    trials = [bool(one) for one in held]
    if not trials:
        return math.nan, math.nan
    interval = stats.binomtest(sum(trials), len(trials)).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)


def welch_interval(
    mean1: float, sd1: float, n1: int, mean2: float, sd2: float, n2: int, confidence: float
) -> tuple[float, float]:
    """Welch's interval (low, high) of mean1 - mean2, from the summaries of two samples.

    `sd1` and `sd2` are sample standard deviations (divisor n - 1), `n1` and `n2` the sizes of the samples. Both bounds
    are NaN where a sample has fewer than two values. Two samples without deviation give the difference itself twice.
    """
    if min(n1, n2) < 2:
        return math.nan, math.nan
    error1, error2 = sd1**2 / n1, sd2**2 / n2
    difference, variance = mean1 - mean2, error1 + error2
    if variance == 0:
        return difference, difference
    freedom = variance**2 / (error1**2 / (n1 - 1) + error2**2 / (n2 - 1))
    half = stats.t.ppf(0.5 + confidence / 2, freedom) * math.sqrt(variance)
    return difference - half, difference + half


def prediction_interval(values: Iterable[float], confidence: float) -> tuple[float, float]:
    """Where one further value of the same normal distribution lies: mean ± t(n - 1) · s · √(1 + 1/n).

    It is the interval for a number that was measured once, such as a printed accuracy: the interval of the mean of n
    values shrinks with n, and one that is laid around a single further value misses it ever more often. For example, 1,
    2, 3 at a confidence of 0.95 give the interval from -2.97 to 6.97. NaN values are left out, and both bounds are NaN
    for fewer than two values. Their unit is that of the values.
    """
    ours = mean_interval(values, confidence)
    if ours.n < 2:
        return math.nan, math.nan
    half = float(stats.t.ppf(0.5 + confidence / 2, ours.n - 1)) * ours.deviation * math.sqrt(1 + 1 / ours.n)
    return ours.mean - half, ours.mean + half
