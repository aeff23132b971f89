"""The threshold search against brute force, a simulated neuron and laws worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spikeinit.conversion import _search
from spikeinit.conversion._values import RADIX_FROM, sort_positive
from spikeinit.conversion.thresholds import (
    channel_thresholds,
    conversion_error,
    max_threshold,
    mse_grid_threshold,
    optimal_threshold,
    percentile_threshold,
)


def simulated(activation: float, threshold: float, timesteps: int, initial_potential: float) -> float:
    """Mean output of an integrate-and-fire neuron with soft reset that gets `activation` at every step."""
    potential, output = initial_potential, 0.0
    for _ in range(timesteps):
        potential += activation
        if potential >= threshold:
            output += threshold
            potential -= threshold
    return output / timesteps


def errors(values: np.ndarray, timesteps: int, norm: int, thresholds: np.ndarray) -> np.ndarray:
    """C_norm of many thresholds, straight from the definition."""
    values = values.astype(np.float64)
    step = np.asarray(thresholds, dtype=np.float64)[:, None] / timesteps
    quantised = step * np.clip(np.floor(values / step + 0.5), 0, timesteps)
    return (np.abs(values - quantised) ** norm).mean(axis=1)


def global_candidates(values: np.ndarray, timesteps: int, norm: int) -> np.ndarray:
    """Every threshold that can be the global minimiser.

    norm 1: a level lies on a sample. norm 2: between neighbouring breakpoints, where every sample keeps its level,
    the least squares threshold.
    """
    values = values.astype(np.float64)[:, None]
    levels = np.arange(1, timesteps + 1)
    if norm == 1:
        return np.unique(timesteps * values / levels)
    breakpoints = np.unique(timesteps * values / (levels - 0.5))
    inside = np.concatenate([[breakpoints[0] / 2], (breakpoints[1:] + breakpoints[:-1]) / 2])
    level = np.clip(np.floor(values * timesteps / inside + 0.5), 0, timesteps)
    return timesteps * (level * values).sum(axis=0) / (level**2).sum(axis=0)


def tolerance(values: np.ndarray, norm: int) -> float:
    """Rounding of the brute force, in float64, and the search's own stated tolerance."""
    return 1e-15 * float((values.astype(np.float64) ** norm).mean())


single = st.floats(2.0**-126, 2.0**120, width=32)
lists_of_activations = st.one_of(
    st.lists(st.floats(0.015625, 8, width=32), min_size=1, max_size=40),  # ordinary
    st.lists(st.sampled_from([0.25, 0.5, 0.75, 1.0, 3.0]), min_size=1, max_size=40),  # many ties
    st.lists(single, min_size=1, max_size=30),  # heavy tails over 70 decades
    st.lists(st.floats(2.0**-140, 2.0**-126, width=32), min_size=1, max_size=30),  # subnormal
    st.lists(st.floats(2.0**100, 2.0**110, width=32), min_size=1, max_size=30),  # huge
    st.tuples(single, st.integers(1, 40)).map(lambda pair: [pair[0]] * pair[1]),  # constant
)
activations = lists_of_activations.map(lambda numbers: np.array(numbers, dtype=np.float32))
timesteps_and_norm = {"timesteps": st.integers(1, 9), "norm": st.sampled_from([1, 2])}


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(values=activations, **timesteps_and_norm)
@example(values=np.float32([1]), timesteps=1, norm=1)
@example(values=np.float32([1, 2, 3, 100]), timesteps=3, norm=2)
def test_search_over_samples_equals_brute_force(values, timesteps, norm):
    found = optimal_threshold(values, timesteps, norm=norm, search="samples")
    least = errors(values, timesteps, norm, values).min()
    assert found.threshold in values
    assert found.initial_potential == found.threshold / 2
    assert found.error == pytest.approx(least, rel=1e-12, abs=tolerance(values, norm))


@settings(deadline=None, max_examples=150)
@given(values=activations, **timesteps_and_norm)
@example(values=np.float32([1, 1, 1, 5]), timesteps=4, norm=1)
def test_global_search_equals_brute_force(values, timesteps, norm):
    found = optimal_threshold(values, timesteps, norm=norm, search="global")
    least = errors(values, timesteps, norm, global_candidates(values, timesteps, norm)).min()
    assert found.error == pytest.approx(least, rel=1e-12, abs=tolerance(values, norm))
    scan = np.linspace(0, 1.1 * timesteps * float(values.max()), 1000)[1:]
    assert found.error <= errors(values, timesteps, norm, scan).min() * (1 + 1e-12) + tolerance(values, norm)


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("timesteps", [2, 8, 32])
def test_many_heavy_tailed_values_equal_brute_force(norm, timesteps):
    values = np.random.default_rng(0).lognormal(0, 1.5, 6000).astype(np.float32)
    scan = np.geomspace(values.min(), timesteps * values.max(), 3000)
    for search, candidates in (("samples", values), ("global", scan)):
        found = optimal_threshold(values, timesteps, norm=norm, search=search)
        every = np.concatenate([errors(values, timesteps, norm, part) for part in np.array_split(candidates, 40)])
        assert found.error <= every.min() * (1 + 1e-12)
        assert found.error >= every.min() * (1 - 1e-12) or search == "global"


@settings(deadline=None, max_examples=100)
@given(values=activations)
def test_published_one_step_algorithm_equals_the_general_search(values):
    ordered = np.sort(values)
    general, _ = _search.search(ordered, _search.block_sums(ordered), (0.0, 0.0), 1, 1, True, 0.0, math.inf)
    published = optimal_threshold(values, 1)
    assert published.error == pytest.approx(conversion_error(values, 1, general), rel=1e-12, abs=tolerance(values, 1))
    upper = ordered[ordered >= published.threshold / 2]  # Theorem 4.2: the median of the upper values
    assert (upper < published.threshold).sum() <= upper.size / 2
    assert (upper > published.threshold).sum() <= upper.size / 2


@settings(deadline=None, max_examples=100)
@given(values=activations, ends=st.tuples(st.floats(0, 1), st.floats(0, 1)), **timesteps_and_norm)
def test_bound_lies_below_the_error_everywhere_in_the_interval(values, ends, timesteps, norm):
    ordered = np.sort(values)
    heads = _search.block_sums(ordered)
    squares = _search.sum_of_squares(ordered)
    levels = 2 * timesteps if norm == 1 else timesteps
    none, every = np.zeros(levels, np.int64), np.full(levels, values.size)
    points = []
    for threshold in np.sort(ends) * timesteps * float(values.max()):
        measured = _search._measure(ordered, heads, squares, norm, timesteps, threshold, none, every, none.copy())
        points.append(np.array([threshold, *measured]))
    bound = _search._lower_bound(norm, timesteps, values.size, *points) / (values.size * timesteps**norm)
    inside = np.linspace(points[0][0], points[1][0], 200)
    inside = inside[inside > 1e-3 * float(values.max()) / timesteps]
    if inside.size:
        assert bound <= errors(values, timesteps, norm, inside).min() * (1 + 1e-12) + tolerance(values, norm)


@settings(deadline=None, max_examples=50)
@given(
    sixteenths=st.lists(st.integers(1, 200), min_size=1, max_size=20),
    threshold=st.sampled_from([1.0, 2.0, 4.0, 8.0]),
    timesteps=st.sampled_from([1, 2, 4, 8]),
    fraction=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    norm=st.sampled_from([1, 2]),
)
def test_error_is_that_of_a_simulated_neuron(sixteenths, threshold, timesteps, fraction, norm):
    values = np.array(sixteenths) / 16  # binary fractions: the simulation is exact, half-way points included
    outputs = [simulated(value, threshold, timesteps, fraction * threshold) for value in values]
    expected = (np.abs(values - outputs) ** norm).mean()
    assert conversion_error(values, timesteps, threshold, fraction * threshold, norm=norm) == pytest.approx(expected)


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("timesteps", [1, 2, 5, 8])
def test_uniform_activations_have_the_threshold_worked_out_by_hand(norm, timesteps):
    # 2T half cells of width V/2T inside and one of width 1 - V at the end: both norms are least at V = T / (T + 1/2).
    number = 20_000
    values = (np.arange(number) + 0.5) / number
    found = optimal_threshold(values, timesteps, norm=norm, search="global")
    assert found.threshold == pytest.approx(timesteps / (timesteps + 0.5), rel=2e-3)
    width = 0.5 / (timesteps + 0.5)
    assert found.error == pytest.approx((2 * timesteps + 1) * width ** (norm + 1) / (norm + 1), rel=1e-4)


def test_one_step_by_hand():
    # Splits of 1, 2, 3, 10: median of the upper values and error 3 (13 / 4), 3 (10 / 4), 10 (6 / 4): best is 10.
    found = optimal_threshold(np.array([3.0, 1.0, 10.0, 2.0]), 1)
    assert (found.threshold, found.initial_potential, found.error) == (10.0, 5.0, 1.5)


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("search", ["samples", "global"])
@pytest.mark.parametrize("value", [1e-38, 1.0, 0.1, 1e30])
def test_constant_activations_are_their_own_threshold(value, search, norm):
    values = np.full(1000, value, dtype=np.float32)
    for timesteps in (1, 3, 8):
        found = optimal_threshold(values, timesteps, norm=norm, search=search)
        assert found.threshold == values[0]
        assert found.error == 0


def test_global_search_finds_what_no_sample_reaches():
    # The levels 2, 4, 6 of V = 6 hold both values; V = 4 has the levels 4/3, 8/3, 4, and V = 2 nothing above 2.
    values = np.array([2.0] * 10 + [4.0] * 10)
    samples = optimal_threshold(values, 3, search="samples")
    everywhere = optimal_threshold(values, 3, search="global")
    assert samples.error > 0.3
    assert everywhere.threshold == 6.0
    assert everywhere.error == 0


def test_a_sample_is_preferred_among_equals():
    values = np.array([1.0, 2.0, 3.0, 4.0] * 5)  # V = 4 and T = 4: exact, and so are 16/3, 8, 16 for some of them
    assert optimal_threshold(values, 4, search="global").threshold == 4.0


@pytest.mark.parametrize("search", ["samples", "global"])
def test_powers_of_two_scale_through_exactly(search):
    values = np.random.default_rng(1).standard_exponential(500)
    plain = optimal_threshold(values, 6, search=search)
    for exponent in (-200, 40, 200):
        scaled = optimal_threshold(np.ldexp(values, exponent), 6, search=search)
        assert scaled.threshold == np.ldexp(plain.threshold, exponent)


def test_array_kinds_agree_and_stay_as_they_were():
    values = np.random.default_rng(2).standard_normal((7, 11, 13)).astype(np.float32)
    before = values.copy()
    found = optimal_threshold(values, 4, search="global")
    assert found == optimal_threshold(torch.from_numpy(values).requires_grad_(), 4, search="global")
    assert found == optimal_threshold(values.astype(np.float64), 4, search="global")
    assert found == optimal_threshold(np.sort(values[values > 0]), 4, search="global")
    assert found == optimal_threshold(values[::-1, :, ::-1], 4, search="global")
    assert np.array_equal(values, before)
    half = torch.tensor([1.0, 2.0, 2.0, 0.0, -4.0], dtype=torch.bfloat16)
    assert optimal_threshold(half, 2) == optimal_threshold(np.array([1, 2, 2]), 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("number", [1, RADIX_FROM - 1, RADIX_FROM, 50_001])
def test_sorting_equals_numpy(dtype, number):
    values = (10.0 ** np.random.default_rng(3).uniform(-30, 30, number)).astype(dtype)
    expected = np.sort(values)
    assert np.array_equal(sort_positive(values.copy()), expected)
    assert np.array_equal(sort_positive(expected.copy()), expected)
    assert np.array_equal(sort_positive(np.repeat(dtype(0.5), number)), np.repeat(dtype(0.5), number))


def test_sums_keep_what_float64_loses():
    values = np.sort(np.concatenate([np.full(64, 2.0**-40), np.full(3, 2.0**30)]))  # 2^-34 + 3 * 2^30: 66 bits
    heads = _search.block_sums(values)
    assert heads[-1].tolist() == [3 * 2.0**30, 2.0**-34]


@pytest.mark.parametrize(
    ("values", "changes", "message"),
    [
        ([], {}, "layer is dead"),
        ([0.0, -1.0], {}, "layer is dead"),
        ([1.0, math.nan, math.inf], {}, "2 of 3 activations are NaN or infinite"),
        ([1.0], {"timesteps": 0}, "timesteps=0"),
        ([1.0], {"timesteps": 1.5}, "timesteps=1.5"),
        ([1.0], {"timesteps": 2**30}, "fewer time steps"),
        ([1.0], {"timesteps": math.inf}, "timesteps=inf; a whole number"),
        ([1.0], {"timesteps": math.nan}, "timesteps=nan; a whole number"),
        ([1.0], {"timesteps": None}, "timesteps=None; a whole number"),
        ([1.0], {"timesteps": "4"}, "timesteps='4'; a whole number"),
        ([1.0], {"timesteps": True}, "timesteps=True; a whole number"),
        ([1.0], {"timesteps": np.bool_(True)}, "a whole number"),
        ([1.0], {"norm": 3}, "norm=3"),
        ([1.0], {"search": "everywhere"}, "'samples', 'global'"),
        ([1e-150], {}, "rescale"),
        ([1e150], {}, "rescale"),
        (np.array(["a"]), {}, "float32 or float64"),
    ],
)
def test_bad_input_is_refused(values, changes, message):
    arguments = {"timesteps": 4, **changes}
    with pytest.raises(ValueError, match=message):
        optimal_threshold(np.asarray(values), **arguments)


def test_masked_values_do_not_count():
    values = np.random.default_rng(7).standard_exponential((4, 500)).astype(np.float32)
    values[0, 0] = np.nan
    masked = np.ma.masked_where(~(values < 1), values)
    found = optimal_threshold(masked, 4)
    assert found == optimal_threshold(values[values < 1], 4)
    assert found.threshold < 1
    channels = channel_thresholds(masked, 4)
    assert channels.threshold[2] == optimal_threshold(values[2][values[2] < 1], 4).threshold
    with pytest.raises(ValueError, match="layer is dead"):
        optimal_threshold(np.ma.masked_all(3), 4)


@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8", ">i4", "<f8"])
def test_the_order_of_bytes_is_free(dtype):
    values = (np.random.default_rng(8).standard_exponential(6000) * 8).astype(dtype)
    own = values.astype(values.dtype.newbyteorder("="))
    assert optimal_threshold(values, 4, search="global") == optimal_threshold(own, 4, search="global")


@pytest.mark.parametrize("values", [torch.ones(3).to_sparse(), torch.ones(3, dtype=torch.complex64)])
def test_tensors_that_are_no_dense_real_numbers_are_refused(values):
    with pytest.raises(ValueError, match="give a dense tensor of real numbers"):
        optimal_threshold(values, 4)


@pytest.mark.parametrize("timesteps", [np.int32(4), np.uint8(4), 4.0, torch.tensor(4)])
def test_whole_numbers_of_any_type_are_time_steps(timesteps):
    values = np.random.default_rng(9).standard_exponential(50)
    assert optimal_threshold(values, timesteps) == optimal_threshold(values, 4)


@pytest.mark.parametrize("search", ["samples", "global"])
def test_channels_are_searched_one_by_one(search):
    values = np.random.default_rng(4).standard_normal((6, 300)).astype(np.float32) * np.arange(1, 7)[:, None]
    found = channel_thresholds(values, 4, search=search)
    for channel in range(6):
        alone = optimal_threshold(values[channel], 4, search=search)
        assert (found.threshold[channel], found.initial_potential[channel], found.error[channel]) == (
            alone.threshold,
            alone.initial_potential,
            alone.error,
        )
    as_list = channel_thresholds([torch.from_numpy(row[row > 0]) for row in values], 4, search=search)
    assert np.array_equal(as_list.threshold, found.threshold)


def test_dead_channels_take_the_threshold_given():
    values = np.array([[1.0, 2.0], [0.0, -1.0]])
    with pytest.raises(ValueError, match=r"1 of 2 channels have no positive activation \(channels 1\)"):
        channel_thresholds(values, 2)
    with pytest.raises(ValueError, match="positive number"):
        channel_thresholds(values, 2, dead=0.0)
    found = channel_thresholds(values, 2, dead=3.0)
    assert (found.threshold[1], found.initial_potential[1], found.error[1]) == (3.0, 1.5, 0.0)


@settings(deadline=None, max_examples=50)
@given(values=activations, percent=st.floats(0.1, 100))
def test_maximum_and_percentile_equal_numpy(values, percent):
    values = values.astype(np.float64)
    found = percentile_threshold(values, 4, percent=percent, initial_fraction=0.5)
    assert found.threshold == pytest.approx(np.percentile(values, percent), rel=1e-12)
    assert found.initial_potential == 0.5 * found.threshold
    assert found.error == pytest.approx(errors(values, 4, 1, [found.threshold])[0], rel=1e-9, abs=tolerance(values, 1))
    largest = max_threshold(values, 4)
    assert (largest.threshold, largest.initial_potential) == (values.max(), 0.0)


def test_mse_grid_takes_the_best_of_its_grid():
    values = np.random.default_rng(5).standard_exponential(2000)
    grid = values.max() * (1 - 0.01 * np.arange(95))
    floor = [np.square(values - v / 8 * np.clip(np.floor(values / v * 8), 0, 8)).mean() for v in grid]
    found = mse_grid_threshold(values, 8, norm=2)
    assert found.threshold == pytest.approx(grid[np.argmin(floor)], rel=1e-15)
    assert (found.initial_potential, found.error) == (0.0, pytest.approx(min(floor)))
    shifted = mse_grid_threshold(values, 8, norm=2, initial_fraction=0.5)
    assert shifted.threshold == pytest.approx(grid[np.argmin(errors(values, 8, 2, grid))], rel=1e-15)
    assert optimal_threshold(values, 8, norm=2, search="global").error <= shifted.error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: percentile_threshold([1.0], 4, percent=0), "percent=0"),
        (lambda: percentile_threshold([1.0], 4, percent=None), "percent=None"),
        (lambda: mse_grid_threshold([1.0], 4, points=0), "points=0"),
        (lambda: mse_grid_threshold([1.0], 4, points=9.5), "points=9.5"),
        (lambda: max_threshold([1.0], 4, initial_fraction=None), "None thresholds"),
        (lambda: conversion_error([1.0], 4, None), "threshold=None; a threshold is a positive number"),
        (lambda: conversion_error([1.0], 4, 1.0, "half"), "initial_potential='half'; a number from 0"),
        (lambda: channel_thresholds([[1.0]], 4, dead="layer"), "dead='layer'"),
        (lambda: max_threshold([1.0], 4, initial_fraction=2.0), "2.0 thresholds"),
        (lambda: max_threshold([0.0], 4), "layer is dead"),
        (lambda: conversion_error([1.0], 4, 0.0), "positive number"),
        (lambda: conversion_error([1.0], 4, 1.0, -1.0), "-1.0 thresholds"),
    ],
)
def test_bad_baselines_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
