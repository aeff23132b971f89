"""What an optimal threshold is like: whether it is the only one, and where the paper's statements put it.

Bojković et al. (2024) leave open whether the threshold with the least error is unique, and whether the relations of
their Theorem 4.1 determine it (supplement, question 1). Neither need be so. Of the activations 1, 1, 3 the thresholds 1
and 3 have the same mean error 2/3 at T = 1, and both fulfil the relations. So this is measured for every layer:

- how far the threshold may be moved before the error is 1 % above the least, and in how many separate ranges it is not;
- by how much Theorem 4.1's relation between ranks, x_1 = (1 + x_0) / 2, fails (T = 1). It says that the threshold is
  the median of the activations above half of it. That minimises absolute differences, so that it holds for the error
  C_1 alone: C_2 asks for their mean;
- how many local minima fulfil both relations (T = 1, C_1);
- whether Algorithm 2, which looks from rank N/2 to rank N - 5, can find the best sample, and what it loses if not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALIKE = 0.01
"""Thresholds whose errors are no more than this fraction above the least count as equally good."""
GRID = 2000
"""Thresholds that are tried, spread evenly in their logarithm over a factor of `REACH` to either side of the best."""
REACH = 10.0
CANDIDATES = 4096
"""Most candidates of Algorithm 2 that are tried; the paper keeps every 10th or 100th activation for the same reason."""
LEFT_OUT = 5
"""Samples at the upper end that Algorithm 2 does not try: N_end = N - 5."""
RANK_NOISE = 0.002
"""Ranks, as a fraction of all, by which Theorem 4.1's relation has to fail on both sides of a solution that counts."""


@dataclass(frozen=True)
class Optimum:
    """The surroundings of the best threshold V among the activations of a layer, see the module's docstring.

    alike_low, alike_high: the lowest and the highest threshold whose error is at most 1 % above the least, to the
    resolution of the grid (0.2 %). minima: the number of separate ranges of such thresholds. samples_above: how many
    activations are larger than V. algorithm2_excess: by which fraction the least error of the samples that Algorithm 2
    tries is above that of V; 0 where it tries V. median_relation: x_1 - (1 + x_0) / 2 with the shares x_0, x_1 of
    activations up to V/2 and V, 0 where it holds for one of several equal activations. solutions: how many samples
    fulfil both relations of Theorem 4.1 and have neighbours that are worse. The last two are None unless T = 1, and
    `solutions` is None for C_2.
    """

    alike_low: float
    alike_high: float
    minima: int
    samples_above: int
    algorithm2_excess: float
    median_relation: float | None
    solutions: int | None


def optimum(values: np.ndarray, timesteps: int, threshold: float, norm: int) -> Optimum:
    """What the best threshold among `values`, the sorted positive activations [N] of a layer, is like."""
    values = np.asarray(values, dtype=np.float64)
    above = int(values.size - np.searchsorted(values, threshold, side="right"))
    tried = np.geomspace(threshold / REACH, threshold * REACH, 2 * (GRID // 2) + 1)  # the best one is in their middle
    nearby = values[(values >= tried[0]) & (values <= tried[-1])]
    tried = np.union1d(tried, nearby[:: max(1, nearby.size // GRID)])
    errors = conversion_errors(values, timesteps, tried, norm)
    least = float(conversion_errors(values, timesteps, np.array([threshold]), norm)[0])
    alike = errors <= least * (1 + ALIKE) + np.finfo(float).eps * values.mean() ** norm
    return Optimum(
        alike_low=float(tried[alike].min()),
        alike_high=float(tried[alike].max()),
        minima=int(np.sum(np.diff(alike.astype(int), prepend=0) == 1)),
        samples_above=above,
        algorithm2_excess=_algorithm2_excess(values, timesteps, threshold, norm, least),
        median_relation=_median_relation(values, threshold) if timesteps == 1 else None,
        solutions=_solutions(values) if timesteps == 1 and norm == 1 else None,
    )


def conversion_errors(values: np.ndarray, timesteps: int, thresholds: np.ndarray, norm: int) -> np.ndarray:
    """C_norm of each threshold over sorted positive `values`, float64 [thresholds]; see `conversion.thresholds`.

    In plain float64: good to about ten digits, enough to look at, where the search keeps 32.
    """
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    number, steps = values.size, np.arange(1, timesteps + 1)
    levels = thresholds[:, None] * steps / timesteps
    halves = np.searchsorted(values, levels - thresholds[:, None] / (2 * timesteps), side="right")
    if norm == 1:
        wholes = np.searchsorted(values, levels, side="right")
        slope = (2 * steps * wholes - (2 * steps - 1) * halves).sum(axis=1) - timesteps * number
        total = sums[-1] + 2 * (sums[halves] - sums[wholes]).sum(axis=1) + thresholds * slope / timesteps
        return total / number
    linear = (sums[-1] - sums[halves]).sum(axis=1)
    quadratic = ((2 * steps - 1) * (number - halves)).sum(axis=1)
    height = thresholds / timesteps
    return (np.square(values).sum() - 2 * height * linear + height**2 * quadratic) / number


def _algorithm2_excess(values: np.ndarray, timesteps: int, threshold: float, norm: int, least: float) -> float:
    """By which fraction the best of the samples of ranks N/2 to N - 5 (counted from 1) is worse than `threshold`."""
    tried = values[max(values.size // 2, 1) - 1 : values.size - LEFT_OUT]
    if tried.size == 0:
        return np.nan
    if tried[0] <= threshold <= tried[-1] and threshold in tried:
        return 0.0
    ranks = np.unique(np.linspace(0, tried.size - 1, min(tried.size, CANDIDATES)).round().astype(int))
    found = conversion_errors(values, timesteps, tried[ranks], norm).min()
    return float(found / least - 1) if least > 0 else np.inf


def _shares(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Shares of the values below and up to each point, [2, points]. Of equal values either share may be meant."""
    return np.stack([np.searchsorted(values, at, side=side) for side in ("left", "right")]) / values.size


def _median_relation(values: np.ndarray, threshold: float) -> float:
    (half_low, low), (half_high, high) = _shares(values, np.array([threshold / 2, threshold])).tolist()
    return max(low - (1 + half_high) / 2, 0.0) + min(high - (1 + half_low) / 2, 0.0)


def _solutions(values: np.ndarray) -> int:
    """How often x_1 - (1 + x_0) / 2 rises through 0 along the samples, from below `-RANK_NOISE` to above it."""
    samples = np.unique(values)
    relation = _shares(values, samples) - (1 + _shares(values, samples / 2)[1]) / 2
    along = relation.T.reshape(-1)
    signs = np.sign(along[np.abs(along) >= RANK_NOISE])
    return int(np.sum(np.diff(signs) > 0))
