"""Thresholds that make a spiking layer imitate a ReLU layer best (Bojković et al. 2024, Sec. 4).

An integrate-and-fire neuron with soft reset, threshold V and initial potential V/2 that receives the constant input a
for T steps, and sends spikes of height V, has the mean output

    Q(a) = (V/T) * clip(floor(a T / V + 1/2), 0, T).

Over the positive activations a_1 .. a_N of a layer its error is C_m(V) = (1/N) sum_i |a_i - Q(a_i)|^m, m = 1 or 2
(Eq. 9). Theorems 4.1-4.4 give the initial potential V/2. What is left is to find V, and for T > 1 the paper has an
O(N^2) algorithm over V in {a_i} and asks for an efficient one (Sec. 7.2, question 5). Here is one. It is exact.

**Continuity.** Q rounds to the nearest of the levels 0, V/T, .., V. Hence |a - Q(a)| = min_j |a - jV/T|, j = 0 .. T,
for either rule at a half-way point, where both neighbours are equally near. The least of finitely many continuous
functions of V is continuous, so C_m is continuous, although Q is not.

**Evaluation.** Sort the values once. Let r_j be the number of values up to the level jV/T and h_j that up to the
half-way point (j - 1/2) V/T, j = 1 .. T, and P(r) the sum of the r smallest values. Counting what lies between
neighbouring points gives

    N T C_1(V)   = T [P(N) + 2 sum_j (P(h_j) - P(r_j))] + V S,     S = sum_j [2j r_j - (2j - 1) h_j] - T N,
    N T^2 C_2(V) = T^2 sum_i a_i^2 - 2 T V M + V^2 K,              M = sum_j [P(N) - P(h_j)],
                                                                   K = sum_j (2j - 1)(N - h_j).

One threshold costs at most 2T binary searches and block sums: O(T log N).

**Bound.** Call the left sides F. Between breakpoints F' = S for m = 1 and F' = 2 (V K - T M) for m = 2, and F is
continuous and piecewise differentiable, so bounds of F' bound F. Ranks do not fall and M, K do not rise with V. Thus
on an interval [V1, V2]

    m = 1:   sum_j [2j r_j(V1) - (2j - 1) h_j(V2)] - T N  <=  F'  <=  sum_j [2j r_j(V2) - (2j - 1) h_j(V1)] - T N,
    m = 2:   2 [V1 K(V2) - T M(V1)]                       <=  F'  <=  2 [V2 K(V1) - T M(V2)].

(In particular |F'| <= T N for m = 1: each |a - jV/T| has a slope of at most 1, and C_1 is 1-Lipschitz.) The line with
the least slope through (V1, F(V1)) and the one with the greatest slope through (V2, F(V2)) lie below F; where they
cross is a lower bound for the interval. As the interval shrinks, so does the difference of the slopes: the bound's gap
is of second order in the length. Branch and bound therefore keeps few intervals at each scale, and usually
evaluates F some hundred to thousand times, however large N is; sorting takes most of the time.

**Where the least is.** Minima are sought in 0 < V <= T max a: beyond, every level but 0 lies above all values and moves
away from them. m = 1: F is piecewise linear. At a half-way point the smaller of two branches changes over, a concave
kink, never a strict minimum; at jV/T = a_i it is convex. So the minimum is attained at some V = T a_i / j, and these
candidates are enumerated once few are left in an interval. m = 2: F is piecewise quadratic with only concave kinks,
so the minimum is attained where F' = 0: V = T M / K of some piece (the condition of Lloyd's quantiser), evaluated
once an interval contains no breakpoint. `search="samples"` keeps to the published candidates V in {a_i}: the same
bound, intervals split at samples.

**T = 1, m = 1** (Algorithm 1). With the upper values a_(n0+1) .. a_(N) sent to V and the others to 0, the best V is the
median of the upper values (Theorem 4.2), so over all positive V one sample is best and one pass over n0 finds it. The
pass follows the definition, not the printed recurrence: when i_0 grows by one and N - i_0 is odd, the error changes by
2 a[i_0] - a[i_1 + 1], to which the printed line adds terms that do not vanish.

**Accuracy.** Sums are kept to about 32 digits, so F of nearby thresholds is told apart even for N = 10^8. The error of
the threshold returned is at most min C_m * (1 + 1e-14) + 1e-16 * mean a_i^m, up to the rounding of V and of the levels
to float64. Among thresholds that are equal within that, a sample is preferred to other numbers.

**Without the compiler.** Where numba is not installed the same loops run as plain Python. They find the same
thresholds, to the last bit, in a few seconds for a million activations where compiled ones take hundredths of one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeinit.conversion import _search
from spikeinit.conversion._values import positive_values, sort_positive
from spikeinit.kernels.native import threads

NORMS = (1, 2)
SEARCHES = ("samples", "global")
SMALLEST, LARGEST = 1e-100, 1e100
"""Maxima outside this range are refused: their squares leave the range of float64. All of float32 lies inside."""
CHUNK = 1 << 20


@dataclass(frozen=True)
class Threshold:
    """Threshold and initial potential of a layer, in units of its activations, and the conversion error C_norm."""

    threshold: float
    initial_potential: float
    error: float


@dataclass(frozen=True)
class ChannelThresholds:
    """Thresholds, initial potentials and conversion errors of a layer's channels, float64 [channels] each."""

    threshold: np.ndarray
    initial_potential: np.ndarray
    error: np.ndarray


def optimal_threshold(activations: Any, timesteps: int, *, norm: int = 1, search: str = "samples") -> Threshold:
    """The threshold V that minimises C_norm(V) over the positive activations, with the initial potential V/2.

    activations: numpy array or torch tensor of any shape; zero and negative values are dropped, for Q(a) = 0 there at
    every V, and so are the masked ones of a masked array. timesteps: T >= 1. norm: 1 or 2, the exponent m of the error.
    search: "samples" for the best V among the activations (Bojković et al. 2024, Algorithms 1 and 2), "global" for the
    best positive V (module docstring).
    ValueError if no activation is positive, some are NaN or infinite, or an argument is not as stated.
    """
    _check(timesteps, norm)
    if search not in SEARCHES:
        raise ValueError(f"search={search!r}; choose one of {', '.join(map(repr, SEARCHES))}")
    values = _ordered(activations)
    timesteps = int(timesteps)
    _check_size(timesteps, values.size)
    if timesteps == 1 and norm == 1:
        threshold = _search.one_step_threshold(values)
    else:
        heads = _search.block_sums(values)
        squares = _search.sum_of_squares(values) if norm == 2 else (0.0, 0.0)
        arguments = (values, heads, squares, norm, timesteps)
        threshold, least = _search.search(*arguments, False, 0.0, math.inf)
        if search == "global":
            threshold, _ = _search.search(*arguments, True, threshold, least)
    return _result(values, timesteps, threshold, 0.5, norm)


def channel_thresholds(
    activations: Any | Sequence[Any],
    timesteps: int,
    *,
    norm: int = 1,
    search: str = "samples",
    dead: float | None = None,
) -> ChannelThresholds:
    """`optimal_threshold` of every channel by itself (named as future work in Bojković et al. 2024, Sec. 6).

    activations: array or tensor [channels, samples, ..] or a sequence of one array or tensor per channel. Channels are
    shared out over threads. dead: the threshold of channels without a positive activation, for instance the
    layer's own; their error is 0. ValueError as in `optimal_threshold`, and if a channel is dead and `dead` is not
    given.
    """
    if dead is not None and not (_finite(dead) and dead > 0):
        raise ValueError(f"dead={dead!r}; the threshold of dead channels is a positive number")
    positive = [positive_values(channel) for channel in activations]
    silent = [channel for channel, values in enumerate(positive) if values.size == 0]
    if silent and dead is None:
        shown = ", ".join(map(str, silent[:8])) + (", .." if len(silent) > 8 else "")
        raise ValueError(
            f"{len(silent)} of {len(positive)} channels have no positive activation (channels {shown}); pass dead=, "
            "the threshold they shall have, for instance the layer's"
        )

    def of_channel(values: np.ndarray) -> Threshold:
        if values.size == 0:
            return Threshold(float(dead), 0.5 * float(dead), 0.0)
        return optimal_threshold(values, timesteps, norm=norm, search=search)

    with ThreadPoolExecutor(threads()) as pool:
        found = list(pool.map(of_channel, positive))
    return ChannelThresholds(
        threshold=np.array([each.threshold for each in found], dtype=np.float64),
        initial_potential=np.array([each.initial_potential for each in found], dtype=np.float64),
        error=np.array([each.error for each in found], dtype=np.float64),
    )


def max_threshold(activations: Any, timesteps: int, *, norm: int = 1, initial_fraction: float = 0.0) -> Threshold:
    """The largest activation (Diehl et al. 2015), with the initial potential initial_fraction * threshold.

    Arguments and errors as in `optimal_threshold`; initial_fraction in [0, 1].
    """
    _check(timesteps, norm, initial_fraction)
    values = _ordered(activations)
    return _result(values, timesteps, float(values[-1]), initial_fraction, norm)


def percentile_threshold(
    activations: Any, timesteps: int, *, percent: float = 99.9, norm: int = 1, initial_fraction: float = 0.0
) -> Threshold:
    """The 99.9th percentile of the positive activations (Rueckauer et al. 2017), interpolated linearly.

    percent in (0, 100]; other arguments and errors as in `max_threshold`.
    """
    _check(timesteps, norm, initial_fraction)
    if not (_finite(percent) and 0 < percent <= 100):
        raise ValueError(f"percent={percent!r}; a percentile above 0 and up to 100")
    values = _ordered(activations)
    position = percent / 100 * (values.size - 1)
    below = math.floor(position)
    lower, upper = float(values[below]), float(values[min(below + 1, values.size - 1)])
    return _result(values, timesteps, lower + (position - below) * (upper - lower), initial_fraction, norm)


def mse_grid_threshold(
    activations: Any, timesteps: int, *, norm: int = 1, initial_fraction: float = 0.0, points: int = 95
) -> Threshold:
    """The best of the thresholds (1 - i/100) max a, i = 0 .. points - 1, by mean square error (Li et al. 2021, SNNC).

    The error that chooses is that of a neuron with initial potential initial_fraction * threshold: 0 rounds down, and
    0.5 to the nearest, as a bias shift of V/(2T) does. points in 1 .. 100; `norm` is that of the error reported. Other
    arguments and errors as in `max_threshold`.
    """
    _check(timesteps, norm, initial_fraction)
    if not (_whole(points) and 1 <= points <= 100):
        raise ValueError(f"points={points!r}; 1 to 100 grid points, one per cent of the maximum apart")
    values = _ordered(activations)
    grid = [float(values[-1]) * (1 - index * 0.01) for index in range(int(points))]
    errors = [_mean_error(values, timesteps, threshold, initial_fraction, 2) for threshold in grid]
    return _result(values, timesteps, grid[int(np.argmin(errors))], initial_fraction, norm)


def conversion_error(
    activations: Any, timesteps: int, threshold: float, initial_potential: float | None = None, *, norm: int = 1
) -> float:
    """C_norm of a given threshold over the positive activations (Eq. 9), by the definition of Q.

    initial_potential: V/2 if None; otherwise in [0, threshold], and Q rounds by floor(a T / V + initial_potential / V).
    Other arguments and errors as in `optimal_threshold`; ValueError unless threshold > 0.
    """
    if not (_finite(threshold) and threshold > 0):
        raise ValueError(f"threshold={threshold!r}; a threshold is a positive number")
    if initial_potential is not None and not _finite(initial_potential):
        raise ValueError(f"initial_potential={initial_potential!r}; a number from 0 to the threshold, or None")
    fraction = 0.5 if initial_potential is None else initial_potential / threshold
    _check(timesteps, norm, fraction)
    return _mean_error(_some_positive(activations), timesteps, float(threshold), fraction, norm)


def _check(timesteps: int, norm: int, initial_fraction: float = 0.5) -> None:
    if not _whole(timesteps) or timesteps < 1:
        raise ValueError(f"timesteps={timesteps!r}; a whole number of steps, at least 1")
    if norm not in NORMS:
        raise ValueError(f"norm={norm}; choose 1 (mean absolute error) or 2 (mean square error)")
    if not (_finite(initial_fraction) and 0 <= initial_fraction <= 1):
        raise ValueError(f"initial potential of {initial_fraction} thresholds; it lies between 0 and 1 thresholds")


def _whole(value: Any) -> bool:
    """Whether `value` is a whole number, of whatever type; True and False are none."""
    return _finite(value) and not isinstance(value, bool | np.bool_) and value == int(value)


def _finite(value: Any) -> bool:
    """Whether `value` is a finite number."""
    try:
        return math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False


def _check_size(timesteps: int, number: int) -> None:
    if timesteps**2 * number >= 2**52:
        raise ValueError(
            f"timesteps={timesteps} with {number} activations: their counts leave the range of exact arithmetic; "
            "use fewer time steps or a summary of the activations"
        )


def _some_positive(activations: Any) -> np.ndarray:
    values = positive_values(activations)
    if values.size == 0:
        raise ValueError(
            "no positive activation: the layer is dead; use a network in which it responds or set its threshold by hand"
        )
    largest = float(values.max())
    if not SMALLEST <= largest <= LARGEST:
        raise ValueError(
            f"the largest activation is {largest:g}; rescale the activations to between {SMALLEST} and {LARGEST}"
        )
    return values


def _ordered(activations: Any) -> np.ndarray:
    return sort_positive(_some_positive(activations))


def _mean_error(values: np.ndarray, timesteps: int, threshold: float, initial_fraction: float, norm: int) -> float:
    """Mean of |a - Q(a)|^norm; the chunks do not depend on the number of threads, nor does the result."""

    def of_chunk(start: int) -> float:
        return _search.error_sum(values[start : start + CHUNK], int(timesteps), threshold, initial_fraction, norm)

    starts = range(0, values.size, CHUNK)
    if len(starts) == 1:
        return of_chunk(0) / values.size
    with ThreadPoolExecutor(threads()) as pool:
        return math.fsum(pool.map(of_chunk, starts)) / values.size


def _result(values: np.ndarray, timesteps: int, threshold: float, initial_fraction: float, norm: int) -> Threshold:
    error = _mean_error(values, timesteps, threshold, initial_fraction, norm)
    return Threshold(float(threshold), initial_fraction * float(threshold), error)
