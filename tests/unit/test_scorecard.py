"""The scorecard: verdicts only where they are earned, and runs made from the printed numbers reproduce the print."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from energy_runs import Combination, Seed, write_study
from scipy import stats

from spikeinit.io import write_csv
from spikeinit.stages import score
from spikeinit.statistics.hypotheses import Options, compare
from spikeinit.statistics.variance import analyse_variance
from spikeinit.studies.claims import Claim, OurResult, read_claims
from spikeinit.studies.energy import STUDY, tables
from spikeinit.studies.energy.audit.printed_tests import load_tests
from spikeinit.studies.energy.audit.published_tables import load_published
from spikeinit.studies.energy.audit.table import COLUMNS, audit
from spikeinit.studies.energy.comparisons import weight_and_decay_comparisons
from spikeinit.studies.energy.open_choice_tables import DISTANCES, EFFECTS
from spikeinit.studies.energy.outcomes import find_test
from spikeinit.studies.open_choices import COLUMNS as CONCLUSIONS
from spikeinit.studies.scorecard import (
    CONTRADICTED,
    NOT_REPRODUCED,
    NOT_RUN,
    OPEN,
    REPRODUCED,
    SCALED_DOWN,
    Conditions,
    scorecard_entry,
)
from spikeinit.studies.table_tools import StudyRuns, write_table

PUBLISHED, TESTS, CLAIMS = (
    Path(__file__).parents[2] / f"workflow/published/paerna2025_{name}.csv" for name in ("spikes", "tests", "claims")
)
AS_PUBLISHED = {"mnist": "mnist", "fashion_mnist": "fashion_mnist"}
OPTIONS = Options(
    confidence=0.95,
    equivalence_margin=0.2,
    accuracy_margin=1.0,
    reference_effect=0.8,
    resamples=20,
    seed=0,
    outcomes=("trained",),
)
MET = Conditions((), AS_PUBLISHED)
SMALLER = Conditions(("width 0.125 instead of 1",), {"mnist": "mnist5k", "fashion_mnist": None})


@pytest.mark.parametrize(
    ("agrees", "contradicted", "conditions", "verdict", "direction"),
    [
        (True, "", MET, REPRODUCED, "agrees"),
        (False, "", MET, NOT_REPRODUCED, "disagrees"),
        (None, "", MET, OPEN, ""),
        (None, "", SMALLER, SCALED_DOWN, ""),
        (True, "", SMALLER, SCALED_DOWN, "agrees"),
        (False, "", SMALLER, SCALED_DOWN, "disagrees"),
        (True, "Table 5 has 9.84", MET, CONTRADICTED, "agrees"),
        (False, "Table 5 has 9.84", SMALLER, CONTRADICTED, "disagrees"),
    ],
)
def test_a_verdict_needs_the_published_conditions(agrees, contradicted, conditions, verdict, direction):
    claim = Claim("id", "Table 1", "statement", "0.20", ("mnist",), contradicted=contradicted)
    entry = scorecard_entry(claim, OurResult("0.21", agrees=agrees), conditions)
    assert (entry.verdict, entry.direction) == (verdict, direction)
    assert (contradicted in entry.note) if contradicted else entry.note == ""


@pytest.mark.parametrize("conditions", [MET, SMALLER])
def test_what_our_runs_have_nothing_in_place_of_is_not_run(conditions):
    claim = Claim("id", "Table 1", "statement", "0.20", ("mnist",))
    assert scorecard_entry(claim, OurResult(), conditions).verdict == NOT_RUN
    contradicted = Claim("id", "Table 1", "statement", "0.20", ("mnist",), contradicted="Table 5 has 9.84")
    assert scorecard_entry(contradicted, OurResult(), conditions).verdict == CONTRADICTED


def test_smaller_runs_do_not_confirm_a_printed_number():
    claim = Claim("id", "Table 1", "statement", "0.20", ("mnist",), comparable_scaled=False)
    assert scorecard_entry(claim, OurResult(agrees=True), SMALLER).direction == ""
    assert scorecard_entry(claim, OurResult(agrees=True), MET).direction == "agrees"


def test_another_data_set_is_not_the_published_one():
    conditions = Conditions((), {"mnist": "mnist5k", "fashion_mnist": "fashion_mnist"})
    assert not conditions.met_on("mnist")
    assert conditions.met_on("fashion_mnist")
    assert conditions.text("mnist") == "mnist5k instead of mnist"


def test_conditions_in_words():
    assert MET.text("mnist") == "as published"
    assert SMALLER.text("mnist") == "mnist5k instead of mnist; width 0.125 instead of 1"
    assert SMALLER.text("fashion_mnist") == "not run: fashion_mnist"
    both = "mnist5k instead of mnist; fashion_mnist not run; width 0.125 instead of 1"
    assert SMALLER.text("mnist", "fashion_mnist") == both


def printed_runs(dataset, name):
    """Ten seeds per combination of Table 5 or 6 whose means and deviations are the printed ones."""
    spread = np.arange(10) - 4.5
    spread /= spread.std(ddof=1)
    printed = pd.read_csv(PUBLISHED)
    printed = printed[(printed["dataset"] == dataset) & printed["weight_mean"].notna() & printed["beta_range"].notna()]
    for (mean, beta), rows in printed.groupby(["weight_mean", "beta_range"], sort=False):
        scale = np.where(rows["layer"] == 6, 20, 1)
        spikes = scale * (rows["spikes_mean"].to_numpy() + spread[:, None] * rows["spikes_sd"].to_numpy())
        accuracy = rows["accuracy_mean"].iloc[0] + spread * rows["accuracy_sd"].iloc[0]
        seeds = {seed: Seed(tuple(map(float, spikes[seed])), float(accuracy[seed])) for seed in range(10)}
        yield Combination(name, "normal", float(mean), str(beta), seeds, neurons=(50, 25, 16, 8, 1, 10), timesteps=20)


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """The audit of the printed tables, as a file."""
    path = tmp_path_factory.mktemp("audit") / "audit.csv"
    write_csv(path, audit(load_published(PUBLISHED), load_tests(TESTS), read_claims(CLAIMS)), COLUMNS)
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Tables and statistics of runs that are exactly as printed."""
    folder = tmp_path_factory.mktemp("study")
    combinations = [one for dataset in AS_PUBLISHED for one in printed_runs(dataset, dataset)]
    return score_inputs(folder, tables.spikes_by_run(StudyRuns.load(*write_study(folder, combinations))))


def score_inputs(folder, by_run):
    """What the scorecard is made from: the table of runs, and the tests of it."""
    comparisons = weight_and_decay_comparisons([-0.01, 0.0, 0.01], ["low", "medium", "high"])
    write_table(folder / "tables" / "spikes_by_run.csv", by_run)
    none_tried = {"open_choices": CONCLUSIONS, "open_choice_distances": DISTANCES, "open_choice_effects": EFFECTS}
    for name, columns in none_tried.items():
        write_table(folder / "tables" / f"{name}.csv", pd.DataFrame(columns=list(columns)))
    write_table(folder / "statistics.csv", compare(by_run, comparisons, OPTIONS))
    factors = ("weight_mean", "beta_range")
    write_table(folder / "anova.csv", analyse_variance(by_run, factors, {"initializer": "normal"}, OPTIONS))
    return folder


def scored(study, audited, target, monkeypatch, conditions):
    spec = {"study": "energy", "scorecard": STUDY.scorecard.function, "title": STUDY.scorecard.title}
    spec |= {"confidence": 0.95, "margins": {"equivalence": 0.2, "accuracy": 1.0}}
    spec |= {"differences": conditions.differences, "datasets": conditions.datasets}
    spec |= {"open_choices": conditions.open_choices}
    spec |= {"paper": STUDY.paper, "question": STUDY.question, "answer": "", "figure": ""}
    evidence = ["--evidence", str(study / "statistics.csv"), str(study / "anova.csv"), str(audited)]
    inputs = {"tables": study / "tables"}
    outputs = {
        "scorecard": target / "s.csv",
        "markdown": target / "s.md",
        "html": target / "s.html",
        "answer": target / "a.json",
    }
    paths = [part for name, path in (inputs | outputs).items() for part in (f"--{name}", str(path))]
    options = ["--spec", json.dumps(spec), "--published", *map(str, (PUBLISHED, TESTS, CLAIMS)), *evidence]
    monkeypatch.setattr(sys, "argv", ["score", *options, *paths])
    score.main()
    return pd.read_csv(outputs["scorecard"], dtype=str, keep_default_na=False)


def test_runs_as_printed_are_nowhere_called_not_reproduced(study, audited, tmp_path, monkeypatch):
    """What the printed numbers are against is contradicted by them, and what they leave open is open."""
    card = scored(study, audited, tmp_path, monkeypatch, MET)
    assert len(card["claim"].unique()) == len(card)
    assert card.loc[card["verdict"] == NOT_REPRODUCED, "claim"].tolist() == []
    assert set(card["verdict"]) == {REPRODUCED, CONTRADICTED, OPEN, NOT_RUN}
    assert list(card.loc[card["verdict"] == NOT_RUN, "source"].unique()) == ["left open"]
    cells = card[card["source"].isin(["Table 5", "Table 6"])]
    assert len(cells) == 2 * 9 * 7
    verdicts = card.set_index("claim")["verdict"]
    assert verdicts["table5:mean-weight--0.01,beta-low:layer1"] == OPEN  # 0.13 (0.05): ten runs do not show 20 %
    assert verdicts["table2:mean-weight-0.01:layer6"] == CONTRADICTED  # printed 1.44 where Table 6 averages 0.14
    assert verdicts["spikes-increase-with-layer"] == CONTRADICTED
    assert verdicts["fewer-spikes-low-than-high-mean:fashion_mnist:layer3"] == REPRODUCED
    assert verdicts["lower-mean-needs-fewest-spikes:fashion_mnist"] == REPRODUCED
    together = card.set_index("claim").loc["tables1-6"]
    sound = card[card["source"].str.match(r"Table \d") & (card["verdict"] != CONTRADICTED)]
    assert 190 < len(sound) < 210
    within, rest = together["ours"].split(f" of {len(sound)} within the margin, ")
    assert int(within) == sound["note"].str.contains("(?:^|; )within the margin").sum() > 0
    assert rest.startswith("0 outside, ")
    assert together["note"].startswith(f"by chance {0.05 * len(sound):.3g} of {len(sound)}")


def test_outcomes_that_hold_for_ten_runs_only_are_said_to(study, audited, tmp_path, monkeypatch):
    """ "Not significant", while the 30 + 30 values behind the printed rows differ: by scipy itself."""
    card = scored(study, audited, tmp_path, monkeypatch, MET).set_index("claim")
    medium, low = (load_published(PUBLISHED).cell(3, ("", beta), 5) for beta in ("medium", "low"))
    moments = [float(number) for cell in (medium, low) for number in (cell.mean, cell.deviation)]
    p = stats.ttest_ind_from_stats(*moments[:2], 30, *moments[2:], 30, alternative="less").pvalue
    assert p == pytest.approx(0.0014, abs=5e-5)
    line = card.loc["similar-spikes-medium-and-low-beta:mnist:layer5"]
    assert line["verdict"] == CONTRADICTED
    assert "at the 30 runs of a row" in line["note"]
    assert "at n = 10" in line["note"]
    own = card.loc["outcomes-at-30-runs"]
    assert own["verdict"] == CONTRADICTED
    assert card.loc["beta-has-no-effect:mnist", "verdict"] == CONTRADICTED
    assert "layer 5" in card.loc["beta-has-no-effect:mnist", "note"]
    assert "(3 more)" in own["note"]  # four whatever the digits that are not printed, misprints aside


def test_a_misprint_speaks_against_no_claim(study, audited, tmp_path, monkeypatch):
    """The mean 1.44 of Table 2 (0.14 by Table 6), and accuracies that a repeated row of Table 5 spoils."""
    card = scored(study, audited, tmp_path, monkeypatch, MET).set_index("claim")
    spoiled = ["last-layer-unaffected", "similar-accuracy:mnist", "similar-accuracy-low-and-medium-mean:mnist"]
    spoiled += ["similar-spikes-low-and-high-mean:fashion_mnist:layer6"]
    assert set(card.loc[spoiled, "verdict"]) <= {OPEN, REPRODUCED}
    assert "a misprint" in card.loc["last-layer-unaffected", "note"]
    layer6 = card.loc["similar-spikes-low-and-high-mean:mnist:layer6", "note"]
    assert "printed: p = anything at n = 10, anything at n = 30" in layer6  # deviations of 0.00


def test_the_deviations_of_accuracies_are_told_and_decide_nothing(study, audited, tmp_path, monkeypatch):
    """Table 1 has 0.19 and 1.95 points, Table 2 up to 4.39; the runs are those of Tables 5 and 6."""
    line = scored(study, audited, tmp_path, monkeypatch, MET).set_index("claim").loc["little-variance-in-accuracy"]
    low, high = (float(word) for word in line["ours"].removesuffix(" points").split(" from ")[1].split(" to "))
    assert 0.1 < low < 0.7
    assert high == pytest.approx(4.39, abs=0.1)
    assert line["verdict"] == OPEN


def test_false_runs_are_not_reproduced(study, audited, tmp_path, monkeypatch):
    """Twice the spikes, thirty points less accuracy, and the mean weights the other way round."""
    by_run = pd.read_csv(study / "tables" / "spikes_by_run.csv")
    by_run["spikes"], by_run["spikes_per_step"] = 2 * by_run["spikes"], 2 * by_run["spikes_per_step"]
    by_run["accuracy"] -= 30
    by_run["weight_mean"] = -by_run["weight_mean"]
    card = scored(score_inputs(tmp_path, by_run), audited, tmp_path, monkeypatch, MET).set_index("claim")
    cells = card[card["source"].str.match(r"Table \d")]
    assert len(cells) == 210
    assert (cells["verdict"] == REPRODUCED).sum() <= 0.05 * 210
    assert (cells["verdict"] == NOT_REPRODUCED).sum() > 100
    assert card.loc["tables1-6", "verdict"] == NOT_REPRODUCED
    assert card.loc["lower-mean-needs-fewest-spikes:fashion_mnist", "verdict"] == NOT_REPRODUCED
    assert card.loc["fewer-spikes-low-than-high-mean:fashion_mnist:layer3", "verdict"] == NOT_REPRODUCED


def test_an_effect_of_beta_between_the_outer_ranges_alone_is_seen(study, audited, tmp_path, monkeypatch):
    """Low against high beta, which the thesis leaves out, and the analysis of variance decide as well."""
    by_run = pd.read_csv(study / "tables" / "spikes_by_run.csv")
    fashion = by_run["dataset"] == "fashion_mnist"
    by_run.loc[fashion, "spikes"] = 10 + np.random.default_rng(0).normal(0, 1, fashion.sum())
    alike = scored(score_inputs(tmp_path / "a", by_run), audited, tmp_path / "a", monkeypatch, MET).set_index("claim")
    assert alike.loc["beta-has-no-effect:fashion_mnist", "verdict"] == REPRODUCED
    for beta, change in (("low", -1.5), ("high", 1.5)):
        by_run.loc[fashion & (by_run["beta_range"] == beta) & (by_run["layer"] == 3), "spikes"] += change
    apart = scored(score_inputs(tmp_path / "b", by_run), audited, tmp_path / "b", monkeypatch, MET).set_index("claim")
    line = apart.loc["beta-has-no-effect:fashion_mnist"]
    assert line["verdict"] == NOT_REPRODUCED
    assert line["note"].startswith("analysis of variance: 1 of 6 effects significant")


def test_one_shifted_layer_is_not_reproduced(study, audited, tmp_path, monkeypatch):
    by_run = pd.read_csv(study / "tables" / "spikes_by_run.csv")
    shifted = (by_run["dataset"] == "mnist") & (by_run["layer"] == 1) & (by_run["weight_mean"] == 0)
    by_run.loc[shifted, "spikes"] += 3.0
    card = scored(score_inputs(tmp_path, by_run), audited, tmp_path, monkeypatch, MET).set_index("claim")
    assert card.loc["table5:mean-weight-0,beta-low:layer1", "verdict"] == NOT_REPRODUCED
    assert card.loc["table5:mean-weight-0,beta-low:layer2", "verdict"] == OPEN
    assert card.loc["tables1-6", "verdict"] == NOT_REPRODUCED


def test_scaled_down_runs_get_no_verdict(study, audited, tmp_path, monkeypatch):
    by_run = pd.read_csv(study / "tables/spikes_by_run.csv")
    ours = by_run[by_run["dataset"] == "mnist"].assign(dataset="mnist5k")
    card = scored(score_inputs(tmp_path, ours), audited, tmp_path, monkeypatch, SMALLER).set_index("claim")
    assert set(card["verdict"]) == {SCALED_DOWN, CONTRADICTED, NOT_RUN}
    assert card.loc["fewer-spikes-low-than-medium-mean:mnist:layer2", "direction"] == "agrees"
    assert set(card.loc[card["source"].str.startswith("Table"), "direction"]) == {""}
    absent = card.loc["fewer-spikes-low-than-high-mean:fashion_mnist:layer3"]
    assert (absent["conditions"], absent["ours"], absent["direction"]) == ("not run: fashion_mnist", "", "")

    markdown, page = ((tmp_path / name).read_text() for name in ("s.md", "s.html"))
    for text in (markdown, page):
        assert "width 0.125 instead of 1" in text
        assert "not run: fashion_mnist" in text
    assert "no verdict" in markdown
    assert markdown.count("<details>") == markdown.count("</details>") > 0
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert rows
    assert all(line.endswith("|") for line in rows)


def test_a_test_is_found_by_its_levels():
    columns = {
        "factor": "weight_mean",
        "dataset": "digits",
        "measure": "layer 1",
        "test": "student",
        "alternative": "less",
    }
    table = pd.DataFrame(
        [{**columns, "level_a": "-0.01", "level_b": level, "p": p} for level, p in (("0.0", 0.5), ("0.01", 0.1))]
    )
    found = find_test(table, "digits", ("-0.01", ""), ("0", ""), "layer 1", "less")
    assert found["p"] == 0.5
    assert find_test(table, "digits", ("-0.01", ""), ("0.01", ""), "layer 1", "greater") is None
    assert find_test(table, None, ("-0.01", ""), ("0", ""), "layer 1", "less") is None
