"""The sensitivity study: tables against hand computation, figures of whole and partial studies, claims either way."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from declared import beside, differences, figure_files, write_tables
from matplotlib.figure import Figure
from scipy import stats
from sensitivity_runs import CONVENTION, POINTS, SIZES, write_study
from test_training import TEST, train

from spikeinit.interruption import Interrupted
from spikeinit.measures.evaluation import evaluate_seed
from spikeinit.plan import from_mapping, load_config, rule_specs, runs
from spikeinit.stages import plot
from spikeinit.studies.scorecard import Conditions, Evidence
from spikeinit.studies.sensitivity import STUDY, checks, figures, tables
from spikeinit.studies.sensitivity.sweep_measures import rank_correlation
from spikeinit.studies.sensitivity.training_time import epoch_seconds
from spikeinit.studies.table_tools import StudyRuns, StudyTables, write_table

WORKFLOW = Path(__file__).parents[2] / "workflow"
PUBLISHED = {name: WORKFLOW / "published" / f"{name}.csv" for name in ("peat2024_claims", "peat2024_flops")}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return StudyRuns.load(*write_study(tmp_path_factory.mktemp("study")), {"confidence": 0.95})


def test_the_neuron_of_the_published_code_is_accepted_and_runs(checkout, tmp_path):
    """A delay of one step and a random start: planned, trained, resumed, and evaluated twice with the same result."""
    values = yaml.safe_load((checkout / "config.yaml").read_text())
    section = values["sensitivity"]
    section["neuron"] |= {"spike_delay": 1, "initial_potential": "kaiming_uniform", "threshold": 0.5}
    section["encoding"] = {"name": "rate", "timesteps": 5}
    section["training"] |= {"epochs": 2}
    section["sweeps"] = {"start": {"neuron.initial_potential": [0.0, "kaiming_uniform"], "neuron.spike_delay": [0, 1]}}
    section["only"] = None
    planned = runs(from_mapping(values), "sensitivity")
    chosen = [(run.labels["neuron.initial_potential"], run.labels["neuron.spike_delay"]) for run in planned]
    assert set(chosen) == {(0.0, 0), (0.0, 1), ("kaiming_uniform", 0), ("kaiming_uniform", 1)}
    assert len({run.spec.seed_digest() for run in planned}) == len(planned)

    run = planned[chosen.index(("kaiming_uniform", 1))]
    assert (run.spec.neuron.spike_delay, run.evaluation.neuron.initial_potential) == (1, "kaiming_uniform")
    whole, _ = train(tmp_path / "whole", run.spec)
    with pytest.raises(Interrupted):
        train(tmp_path / "part", run.spec, stop_after=1)
    resumed, _ = train(tmp_path / "part", run.spec)
    assert resumed.curves == whole.curves
    assert whole.curves[-1]["spikes_2"] > 0
    first, second = (evaluate_seed(run.evaluation, 0, whole.network, TEST, "cpu") for _ in range(2))
    assert first == second


def written(folder, runs):
    return write_tables(STUDY, runs, folder)


def test_a_shared_point_stands_in_each_of_its_sweeps(study):
    points = tables.points(study)
    members = points.groupby("sweep", sort=False)["run"].apply(list).to_dict()
    assert members == {
        "beta": ["decay0.5", "baseline"],
        "both": ["decay0.5", "baseline", "theta1_decay0.5", "theta1"],
        "timesteps": ["baseline", "t10"],
        "encoding": ["baseline", "static"],
    }


def test_points_average_the_seeds_and_their_interval_is_students(study):
    row = tables.points(study).query("sweep == 'beta' and run == 'decay0.5'").iloc[0]
    assert (row.test_accuracy_mean, row.runs, row.outcomes) == (50.5, 2, "trained 2")
    low, high = stats.t.interval(0.95, 1, 50.5, stats.sem([50.0, 51.0]))
    assert (row.test_accuracy_low, row.test_accuracy_high) == pytest.approx((low, high))
    # four neurons of rate 0.5 and three of rate 0.25 over five steps
    assert row.spikes_per_image_mean == 4 * 2.5 + 3 * 1.25
    assert (row.rate_1_mean, row.rate_2_mean) == (0.5, 0.25)
    # 6 x 4 multiply-accumulates in five steps; ten hidden spikes to three outputs
    assert (row.multiply_accumulates_mean, row.synaptic_operations_mean) == (120, 30)
    assert row[f"{CONVENTION}_mean"] == pytest.approx(120 * 4.6e-12 + 30 * 0.9e-12)


def test_operations_by_formula_and_by_count(study):
    table = tables.operations(study).set_index("run")
    image, spikes = table.loc["baseline"], table.loc["static"]
    assert tables.dense_sizes(study.folder / "baseline") == list(SIZES)
    # (2*6 - 1) * 4 + 2*4 = 52 and (2*4 - 1) * 3 + 2*3 = 27
    assert image.analogue_flops == spikes.analogue_flops == 79
    # hidden rate 0.25: (2*4*0.25 - 1) * 3 + 6 = 9; five steps
    assert image.flops_printed_rate == spikes.flops_printed_rate == 5 * (52 + 9)
    # measured: hidden rate 0.5 costs 15; a static image of which half the pixels spike costs (2*6*0.5 - 1) * 4 + 8 = 28
    assert image.flops_measured_rate == 5 * (52 + 15)
    assert (spikes.input_rate, spikes.flops_measured_rate) == (0.5, 5 * (28 + 15))
    assert (spikes.synaptic_operations, spikes.multiply_accumulates) == (6 * 0.5 * 5 * 4 + 4 * 0.5 * 5 * 3, 0)


def test_training_time_is_read_between_epochs_of_one_start(tmp_path):
    journal = tmp_path / "journal.jsonl"
    events = [("start", 0), ("epoch", 9), ("epoch", 11), ("start", 50), ("epoch", 70), ("epoch", 73), ("end", 99)]
    journal.write_text("".join(json.dumps({"event": event, "time": time}) + "\n" for event, time in events))
    assert epoch_seconds(journal) == [2, 3]
    assert epoch_seconds(tmp_path / "none.jsonl") == []


def test_every_figure_is_drawn(study, tmp_path, monkeypatch):
    written(tmp_path / "tables", study)
    arguments = ["--spec", rule_specs.figures_spec(STUDY), "--tables", str(tmp_path / "tables")]
    monkeypatch.setattr(sys, "argv", ["plot", *arguments, "--figures", str(tmp_path / "figures")])
    plot.main()
    assert {path.name for path in (tmp_path / "figures").iterdir()} == figure_files(STUDY)


@pytest.mark.parametrize("kept", ["beta", "both", "encoding"])
def test_a_study_of_one_sweep_can_be_drawn(kept, tmp_path):
    points = [{**point, "sweeps": kept} for point in POINTS if kept in point["sweeps"].split(";")]
    runs = StudyRuns.load(*write_study(tmp_path, points), {"confidence": 0.95})
    drawn = written(tmp_path / "tables", runs)
    for figure in STUDY.figures:
        assert isinstance(STUDY.load(figure.function)(drawn), Figure)


def test_a_heat_map_shows_the_tables_numbers_where_they_belong(study, tmp_path):
    axes = figures.heat_maps(written(tmp_path, study)).axes[0]
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    across = [tick.get_text() for tick in axes.get_xticklabels()]
    upwards = [tick.get_text() for tick in axes.get_yticklabels()]
    accuracy = {("0.5", "1.5"): "50.5", ("0.7", "1.5"): "60.5", ("0.5", "1"): "40.5", ("0.7", "1"): "45.5"}
    threshold_first = axes.get_xlabel().startswith("threshold")
    for (decay, threshold), text in accuracy.items():
        x, y = (threshold, decay) if threshold_first else (decay, threshold)
        assert shown[across.index(x), upwards.index(y)] == text


SWEEPS = {
    "beta": ("neuron.decay", [0.5, 0.7, 0.9, 0.95, 0.99]),
    "timesteps": ("encoding.timesteps", [5, 10, 100]),
    "slope": ("neuron.slope", [0.5, 2.0, 10.0]),
    "threshold": ("neuron.threshold", [0.5, 1.0, 1.5]),
    "encoding": ("encoding.name", ["constant", "static_spikes", "rate"]),
    "loss": ("training.loss", ["mean_squared_error mean", "cross_entropy sum"]),
}
FINAL = {
    "beta": [80, 82, 84, 85, 85.1],
    "timesteps": [80, 85, 90],
    "slope": [80, 90, 70],
    "threshold": [60, 80, 85],
    "encoding": [80, 83, 86],
    "loss": [85, 88],
}
EARLY = {**FINAL, "beta": [40, 50, 60, 70, 80], "loss": [40, 80]}
EPOCHS = 5


def evidence(folder, *, worse=(), conditions=None):
    """Tables of a study in which the report is right in everything, or in everything but the sweeps `worse`."""
    final, curves, times = [], [], []
    for sweep, (key, values) in SWEEPS.items():
        sign = -1 if sweep in worse else 1
        for position, value in enumerate(values):
            for seed in (0, 1, 2):
                accuracy = sign * FINAL[sweep][position] + 0.1 * seed
                loss = sign * (1 - FINAL[sweep][position] / 100)
                rising = sign * position if sweep == "threshold" else loss
                labels = {"dataset": "mnist", "sweep": sweep, key: value, "run": f"{sweep}{position}", "seed": seed}
                final.append({**labels, "test_accuracy": accuracy, "train_loss": rising, "test_loss": rising})
                times.append(
                    {"run": labels["run"], "seed": seed, key: value, "seconds_per_epoch": float(value)}
                    if sweep == "timesteps" and sweep not in worse
                    else {"run": labels["run"], "seed": seed, key: value, "seconds_per_epoch": 1.0 + seed}
                )
                jump = sign * position if sweep == "slope" else 0
                for epoch in range(1, EPOCHS + 1):
                    early = sign * EARLY[sweep][position] + 0.1 * seed
                    curves.append(
                        {
                            **labels,
                            "epoch": epoch,
                            "test_accuracy": early if epoch == 1 else accuracy,
                            "train_loss": loss + jump * (epoch % 2),
                        }
                    )
    for name, rows in (("by_seed", final), ("curves", curves), ("training_time_measured", times)):
        write_table(folder / f"{name}.csv", pd.DataFrame(rows))
    write_table(folder / "published_flops.csv", tables.published_flops(None))
    met = conditions or Conditions((), {"mnist": "mnist"})
    return Evidence(StudyTables(folder), pd.DataFrame(), pd.DataFrame(), PUBLISHED, met, 0.95)


def verdicts(entries):
    return {entry.claim: entry.verdict for entry in entries}


def test_a_study_in_which_the_report_is_right_reproduces_all(tmp_path):
    found = verdicts(checks.scorecard(evidence(tmp_path)))
    assert len(found) == 17
    assert set(found.values()) == {"reproduced"}


@pytest.mark.parametrize(
    ("sweep", "lost"),
    [
        ("beta", {"beta_early", "beta_catch_up", "beta_near_one"}),
        ("timesteps", {"timesteps", "runtime"}),
        ("slope", {"surrogate_scale"}),
        ("threshold", {"threshold_low", "threshold_rises"}),
        ("encoding", {"encoding_order"}),
        ("loss", {"ce_over_mse"}),
    ],
)
def test_a_sweep_that_goes_the_other_way_loses_its_claims_alone(sweep, lost, tmp_path):
    found = verdicts(checks.scorecard(evidence(tmp_path, worse=(sweep,))))
    assert {claim for claim, verdict in found.items() if verdict == "not reproduced"} == lost


def test_scaled_down_claims_get_no_verdict_but_arithmetic_does(tmp_path):
    conditions = Conditions(("training.epochs 2 instead of 10",), {"mnist": "mnist"})
    found = verdicts(checks.scorecard(evidence(tmp_path, conditions=conditions)))
    assert {verdict for claim, verdict in found.items() if not claim.startswith("flops:")} == {"scaled down"}
    assert {verdict for claim, verdict in found.items() if claim.startswith("flops:")} == {"reproduced"}


def test_rank_correlation_is_scipys_and_zero_for_a_constant():
    measured = np.array([[1.0, 3.0, 2.0], [5.0, 5.0, 5.0]])
    assert rank_correlation([1, 2, 3], measured) == pytest.approx([0.5, 0.0])


def test_the_paper_overlay_is_as_published(checkout):
    config = load_config([checkout / "config.yaml", checkout / "workflow/overlays/paper.yaml"])
    assert differences(STUDY, config) == []
    assert beside(STUDY, config) == {"mnist": "mnist"}


def test_differences_name_what_departs(checkout, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    beta = "{neuron.decay: [0.5, 0.7], encoding.timesteps: 5}"
    overlay.write_text(f"sensitivity: {{neuron: {{slope: 3}}, sweeps: {{beta: {beta}, loss: null}}}}")
    found = differences(STUDY, load_config([checkout / "config.yaml", overlay]))
    assert "neuron.slope 3.0 instead of 2.0" in found
    assert "sweep beta without 0.8, 0.9, 0.95, 0.99" in found
    assert "sweep beta at encoding.timesteps 5 instead of 50" in found
    assert "no sweep loss over training.loss" in found
