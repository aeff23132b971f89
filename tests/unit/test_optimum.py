"""What the best threshold is like: by hand, by brute force, and on distributions whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from spikeinit.conversion.optimum import LEFT_OUT, conversion_errors, optimum
from spikeinit.conversion.thresholds import conversion_error, optimal_threshold


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("timesteps", [1, 3, 8])
def test_errors_equal_the_definition(timesteps, norm):
    values = np.sort(np.random.default_rng(0).exponential(size=500))
    thresholds = np.array([0.01, 0.5, 1.0, values[300], values[-1], 40.0])
    expected = [conversion_error(values, timesteps, threshold, norm=norm) for threshold in thresholds]
    np.testing.assert_allclose(conversion_errors(values, timesteps, thresholds, norm), expected, rtol=1e-9)


def found(values, timesteps=1, norm=1):
    values = np.sort(np.asarray(values, dtype=float))
    return optimum(values, timesteps, optimal_threshold(values, timesteps, norm=norm).threshold, norm)


def test_two_thresholds_may_be_equally_good():
    """Of 1, 1, 3 the thresholds 1 and 3 leave an error of 2 together, and each is the median of what lies above."""
    assert conversion_errors(np.array([1.0, 1.0, 3.0]), 1, np.array([1.0, 3.0]), 1).tolist() == [2 / 3, 2 / 3]
    both = found([1.0, 1.0, 3.0])
    assert (both.minima, both.solutions, both.median_relation) == (2, 2, 0)
    assert both.alike_low <= 1.0
    assert both.alike_high >= 3.0


def test_two_bumps_have_two_solutions_and_one_of_them_is_best():
    generator = np.random.default_rng(0)
    bumps = np.concatenate([generator.normal(1, 0.05, 20000), generator.normal(3, 0.05, 12000)])
    assert (found(bumps).minima, found(bumps).solutions) == (1, 2)


def test_uniform_activations_have_one_solution():
    """Error V^2/4 + (1 - V)^2/2 = 1/6 at V = 2/3, 1 % more where |V - 2/3| = sqrt(0.04/18), a third above V."""
    values = (np.arange(100_000) + 0.5) / 100_000
    one = found(values)
    assert (one.minima, one.solutions) == (1, 1)
    assert one.median_relation == pytest.approx(0, abs=1e-5)
    assert one.samples_above == pytest.approx(100_000 / 3, abs=2)
    reach = np.sqrt(0.04 / 18)
    assert [one.alike_low, one.alike_high] == pytest.approx([2 / 3 - reach, 2 / 3 + reach], rel=0.003)


def test_the_median_relation_is_that_of_absolute_errors():
    """Of an exponential distribution the upper half's mean is above its median: V is the mean for squares."""
    values = np.random.default_rng(1).exponential(size=20_000)
    assert found(values, norm=1).median_relation == pytest.approx(0, abs=1e-4)
    assert found(values, norm=2).median_relation > 0.02
    assert found(values, norm=2).solutions is None
    assert found(values, timesteps=2).median_relation is None


def test_equal_activations_fulfil_the_relation_at_one_of_their_ranks():
    assert found([0.1] * 500 + [1.0] * 1000).median_relation == 0


def brute_excess(values, timesteps):
    """The least error of ranks N/2 to N - 5, counted from 1, over the least of all samples, less 1."""
    errors = [conversion_error(values, timesteps, value) for value in values]
    return min(errors[len(values) // 2 - 1 : len(values) - LEFT_OUT]) / min(errors) - 1


@pytest.mark.parametrize("name", ["inside", "above"])
def test_what_algorithm_2_misses(name):
    """Evenly spread values in many steps are best served by nearly the largest."""
    generator = np.random.default_rng(2)
    values, timesteps = {
        "inside": (generator.exponential(size=400), 2),
        "above": (np.linspace(0.01, 1, 100), 64),
    }[name]
    values = np.sort(values)
    excess = found(values, timesteps).algorithm2_excess
    assert excess == pytest.approx(brute_excess(values, timesteps), abs=1e-9)
    assert (excess > 0) == (name == "above")


def test_few_activations_leave_algorithm_2_nothing():
    assert np.isnan(found([1.0, 2.0]).algorithm2_excess)
