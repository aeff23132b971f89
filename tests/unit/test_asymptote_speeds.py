"""Speeds of the asymptote study from cells of known truth: reached, never reached, and reached by some runs only."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from spikeinit.studies.asymptote import checks
from spikeinit.studies.asymptote.speed_cells import SPEEDS
from spikeinit.studies.asymptote.speeds import Speed, beyond_censoring, fastest, places_lost, rank, speeds_of
from spikeinit.studies.claims import Claim
from spikeinit.studies.scorecard import Conditions, Evidence

BUDGET = 100
"""Iterations of every made-up training."""


def cell(name, *reached, **labels):
    """A row of a table of cells: iterations that each run needed, None for one that never got there."""
    arrived = [one for one in reached if one is not None]
    bounded = [BUDGET + 1 if one is None else one for one in reached]
    return {
        "k": 1.0,
        "lambda": 1.0,
        "theta": 1.0,
        "initializer": name,
        "runs": len(reached),
        "iterations_to_60_mean": float(np.mean(arrived)) if len(arrived) == len(reached) else math.nan,
        "iterations_to_60_at_least": float(np.mean(bounded)),
        "never_to_60": len(reached) - len(arrived),
        **labels,
    }


def said(check, datasets=(), conditions=None, **tables):
    """What a check says to tables made up for a rule."""
    conditions = Conditions((), conditions or {})
    evidence = Evidence(tables, pd.DataFrame(), pd.DataFrame(), {}, conditions, 0.95)
    return checks.CHECKS[check](evidence, Claim("id", "Sec. 0", "made up", "stated", datasets))


def test_a_cell_is_a_range_where_some_runs_never_arrived():
    frame = pd.DataFrame([cell("a", 10, 20), cell("b", 10, None), cell("c", None, None)])
    assert speeds_of(frame) == [Speed(15, 15), Speed(55.5, math.inf), Speed(101, math.inf, never=True)]
    assert [speed.partly for speed in speeds_of(frame)] == [False, True, False]


@pytest.mark.parametrize(
    ("one", "other", "lost"),
    [
        (Speed(10, 10), Speed(20, 20), (0, 0)),
        (Speed(20, 20), Speed(10, 10), (1, 1)),
        (Speed(10, 10), Speed(10, 10), (0.5, 0.5)),
        (Speed(55.5, math.inf), Speed(50, 50), (1, 1)),  # later whatever is censored
        (Speed(55.5, math.inf), Speed(60, 60), (0, 1)),  # hangs on it
        (Speed(55.5, math.inf), Speed(101, math.inf, never=True), (0, 1)),
        (Speed(101, math.inf, never=True), Speed(101, math.inf, never=True), (0.5, 0.5)),
        (Speed(101, math.inf, never=True), Speed(99, 99), (1, 1)),
    ],
)
def test_an_order_is_known_where_ranges_do_not_overlap(one, other, lost):
    assert places_lost(one, other) == lost
    assert places_lost(other, one) == (1 - lost[1], 1 - lost[0])


def test_ranks_without_censoring_are_average_ranks():
    values = {"a": 3.0, "b": 1.0, "c": 3.0, "d": 7.0}
    speeds = {name: Speed(value, value) for name, value in values.items()}
    for name, expected in pd.Series(values).rank(method="average").items():
        assert rank(name, speeds) == (expected, expected)


def test_every_completion_of_the_censored_runs_has_its_rank_within_the_range():
    """Brute force: whatever the censored run would have needed, the rank lies in the range that is given."""
    table = pd.DataFrame([cell("a", 10, None), cell("b", 70, 80), cell("c", 5, 5)])
    speeds = dict(zip("abc", speeds_of(table), strict=True))
    found = {pd.Series({"a": (10 + more) / 2, "b": 75, "c": 5}).rank()["a"] for more in range(BUDGET + 1, 1000)}
    assert (min(found), max(found)) == rank("a", speeds) == (2, 3)


def test_the_fastest_of_some_cells_has_a_range_too():
    assert fastest([Speed(55, math.inf), Speed(80, 80)]) == Speed(55, 80)
    assert fastest([Speed(101, math.inf, never=True)]).never


def test_an_answer_that_censoring_could_change_is_open():
    assert beyond_censoring(True, earlier=False, later=True) is True
    assert beyond_censoring(True, earlier=True, later=False) is None
    assert beyond_censoring(False, earlier=True, later=False) is False
    assert beyond_censoring(False, earlier=False, later=True) is None


def order(**cells):
    rows = [cell(name, *reached, optimizer="sgd") for name, reached in cells.items()]
    return said("order_of_speed", optimizers=pd.DataFrame(rows), surrogates=pd.DataFrame(columns=["initializer"]))


PRINTED = {"ding2022": (10, 10), "wu2018": (20, 20), "he": (30, 30), "lee2016": (40, 40), "glorot": (50, 50)}


def test_only_hes_and_lees_speeds_may_be_equal():
    assert order(**PRINTED).agrees is True
    assert order(**(PRINTED | {"he": (40, 40)})).agrees is True
    assert order(**(PRINTED | {"wu2018": (10, 10)})).agrees is False
    assert order(**(PRINTED | {"glorot": (5, 5)})).agrees is False
    alone = order(**{name: reached[:1] for name, reached in PRINTED.items()})
    assert (alone.agrees, alone.note) == (None, "one seed, which decides nothing")


def test_censored_runs_leave_the_order_open_where_they_could_change_it():
    """Where one of Wu's runs arrived at 2 and one never, the mean of those that arrived is the smallest of all."""
    assert order(**(PRINTED | {"glorot": (50, None)})).agrees is True  # at least 75.5, the last in any case
    assert order(**(PRINTED | {"glorot": (None, None)})).agrees is True
    assert order(**(PRINTED | {"wu2018": (2, None)})).agrees is False  # at least 51.5, behind Lee's and He's
    slow = {"he": (60, 60)}
    late = order(**(PRINTED | slow | {"wu2018": (2, None), "lee2016": (70, 70), "glorot": (80, 80)}))
    assert late.agrees is None
    assert late.note == "some runs of 1 cells never reached the accuracy, and count as censored"


def test_rows_of_other_initialisers_do_not_count():
    assert order(**PRINTED, micheli2024=(1, 1)).n == "5"


def neurons(*places):
    rows = [cell(name, *own, k=0.1 * (i + 1)) for i, place in enumerate(places) for name, own in place.items()]
    return said("as_fast_or_faster", grid=pd.DataFrame(rows))


def test_as_fast_counts_neurons_that_are_decided_whatever_is_censored():
    ahead, behind = {"ding2022": (10, 12), "he": (20, 20)}, {"ding2022": (20, 20), "he": (10, 10)}
    unknown = {"ding2022": (10, None), "he": (70, 70)}
    nobody = {"ding2022": (None, None), "he": (None, None)}
    assert neurons(ahead, ahead, behind).agrees is True
    assert neurons(ahead, behind, behind).agrees is False
    assert neurons(ahead, ahead, ahead, unknown, behind).agrees is True
    assert neurons(ahead, ahead, unknown, unknown).agrees is None
    assert neurons(ahead, nobody).n == "1"
    found = neurons(ahead, behind, unknown)
    assert found.agrees is None
    assert found.ours == "as fast as the best other or faster in 1 to 2 of 3 neurons that any of them trained"


def accelerated(*pairs, k=0.8):
    """Pairs of iterations of Glorot's and of Ding's, one pair for each seed."""
    rows = [
        {"experiment": "grid", "k": k, "lambda": 1 - k, "theta": 1.0, "initializer": name, "seed": seed}
        | {"iterations_to_60": reached, "known_iterations": 1000}
        for seed, pair in enumerate(pairs)
        for name, reached in zip(("glorot", "ding2022"), pair, strict=True)
    ]
    return said("accelerated", runs=pd.DataFrame(rows).astype({"iterations_to_60": float}))


def test_the_acceleration_needs_an_interval_above_eleven():
    assert accelerated((240, 20), (260, 20), (250, 20)).agrees is True
    assert accelerated((100, 20), (110, 20), (105, 20)).agrees is False
    assert accelerated((100, 20), (500, 20), (250, 20)).agrees is None
    assert accelerated((250, 20)).agrees is None
    assert accelerated((250, 20), k=0.9).ours == "12.5 times as fast at the best of 1 leaky neurons"


def test_censored_runs_bound_the_acceleration_on_one_side():
    assert accelerated((None, 20), (None, 21), (None, 20)).agrees is True  # at least 1001 / 20
    assert accelerated((None, 500), (None, 490), (None, 510)).agrees is None  # at least 2
    assert accelerated((900, None), (910, None), (905, None)).agrees is False  # at most 0.91
    nothing = accelerated((None, None), (None, None))
    assert (nothing.agrees, nothing.ours) == (None, "Ding's never reached the accuracy, at 1 leaky neurons")


def epochs(level, **first):
    rows = [
        {"dataset": "mnist", "network": "five_layer", "encoding": "rate", "initializer": name, "seed": seed}
        | {"epochs": 5, "first_epoch_at_60": math.nan, "first_epoch_at_98": math.nan, f"first_epoch_at_{level}": epoch}
        for name, own in first.items()
        for seed, epoch in enumerate(own)
    ]
    return pd.DataFrame(rows)


NAMES = ("glorot", "he", "wu2018", "lee2016")


@pytest.mark.parametrize(
    ("ding", "others", "agrees"),
    [
        ((1, 1, 1), (2, 3, 3), None),  # Welch: one-sided p = 0.03 before Holm's correction for four
        ((1, 1, 1), (3, 3, 3), True),
        ((3, 3, 3), (1, 1, 1), False),
        ((1, 1, 1), (None, None, None), True),  # later in any case
        ((None, None, None), (None, None, None), None),
        ((None, None, None), (2, 2, 2), False),
        ((1, 1, 1), (1, 1, 1), None),
    ],
)
def test_who_is_first_is_tested_with_bounds_for_censored_runs(ding, others, agrees):
    table = epochs(98, ding2022=ding, **dict.fromkeys(NAMES, others))
    coding = table[["dataset", "network", "encoding", "initializer"]].drop_duplicates().assign(outcome="trained")
    found = said("ding_first_at_98", ("mnist",), {"mnist": "mnist"}, epochs_to_accuracy=table, coding=coding)
    assert found.agrees is agrees


@pytest.mark.parametrize(
    ("first", "outcomes", "agrees"),
    [
        ({"ding2022": 10, "wu2018": 20, "he": 30}, ("failed", "failed"), True),
        ({"ding2022": 20, "wu2018": 10, "he": 30}, ("failed", "failed"), False),
        ({"ding2022": 10, "wu2018": 20, "he": 30}, ("failed", "trained"), False),
    ],
)
def test_lee_and_glorot_have_to_fail_on_recordings(first, outcomes, agrees):
    table = epochs(60, **{name: (epoch,) * 3 for name, epoch in first.items()})
    table["dataset"], table["network"], table["encoding"] = "cifar10_dvs", "vgg9_dvs", "slices"
    failing = dict(zip(("lee2016", "glorot"), outcomes, strict=True))
    coding = pd.DataFrame({"initializer": list(failing), "outcome": list(failing.values())})
    coding = coding.assign(dataset="cifar10_dvs", network="vgg9_dvs", encoding="slices")
    here = {"cifar10_dvs": "cifar10_dvs"}
    found = said("in_order_while_others_fail", tuple(here), here, epochs_to_accuracy=table, coding=coding)
    assert found.agrees is agrees


def printed_epochs(first, earliest, latest):
    row = {"dataset": "mnist", "coding": "poisson", "initializer": "ding", "accuracy_percent": 98}
    row |= {"earliest": earliest, "latest": latest}
    tables = {"epochs_to_accuracy": epochs(98, ding2022=first)}
    evidence = Evidence(tables, pd.DataFrame(), pd.DataFrame(), {}, Conditions((), {"mnist": "mnist"}), 0.95)
    return SPEEDS.match(SPEEDS.ours(evidence, row), row, evidence, 1)


@pytest.mark.parametrize(
    ("first", "agrees"),
    [
        ((2, 2, 2), True),
        ((2, 3, 2, 3, 2, 3), True),
        ((1, 4), None),
        ((4, 4, 4), False),
        ((1, 1, 1), False),
        ((2, 2, None), None),  # two arrived as printed, and the third is censored
        ((None, None, None), False),  # at least 6, later than printed whatever is censored
        ((2,), None),
    ],
)
def test_printed_epochs_are_a_range_for_the_mean_over_seeds(first, agrees):
    assert printed_epochs(first, 2, 3).agrees is agrees


def test_censored_epochs_are_named():
    assert printed_epochs((2, 2, None), 2, 3).note == "1 of 3 runs never got there, and count as censored"
    assert printed_epochs((2, 2, None), 2, 3).ours.startswith("at least 3.33")
