"""Tables of the energy study against means and deviations worked out by hand."""

from __future__ import annotations

import math
import subprocess
import sys

import pandas as pd
import pytest
from energy_runs import CONVENTION, Combination, Seed, write_study

from spikeinit.errors import UserError
from spikeinit.plan import load_config, rule_specs
from spikeinit.results import load_table
from spikeinit.stages import tabulate
from spikeinit.studies.energy import STUDY, tables
from spikeinit.studies.html_tables import rounded, table_page
from spikeinit.studies.table_tools import StudyRuns, average, outcome_text
from spikeinit.tables import read_table

NOTHING = math.nan
COMBINATIONS = [
    Combination("digits", "normal", -0.01, "low", {0: Seed((1.0, 4.0), 90.0), 1: Seed((3.0, 6.0), 94.0)}),
    Combination("digits", "normal", -0.01, "high", {0: Seed((5.0, 2.0), 80.0), 1: Seed((0.0, 0.0), 10.0, "dead", 1)}),
    Combination("digits", "normal", 0.01, "low", {0: Seed((7.0, 8.0), 91.0), 1: Seed((9.0, 9.0), 95.0)}),
    Combination(
        "digits", "he", None, "low", {0: Seed((2.0, 1.0), 88.0), 1: Seed((NOTHING, NOTHING), NOTHING, "diverged", 2)}
    ),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    plan, folder = write_study(tmp_path_factory.mktemp("study"), COMBINATIONS)
    return StudyRuns.load(plan, folder, {"study": "energy"})


def row(table: pd.DataFrame, **where) -> pd.Series:
    for column, value in where.items():
        table = table[table[column].isna() if value is None else table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_every_run_seed_and_layer_has_its_row(runs):
    table = tables.spikes_by_run(runs)
    assert len(table) == 4 * 2 * 2
    one = row(table, run="digits_normal_mean-0.01_high", seed=0, layer=2)
    assert (one["spikes"], one["spikes_per_step"], one["accuracy"], one["neurons"]) == (2.0, 0.2, 80.0, 4)
    dead = row(table, run="digits_normal_mean-0.01_high", seed=1, layer=1)
    assert (dead["outcome"], dead["silent_fraction"]) == ("dead", 1.0)


def test_a_combination_averages_its_seeds(runs):
    one = row(tables.spikes_by_combination(runs), weight_mean=-0.01, beta_range="low", layer=1)
    assert one["spikes_mean"] == pytest.approx(2.0)  # 1, 3
    assert one["spikes_sd"] == pytest.approx(math.sqrt(2))
    assert one["accuracy_mean"] == pytest.approx(92.0)  # 90, 94
    assert one["accuracy_sd"] == pytest.approx(math.sqrt(8))
    assert one["spikes_per_step_mean"] == pytest.approx(0.2)
    assert (one["runs"], one["outcomes"]) == (2, "trained 2")


def test_a_weight_mean_pools_the_runs_of_all_ranges_and_names_the_dead(runs):
    one = row(tables.spikes_by_weight_mean(runs), weight_mean=-0.01, layer=1)
    assert one["spikes_mean"] == pytest.approx(2.25)  # 1, 3, 5, 0
    assert one["spikes_sd"] == pytest.approx(math.sqrt((1.25**2 + 0.75**2 + 2.75**2 + 2.25**2) / 3))
    assert (one["runs"], one["outcomes"]) == (4, "trained 3, dead 1")
    assert pd.isna(one["beta_range"])


def test_a_beta_range_pools_the_published_weight_means_only(runs):
    one = row(tables.spikes_by_beta_range(runs), beta_range="low", layer=2)
    assert one["spikes_mean"] == pytest.approx((4 + 6 + 8 + 9) / 4)  # the other initialiser's 1 is not among them
    assert pd.isna(one["weight_mean"])


def test_the_published_shape(runs):
    columns = ["dataset", "weight_mean", "beta_range", "layer", "spikes_mean", "spikes_sd", "runs"]
    columns += ["accuracy_mean", "accuracy_sd"]
    for make in (tables.spikes_by_combination, tables.spikes_by_weight_mean, tables.spikes_by_beta_range):
        assert list(make(runs).columns[: len(columns)]) == columns


def test_initializers_compare_all_spikes_and_the_energy_of_an_image(runs):
    one = row(tables.initializers(runs), run="digits_normal_mean-0.01_low")
    assert one["spikes_per_image_mean"] == pytest.approx(40.0)  # 10 * 1 + 4 * 4 = 26 and 10 * 3 + 4 * 6 = 54
    assert one["spikes_per_image_sd"] == pytest.approx(28 / math.sqrt(2))
    # with the 8 input spikes: 34 and 62 spikes, 9 synapses each, 0.9 pJ
    assert one[f"{CONVENTION}_mean"] == pytest.approx(48 * 9 * 0.9e-12)
    assert one[f"{CONVENTION}_sd"] == pytest.approx(28 / math.sqrt(2) * 9 * 0.9e-12)


def test_a_diverged_run_stays_visible_and_out_of_the_mean(runs):
    one = row(tables.initializers(runs), initializer="he")
    assert (one["runs"], one["outcomes"]) == (1, "trained 1, diverged 1")
    assert one["accuracy_mean"] == 88.0
    assert pd.isna(one["accuracy_sd"])


def test_outcomes_are_counted_with_their_epoch(runs):
    one = row(tables.outcomes(runs), run="digits_normal_mean-0.01_high")
    assert (one["runs"], one["trained"], one["dead"], one["diverged"]) == (2, 1, 1, 0)
    assert one["failures"] == "seed 1 dead in epoch 1"


def test_energy_by_sending_layer(runs):
    one = row(tables.energy(runs), run="digits_normal_mean-0.01_low", layer=2)
    assert one["synaptic_operations_mean"] == pytest.approx(9 * 4 * 5)  # 4 neurons, 4 and 6 spikes


def test_rates_are_shares_of_a_layer(runs):
    table = tables.rates(runs)
    trained = table[(table["run"] == "digits_normal_mean-0.01_low") & (table["layer"] == 1)]
    assert trained["fraction"].sum() == pytest.approx(1.0)
    silent = row(trained, bin=0)  # 1000 neurons and images in each seed, Poisson with mean 1 and 3
    assert silent["count"] == round(1000 * math.exp(-1)) + round(1000 * math.exp(-3))


def test_curves_keep_every_epoch(runs):
    table = tables.curves(runs)
    assert len(table) == 4 * 2 * 3
    one = row(table, run="digits_normal_mean0.01_low", seed=0, epoch=2)
    assert one["spikes_1"] == pytest.approx(7 * 1.5)


def test_a_group_without_any_finite_value_keeps_its_row():
    frame = pd.DataFrame({"group": ["a", "b", "b"], "value": [math.inf, 1.0, 2.0]})
    table = average(frame, ["group"], ["value"], counted="value")
    assert row(table, group="a")["runs"] == 0
    assert pd.isna(row(table, group="a")["value_mean"])
    assert row(table, group="b")["value_mean"] == 1.5


def test_outcomes_in_words():
    assert outcome_text(pd.Series(["dead", "trained", "dead"])) == "trained 1, dead 2"


def test_the_stage_writes_what_the_planner_expects(tmp_path, monkeypatch, checkout):
    spec = rule_specs.tables_spec(load_config([checkout / "config.yaml"]), STUDY)
    plan, folder = write_study(tmp_path, COMBINATIONS)
    target = tmp_path / "results" / "laptop" / "studies" / "energy" / "tables"
    arguments = ["--spec", spec, "--plan", str(plan), "--runs", str(folder), "--tables", str(target)]
    monkeypatch.setattr(sys, "argv", ["tabulate", *arguments])
    tabulate.main()
    assert {path.stem for path in target.glob("*.csv")} == {table.name for table in STUDY.tables}
    assert {path.stem for path in target.glob("*.html")} == {table.name for table in STUDY.tables if table.caption}

    table = load_table("laptop", "energy", "spikes_by_weight_mean", root=tmp_path / "results")
    assert row(table, weight_mean=-0.01, layer=1)["spikes_mean"] == pytest.approx(2.25)
    for name, study, wanted, hint in (
        ("laptop", "energy", "spikes", "spikes_by_weight_mean"),
        ("laptop", "engery", "spikes", "there: energy"),
        ("labtop", "energy", "spikes", "there: laptop"),
    ):
        with pytest.raises(UserError, match=hint):
            load_table(name, study, wanted, root=tmp_path / "results")


def test_declared_studies_need_no_heavy_package():
    code = "import sys, spikeinit.studies as s; assert len(s.STUDIES) == 5; "
    code += "assert not {'pandas', 'torch', 'scipy', 'matplotlib', 'numba', 'mlflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_a_missing_run_is_named(tmp_path):
    plan, folder = write_study(tmp_path, COMBINATIONS[:1])
    (folder / COMBINATIONS[0].run / "spikes.csv").unlink()
    with pytest.raises(UserError, match=r"mean-0\.01_low/spikes\.csv: no such file"):
        tables.spikes_by_run(StudyRuns.load(plan, folder))


def test_a_missing_run_of_a_batch_is_named_with_the_way_to_make_it(tmp_path):
    plan, folder = write_study(tmp_path, COMBINATIONS[:1])
    batches = folder.parents[1] / "batches" / folder.name
    batches.mkdir(parents=True)
    (folder / COMBINATIONS[0].run / "spikes.csv").unlink()
    with pytest.raises(UserError, match=rf"spikes\.csv: no such file; delete {batches} and run again"):
        tables.spikes_by_run(StudyRuns.load(plan, folder))


def test_an_empty_plan_is_refused(tmp_path):
    (tmp_path / "plan.csv").write_text("run,dataset,seeds\n")
    with pytest.raises(UserError, match="lists no runs"):
        StudyRuns.load(tmp_path / "plan.csv", tmp_path)


def test_names_that_look_like_numbers_or_nothing_stay_names(tmp_path):
    (tmp_path / "table.csv").write_text("run,beta_range,weight_mean\n1,NA,\n")
    table = read_table(tmp_path / "table.csv")
    assert table.loc[0, "run"] == "1"
    assert table.loc[0, "beta_range"] == "NA"
    assert pd.isna(table.loc[0, "weight_mean"])


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([97.3912, 1.5, math.nan], ["97.39", "1.50", ""]),
        ([0.5, 0.25], ["0.50", "0.25"]),
        ([12345.0, 7.0], ["12,345", "7"]),
        ([3.34e-7, 1e-9], ["3.340e-07", "1.000e-09"]),
        ([0.123456, 0.2], ["0.1235", "0.2000"]),
    ],
)
def test_a_column_is_rounded_as_a_whole(values, shown):
    assert rounded(pd.Series(values)) == shown


def test_an_html_table_escapes_and_leaves_out_empty_columns():
    page = table_page(pd.DataFrame({"name": ["<b>"], "empty": [math.nan], "value": [1.5]}), "A & B")
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "A &amp; B" in page
    assert "<th>empty" not in page
    assert '<td class="number">1.5</td>' in page
