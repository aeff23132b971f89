"""The rules by which checks decide, against numbers by hand or by scipy, and on data of known truth.

Where the truth is simulated, a rule must find it, and must not find what is not there more often than its level says.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from spikeinit.statistics.corrections import corrected
from spikeinit.statistics.intervals import prediction_interval, share_interval
from spikeinit.studies.claims import OurResult, counted_together
from spikeinit.studies.contrasts import ONE_SEED, Contrast, Within, above_zero, all_within, with_interval
from spikeinit.studies.judging import (
    Margin,
    alike,
    all_hold,
    beside_printed_mean,
    beside_printed_run,
    equivalent,
    less_spread,
    lower,
)

LEVEL = 0.05
TRIALS = 400
BY_CHANCE = stats.binom.ppf(0.999, TRIALS, LEVEL)
"""How often a rule may be wrong in so many trials, if it is at its level."""


@pytest.mark.parametrize(
    ("values", "agrees", "note"),
    [
        ([1.0, 1.1, 0.9], True, ""),
        ([-1.0, -1.1, -0.9], False, ""),
        ([1.0, -1.0, 0.5], None, "a bound lies within an interval"),
        ([0.1], None, ONE_SEED),
        ([-0.1], None, ONE_SEED),
    ],
)
def test_a_contrast_is_judged_by_its_interval_and_a_single_seed_decides_nothing(values, agrees, note):
    result = above_zero(0.95, Contrast("gain", np.array(values), "points"))
    assert (result.agrees, result.note) == (agrees, note)
    assert result.n == f"{len(values)} seed{'s' if len(values) > 1 else ''}"


def test_all_contrasts_count_and_are_shown_with_their_intervals():
    up, down = (Contrast(name, np.array(values)) for name, values in (("up", [1.0, 2.0, 3.0]), ("down", [-2.0] * 3)))
    both = above_zero(0.5, up, down)
    low, high = stats.t.interval(0.5, 2, loc=2, scale=1 / math.sqrt(3))
    assert both.ours == f"up 2.00 [{low:.2f}, {high:.2f}]; down -2.00 [-2.00, -2.00]"
    assert both.agrees is False
    assert above_zero(0.5, up, Contrast("absent", np.array([1.0, math.nan, 1.0]))).agrees is None


def test_many_contrasts_are_corrected_before_one_of_them_is_against_a_claim():
    """-1, -1.2, -0.5: p = 0.025 that it is below zero, which one of ten contrasts reaches by chance."""
    below = Contrast("down", np.array([-1.0, -1.2, -0.5]))
    assert above_zero(0.95, below).agrees is False
    others = [Contrast("level", np.array([-1.0, 1.0, 0.1]))] * 9
    assert above_zero(0.95, below, *others).agrees is None


def test_a_contrast_is_shown_as_it_is_and_judged_by_its_bound():
    values = np.array([3.0, 3.2, 2.8])
    high, low = Contrast("lead", values, "points", above=2.0), Contrast("which is", values, "points", below=2.0)
    assert (above_zero(0.95, high).agrees, above_zero(0.95, low).agrees) == (True, False)
    assert above_zero(0.95, Contrast("lead", values, above=3.0)).agrees is None
    assert above_zero(0.95, high).ours == "lead 3.00 [2.50, 3.50] points (above 2 needed)"
    assert above_zero(0.95, low).ours.endswith("points (below 2 needed)")


def test_of_what_may_happen_one_contrast_is_enough():
    up, down, level = (Contrast("", np.array(values)) for values in ([1.0, 1.1, 0.9], [-1.0, -1.1, -0.9], [-1, 1, 0.1]))
    pairs = ((up, down), (up, level), (down, down), (down, level), (level, level))
    assert [above_zero(0.95, *pair, some=True).agrees for pair in pairs] == [True, True, False, None, None]
    hardly = Contrast("", np.array([1.0, 1.2, 0.5]))  # p = 0.025 that it is above zero, which one of ten reaches
    assert above_zero(0.95, hardly, some=True).agrees is True
    assert above_zero(0.95, hardly, *[level] * 9, some=True).agrees is None


# 1, 2, 3 have Student's interval from -0.48 to 4.48 at 0.95
@pytest.mark.parametrize(
    ("low", "high", "agrees"), [(-1, 5, True), (0, 5, None), (-1, 4, None), (5, 6, False), (-2, -1, False)]
)
def test_a_mean_is_within_bounds_where_its_whole_interval_is(low, high, agrees):
    assert all_within(0.95, [Within(np.array([1.0, 2.0, 3.0]), low, high)]) is agrees


def test_a_share_has_an_exact_interval():
    held = np.array([True] * 18 + [False] * 2)
    low, high = share_interval(held, 0.95)
    # by the relation of binomial and beta distributions
    assert (low, high) == pytest.approx((stats.beta.ppf(0.025, 18, 3), stats.beta.ppf(0.975, 19, 2)))
    assert all_within(0.95, [Within(held, low=0.6)]) is True
    assert all_within(0.95, [Within(held, low=0.7)]) is None
    assert all_within(0.95, [Within(held, high=0.5)]) is False
    assert share_interval([True] * 5, 0.95)[1] == 1
    assert all(math.isnan(bound) for bound in share_interval([], 0.95))


def test_bounds_of_many_means_are_corrected_and_few_numbers_decide_nothing():
    outside = Within(np.array([1.0, 2.0, 3.0]) + 3.0, high=2.3)  # from 2.52 at 0.95, from 1.4 at 0.975
    alive = Within(np.array([1.0, 1.0]), low=0)
    assert all_within(0.95, [outside]) is False
    assert all_within(0.95, [outside, alive]) is None
    assert all_within(0.95, [alive]) is True
    assert all_within(0.95, [Within(np.array([1.0]), low=0)]) is None
    assert all_within(0.95, [Within(np.array([np.nan, np.nan]), low=0)]) is None
    assert all_within(0.95, []) is None


def test_a_bound_is_called_outside_no_more_often_than_by_chance():
    generator = np.random.default_rng(0)
    results = [all_within(0.95, [Within(generator.normal(1, 1, 20), high=1) for _ in range(6)]) for _ in range(400)]
    assert sum(result is False for result in results) <= 0.05 * 400


def test_a_mean_is_shown_with_its_interval():
    assert with_interval(np.array([1.0, 2.0, 3.0]), 0.95, ".2f") == "2.00 [-0.48, 4.48]"
    assert with_interval(np.array([2.0]), 0.95) == "2"
    assert with_interval(np.array([True, False] * 2), 0.95) == "0.5 [0.068, 0.93]"
    assert with_interval(np.array([np.nan]), 0.95) == "none"


def test_something_holds_in_all_cells_or_not():
    assert all_hold([True, True], "{} of {} up").agrees is True
    some = all_hold(iter([True, False, True]), "{} of {} up", n="5 runs")
    assert (some.ours, some.n, some.agrees) == ("2 of 3 up", "5 runs", False)
    assert all_hold([], "{} of {} up").agrees is None


# --- orders


def samples(generator, *means, deviation=1.0, n=10):
    return [generator.normal(mean, deviation, n) for mean in means]


def test_an_order_is_shown_left_open_or_reversed():
    low, middle, high = samples(np.random.default_rng(0), 10.0, 13.0, 16.0)
    shown = lower([(low, middle), (middle, high)], significance=LEVEL, text="{} of {} means rise")
    assert (shown.ours, shown.n, shown.agrees) == ("2 of 2 means rise", "10", True)
    assert lower([(low, middle), (high, middle)], significance=LEVEL, text="{} of {}").agrees is False
    same = lower([(low, middle), (middle, middle + 0.01)], significance=LEVEL, text="{} of {}")
    assert (same.ours, same.agrees) == ("1 of 2", None)  # the right sign alone shows nothing
    assert "left open in 1" in same.note
    similar = lower([(low, middle), (middle, middle + 0.01)], significance=LEVEL, text="{} of {}", margin=0.2)
    assert similar.agrees is False  # shown to be alike
    assert lower([(np.array([]), low)], significance=LEVEL, text="{} of {}").ours == ""
    assert lower([(low[:1], high[:1])], significance=LEVEL, text="{} of {}").agrees is None


def test_constants_are_what_they_are():
    one, two = np.full(3, 1.0), np.full(3, 2.0)
    assert lower([(one, two)], significance=LEVEL, text="{} of {}").agrees is True
    assert lower([(two, one)], significance=LEVEL, text="{} of {}").agrees is False
    assert lower([(one, one)], significance=LEVEL, text="{} of {}").agrees is None
    assert lower([(one, one)], significance=LEVEL, text="{} of {}", margin=0.2).agrees is False
    assert alike([(one, one)], significance=LEVEL, margin=0.2).agrees is True
    assert alike([(np.zeros(3), np.zeros(3))], significance=LEVEL, margin=0.2).agrees is True
    assert alike([(one, two)], significance=LEVEL, margin=0.2).agrees is False


def test_an_order_that_is_not_there_is_found_no_more_often_than_by_chance():
    generator = np.random.default_rng(1)
    found = [
        lower([tuple(samples(generator, 5, 5))], significance=LEVEL, text="{} of {}").agrees for _ in range(TRIALS)
    ]
    assert found.count(True) <= BY_CHANCE
    assert found.count(False) <= BY_CHANCE
    # of six pairs that are all alike, hardly ever one is against the claim
    six = [
        lower([tuple(samples(generator, 5, 5)) for _ in range(6)], significance=LEVEL, text="{} of {}").agrees
        for _ in range(TRIALS)
    ]
    assert six.count(True) == 0
    assert six.count(False) <= BY_CHANCE


def test_deviations_need_a_test_of_their_own():
    """Of two equal distributions one always has the larger sample deviation; ten times the deviation is found."""
    generator = np.random.default_rng(2)
    equal = [
        less_spread([tuple(samples(generator, 5, 5))], significance=LEVEL, text="{} of {}").agrees
        for _ in range(TRIALS)
    ]
    assert equal.count(True) <= BY_CHANCE
    assert equal.count(False) <= BY_CHANCE
    narrow, wide = samples(generator, 5)[0], samples(generator, 5, deviation=10)[0]
    assert less_spread([(narrow, wide)], significance=LEVEL, text="{} of {}").agrees is True
    assert less_spread([(wide, narrow)], significance=LEVEL, text="{} of {}").agrees is False
    # the test of Brown and Forsythe, which scipy has without a direction
    p = stats.levene(narrow, wide, center="median").pvalue / 2
    assert p < LEVEL
    assert less_spread([(narrow, wide)], significance=p * 0.99, text="{} of {}").agrees is None
    assert less_spread([(np.ones(3), np.full(3, 2.0))], significance=LEVEL, text="{} of {}").agrees is None


def test_holm_leaves_out_tests_that_were_not_made():
    assert corrected([0.01, math.nan, 0.04]) == pytest.approx([0.02, math.nan, 0.04], nan_ok=True)


# --- equivalence


@pytest.mark.parametrize(
    ("p_holm", "tost_p", "agrees"),
    [
        ((0.5, 0.6), (0.01, 0.02), True),
        ((0.5, 0.01), (0.01, 0.02), True),  # different, and shown to be so by less than the margin
        ((0.5, 0.01), (0.01, 0.2), False),
        ((0.5, 0.6), (0.01, 0.2), None),  # a missing rejection shows nothing
    ],
)
def test_groups_are_alike_where_equivalence_is_shown_for_all(p_holm, tost_p, agrees):
    tests = [{"p": h, "p_holm": h, "tost_p": t, "n1": 3, "n2": 4} for h, t in zip(p_holm, tost_p, strict=True)]
    result = equivalent(tests, LEVEL)
    assert (result.agrees, result.n) == (agrees, "3 + 4")
    assert equivalent([*tests, None], LEVEL).agrees is (None if agrees else agrees)  # one was not made
    assert equivalent([None, {"p": math.nan, "tost_p": math.nan}], LEVEL).ours == ""


def test_equivalence_is_found_where_it_is_and_not_a_margin_away():
    generator = np.random.default_rng(3)
    near = [alike([tuple(samples(generator, 10, 10, n=30))], significance=LEVEL, margin=0.2).agrees for _ in range(50)]
    assert near.count(True) == 50
    edge = [
        alike([tuple(samples(generator, 9, 11, n=30))], significance=LEVEL, margin=0.2).agrees for _ in range(TRIALS)
    ]
    assert edge.count(True) <= BY_CHANCE
    assert alike([tuple(samples(generator, 8, 12, n=30))], significance=LEVEL, margin=0.2).agrees is False
    assert alike([tuple(samples(generator, 10, 10, deviation=20))], significance=LEVEL, margin=0.2).agrees is None


# --- printed numbers


def test_a_printed_mean_is_reproduced_by_equivalence_and_not_by_a_wide_interval():
    spread = np.linspace(-1, 1, 10)
    narrow, wide = 10 + 0.1 * spread, 10 + 20 * spread
    margin = Margin(2.0)
    assert beside_printed_mean(narrow, (10.0, 0.1, 10), margin, 0.95).agrees is True
    assert beside_printed_mean(wide, (10.0, 20.0, 10), margin, 0.95).agrees is None
    assert beside_printed_mean(1.5 * narrow, (10.0, 0.1, 10), margin, 0.95).agrees is False
    assert beside_printed_mean(1.5 * wide, (10.0, 20.0, 10), margin, 0.95).agrees is None
    assert beside_printed_mean(narrow[:1], (10.0, 0.1, 10), margin, 0.95).note == ONE_SEED
    assert beside_printed_mean([], (10.0, 0.1, 10), margin, 0.95).ours == ""
    assert beside_printed_mean(np.full(3, 4.0), (4.0, 0.0, 10), margin, 0.95).agrees is True  # identical constants
    # the bounds are those of Welch's test: equivalence at 0.05 is the interval at 0.9
    low, _ = stats.ttest_ind(narrow, narrow + 1.9, equal_var=False).confidence_interval(0.9)
    shifted = beside_printed_mean(narrow, (11.9, float(narrow.std(ddof=1)), 10), Margin(-low + 1e-6), 0.95)
    assert shifted.agrees is True
    assert beside_printed_mean(narrow, (11.9, float(narrow.std(ddof=1)), 10), Margin(-low - 1e-6), 0.95).agrees is None


@pytest.mark.parametrize("n", [2, 3, 10, 30])
def test_a_perfect_replication_of_a_single_run_is_rarely_rejected(n):
    """In the interval of our mean it would be in 16 % at 3 seeds and in 68 % at 30."""
    generator = np.random.default_rng(n)
    draws = [(generator.normal(80, 1, n), generator.normal(80, 1)) for _ in range(TRIALS)]
    found = [beside_printed_run(ours, printed, Margin(0.0), 0.95).agrees for ours, printed in draws]
    assert found.count(False) <= BY_CHANCE
    assert found.count(True) == 0  # with no margin nothing is shown to be the same
    ours, printed = (np.array(part) for part in zip(*draws, strict=True))
    low, high = stats.t.interval(0.95, n - 1, ours.mean(1), stats.sem(ours, axis=1))
    outside = (printed < low) | (printed > high)
    if n >= 10:
        assert outside.sum() > BY_CHANCE  # what this rule replaces


def test_a_false_single_number_is_not_reproduced():
    generator = np.random.default_rng(5)
    for n in (2, 3, 10, 30):
        found = [beside_printed_run(generator.normal(80, 0.2, n), 40.0, Margin(1.0), 0.95).agrees for _ in range(50)]
        assert found.count(True) == 0
        if n > 2:
            assert found.count(False) == 50
    ours = np.array([80.0, 80.1, 79.9, 80.05])
    assert beside_printed_run(ours, 80.02, Margin(1.0), 0.95).agrees is True
    assert beside_printed_run(ours, 81.5, Margin(1.0, cells=1000), 0.95).agrees is None  # after correction
    assert beside_printed_run(ours, 81.5, Margin(1.0), 0.95).agrees is False
    assert beside_printed_run(ours, 81.5, Margin(1.5), 0.95).agrees is None
    assert beside_printed_run(ours[:1], 80.0, Margin(1.0), 0.95).note == ONE_SEED
    absent = beside_printed_run([1.0, 2.0, 3.0, math.nan], 2.0, Margin(9.0), 0.95, runs=4)
    low, high = stats.t.interval(0.95, 2, loc=2, scale=math.sqrt(1 + 1 / 3))  # of one run more
    assert (absent.ours, absent.n, absent.agrees) == ("2.0", "4", True)
    assert (absent.low, absent.high) == pytest.approx((low, high))


def test_a_prediction_interval_by_hand():
    """1, 2, 3: mean 2, deviation 1, t(2) = 4.3027 at 0.95; 4.3027 times the root of 4/3 is 4.968."""
    assert prediction_interval([1.0, 2.0, 3.0], 0.95) == pytest.approx((2 - 4.968, 2 + 4.968), abs=1e-3)
    assert all(math.isnan(bound) for bound in prediction_interval([1.0], 0.95))


def test_cells_are_counted_together_beside_what_chance_makes():
    cells = [OurResult("1", agrees=agrees) for agrees in (True, True, None, False)]
    whole = counted_together(cells, LEVEL)
    assert (whole.ours, whole.agrees) == ("2 of 4 within the margin, 1 outside, 1 left open", False)
    assert whole.note.startswith("by chance 0.2 of 4")
    assert counted_together(cells[:3], LEVEL).agrees is None
    assert counted_together(cells[:2], LEVEL).agrees is True
    assert counted_together([], LEVEL).ours == ""
