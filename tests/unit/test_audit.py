"""The audit of the published tables: interval arithmetic by brute force, findings verified by hand or by scipy."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from spikeinit.errors import UserError
from spikeinit.io import read_csv
from spikeinit.plan import rule_specs
from spikeinit.stages import audit_published as stage
from spikeinit.statistics.rounding import Interval, deviation_of_pooled, mean_of, printed_interval
from spikeinit.studies.claims import read_claims
from spikeinit.studies.energy import STUDY
from spikeinit.studies.energy.audit.cells import contradicted_cells, repeated_prints, suspects_of
from spikeinit.studies.energy.audit.printed_tests import AS_WORDED, Reading, decide, load_tests, p_interval, readings
from spikeinit.studies.energy.audit.prose import searches
from spikeinit.studies.energy.audit.published_tables import Cell, PublishedTables, load_published
from spikeinit.studies.energy.audit.table import COLUMNS, audit, joint_readings
from spikeinit.studies.energy.checks import CHECKS

FOLDER = Path(__file__).parents[2] / "workflow" / "published"
PUBLISHED = FOLDER / "paerna2025_spikes.csv"
TESTS = FOLDER / "paerna2025_tests.csv"
CLAIMS = FOLDER / "paerna2025_claims.csv"
PRINTED_TESTS = load_tests(TESTS)


@pytest.fixture(scope="module")
def tables():
    return load_published(PUBLISHED)


@pytest.fixture(scope="module")
def rows(tables):
    return audit(tables, PRINTED_TESTS, read_claims(CLAIMS))


def exactly(value):
    return Interval(value, value)


# --- interval arithmetic ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("1.34", 1.335, 1.345), ("1.6", 1.55, 1.65), ("-0.01", -0.015, -0.005), ("20", 19.5, 20.5)],
)
def test_printed_digits_stand_for_half_a_unit_to_either_side(text, low, high):
    interval = printed_interval(text)
    assert (interval.low, interval.high) == pytest.approx((low, high))


@pytest.mark.parametrize("ddof", [0, 1])
def test_pooled_deviation_of_exact_inputs_is_that_of_all_values(ddof):
    samples = np.random.default_rng(0).normal([[1.0], [2.0], [5.0]], 1.5, (3, 10))
    means, deviations = samples.mean(axis=1), samples.std(axis=1, ddof=ddof)
    pooled = deviation_of_pooled(list(map(exactly, means)), list(map(exactly, deviations)), 10, ddof)
    assert (pooled.low, pooled.high) == pytest.approx((samples.std(ddof=ddof),) * 2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(0.01, 2), st.floats(0, 2), st.floats(0, 1)), min_size=3, max_size=3),
    st.sampled_from([0, 1]),
)
def test_pooled_deviation_spans_what_its_inputs_attain(boxes, ddof):
    means = [Interval(low, low + width) for low, width, _, _ in boxes]
    deviations = [Interval(low, low + width) for _, _, low, width in boxes]
    pooled = deviation_of_pooled(means, deviations, 10, ddof)
    lows, highs = np.array([m.low for m in means]), np.array([m.high for m in means])
    centring = np.eye(3) - 1 / 3
    least = 2 * optimize.lsq_linear(centring, np.zeros(3), (lows, highs), tol=1e-14).cost
    most = max(((centring @ corner) ** 2).sum() for corner in itertools.product(*zip(lows, highs, strict=True)))
    for value, end, between in ((pooled.low, "low", least), (pooled.high, "high", most)):
        within = sum((10 - ddof) * getattr(s, end) ** 2 for s in deviations)
        assert value**2 == pytest.approx((within + 10 * between) / (30 - ddof), rel=1e-5, abs=1e-6)
    assert (mean_of(means).low, mean_of(means).high) == pytest.approx((lows.mean(), highs.mean()))


def test_smallest_pooled_deviation_by_hand():
    # Means [0, 1], [3, 4], [3, 6] come closest at 1, 3, 3: about 7/3 the squares are 16/9 + 4/9 + 4/9 = 8/3;
    # ten of each, no deviation within, 30 values: 10 * 8/3 / 30
    means = [Interval(0, 1), Interval(3, 4), Interval(3, 6)]
    assert deviation_of_pooled(means, [exactly(0.0)] * 3, 10, 0).low == pytest.approx(math.sqrt(8 / 9))


@pytest.mark.parametrize("welch", [False, True])
def test_p_of_exact_numbers_is_scipys(welch):
    numbers = 0.58, 0.22, 1.24, 0.87
    less, both = (
        p_interval(*map(exactly, numbers), n=10, welch=welch, alternative="less", sides=sides)
        for sides in ("one-sided", "two-sided")
    )
    theirs = stats.ttest_ind_from_stats(0.58, 0.22, 10, 1.24, 0.87, 10, equal_var=not welch)
    assert (both.low, both.high) == pytest.approx((theirs.pvalue,) * 2)
    assert less.high == pytest.approx(theirs.pvalue / 2)


def test_p_spans_what_random_unprinted_digits_give():
    box = [Interval(0.575, 0.585), Interval(0.215, 0.225), Interval(0.6, 0.7), Interval(0.1, 0.2)]
    for sides, alternative in itertools.product(("one-sided", "two-sided"), ("less", "greater")):
        span = p_interval(*box, n=10, welch=False, alternative=alternative, sides=sides)
        drawn = np.random.default_rng(1).uniform([x.low for x in box], [x.high for x in box], (2000, 4)).T
        p = stats.ttest_ind_from_stats(drawn[0], drawn[1], 10, drawn[2], drawn[3], 10, alternative=alternative).pvalue
        p = np.minimum(1, 2 * p) if sides == "two-sided" else p
        assert span.low <= p.min()
        assert p.max() <= span.high
        assert p.max() - p.min() >= 0.5 * (span.high - span.low)  # no wider than it has to be


# --- cells -----------------------------------------------------------------------------------------------------------


def find(findings, table, row, measure, quantity):
    matches = [f for f in findings if (f.table, f.row, f.measure, f.quantity) == (table, row, measure, quantity)]
    assert len(matches) == 1
    return matches[0]


def test_table_2_prints_ten_times_the_last_layer(tables):
    # Table 6 has 0.14, 0.14 and 0.15: 0.1433, and with rounding 0.135 + 0.135 + 0.145 to 0.145 + 0.145 + 0.155 over 3
    finding = find(contradicted_cells(tables), 2, "0.01", "layer 6", "mean")
    assert finding.printed == "1.44"
    assert (finding.recomputed.low, finding.recomputed.high) == pytest.approx((0.415 / 3, 0.445 / 3))


def test_accuracy_of_the_zero_mean_by_hand(tables):
    # (98.32 + 98.07 + 97.70) / 3 = 98.03, printed 98.18; (97.91 + 97.70 + 97.70) / 3 = 97.77, printed 97.92
    findings = contradicted_cells(tables)
    zero, high = (find(findings, *where, "accuracy", "mean") for where in ((1, "0"), (3, "high")))
    assert (zero.printed, high.printed) == ("98.18", "97.92")
    assert (zero.recomputed.low, zero.recomputed.high) == pytest.approx((98.025, 98.035))
    assert (high.recomputed.low, high.recomputed.high) == pytest.approx((97.765, 97.775))


def test_one_misprint_explains_both_accuracies(tables):
    # 3 * 98.18 - 98.32 - 98.07 = 98.15 = 3 * 97.92 - 97.91 - 97.70: the same cell, mean 0 and high beta
    (suspect,) = suspects_of(tables)
    assert (suspect.cell.table, suspect.cell.row, suspect.cell.layer) == (5, ("0", "high"), None)
    assert suspect.mean.low <= 98.15 <= suspect.mean.high
    assert suspect.mean.high - suspect.mean.low < 0.05
    # Table 1: 29 * 0.19^2 = 9 * (0.12^2 + 0.20^2 + s^2) + 10 * (0.14^2 + 0.11^2 + 0.03^2) gives s = 0.16
    assert suspect.deviation.low <= 0.16 <= suspect.deviation.high


def test_deviations_of_table_4_are_copied_from_table_1(tables):
    printed = [tables.cell(4, ("", "high"), layer).deviation for layer in (1, 2, 3, 4, 5)]
    assert printed == [tables.cell(1, ("0.01", ""), layer).deviation for layer in (1, 2, 3, 4, 5)]
    findings = [f for f in contradicted_cells(tables) if f.quantity == "standard deviation" and f.table == 4]
    assert {f.measure for f in findings} == {"accuracy", *(f"layer {layer}" for layer in (1, 2, 3, 4, 5))}
    assert {f.row for f in findings} == {"high"}
    assert all("deviation of Table 1, row 0.01" in f.comment for f in findings)


def test_fifth_layer_deviation_of_table_1_by_hand(tables):
    # 0.59, 1.29, 0.44 within and 9.84, 8.70, 9.58 between: far above the printed 0.69 with either divisor
    within = 0.59**2 + 1.29**2 + 0.44**2
    between = sum((m - (9.84 + 8.70 + 9.58) / 3) ** 2 for m in (9.84, 8.70, 9.58))
    finding = find(contradicted_cells(tables), 1, "-0.01", "layer 5", "standard deviation")
    for value in (math.sqrt((9 * within + 10 * between) / 29), math.sqrt((within + between) / 3)):
        assert finding.recomputed.low < value < finding.recomputed.high
    assert finding.recomputed.low > 0.95


def test_repeated_prints(tables):
    findings = {(f.table, f.row): f.printed for f in repeated_prints(tables)}
    assert findings == {(5, "0, high"): "97.70 (0.98)", (4, "high"): "1.95 1.26 0.87 0.44 1.23 2.87 0.00"}


MEANS, BETAS = ("-0.01", "0", "0.01"), ("low", "medium", "high")


def printed_tables(generator, ddof, *, without_zeros=0.5):
    """Cells of six tables printed from real samples, with divisor n - ddof and a last zero dropped in such a part."""

    def text(value):
        return str(round(value, 2)) if generator.random() < without_zeros else f"{value:.2f}"

    cells = []
    for tables_of, layer in itertools.product(((1, 3, 5), (2, 4, 6)), (1, 2, 3, 4, 5, 6, None)):
        runs = generator.normal(generator.uniform(0.5, 9, (3, 3, 1)), generator.uniform(0, 2, (3, 3, 1)), (3, 3, 10))
        samples = [(tables_of[2], (MEANS[i], BETAS[j]), runs[i, j]) for i, j in itertools.product(range(3), range(3))]
        samples += [(tables_of[0], (MEANS[i], ""), runs[i]) for i in range(3)]
        samples += [(tables_of[1], ("", BETAS[j]), runs[:, j]) for j in range(3)]
        for table, row, values in samples:
            cells.append(Cell(table, row, layer, text(values.mean()), text(values.std(ddof=ddof))))
    return cells


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0, 1]))
def test_honest_tables_are_never_accused(seed, ddof):
    cells = printed_tables(np.random.default_rng(seed), ddof)
    assert contradicted_cells(PublishedTables(cells)) == []
    assert suspects_of(PublishedTables(cells)) == []
    misprinted = [
        Cell(c.table, c.row, c.layer, f"{float(c.mean) + 1:.2f}", c.deviation) if (c.table, c.layer) == (1, 2) else c
        for c in cells
    ]
    accused = contradicted_cells(PublishedTables(misprinted))
    assert {(f.table, f.row, f.measure, f.quantity) for f in accused} == {
        (1, mean, "layer 2", "mean") for mean in ("-0.01", "0", "0.01")
    }
    assert suspects_of(PublishedTables(misprinted)) == []  # what is wrong in Table 1 is no cell of Table 5


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([0, 1]),
    st.sampled_from([5, 6]),
    st.sampled_from(MEANS),
    st.sampled_from(BETAS),
    st.sampled_from([1, 4, None]),
    st.sampled_from([-1, 1]),
    st.integers(10, 200),
)
def test_a_planted_misprint_is_found_and_no_other(seed, ddof, table, mean, beta, layer, sign, hundredths):
    """The mean of one combination is off by 0.1 to 2, and its deviation is that of a neighbour, as in a copied cell."""
    cells = printed_tables(np.random.default_rng(seed), ddof, without_zeros=0)
    (honest,) = [c for c in cells if (c.table, c.row, c.layer) == (table, (mean, beta), layer)]
    neighbour = next(c for c in cells if (c.table, c.layer) == (table, layer) and c is not honest)
    planted = Cell(table, honest.row, layer, f"{float(honest.mean) + sign * hundredths / 100:.2f}", neighbour.deviation)
    (suspect,) = suspects_of(PublishedTables([planted if c is honest else c for c in cells]))
    assert suspect.cell == planted
    assert suspect.mean.low - 0.05 <= float(honest.mean) <= suspect.mean.high + 0.05
    assert {(c.table, c.row) for c in suspect.explains} == {(table - 4, (mean, "")), (table - 2, ("", beta))}


@pytest.mark.parametrize("row", [("-0.01", "low"), ("0.01", "high")])
def test_of_two_equal_accuracies_the_misfit_is_named_whichever_comes_first(row):
    """A combination printed with the accuracy of another, before or behind it: the copy is named, not the original."""
    cells = printed_tables(np.random.default_rng(0), 1)
    (original,) = [c for c in cells if (c.table, c.row, c.layer) == (5, ("0", "medium"), None)]
    copy = Cell(5, row, None, original.mean, original.deviation)
    copied = [copy if (c.table, c.row, c.layer) == (5, row, None) else c for c in cells]
    (finding,) = repeated_prints(PublishedTables(copied))
    assert finding.row == ", ".join(row)
    assert finding.comment.startswith("digit by digit the cell of row 0, medium; its averages are consistent if")


# --- statements ------------------------------------------------------------------------------------------------------


def test_first_layer_on_mnist_is_significant_with_all_the_runs(tables):
    # Table 1, layer 1: 0.20 (0.09) against 1.34 (1.95); the thesis calls it not significant
    two_sided = {n: stats.ttest_ind_from_stats(0.20, 0.09, n, 1.34, 1.95, n).pvalue for n in (10, 30)}
    low_high = next(s for s in PRINTED_TESTS if s.name == "fewer-spikes-low-than-high-mean:mnist")
    for n, p in two_sided.items():
        decision = decide(tables, low_high, 1, Reading(n, "Student", "two-sided", "Tables 1-4"))
        assert decision.p.low < p < decision.p.high
        assert decision.certain == decision.possible == (n == 30)


def test_joint_readings_by_plain_scipy(tables):
    """Which n and test give all printed outcomes from the printed numbers, without any of the audit's arithmetic.

    Left out: the output layer, whose printed deviations are zero, and layer 5 on MNIST, low against high mean, whose
    Welch p is 0.049.
    """
    expected = set()
    for n, test, sides in itertools.product((10, 30), ("Student", "Welch"), ("one-sided", "two-sided")):
        agreed = True
        for said, layer in ((s, layer) for s in PRINTED_TESTS for layer in s.layers if layer != 6):
            a, b = (tables.cell(said.table, row, layer) for row in (said.a, said.b))
            numbers = float(a.mean), float(a.deviation), n, float(b.mean), float(b.deviation), n
            p = stats.ttest_ind_from_stats(*numbers, equal_var=test == "Student").pvalue
            toward = said.direction == "two-sided" or (float(a.mean) < float(b.mean)) == (said.direction == "less")
            significant = toward and (p / 2 if sides == "one-sided" else p) < 0.05
            agreed &= significant == (layer in said.rejected)
        if agreed:
            expected.add((n, test, sides))
    # The printed 1.44 of Table 2's output layer spoils every reading of Tables 1-4; the recomputed one does not.
    found = {(r.n, r.test, r.sides) for r in joint_readings(tables, PRINTED_TESTS)}
    assert {r.source for r in joint_readings(tables, PRINTED_TESTS)} == {"recomputed from Tables 5-6"}
    assert (10, "Student", "two-sided") in expected & found
    assert all(n == 10 for n, _, _ in expected | found)


def test_null_hypothesis_as_worded_rejects_none_of_the_layers_said(tables):
    for said in PRINTED_TESTS:
        for reading in (r for r in readings(said) if r.sides == AS_WORDED):
            assert not any(decide(tables, said, layer, reading).possible for layer in said.rejected)


def test_statements_cover_what_the_thesis_says():
    # Sec. 4.0.1, high and low: "layers 2 and 3 on the MNIST dataset and layers 1 - 5 on the FashionMNIST dataset. On
    # layer 5 of the MNIST dataset the opposite is true"; low and medium: "layers 1 - 3 on the MNIST dataset and layers
    # 2 - 4 on the FashionMNIST dataset"; everything else "not rejected" or "not significantly different"
    significant = {
        "fewer-spikes-low-than-high-mean:mnist": (2, 3),
        "more-spikes-low-than-high-mean:mnist": (5,),
        "fewer-spikes-low-than-high-mean:fashion_mnist": (1, 2, 3, 4, 5),
        "fewer-spikes-low-than-medium-mean:mnist": (1, 2, 3),
        "fewer-spikes-low-than-medium-mean:fashion_mnist": (2, 3, 4),
    }
    similar = {
        f"similar-{what}-{pair}:{dataset}": ()
        for dataset in ("mnist", "fashion_mnist")
        for what, pair in (
            ("spikes", "medium-and-low-beta"),
            ("spikes", "medium-and-high-beta"),
            ("accuracy", "low-and-medium-mean"),
            ("accuracy", "low-and-high-mean"),
            ("accuracy", "high-and-low-beta"),
            ("accuracy", "high-and-medium-beta"),
        )
    }
    assert {s.name: s.rejected for s in PRINTED_TESTS} == significant | similar
    ids = [claim for s in PRINTED_TESTS for claim, _, _ in s.outcomes()]
    # six layers in four comparisons of mean weights and four of beta ranges, and eight accuracies
    assert len(ids) == len(set(ids)) == 6 * 4 + 6 * 4 + 8
    assert "similar-spikes-low-and-high-mean:mnist:layer1" in ids


# --- claims and the whole audit --------------------------------------------------------------------------------------


def test_sentences_that_the_tables_contradict(rows):
    first = {}
    for row in rows:
        if row["kind"] == "prose" and row["contradicted"] == "true":
            first.setdefault(row["claim"], f"{row['printed']}, {row['comment']}")
    # Table 1, mean 0.01: 1.34 spikes in layer 1, then 1.24 in layer 2
    assert "1.24" in first["spikes-increase-with-layer"]
    assert "1.34" in first["spikes-increase-with-layer"]
    # Table 2, layer 5: deviation 0.41 at mean 0.01, 1.01 at -0.01; Table 1: 2.87 against 0.69 and 0.41
    assert "largest-deviation-layers-1-and-5-at-high-mean:fashion_mnist" in first
    assert "largest-deviation-layers-1-and-5-at-high-mean:mnist" not in first
    # Tables 1 and 2, layer 5, mean -0.01: 9.37 on MNIST, 8.86 on Fashion-MNIST
    assert "8.86" in first["more-spikes-on-fashion-mnist"]
    assert "1.44" in first["last-layer-unaffected"]


def test_every_sentence_is_searched_for(rows):
    searched = {claim.id for claim in read_claims(CLAIMS, CHECKS) if claim.check in searches(PRINTED_TESTS)}
    assert {row["claim"] for row in rows if row["kind"] == "prose"} == searched
    assert len(searched) == 15
    assert searches(PRINTED_TESTS).keys() < CHECKS.keys()  # what takes all runs at once has no search


def test_a_printed_test_needs_some_reading_that_gives_it(tables):
    low_high = next(said for said in PRINTED_TESTS if said.name == "fewer-spikes-low-than-high-mean:mnist")
    assert ("similar-spikes-low-and-high-mean:mnist:layer1", 1, False) in list(low_high.outcomes())
    given = {
        n: any(
            decide(tables, low_high, 1, reading).agrees(rejected=False)
            for reading in readings(low_high)
            if reading.n == n and reading.sides != AS_WORDED
        )
        for n in (10, 30)
    }
    assert given == {10: True, 30: False}


def test_every_rejection_of_the_thesis_has_a_reading(tables):
    for said in PRINTED_TESTS:
        tried = [reading for reading in readings(said) if reading.sides != AS_WORDED]
        for claim, layer, rejected in said.outcomes():
            if claim.startswith("fewer-spikes-low-than"):
                assert any(decide(tables, said, layer, reading).agrees(rejected) for reading in tried)


def test_every_counterexample_to_rising_spikes(tables, rows):
    falling = set()
    for record, following in itertools.pairwise(read_csv(PUBLISHED)):
        same = all(record[key] == following[key] for key in ("table", "weight_mean", "beta_range"))
        if same and record["layer"] in "1234" and float(following["spikes_mean"]) < float(record["spikes_mean"]) - 0.05:
            falling.add((int(record["table"]), f"layer {following['layer']}", following["spikes_mean"]))
    listed = {(r["table"], r["layer"], r["printed"]) for r in rows if r["claim"] == "spikes-increase-with-layer"}
    assert falling <= listed
    assert (1, "layer 2", "1.24") in falling


def test_audit_has_every_kind_and_one_summary_per_statement(rows):
    assert {row["kind"] for row in rows} == {"cell", "statement", "prose"}
    assert all(list(row) == list(COLUMNS) for row in rows)
    summaries = [row for row in rows if row["kind"] == "statement" and row["reading"] == "any"]
    assert len(summaries) == len(PRINTED_TESTS) + 1
    assert {row["contradicted"] for row in rows} == {"true", "false"}


def test_stage_writes_the_audit(tmp_path, monkeypatch, rows):
    target = tmp_path / "audit.csv"
    arguments = ["audit_published", "--spec", rule_specs.audit_spec(STUDY), "--published"]
    monkeypatch.setattr("sys.argv", [*arguments, str(PUBLISHED), str(TESTS), str(CLAIMS), "--audit", str(target)])
    stage.main()
    written = read_csv(target)
    assert len(written) == len(rows)
    (cell,) = [row for row in written if row["kind"] == "cell" and row["printed"] == "1.44"]
    assert (cell["recomputed_low"], cell["recomputed_high"]) == ("0.1383", "0.1483")
    assert (cell["table"], cell["row"], cell["layer"], cell["contradicted"]) == ("2", "0.01", "layer 6", "true")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_published(tmp_path / "absent.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="must have the columns"):
        load_published(tmp_path / "other.csv")
