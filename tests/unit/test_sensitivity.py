"""The sensitivity study: tables against hand computation, figures of whole and partial studies, its neurons."""

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
from safetensors.numpy import save_file
from scipy import stats
from sensitivity_runs import CONVENTION, POINTS, SIZES, write_study
from test_training import TEST, train

from spikeinit.errors import UserError
from spikeinit.interruption import Interrupted
from spikeinit.measures.evaluation import evaluate_seed
from spikeinit.plan import from_mapping, load_config, rule_specs, runs
from spikeinit.stages import plot
from spikeinit.studies.sensitivity import STUDY, conclusions, figures, saved_weights, tables
from spikeinit.studies.sensitivity.training_time import analogue_time_measured, epoch_seconds
from spikeinit.studies.table_tools import StudyRuns, StudyTables
from spikeinit.tables import read_table

WORKFLOW = Path(__file__).parents[2] / "workflow"
OPTIONS = {"confidence": 0.95, "analogue": []}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return StudyRuns.load(*write_study(tmp_path_factory.mktemp("study")), OPTIONS)


@pytest.mark.parametrize("start", ["kaiming_uniform", "running_mean"])
def test_options_of_neurons_that_are_off_by_default_are_accepted_and_run(start, checkout, tmp_path):
    """A delay of one step and a start that changes: planned, trained, resumed, evaluated twice with the same result."""
    values = yaml.safe_load((checkout / "config.yaml").read_text())
    section = values["sensitivity"]
    section["neuron"] |= {"spike_delay": 1, "initial_potential": start, "threshold": 0.5}
    section["encoding"] = {"name": "rate", "timesteps": 5}
    section["training"] |= {"epochs": 2}
    section["sweeps"] = {"start": {"neuron.initial_potential": [0.0, start], "neuron.spike_delay": [0, 1]}}
    section["only"] = None
    planned = runs(from_mapping(values), "sensitivity")
    chosen = [(run.labels["neuron.initial_potential"], run.labels["neuron.spike_delay"]) for run in planned]
    assert set(chosen) == {(0.0, 0), (0.0, 1), (start, 0), (start, 1)}
    assert len({run.spec.seed_digest() for run in planned}) == len(planned)

    run = planned[chosen.index((start, 1))]
    assert (run.spec.neuron.spike_delay, run.evaluation.neuron.initial_potential) == (1, start)
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
    assert saved_weights.dense_sizes(study.folder / "baseline") == list(SIZES)
    # (2*6 - 1) * 4 + 2*4 = 52 and (2*4 - 1) * 3 + 2*3 = 27
    assert image.analogue_flops == spikes.analogue_flops == 79
    # hidden rate 0.25: (2*4*0.25 - 1) * 3 + 6 = 9; five steps
    assert image.flops_printed_rate == spikes.flops_printed_rate == 5 * (52 + 9)
    # measured: hidden rate 0.5 costs 15; a static image of which half the pixels spike costs (2*6*0.5 - 1) * 4 + 8 = 28
    assert image.flops_measured_rate == 5 * (52 + 15)
    assert (spikes.input_rate, spikes.flops_measured_rate) == (0.5, 5 * (28 + 15))
    assert (spikes.synaptic_operations, spikes.multiply_accumulates) == (6 * 0.5 * 5 * 4 + 4 * 0.5 * 5 * 3, 0)


def test_neurons_that_lost_their_weights_are_counted(tmp_path):
    hidden, output = np.ones((4, 6), np.float32), np.ones((3, 4), np.float32)
    hidden[[0, 2]] = np.nan
    weights = {"0/parts.0.operation.weight": hidden, "0/parts.1.operation.weight": output}
    weights |= {"10/parts.0.operation.weight": output, "10/parts.0.operation.bias": np.full(3, np.nan, np.float32)}
    save_file(weights, str(tmp_path / "weights.safetensors"))
    found = {row["seed"]: row["neurons_lost"] for row in saved_weights.lost_neurons(tmp_path)}
    assert found == {0: 2, 10: 0}


@pytest.mark.parametrize("look", [saved_weights.dense_sizes, saved_weights.lost_neurons])
def test_damaged_weights_are_named(look, tmp_path):
    with pytest.raises(UserError, match=r"weights\.safetensors: no such file"):
        look(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"weights\.safetensors: not a readable safetensors file .* run again"):
        look(tmp_path)


def test_training_time_is_read_between_epochs_of_one_start(tmp_path):
    journal = tmp_path / "journal.jsonl"
    events = [("start", 0), ("epoch", 9), ("epoch", 11), ("start", 50), ("epoch", 70), ("epoch", 73), ("end", 99)]
    journal.write_text("".join(json.dumps({"event": event, "time": time}) + "\n" for event, time in events))
    assert epoch_seconds(journal) == [2, 3]
    assert epoch_seconds(tmp_path / "none.jsonl") == []


def test_the_analogue_networks_are_planned_and_timed(checkout, tmp_path):
    """One for each seed, trained as the baseline is; recordings have none, and nobody has one who wants none."""
    values = yaml.safe_load((checkout / "config.yaml").read_text())
    section = values["sensitivity"]
    section["seeds"] = [3, 5]
    planned = STUDY.anns(from_mapping(values))
    assert [(ann.dataset, ann.network, ann.spec.seed) for ann in planned] == [
        ("mnist5k", "sensitivity_3", 3),
        ("mnist5k", "sensitivity_5", 5),
    ]
    assert {ann.spec.training.epochs for ann in planned} == {section["training"]["epochs"]}
    assert (planned[0].spec.network.name, planned[0].spec.validation, planned[0].activations) == ("mlp", 0, None)

    options = STUDY.options(from_mapping(values))
    journal = tmp_path / "ann_mnist5k_sensitivity_5/seeds/5/journal.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text("".join(json.dumps({"event": "epoch", "time": time}) + "\n" for time in (0, 4, 7)))
    table = analogue_time_measured(StudyRuns(pd.DataFrame(), tmp_path, options))
    assert table["seconds_per_epoch"].fillna(-1).tolist() == [-1, 3]
    events = {"datasets": ["nmnist"], "encoding": {"name": "events", "timesteps": 5}, "only": ["beta"]}
    for without in ({"analogue": False}, events):
        config = from_mapping(values | {"sensitivity": section | without})
        assert STUDY.anns(config) == []
        assert analogue_time_measured(StudyRuns(pd.DataFrame(), tmp_path, STUDY.options(config))).empty


def test_every_figure_is_drawn(study, tmp_path, monkeypatch):
    written(tmp_path / "tables", study)
    arguments = ["--spec", rule_specs.figures_spec(STUDY), "--tables", str(tmp_path / "tables")]
    monkeypatch.setattr(sys, "argv", ["plot", *arguments, "--figures", str(tmp_path / "figures")])
    plot.main()
    assert {path.name for path in (tmp_path / "figures").iterdir()} == figure_files(STUDY)


def test_the_reports_points_stand_at_their_values(study, tmp_path):
    """The accuracies of T = 5 and 10 after ten epochs, 89.60 and 91.34 in the report's figure, beside ours."""
    tables_ = written(tmp_path, study)
    report = {"peat2024_curves": read_table(WORKFLOW / "published/peat2024_curves.csv")}
    figure = figures.sweeps(StudyTables(tables_.folder, tables_.spec, report))
    (panel,) = [axes for axes in figure.axes if axes.get_title(loc="left") == "timesteps"]
    ticks = [tick.get_text() for tick in panel.get_xticklabels()]
    drawn = [line for line in panel.lines if line.get_marker() == "D"]
    assert [dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in drawn] == [
        {ticks.index("5"): 89.60, ticks.index("10"): 91.34}
    ]
    assert not any(line.get_marker() == "D" for line in figures.sweeps(tables_).axes[0].lines)


def test_conclusions_are_drawn_with_each_neuron(tmp_path):
    """Accuracies of 50 + seed and 60 + seed, or the other way round: rising with T by 10 points in both seeds."""
    points = [
        {"run": "a", "sweeps": "timesteps", "accuracy": 50.0},
        {"run": "b", "sweeps": "timesteps", "encoding.timesteps": 10, "accuracy": 60.0},
        {"run": "c", "sweeps": "timesteps_at_rest", "accuracy": 60.0},
        {"run": "d", "sweeps": "timesteps_at_rest", "encoding.timesteps": 10, "accuracy": 50.0},
    ]
    runs = StudyRuns.load(*write_study(tmp_path, points), OPTIONS)
    table = conclusions.conclusions(runs)
    ends = table[(table["claim"] == "timesteps_accuracy") & (table["unit"] == "points")].set_index("neuron")
    own, at_rest = ends.loc[conclusions.NEURONS[""]], ends.loc[conclusions.NEURONS["_at_rest"]]
    assert (own["mean"], own["seeds"], own["claim_holds"]) == (10, 2, "holds")
    assert (at_rest["mean"], at_rest["claim_holds"]) == (-10, "does not hold")
    assert conclusions.NEURONS["_finite"] not in ends.index
    assert set(table["claim"]) == {"timesteps_loss", "timesteps_accuracy"}


@pytest.mark.parametrize("kept", ["beta", "both", "encoding"])
def test_a_study_of_one_sweep_can_be_drawn(kept, tmp_path):
    points = [{**point, "sweeps": kept} for point in POINTS if kept in point["sweeps"].split(";")]
    runs = StudyRuns.load(*write_study(tmp_path, points), OPTIONS)
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


@pytest.mark.parametrize("overlay", ["paper", "sensitivity_published"])
def test_an_overlay_is_as_published(checkout, overlay):
    config = load_config([checkout / "config.yaml", checkout / f"workflow/overlays/{overlay}.yaml"])
    assert differences(STUDY, config) == []
    assert beside(STUDY, config) == {"mnist": "mnist"}


def test_differences_name_what_departs(checkout, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    beta = "{neuron.decay: [0.5, 0.7], encoding.timesteps: 50}"
    overlay.write_text(f"sensitivity: {{neuron: {{slope: 3}}, sweeps: {{beta: {beta}, loss: null}}}}")
    found = differences(STUDY, load_config([checkout / "config.yaml", overlay]))
    assert "neuron.slope 3.0 instead of 1.0" in found
    assert "sweep beta without 0.8, 0.9, 0.95, 0.99" in found
    assert "sweep beta at encoding.timesteps 50 instead of 5" in found
    assert len(found) == 4
    assert "no sweep loss over training.loss" in found
