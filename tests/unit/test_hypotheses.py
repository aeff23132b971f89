"""Hypothesis tests against hand computation, scipy and statsmodels called directly, and simulation."""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import effectsize_smd

from spikeinit.errors import UserError
from spikeinit.io import canonical_json, read_csv
from spikeinit.stages import test_hypotheses as stage
from spikeinit.statistics import hypotheses, two_samples, variance
from spikeinit.statistics.comparisons import Comparison
from spikeinit.statistics.hypotheses import Options, compare
from spikeinit.statistics.intervals import mean_interval, welch_interval
from spikeinit.studies.energy.comparisons import weight_and_decay_comparisons

QUICK = Options(
    confidence=0.95,
    equivalence_margin=0.2,
    accuracy_margin=1.0,
    reference_effect=0.8,
    resamples=200,
    seed=0,
    outcomes=("trained",),
)
LOW_HIGH = Comparison("low-high", "weight_mean", -0.01, 0.01, "less", ("spikes", "accuracy"), {"initializer": "normal"})


def runs(effect=1.0, *, seeds=4, layers=2, datasets=("digits",), seed=0):
    """A table of runs whose spikes rise with the mean weight by `effect` deviations per level."""
    generator = np.random.default_rng(seed)
    rows = []
    grid = itertools.product(datasets, enumerate((-0.01, 0.0, 0.01)), ("low", "medium", "high"), range(seeds))
    for dataset, (level, mean), beta, run_seed in grid:
        accuracy = 90.0 + generator.normal()
        for layer in range(1, layers + 1):
            spikes = 5.0 + level * effect + generator.normal()
            rows.append((dataset, "normal", mean, beta, run_seed, layer, spikes, accuracy, "trained"))
    return pd.DataFrame(rows, columns=list(hypotheses.RUN_COLUMNS))


def one(table, **where):
    """The only row with these values."""
    rows = table[np.logical_and.reduce([table[column] == value for column, value in where.items()])]
    assert len(rows) == 1
    return rows.iloc[0]


def test_t_tests_by_hand():
    # means 2 and 4, variances 1 and 4; pooled 2.5, t = -2 / sqrt(2.5 * 2/3); Welch: the same t, since n1 = n2,
    # and (1/3 + 4/3)^2 / ((1/3)^2 / 2 + (4/3)^2 / 2) = 50/17 degrees of freedom
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])
    student, welch = (two_samples.t_test(a, b, welch=choice) for choice in (False, True))
    assert student.statistic == pytest.approx(-2 / math.sqrt(5 / 3))
    assert welch.statistic == pytest.approx(student.statistic)
    assert (student.df, welch.df) == pytest.approx((4, 50 / 17))


@pytest.mark.parametrize("welch", [False, True])
def test_t_tests_agree_with_scipy_on_the_raw_samples(welch):
    generator = np.random.default_rng(1)
    a, b = generator.normal(0, 1, 12), generator.normal(0.7, 3, 7)
    ours = two_samples.t_test(a, b, welch=welch)
    for alternative, p in ours.p.items():
        theirs = stats.ttest_ind(a, b, equal_var=not welch, alternative=alternative)
        assert (ours.statistic, ours.df, p) == pytest.approx((theirs.statistic, theirs.df, theirs.pvalue))


def test_hedges_g_by_hand():
    # d = -2 / sqrt(2.5); J(4) = Gamma(2) / (sqrt(2) Gamma(3/2)) = sqrt(2 / pi)
    g, low, high = two_samples.hedges_g(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    assert g == pytest.approx(-2 / math.sqrt(2.5) * math.sqrt(2 / math.pi))
    assert low < g < high


def test_hedges_g_agrees_with_the_approximation_of_statsmodels():
    generator = np.random.default_rng(2)
    a, b = generator.normal(1, 1, 40), generator.normal(0, 1.2, 35)
    approximate, variance_of_g = effectsize_smd(a.mean(), a.std(ddof=1), a.size, b.mean(), b.std(ddof=1), b.size)
    g, low, high = two_samples.hedges_g(a, b)
    assert g == pytest.approx(approximate, rel=1e-3)
    assert (high - low) / (2 * 1.96) == pytest.approx(math.sqrt(variance_of_g), rel=0.03)


@pytest.mark.parametrize("shift", [-1.5, 0.0, 0.4, 3.0, 100.0])
def test_effect_interval_inverts_the_noncentral_t(shift):
    a, b = np.array([0.1, 0.9, 0.4, 0.6, 0.2]) + shift, np.array([0.3, 0.8, 0.5, 0.2])
    _, low, high = two_samples.hedges_g(a, b, confidence=0.9)
    t, df, scale = stats.ttest_ind(a, b).statistic, 7, math.sqrt(1 / 5 + 1 / 4)
    assert stats.nct.cdf(t, df, low / scale) == pytest.approx(0.95, abs=1e-6)
    assert stats.nct.cdf(t, df, high / scale) == pytest.approx(0.05, abs=1e-6)


def test_effect_interval_covers_as_often_as_it_says():
    # 1,000 pairs of samples with a true effect of 0.8: 90 % intervals miss 100 times, with a deviation of 9.5
    generator, truth, missed = np.random.default_rng(3), 0.8, {"low": 0, "high": 0}
    for _ in range(1000):
        a, b = generator.normal(truth, 1, 6), generator.normal(0, 1, 8)
        _, low, high = two_samples.hedges_g(a, b, confidence=0.9)
        missed["low"] += truth < low
        missed["high"] += truth > high
    assert 25 <= missed["low"] <= 78
    assert 25 <= missed["high"] <= 78


@pytest.mark.parametrize("welch", [False, True])
def test_equivalence_is_the_worse_of_two_shifted_one_sided_tests(welch):
    generator = np.random.default_rng(4)
    a, b, margin = generator.normal(0, 1, 15), generator.normal(0.1, 2, 20), 1.0
    above = stats.ttest_ind(a + margin, b, equal_var=not welch, alternative="greater").pvalue
    below = stats.ttest_ind(a - margin, b, equal_var=not welch, alternative="less").pvalue
    assert two_samples.equivalence_p(a, b, margin, welch=welch) == pytest.approx(max(above, below))


def test_bootstrap_is_seeded_and_matches_plain_resampling():
    generator = np.random.default_rng(5)
    a, b = generator.normal(2, 1, 30), generator.normal(0, 1, 30)
    first, second = (
        two_samples.bootstrap_difference(a, b, confidence=0.95, resamples=4000, generator=np.random.default_rng(9))
        for _ in range(2)
    )
    assert first == second
    resampled = generator.choice(a, (20000, 30)).mean(axis=1) - generator.choice(b, (20000, 30)).mean(axis=1)
    assert first == pytest.approx(np.quantile(resampled, [0.025, 0.975]), abs=0.06)


def test_bootstrap_of_few_distinct_values_is_finite():
    low, high = two_samples.bootstrap_difference(
        np.array([0.0, 1.0]), np.array([0.5, 0.5]), confidence=0.95, resamples=100, generator=np.random.default_rng(0)
    )
    assert (low, high) == (-0.5, 0.5)


def test_power_has_the_textbook_values():
    # Cohen (1988), Table 2.3/2.4: 80 % power at d = 0.5 with 64, at d = 0.8 with 26 in each group
    for effect, n in ((0.5, 64), (0.8, 26)):
        power = two_samples.t_test_power(effect, n, n, alternative="two-sided", significance=0.05)
        assert power == pytest.approx(0.80, abs=0.011)


@pytest.mark.parametrize(("alternative", "effect"), [("less", -0.7), ("greater", 0.7), ("greater", -0.7)])
def test_power_is_the_rate_of_rejection(alternative, effect):
    generator = np.random.default_rng(6)
    a, b = generator.normal(effect, 1, (4000, 9)), generator.normal(0, 1, (4000, 12))
    rate = (stats.ttest_ind(a, b, axis=1, alternative=alternative).pvalue < 0.05).mean()
    power = two_samples.t_test_power(effect, 9, 12, alternative=alternative, significance=0.05)
    assert power == pytest.approx(rate, abs=0.025)


@pytest.mark.parametrize(("effect", "alternative", "power"), [(5, "less", 0), (-500, "less", 1), (50, "two-sided", 1)])
def test_power_of_an_enormous_effect_is_its_limit(effect, alternative, power):
    given = two_samples.t_test_power(effect, 30, 30, alternative=alternative, significance=0.05)
    assert given == pytest.approx(power, abs=1e-12)


def test_corrections_by_hand():
    # Holm: 0.01 x 3, max(0.03 x 2, .), max(0.04 x 1, 0.06); Benjamini-Hochberg: 0.01 x 3, 0.04 x 3/3 pulls 0.045 down
    table = pd.DataFrame({"family": ["x", "x", "y", "x", "x"], "p": [0.01, 0.04, 0.02, 0.03, math.nan]})
    adjusted = hypotheses.correct_within_families(table, {"holm": "holm", "bh": "fdr_bh"})
    assert adjusted["holm"].tolist() == pytest.approx([0.03, 0.06, 0.02, 0.06, math.nan], nan_ok=True)
    assert adjusted["bh"].tolist() == pytest.approx([0.03, 0.04, 0.02, 0.04, math.nan], nan_ok=True)


def test_comparison_pools_the_other_factor():
    table = runs()
    row = one(compare(table, [LOW_HIGH], QUICK), measure="layer 2", test="welch", alternative="less")
    layer = table[table["layer"] == 2]
    a, b = (layer.loc[layer["weight_mean"] == mean, "spikes"] for mean in (-0.01, 0.01))
    theirs = stats.ttest_ind(a, b, equal_var=False, alternative="less")
    assert (row["n1"], row["n2"], row["claimed"], row["note"]) == (12, 12, True, "")
    assert (row["statistic"], row["p"]) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert row["difference"] == pytest.approx(a.mean() - b.mean())
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert row["tost_margin"] == pytest.approx(0.2 * pd.concat([a, b]).mean())


def test_accuracy_counts_each_run_once_and_has_its_own_margin_and_family():
    table = compare(runs(datasets=("digits", "mnist5k")), [LOW_HIGH], QUICK)
    row = one(table, dataset="digits", measure="accuracy", test="student", alternative="two-sided")
    assert row["n1"] == 12
    assert (row["tost_margin"], row["tost_margin_rule"]) == (1.0, "1 percentage points")
    families = table.groupby("family").size()
    # two data sets x (spikes, accuracy) x two tests x three alternatives; two layers in a family of spikes
    assert sorted(families) == [1] * 12 + [2] * 12
    assert row["p_holm"] == row["p"]


def test_other_initializers_stay_out_of_the_comparison():
    table = runs()
    stranger = table[table["weight_mean"] == 0].assign(initializer="glorot", weight_mean=math.nan, spikes=1000.0)
    both = pd.concat([table, stranger])
    medium_low = Comparison("beta", "beta_range", "medium", "low", "less", ("spikes",), {"initializer": "normal"})
    pd.testing.assert_frame_equal(compare(both, [medium_low], QUICK), compare(table, [medium_low], QUICK))
    versus = Comparison("glorot", "initializer", "glorot", "normal", "greater")
    row = one(compare(both, [versus], QUICK), measure="layer 1", test="student", alternative="greater")
    assert (row["n1"], row["n2"], row["mean1"]) == (12, 36, 1000.0)


def test_a_further_comparison_changes_no_other_interval():
    comparisons = weight_and_decay_comparisons([0.01, -0.01, 0.0], ["low", "medium", "high"])
    alone, among = compare(runs(), comparisons[-1:], QUICK), compare(runs(), comparisons, QUICK)
    among = among[among["comparison"] == comparisons[-1].name]
    assert alone["difference_low"].tolist() == among["difference_low"].tolist()


def test_the_published_comparisons():
    comparisons = weight_and_decay_comparisons([0.01, -0.01, 0.0], ["low", "medium", "high"])
    assert [(c.measures[0], c.a, c.b, c.alternative) for c in comparisons] == [
        ("spikes", -0.01, 0.0, "less"),
        ("spikes", -0.01, 0.01, "less"),
        ("spikes", "medium", "low", "less"),
        ("spikes", "medium", "high", "less"),
        ("accuracy", -0.01, 0.0, "two-sided"),
        ("accuracy", -0.01, 0.01, "two-sided"),
        ("accuracy", "high", "low", "two-sided"),
        ("accuracy", "high", "medium", "two-sided"),
        # pairs that the thesis leaves out
        ("spikes", 0.0, 0.01, "two-sided"),
        ("accuracy", 0.0, 0.01, "two-sided"),
        ("spikes", "low", "high", "two-sided"),
        ("accuracy", "low", "medium", "two-sided"),
    ]
    assert [Comparison.from_spec(c.to_spec()) for c in comparisons] == list(comparisons)
    assert weight_and_decay_comparisons([0.0], ["only"]) == ()


DEGENERATE = {
    "one run": ([1.0], [1.0, 2.0, 3.0], "one run", math.nan),
    "no run": ([], [1.0, 2.0], "no runs", math.nan),
    "all equal": ([0.1, 0.1, 0.1], [0.1, 0.1, 0.1], "no variance", 0.0),
    "constant, different": ([0.1, 0.1, 0.1], [0.3, 0.3, 0.3], "no variance", 1.0),
    "constant, nearly equal": ([0.3, 0.3, 0.3], [0.31, 0.31, 0.31], "no variance", 0.0),
    "all zero": ([0.0, 0.0], [0.0, 0.0], "no variance", 0.0),
    "not a number": ([math.nan, math.nan], [1.0, 2.0], "not a number", math.nan),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_samples_have_no_p_and_a_note(case):
    a, b, note, equivalence = DEGENERATE[case]
    rows = [("d", "normal", mean, "low", seed, 1, value, 90.0, "trained")
            for mean, values in ((-0.01, a), (0.01, b)) for seed, value in enumerate(values)]  # fmt: skip
    comparison = Comparison("low-high", "weight_mean", -0.01, 0.01, "less")
    table = compare(pd.DataFrame(rows, columns=list(hypotheses.RUN_COLUMNS)), [comparison], QUICK)
    assert len(table) == 6
    assert table[["p", "p_holm", "p_bh", "statistic", "hedges_g", "power"]].isna().all(axis=None)
    assert table["tost_p"].tolist() == pytest.approx([equivalence] * 6, nan_ok=True)  # constants are what they are
    assert table["note"].str.contains(note).all()


def test_one_constant_sample_is_tested():
    a, b = np.full(5, 0.1), np.array([0.2, 0.4, 0.3, 0.5, 0.2])
    # the constant sample adds nothing to the error: Welch is the one-sample test of b against 0.1
    theirs = stats.ttest_1samp(b, 0.1)
    ours = two_samples.t_test(a, b, welch=True)
    assert (ours.statistic, ours.df, ours.p["two-sided"]) == pytest.approx((-theirs.statistic, 4, theirs.pvalue))
    assert np.isfinite(two_samples.hedges_g(a, b)).all()


def test_runs_that_did_not_train_are_left_out_and_named():
    table = runs()
    table.loc[(table["weight_mean"] == -0.01) & (table["seed"] == 0), ["outcome", "spikes"]] = ["dead", 0.0]
    row = one(compare(table, [LOW_HIGH], QUICK), measure="layer 1", test="student", alternative="less")
    assert (row["n1"], row["n2"]) == (9, 12)
    assert row["note"] == "3 of 12 runs left out: not trained"
    everything = replace(QUICK, outcomes=("trained", "dead"))
    assert (
        one(compare(table, [LOW_HIGH], everything), measure="layer 1", test="student", alternative="less")["n1"] == 12
    )


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "x", "factor": "weight_mean", "a": 0, "b": 1, "alternative": "lower"},
        {"name": "x", "factor": "weight_mean", "a": 0, "b": 1, "measures": ["energy"]},
        {"name": "x", "factor": "weight_mean", "a": 0},
        {"name": "x", "factor": "weight_mean", "a": 0, "b": 1, "alternativ": "less"},
    ],
)
def test_a_wrong_comparison_is_the_users_error(spec):
    with pytest.raises(UserError, match="comparison x"):
        Comparison.from_spec(spec)


def test_unknown_columns_are_the_users_error():
    with pytest.raises(UserError, match="no column weight"):
        compare(runs(), [Comparison("x", "weight", 0, 1)], QUICK)
    with pytest.raises(UserError, match="no column accuracy"):
        compare(runs().drop(columns="accuracy"), [LOW_HIGH], QUICK)
    with pytest.raises(UserError, match="two columns"):
        variance.analyse_variance(runs(), ["weight_mean", "betas"], {}, QUICK)


def two_by_two(cells):
    rows = [("d", "normal", mean, beta, seed, 1, value, 90.0 + value, "trained")
            for (mean, beta), values in cells.items() for seed, value in enumerate(values)]  # fmt: skip
    return pd.DataFrame(rows, columns=list(hypotheses.RUN_COLUMNS))


FACTORS = ("weight_mean", "beta_range")


def test_analysis_of_variance_by_hand():
    # Cell means 2, 5, 6, 13 about 6.5: squares 4 * (3^2 + 3^2) = 72, 4 * (2.5^2 + 2.5^2) = 50, between the cells
    # 2 * (4.5^2 + 1.5^2 + 0.5^2 + 6.5^2) = 130, hence interaction 8; within 4 * 2 = 8 on 4 degrees of freedom.
    table = two_by_two({(0.0, "low"): (1, 3), (0.0, "high"): (4, 6), (1.0, "low"): (5, 7), (1.0, "high"): (12, 14)})
    result = variance.analyse_variance(table, FACTORS, {"initializer": "normal"}, QUICK)
    layer = result[result["measure"] == "layer 1"].set_index("term")
    terms = ["weight_mean", "beta_range", "weight_mean:beta_range"]
    assert layer.loc[[*terms, "residual"], "sum_sq"].tolist() == pytest.approx([72, 50, 8, 8])
    assert layer.loc[[*terms, "residual"], "df"].tolist() == [1, 1, 1, 4]
    assert layer.loc[terms, "F"].tolist() == pytest.approx([36, 25, 4])
    assert layer.loc[terms, "p"].tolist() == pytest.approx(stats.f.sf([36, 25, 4], 1, 4).tolist())
    assert layer.loc[terms, "partial_eta_squared"].tolist() == pytest.approx([72 / 80, 50 / 58, 8 / 16])
    assert layer.loc[terms, "eta_squared"].tolist() == pytest.approx([72 / 138, 50 / 138, 8 / 138])
    assert layer["p_holm"].notna().sum() == 3
    assert result["family"].unique().tolist() == ["d spikes", "d accuracy"]


def test_unbalanced_analysis_is_type_two():
    # Sums of squares by comparing least-squares fits: each factor beyond the other, the interaction beyond both.
    table = runs().drop(index=[0, 2, 30, 55]).reset_index(drop=True)
    layer = table[table["layer"] == 1]
    mean, beta = (pd.get_dummies(layer[factor], drop_first=True).to_numpy(float) for factor in FACTORS)
    crossed = np.stack([x * y for x in mean.T for y in beta.T], axis=1)
    constant, y = np.ones((len(layer), 1)), layer["spikes"].to_numpy()

    def residual(*columns):
        design = np.concatenate([constant, *columns], axis=1)
        return ((y - design @ np.linalg.lstsq(design, y)[0]) ** 2).sum()

    full = residual(mean, beta, crossed)
    expected = [
        residual(beta) - residual(mean, beta),
        residual(mean) - residual(mean, beta),
        residual(mean, beta) - full,
        full,
    ]
    result = variance.analyse_variance(table, FACTORS, {}, QUICK)
    assert result.loc[result["measure"] == "layer 1", "sum_sq"].tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        ({(0.0, "low"): (1, 2), (1.0, "low"): (3, 4)}, "fewer than two levels"),
        ({(0.0, "low"): (1, 2), (0.0, "high"): (3, 4), (1.0, "low"): (3, 4)}, "no run"),
        ({(0.0, "low"): (1,), (0.0, "high"): (3,), (1.0, "low"): (4,), (1.0, "high"): (6,)}, "one run per"),
        ({(0.0, "low"): (1, 1), (0.0, "high"): (3, 3), (1.0, "low"): (4, 4), (1.0, "high"): (6, 6)}, "no variance"),
    ],
)
def test_degenerate_analyses_have_no_p_and_a_note(cells, note):
    result = variance.analyse_variance(two_by_two(cells), FACTORS, {}, QUICK)
    assert len(result) == 8
    assert result["p"].isna().all()
    assert result["note"].str.contains(note).all()


def test_mean_interval():
    # 1, 2, 3: mean 2, deviation 1, t(2) at 97.5 % = 4.302653
    interval = mean_interval([1.0, 2.0, 3.0, math.nan], 0.95)
    assert (interval.n, interval.mean, interval.deviation) == (3, 2.0, 1.0)
    assert interval.high == pytest.approx(2 + 4.302653 / math.sqrt(3))
    assert (interval.low + interval.high) / 2 == pytest.approx(2.0)
    single, nothing = mean_interval([7.0], 0.95), mean_interval([], 0.95)
    assert single.mean == 7.0
    assert math.isnan(single.low)
    assert math.isnan(nothing.mean)


def test_intervals_are_those_of_scipy():
    a, b = np.array([1.0, 2.0, 4.0, 4.5]), np.array([2.0, 3.5, 5.0])
    reference = stats.ttest_1samp(a, 0).confidence_interval(0.9)
    assert mean_interval(a, 0.9)[-2:] == pytest.approx((reference.low, reference.high))
    reference = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.9)
    summaries = (a.mean(), a.std(ddof=1), 4, b.mean(), b.std(ddof=1), 3)
    assert welch_interval(*summaries, 0.9) == pytest.approx((reference.low, reference.high))
    assert np.isnan(mean_interval(a[:1], 0.9)[-2:]).all()
    assert welch_interval(2.0, 0.0, 3, 1.5, 0.0, 3, 0.9) == (0.5, 0.5)


def test_stage_writes_both_tables(tmp_path, monkeypatch):
    source, statistics, anova = (tmp_path / name for name in ("spikes_by_run.csv", "statistics.csv", "anova.csv"))
    table = runs()
    table.to_csv(source, index=False)
    spec = {
        **asdict(replace(QUICK, confidence=0.9)),
        "comparisons": [LOW_HIGH.to_spec()],
        "anova": {"factors": FACTORS, "where": {}},
    }
    arguments = ["test_hypotheses", "--spec", canonical_json(spec), "--table", source, "--statistics", statistics]
    monkeypatch.setattr("sys.argv", [*map(str, arguments), "--anova", str(anova)])
    stage.main()
    written = pd.read_csv(statistics)
    expected = compare(table, [LOW_HIGH], replace(QUICK, confidence=0.9))
    assert written.columns.tolist() == list(hypotheses.COLUMNS)
    assert written["p"].tolist() == expected["p"].tolist()
    assert written["hedges_g_low"].tolist() == expected["hedges_g_low"].tolist()
    assert {row["term"] for row in read_csv(anova)} == {*FACTORS, "weight_mean:beta_range", "residual"}


def test_stage_names_a_missing_table(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.csv: no such file"):
        stage.read_runs(tmp_path / "nowhere.csv")
