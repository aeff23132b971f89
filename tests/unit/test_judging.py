"""The rules by which checks decide, against numbers worked out by hand or by scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from spikeinit.studies.judging import (
    Contrast,
    above_zero,
    all_hold,
    beside_one_run,
    beside_printed,
    equivalent,
    holds,
    ordered,
)


@pytest.mark.parametrize(
    ("values", "agrees"),
    [([1.0, 1.1, 0.9], True), ([-1.0, -1.1, -0.9], False), ([1.0, -1.0, 0.5], None), ([0.1], None), ([-0.1], None)],
)
def test_a_contrast_is_judged_by_its_interval_and_a_single_seed_decides_nothing(values, agrees):
    result = above_zero(0.95, Contrast("gain", np.array(values), "points"))
    assert result.agrees is agrees
    open_note = "an interval holds zero" if len(values) > 1 else "one seed decides nothing"
    assert result.note == (open_note if agrees is None else "")
    assert result.n == f"{len(values)} seed{'s' if len(values) > 1 else ''}"


def test_all_contrasts_count_and_are_shown_with_their_intervals():
    up, down = (Contrast(name, np.array(values)) for name, values in (("up", [1.0, 2.0, 3.0]), ("down", [-2.0] * 3)))
    both = above_zero(0.5, up, down)
    low, high = stats.t.interval(0.5, 2, loc=2, scale=1 / math.sqrt(3))
    assert both.ours == f"up 2.00 [{low:.2f}, {high:.2f}]; down -2.00 [-2.00, -2.00]"
    assert both.agrees is False
    assert above_zero(0.5, up, Contrast("absent", np.array([1.0, math.nan, 1.0]))).agrees is None


def test_a_printed_number_is_set_beside_a_mean_with_its_interval():
    result = beside_printed([1.0, 2.0, 3.0, math.nan], 0.95, lambda ours: ours.mean == 2, runs=4, note="one failed")
    low, high = stats.t.interval(0.95, 2, loc=2, scale=1 / math.sqrt(3))
    assert (result.ours, result.n, result.agrees, result.note) == ("2.0", "4", True, "one failed")
    assert (result.low, result.high) == pytest.approx((low, high))
    assert beside_printed([math.nan], 0.95, lambda ours: None).ours == ""


@pytest.mark.parametrize(("value", "agrees"), [(0.5, True), (0.49, False), (2.5, True), (2.51, False)])
def test_an_interval_holds_what_lies_within_its_margin(value, agrees):
    assert holds(1.0, 2.0, value, 0.5) is agrees
    assert holds(math.nan, math.nan, value, 0.5) is None


def test_something_holds_in_all_cells_or_not():
    assert all_hold([True, True], "{} of {} up").agrees is True
    some = all_hold(iter([True, False, True]), "{} of {} up", n="5 runs")
    assert (some.ours, some.n, some.agrees) == ("2 of 3 up", "5 runs", False)
    assert all_hold([], "{} of {} up").agrees is None


def test_samples_are_ordered_pair_by_pair():
    one, two, three = np.array([1.0]), np.array([1.0, 3.0]), np.array([2.0, 3.0, 7.0])
    means = ordered([(one, two), (two, three)], np.mean, "{} of {} means rise")
    assert (means.ours, means.n, means.agrees) == ("2 of 2 means rise", "1 to 3", True)
    assert ordered([(two, one)], np.mean, "{} of {}").agrees is False
    spread = ordered([(one, two), (two, three)], np.ptp, "{} of {} ranges grow", least=2)
    assert (spread.ours, spread.n) == ("1 of 1 ranges grow", "2 to 3")
    assert ordered([(np.array([]), one)], np.mean, "{} of {}").ours == ""


@pytest.mark.parametrize(
    ("p_holm", "tost_p", "agrees"),
    [((0.5, 0.6), (0.01, 0.02), True), ((0.5, 0.01), (0.01, 0.02), False), ((0.5, 0.6), (0.01, 0.2), None)],
)
def test_groups_are_alike_where_equivalence_is_shown_for_all(p_holm, tost_p, agrees):
    tests = [{"p": h, "p_holm": h, "tost_p": t, "n1": 3, "n2": 4} for h, t in zip(p_holm, tost_p, strict=True)]
    result = equivalent(tests, 0.05)
    assert (result.agrees, result.n) == (agrees, "3 + 4")
    assert equivalent([*tests, None], 0.05).agrees is (None if agrees else agrees)  # one was not made
    assert equivalent([None, {"p": math.nan}], 0.05).ours == ""


@pytest.mark.parametrize("n", [2, 3, 10])
def test_another_run_of_the_same_kind_is_not_called_another_result(n):
    """Of 2,000 perfect replications beside the one printed run no more than the nominal share is "not reproduced"."""
    generator = np.random.default_rng(n)
    runs = generator.normal(90.0, 2.0, (2000, n + 1))
    found = [beside_one_run(own[1:], own[0], 1.0, 0.95).agrees for own in runs]
    assert found.count(False) <= 0.05 * 2000 + 3 * math.sqrt(2000 * 0.05 * 0.95)
    corrected = [beside_one_run(own[1:], own[0], 1.0, 0.95, cells=20).agrees for own in runs]
    assert corrected.count(False) < found.count(False) / 4


@pytest.mark.parametrize(
    ("values", "printed", "agrees"),
    [
        ([90.0, 90.1, 89.9, 90.0], 90.2, True),
        ([90.0, 90.1, 89.9, 90.0], 95.0, False),
        ([90.0, 90.1, 89.9, 90.0], 90.9, None),  # outside the interval, but within the margin
        ([80.0, 100.0, 90.0], 90.0, None),  # the interval is wider than the margin
        ([90.0], 90.0, None),
    ],
)
def test_one_printed_run_is_judged_by_the_interval_of_one_further_run(values, printed, agrees):
    result = beside_one_run(values, printed, 1.0, 0.95)
    assert result.agrees is agrees
    if len(values) > 1:
        half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) * math.sqrt(1 + 1 / len(values))
        assert (result.low, result.high) == pytest.approx((np.mean(values) - half, np.mean(values) + half))
