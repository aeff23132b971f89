"""The rules of the propagation study's claims, fed with data of known truth: true, false, and undecided."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikeinit.studies.claims import Claim
from spikeinit.studies.propagation import checks
from spikeinit.studies.scorecard import Conditions, Evidence

REPEATS = 300


def said(check, part="", **tables):
    """What a check says to a claim about a data set "d", from tables made up for a rule."""
    evidence = Evidence(tables, pd.DataFrame(), pd.DataFrame(), {}, Conditions((), {"d": "d"}), 0.95)
    return checks.CHECKS[check](evidence, Claim("id", "Figure 0", "made up", "stated", ("d",), part)).agrees


def around(mean, sd, count=REPEATS):
    """Values of exactly this mean and deviation."""
    values = np.random.default_rng(0).standard_normal(count)
    return mean + sd * (values - values.mean()) / values.std(ddof=1)


def networks(label, initializer, deep_variance=1.0, *, dead=0, count=REPEATS, **columns):
    """A row per network of a simulation, of which the first `dead` end at layer 40."""
    last = np.where(np.arange(count) < dead, 40, 100)
    return pd.DataFrame(
        {"label": label, "initializer": initializer, "depth": 100, "width": 1000, "threshold": 1.0, "decay": 0.5}
        | {"repeat": np.arange(1, count + 1), "last_active_layer": last}
        | {"first_variance": 1.0, "deep_variance": deep_variance, "predicted_deep_spikes": 10.0}
        | columns
    )


# the half-width of an interval is about 0.0227 for a deviation of 0.2 and 300 networks
@pytest.mark.parametrize(
    ("mean", "dead", "agrees"),
    [
        (0.95, 6, True),
        (1.0, 0, True),
        (0.92, 6, None),  # the interval holds 0.9
        (0.85, 6, False),
        (1.15, 0, False),
        (1.0, 12, None),  # 4 % dead: the interval holds 5 %
        (1.0, 40, False),  # 13 % dead
    ],
)
@pytest.mark.parametrize(
    ("check", "label", "width"),
    [("kept_at_all_thresholds", "thresholds", 1000), ("kept_just_above_600", "finite_size", 650)],
)
def test_a_variance_is_kept_within_ten_percent_and_alive(check, label, width, mean, dead, agrees):
    frames = [networks(label, "micheli2024", threshold=0.5, width=width)]
    frames += [networks(label, "micheli2024", around(mean, 0.2), dead=dead, width=width)]
    assert said(check, repeats=pd.concat(frames)) is agrees


def test_the_narrowest_width_above_600_is_judged():
    wide, narrow = (networks("finite_size", "micheli2024", value, width=w) for value, w in ((1.0, 900), (0.5, 650)))
    published = networks("finite_size", "micheli2024", 0.5, width=600)
    assert said("kept_just_above_600", repeats=pd.concat([published, wide])) is True
    assert said("kept_just_above_600", repeats=pd.concat([published, wide, narrow])) is False
    assert said("kept_just_above_600", repeats=published) is None


def test_few_networks_leave_it_open():
    frame = networks("thresholds", "micheli2024", around(0.95, 0.2, 20), count=20)
    assert said("kept_at_all_thresholds", repeats=frame) is None


@pytest.mark.parametrize(
    ("deep", "agrees"),
    [
        ((1.0, 0.4, 0.0), True),
        ((1.0, 0.0, 0.4), False),
        ((1.0, 0.95, 0.0), False),
        ((0.5, 0.4, 0.0), False),
        ((1.0, 0.89, 0.0), None),
    ],
)
def test_kaiming_dissipates_where_the_variance_falls_with_the_threshold(deep, agrees):
    frames = [
        networks("thresholds", "he", around(mean, 0.2) if mean else 0.0, threshold=threshold)
        for threshold, mean in zip((0.0, 0.5, 1.0), deep, strict=True)
    ]
    assert said("kaiming_dissipates", repeats=pd.concat(frames)) is agrees


@pytest.mark.parametrize(
    ("ending", "going_on", "agrees"), [(300, 300, True), (155, 300, None), (100, 300, False), (300, 20, False)]
)
def test_the_others_die_in_most_networks(ending, going_on, agrees):
    """`ending` networks of he end at layer 3, the others fire on; `going_on` of rossbroich2022 fire in the last."""
    last = np.where(np.arange(REPEATS) < ending, 3, 100)
    he = networks("initializers", "he", last_active_layer=last)
    kept = networks("initializers", "rossbroich2022", dead=REPEATS - going_on)
    assert said("others_die", repeats=pd.concat([he, kept])) is agrees


def finite(width, **share):
    """Networks that keep these shares of the 10 predicted spikes at the thresholds t85, t95, t100."""
    return pd.concat(
        networks("finite_size", "micheli2024", width=width, threshold=int(name[1:]) / 100, deep_spikes=10 * values)
        for name, values in share.items()
    )


def test_narrow_layers_lose_half_of_their_spikes_above_085():
    def loses(low, high):
        return said("finite_size_100", repeats=finite(100, t85=around(low, 0.4), t95=around(high, 0.4)))

    assert loses(0.56, 0.3) is True
    assert loses(0.53, 0.3) is None
    assert loses(0.4, 0.3) is False
    assert loses(0.6, 0.7) is False


def test_wider_layers_lose_less_and_most_at_one():
    narrow = finite(100, t85=around(0.6, 0.4), t95=around(0.1, 0.2), t100=around(0.05, 0.1))

    def loses(at_95, at_100):
        wide = finite(600, t85=around(0.98, 0.1), t95=around(at_95, 0.1), t100=around(at_100, 0.4)[::-1])
        return said("finite_size_600", repeats=pd.concat([narrow, wide]))

    assert loses(0.95, 0.7) is True
    assert loses(0.72, 0.7) is None
    assert loses(0.05, 0.04) is False
    assert loses(0.7, 0.95) is False


@pytest.mark.parametrize(
    ("after", "before", "agrees"),
    [(0.08, 1.4, False), (0.9, 1.1, True), (0.08, 0.2, True), (0.08, 0.5, None), (1.0, 2.0, None)],
)
def test_the_order_of_reset_and_leak_decides_where_one_order_conserves_and_the_other_does_not(after, before, agrees):
    frames = [
        networks(label, "micheli2024", 2.4 * around(ratio, 0.2), first_variance=2.4, deep_spikes=5.0)
        for label, ratio in (("time_steps", after), ("reset_before_leak", before))
    ]
    assert said("whatever_comes_first", repeats=pd.concat(frames)) is agrees
    assert said("whatever_comes_first", repeats=frames[0]) is None


@pytest.mark.parametrize(("ratio", "agrees"), [(0.7, True), (0.51, None), (0.2, False), (2.5, False)])
def test_a_variance_is_conserved_over_time_within_a_factor_of_two(ratio, agrees):
    frame = networks("time_steps", "micheli2024", 2.4 * around(ratio, 0.2), first_variance=2.4)
    assert said("conserved_over_time", repeats=frame) is agrees


def test_spikes_fall_and_go_on():
    def fall(deep, dead=0):
        frame = networks("time_steps", "micheli2024", first_spikes=8.0, deep_spikes=around(deep, 1.0), dead=dead)
        return said("spikes_fall_slowly", repeats=frame)

    assert fall(3.0) is True
    assert fall(7.95) is None
    assert fall(9.0) is False
    assert fall(3.0, dead=150) is None
    assert fall(3.0, dead=290) is False


@pytest.mark.parametrize(("ending", "agrees"), [(300, True), (150, None), (0, False)])
def test_kaiming_dies_over_time_in_most_networks(ending, agrees):
    last = np.where(np.arange(REPEATS) < ending, 4, 60)
    assert said("kaiming_dies_over_time", repeats=networks("time_steps", "he", last_active_layer=last)) is agrees


@pytest.mark.parametrize(
    ("skewness", "kurtosis", "agrees"),
    [(-0.4, 0.8, True), (0.4, 0.8, False), (-0.4, -0.8, False), (-0.02, 0.8, None)],
)
def test_a_high_decay_skews(skewness, kurtosis, agrees):
    shape = {"deep_skewness": around(skewness, 0.3), "deep_excess_kurtosis": around(kurtosis, 0.3)}
    assert said("high_decay_shape", repeats=networks("high_decay", "micheli2024", **shape)) is agrees


@pytest.mark.parametrize(("spread", "agrees"), [(1.3, True), (0.6, False), (1.02, None)])
def test_a_high_decay_spreads(spread, agrees):
    usual = networks("time_steps", "micheli2024", variance_spread=around(1.0, 0.3))
    high = networks("high_decay", "micheli2024", variance_spread=around(spread, 0.3)[::-1])
    assert said("high_decay_less_stable", repeats=pd.concat([usual, high])) is agrees
    assert said("high_decay_less_stable", repeats=high) is None


@pytest.mark.parametrize(
    ("others", "agrees"),
    [
        ({"he": 0.0, "ding2022": 0.2}, True),
        ({"he": 5.0, "ding2022": 0.2}, True),  # too much is as far as too little
        ({"he": 0.0, "rossbroich2022": 1.0}, False),
        ({"he": 0.0, "rossbroich2022": 0.6}, None),
        ({"zheng2021": 1.0}, None),  # not one of the paper's
    ],
)
def test_the_proposed_one_stands_out_where_every_other_is_further_away(others, agrees):
    """A share of 0.6 of layer 1's variance is kept: 0.22 decades away."""
    frames = [networks("time_steps", "micheli2024", 2.0 * around(0.6, 0.1), first_variance=2.0, deep_spikes=5.0)]
    for name, share in others.items():
        deep = 2.0 * (around(share, 0.1)[::-1] if share else 0.0)
        frames.append(networks("time_steps", name, deep, first_variance=2.0, deep_spikes=5.0))
    assert said("unlike_the_others", repeats=pd.concat(frames)) is agrees


# --- trainings


def trained(check, seeds=10, sd=1.0, **means):
    """What a check says where training and test accuracies of the initialisations have these means."""
    frames = []
    for shift, (name, mean) in enumerate(means.items()):
        accuracy = np.roll(around(mean, sd, seeds), shift) if seeds > 1 else np.array([mean])
        labels = {"experiment": "comparison", "dataset": "d", "network": "deep_mlp", "initializer": name}
        measured = {"seed": range(seeds), "train_accuracy": accuracy, "test_accuracy": accuracy}
        frames.append(pd.DataFrame(labels | measured))
    return said(check, "deep_mlp", trainings=pd.concat(frames))


@pytest.mark.parametrize(
    ("check", "means", "agrees"),
    [
        ("only_two_train_above_90", {"micheli2024": 92, "rossbroich2022": 95, "he": 88}, True),
        ("only_two_train_above_90", {"micheli2024": 92, "rossbroich2022": 95, "he": 92}, False),
        ("only_two_train_above_90", {"micheli2024": 85, "rossbroich2022": 95, "he": 50}, False),
        ("only_two_train_above_90", {"micheli2024": 90.3, "rossbroich2022": 95, "he": 50}, None),
        ("only_two_train_above_70", {"micheli2024": 80, "rossbroich2022": 76, "he": 50}, True),
        ("only_two_train_above_70", {"micheli2024": 76, "rossbroich2022": 80, "he": 50}, False),
        ("only_two_train_above_70", {"micheli2024": 76, "rossbroich2022": 76, "he": 50}, None),
        ("all_similar", {"micheli2024": 90, "he": 91, "glorot": 89}, True),
        ("all_similar", {"micheli2024": 90, "he": 80, "glorot": 89}, False),
        ("all_similar", {"micheli2024": 90, "he": 85, "glorot": 89}, None),
        ("proposed_is_best", {"micheli2024": 90, "he": 80, "glorot": 85}, True),
        ("proposed_is_best", {"micheli2024": 90, "he": 95, "glorot": 85}, False),
        ("proposed_is_best", {"micheli2024": 90, "he": 90, "glorot": 85}, None),
    ],
)
def test_trainings_are_judged_by_their_intervals(check, means, agrees):
    assert trained(check, **means) is agrees
    assert trained(check, seeds=1, **means) is None


def test_an_initialisation_that_was_not_trained_leaves_it_unsaid():
    assert trained("only_two_train_above_90", micheli2024=92, he=50) is None
    assert trained("proposed_is_best", rossbroich2022=92, he=50) is None


def iterations(sd=10.0, seeds=10, **means):
    """What `converges_fastest` says of iterations with these means."""
    labels = {"experiment": "comparison", "dataset": "d", "network": "deep_mlp", "level": 25}
    frames = [
        pd.DataFrame({**labels, "initializer": name, "seed": range(seeds)}).assign(
            iterations_to_level=np.roll(around(mean, sd, seeds), shift) if seeds > 1 else mean
        )
        for shift, (name, mean) in enumerate(means.items())
    ]
    return said("converges_fastest", "deep_mlp", trainings=pd.concat(frames))


def test_the_proposed_one_is_fastest_where_every_other_takes_more_iterations():
    assert iterations(micheli2024=100, he=150, glorot=200) is True
    assert iterations(micheli2024=100, he=150, glorot=60) is False
    assert iterations(micheli2024=100, he=150, glorot=103) is None
    assert iterations(micheli2024=100, he=150, seeds=1) is None
    assert iterations(he=150, glorot=200) is None


def swept(better=10.0, slower=100.0, wider=20.0, seeds=10):
    """What `robust` says where Kaiming is behind by these points, iterations, and points of range over two widths."""
    rows = []
    for seed in range(seeds):
        noise = 0.5 * (-1) ** seed
        for experiment, sign in (("base", 1), ("width", -1)):
            labels = {"experiment": experiment, "dataset": "d", "seed": seed, "level": 50}
            ours = {"initializer": "micheli2024", "train_accuracy": 90.0 + sign, "iterations_to_level": 200.0}
            accuracy = 90 + noise - better + sign * (1 + wider / 2 + noise)
            theirs = {"initializer": "he", "train_accuracy": accuracy, "iterations_to_level": 200 + slower + 5 * noise}
            rows += [labels | ours, labels | theirs]
    return said("robust", "robustness", trainings=pd.DataFrame(rows))


def test_kaiming_is_worse_slower_and_more_variable():
    assert swept() is True
    assert swept(better=-10.0) is False
    assert swept(slower=-100.0) is False
    assert swept(wider=-1.5) is False
    assert [swept(better=0.0), swept(slower=0.0), swept(wider=0.0)] == [None, None, None]
    assert swept(seeds=1) is None
