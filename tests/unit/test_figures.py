"""Figures of the energy study: all are drawn, equal data give equal bytes, and the drawn numbers are the tables'."""

from __future__ import annotations

import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from declared import figure_files, write_tables
from energy_runs import Combination, Seed, write_study
from matplotlib import rc_context
from matplotlib.figure import Figure

from spikeinit.drawing import figure_style as style
from spikeinit.plan import rule_specs
from spikeinit.stages import plot
from spikeinit.studies.energy import STUDY, figures
from spikeinit.studies.energy.accuracy_figures import pareto_front
from spikeinit.studies.energy.series import levels, looks_of_series
from spikeinit.studies.table_tools import StudyRuns


def combination(dataset, initializer, mean, beta, factor, outcome="trained"):
    seeds = {seed: Seed((factor * (1 + seed), 9.0 + seed), 90.0 + seed + factor) for seed in (0, 1)}
    if outcome == "dead":
        seeds[1] = Seed((0.0, 0.0), 10.0, outcome, 1)
    return Combination(dataset, initializer, mean, beta, seeds)


COMBINATIONS = [
    combination(dataset, *rest)
    for dataset in ("mnist", "digits")
    for rest in (
        ("normal", -0.01, "low", 0.2),
        ("normal", 0.01, "low", 0.6),
        ("normal", -0.01, "high", 0.3),
        ("he", None, "low", 1.0, "dead"),
    )
]
PUBLISHED = pd.DataFrame(
    {
        "dataset": ["mnist"] * 4,
        "weight_mean": [-0.01, -0.01, None, -0.01],
        "beta_range": [None, None, "low", "low"],
        "layer": [1, 2, 1, 1],
        "spikes_mean": [0.2, 0.1, 0.9, 0.17],
    }
)


def study_tables(folder, combinations):
    runs = StudyRuns.load(*write_study(folder, combinations))
    return write_tables(STUDY, runs, folder / "tables", published={"paerna2025_spikes": PUBLISHED})


@pytest.fixture(scope="module")
def drawn_tables(tmp_path_factory):
    return study_tables(tmp_path_factory.mktemp("study"), COMBINATIONS)


def test_the_stage_writes_what_the_planner_expects(drawn_tables, tmp_path, monkeypatch):
    arguments = [
        "--spec",
        rule_specs.figures_spec(STUDY),
        "--tables",
        str(drawn_tables.folder),
        "--figures",
        str(tmp_path),
    ]
    monkeypatch.setattr(sys, "argv", ["plot", *arguments])
    plot.main()
    assert {path.name for path in tmp_path.iterdir()} == figure_files(STUDY)


def test_equal_data_give_equal_bytes(drawn_tables, tmp_path):
    draw = figures.spikes_by_weight_mean
    first, second = (style.render(draw, tmp_path / copy, "figure", drawn_tables) for copy in "ab")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert b"dc:date" not in first[0].read_bytes()


def test_a_figure_leaves_the_global_style_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    style.render(Figure, tmp_path, "figure")
    assert dict(matplotlib.rcParams) == before


def hollow_markers(panel):
    return [line for line in panel.lines if line.get_markerfacecolor() == "none"]


def test_published_values_stand_beside_the_same_data_set_only(drawn_tables):
    mnist, digits = figures.spikes_by_weight_mean(drawn_tables).axes
    (published,) = hollow_markers(mnist)
    assert not hollow_markers(digits)
    # the output layer is printed per step: 0.1 of 20 steps is 2 spikes
    assert list(published.get_ydata()) == pytest.approx([0.2, 2.0])


def test_points_are_means_and_every_run_is_a_dot(drawn_tables):
    panel = figures.spikes_by_weight_mean(drawn_tables).axes[1]
    means = sorted(bar.lines[0].get_ydata()[0] for bar in panel.containers)
    # layer 1: 0.2, 0.4, 0.3, 0.6 at mean -0.01 and 0.6, 1.2 at 0.01; layer 2: 9 and 10 everywhere
    assert means == pytest.approx([0.375, 0.9, 9.5, 9.5])
    dots = np.concatenate([line.get_ydata() for line in panel.lines if line.get_marker() == "."])
    assert len(dots) == 12


@pytest.fixture(scope="module", params=["normal", "he"])
def half_a_study(request, tmp_path_factory):
    chosen = [one for one in COMBINATIONS if one.initializer == request.param and one.dataset == "digits"]
    return study_tables(tmp_path_factory.mktemp(request.param), chosen)


@pytest.mark.parametrize("drawn_by", [figure.function for figure in STUDY.figures])
def test_half_a_study_can_be_drawn(half_a_study, drawn_by):
    assert isinstance(STUDY.load(drawn_by)(half_a_study), Figure)


def test_pareto_front_by_brute_force():
    generator = np.random.default_rng(0)
    cost, error = generator.integers(0, 6, (2, 40)).astype(float)
    beaten = {
        i
        for i in range(40)
        for j in range(40)
        if cost[j] <= cost[i] and error[j] <= error[i] and (cost[j] < cost[i] or error[j] < error[i])
    }
    assert set(pareto_front(cost, error)) == set(range(40)) - beaten


@pytest.mark.parametrize(
    ("values", "scale"),
    [([1, 2, 9], "linear"), ([1, 10], "log"), ([0, 1, 10], "symlog"), ([0, 0], "linear"), ([], "linear")],
)
def test_wide_ranges_get_a_logarithmic_scale(values, scale):
    axes = Figure().subplots()
    style.scale_axis(axes, "y", values)
    assert axes.get_yscale() == scale


def test_error_bars_do_not_reach_below_zero():
    assert style.error_bar(1.0, 2.0) == [[1.0], [2.0]]
    assert style.error_bar(3.0, 2.0) == [[2.0], [2.0]]


@pytest.mark.parametrize(("value", "text"), [(0.01, "0.01"), (0, "0"), (5000, "5,000"), (1e-6, "1e-6"), (2e6, "2e6")])
def test_ticks_are_plain_numbers_where_short(value, text):
    assert style.plain_number(value) == text


def test_a_mean_weight_keeps_its_colour_without_the_other_initializers():
    table = pd.DataFrame({"initializer": ["normal", "he", "normal"], "weight_mean": [0.01, None, -0.01]})
    assert (
        looks_of_series(table)["mean weight 0.01"]
        == looks_of_series(table[table["initializer"] == "normal"])["mean weight 0.01"]
    )
    assert len({(look.color, look.marker) for look in looks_of_series(table).values()}) == 3


def test_beta_ranges_go_from_low_to_high_whatever_the_order_of_runs():
    table = pd.DataFrame({"beta_range": ["high", "mine", "low", "medium"]})
    assert levels(table, "beta_range") == ["low", "medium", "high", "mine"]


@pytest.mark.parametrize(("letters", "columns"), [(5, 4), (27, 3), (60, 1)])
def test_a_legend_has_as_many_columns_as_fit_the_page(letters, columns):
    text = "99.9th percentile, neurons that take spikes back at once"
    with rc_context(style.STYLE):
        figure, axes = style.panels(1, 1)
        (line,) = axes[0, 0].plot([0, 1])
        style.legend_below(figure, {f"{index:02} {text}"[:letters]: line for index in range(10, 22)})
        (legend,) = figure.legends
        assert legend._ncols == columns
        figure.draw_without_rendering()
        box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
