"""The conversion study: tables against hand computation, figures of whole and partial studies, conditions."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
import torch
from conversion_runs import SMALL, Network, write_study
from declared import beside, differences, figure_files, write_tables
from matplotlib.figure import Figure

from spikeinit.errors import UserError
from spikeinit.plan import load_config, rule_specs, runs
from spikeinit.stages import plot
from spikeinit.studies.conversion import STUDY, figures, layer_figures, tables
from spikeinit.studies.conversion.method_looks import LOOKS
from spikeinit.studies.table_tools import StudyRuns
from spikeinit.tables import read_table

WORKFLOW = Path(__file__).parents[2] / "workflow"
PUBLISHED = {name.removesuffix(".csv"): WORKFLOW / "published" / name for name in STUDY.published.files}

OTHER = Network("resnet", "resnet8", 95.0, {"max": {1: 9.0, 2: 11.0, 4: 20.0}}, dead=True)
THIRD = Network("third", "vgg16", 50.0, {"qcfs": {8: 50.0}}, activation="qcfs")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return StudyRuns.load(*write_study(tmp_path_factory.mktemp("small"), [SMALL, OTHER]))


def written(folder, runs):
    return write_tables(STUDY, runs, folder, {name: read_table(path) for name, path in PUBLISHED.items()})


# --- tables


def test_every_conversion_stands_beside_its_own_analogue_network(study):
    frame = tables.accuracy_by_timesteps(study).set_index(["network", "method", "timesteps"])
    assert len(frame) == 9  # calibrations are no conversions
    assert frame.loc[("vgg", "optimal", 2), ["accuracy", "ann_accuracy"]].tolist() == [70.0, 97.0]
    assert frame.loc[("resnet", "max", 4), ["accuracy", "ann_accuracy"]].tolist() == [20.0, 95.0]


def test_thresholds_in_units_of_the_largest_activation(study):
    frame = tables.thresholds(study).set_index(["network", "kind", "timesteps", "name"])
    assert len(frame) == 2 * 2 * 3 * 3
    assert frame.loc[("vgg", "optimal", 4, "layer_2"), "of_maximum"] == 0.25 / 4
    assert frame.loc[("vgg", "max", 1, "output"), "of_maximum"] == 1 / 9
    assert math.isnan(frame.loc[("resnet", "max", 1, "layer_2"), "of_maximum"])  # a dead layer has no largest


def test_errors_in_units_of_the_mean_activation(study):
    frame = tables.layer_error(study).set_index(["network", "method", "timesteps", "layer"])
    assert frame.loc[("vgg", "max", 2, 1), "relative_error"] == 0.1 / 0.5
    assert frame.loc[("vgg", "max", 2, 2), "relative_error"] == 0.05 / 0.5
    assert frame.loc[("vgg", "max", 2, 2), "spikes_per_neuron"] == 0.5
    assert math.isnan(frame.loc[("resnet", "max", 1, 2), "relative_error"])


def test_calibrated_networks_stand_beside_what_they_were_made_from(study):
    frame = tables.calibrated(study).set_index(["method", "timesteps"])
    assert frame.loc[("optimal", 1), ["converted_accuracy", "accuracy", "epochs"]].tolist() == [40.0, 90.0, 2]
    assert frame.loc[("optimal", 3), ["accuracy", "ann_accuracy", "epochs"]].tolist() == [96.0, 97.0, 3]
    assert math.isnan(frame.loc[("optimal", 3), "converted_accuracy"])  # T = 3 was not converted


def test_calibration_curves_count_epochs_through(study):
    frame = tables.calibration_curves(study)
    ours = frame[frame["method"] == "optimal"]
    assert ours["epoch"].tolist() == [0, 1, 2, 3]
    assert ours["timesteps"].tolist() == [1, 1, 1, 3]
    assert ours["test_accuracy"].tolist() == [40.0, 80.0, 90.0, 96.0]


def test_energy_by_hand(study):
    frame = tables.energy(study).set_index(["network", "method", "stage", "timesteps"])
    row = frame.loc[("vgg", "optimal", "conversion", 2)]
    # two steps of 3,000,000 synaptic operations and 100,000 multiply-accumulates of the image
    assert row["energy_of_spikes_qiao2015"] == pytest.approx(6e6 * 77e-15)
    assert row["energy_qiao2015"] == pytest.approx(6e6 * 77e-15 + 2e5 * 25e-12)
    assert row["energy_qiao2015_flop_per_mac"] == pytest.approx(6e6 * 77e-15 + 2e5 * 12.5e-12)
    # the analogue network once: 100,000 + 2,000,000
    assert row["ann_energy_qiao2015"] == pytest.approx(2.1e6 * 25e-12)
    assert row["ann_energy_qiao2015_flop_per_mac"] == pytest.approx(2.1e6 * 12.5e-12)
    assert row["accuracy"] == 70.0
    assert frame.loc[("vgg", "optimal", "calibration", 3), "accuracy"] == 96.0


def test_a_study_without_calibration_has_empty_tables_with_the_same_columns(study, tmp_path):
    without = StudyRuns.load(*write_study(tmp_path, [OTHER]))
    for make in (tables.calibrated, tables.calibration_curves):
        assert make(without).empty
        assert set(make(without)) <= set(make(study))
    assert set(tables.energy(without)["stage"]) == {"conversion"}


# --- figures


@pytest.fixture(scope="module")
def drawn(study, tmp_path_factory):
    return written(tmp_path_factory.mktemp("tables"), study)


def lines(panel):
    """x -> y of every line with markers or a label of its own, by colour and marker."""
    return {
        (line.get_color(), line.get_marker(), line.get_linestyle()): dict(
            zip(line.get_xdata(), line.get_ydata(), strict=True)
        )
        for line in panel.lines
    }


def test_the_stage_writes_what_the_planner_expects(drawn, tmp_path, monkeypatch):
    arguments = ["--spec", rule_specs.figures_spec(STUDY), "--tables", str(drawn.folder), "--figures", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["plot", *arguments, "--published", *map(str, PUBLISHED.values())])
    plot.main()
    assert {path.name for path in tmp_path.iterdir()} == figure_files(STUDY)


def test_accuracy_lines_are_the_tables(drawn):
    figure = figures.accuracy_by_timesteps(drawn)
    assert [panel.get_title() for panel in figure.axes] == ["MNIST 5k, vgg", "MNIST 5k, resnet"]
    shown = lines(figure.axes[0])
    assert shown[(*LOOKS["optimal"], "-")] == {1: 40.0, 2: 70.0, 4: 95.0}
    assert shown[(*LOOKS["maximum"], "-")] == {1: 10.0, 2: 12.0, 4: 30.0}
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["maximum", "optimal", "analogue network"]


def test_printed_accuracies_stand_beside_ours_on_the_papers_networks(tmp_path):
    published = Network("mine", "vgg16", 95.9, {"optimal": {2: 80.0, 4: 90.0}}, dataset="cifar10")
    found = written(tmp_path, StudyRuns.load(*write_study(tmp_path, [published])))
    printed = found.published["bojkovic2024_table1_relu_conversion"]
    printed = printed[(printed["dataset"] == "cifar10") & (printed["architecture"] == "VGG16")]
    expected = printed[printed["method"] == "Ours"].set_index("timesteps")["snn_accuracy"].to_dict()
    figure = figures.accuracy_by_timesteps(found)
    assert lines(figure.axes[0])[(*LOOKS["optimal"], ":")] == expected


def test_thresholds_are_drawn_without_the_output(drawn):
    figure = layer_figures.thresholds(drawn)
    shown = [dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in figure.axes[0].lines]
    assert shown == [{1: 1 / 2, 2: 1 / 4}, {1: 1 / 4, 2: 1 / 8}, {1: 1 / 8, 2: 1 / 16}]


def test_parts_of_the_error_are_drawn_for_the_largest_t_up_to_eight(drawn):
    panel = layer_figures.error_parts(drawn).axes[0]
    assert panel.get_title() == "MNIST 5k, vgg, T = 4"
    shown = lines(panel)  # in units of the mean activation 0.5: errors 0.025 and 0.0125, 0.1 and 0.1
    (quantization,) = (values for (_, _, style), values in shown.items() if style == "--")
    assert quantization == pytest.approx({1: 0.05, 2: 0.025})
    assert shown[(*LOOKS["optimal"], "-")] == pytest.approx({1: 0.2, 2: 0.2})


def test_calibration_curves_are_the_tables(drawn):
    figure = figures.calibration_curves(drawn)
    shown = lines(figure.axes[0])
    assert shown[(*LOOKS["optimal"], "-")] == {0: 40.0, 1: 80.0, 2: 90.0, 3: 96.0}


def test_activations_are_a_density(drawn):
    bars = layer_figures.activation_distributions(drawn).axes[0].patches[0]
    values, edges, _ = bars.get_data()
    assert sum(values * (edges[1:] - edges[:-1])) == pytest.approx(1)
    # the second layer: counts 40, 30, 20, 10 in bins one wide, drawn in forty bins
    assert list(values[[0, 9, 10, 25, 39]]) == pytest.approx([0.4, 0.4, 0.3, 0.2, 0.1])


@pytest.mark.parametrize("drawn_by", [figure.function for figure in STUDY.figures])
@pytest.mark.parametrize("networks", [[OTHER], [SMALL], [SMALL, OTHER, THIRD]])
def test_every_figure_of_a_partial_study(drawn_by, networks, tmp_path):
    found = written(tmp_path, StudyRuns.load(*write_study(tmp_path, networks)))
    assert isinstance(STUDY.load(drawn_by)(found), Figure)


# --- conditions


def test_the_paper_overlay_departs_in_table_2s_networks_and_says_so(checkout):
    config = load_config([checkout / "config.yaml", checkout / "workflow/overlays/paper.yaml"])
    assert set(differences(STUDY, config)) == {
        "vgg_clipped: trained here, while Table 2 has the pretrained networks of Opt",
        "resnet20_clipped: trained here, while Table 2 has the pretrained networks of Opt",
    }
    assert beside(STUDY, config) == {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet": None}
    section = config.sections["conversion"]
    families = {network["name"] for network in section["networks"]}
    assert families >= {"vgg16", "resnet18", "resnet19", "resnet20", "cifarnet", "alexnet"}
    assert set(section["methods"]) >= {"max", "percentile", "mse_grid", "opt_clipped", "qcfs", "snm", "optimal"}


def test_the_imagenet_overlay_is_the_papers_row(checkout, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = [
        checkout / "config.yaml",
        *(checkout / f"workflow/overlays/{n}.yaml" for n in ("paper", "conversion_imagenet")),
    ]
    with pytest.raises(UserError) as caught:
        load_config(files)
    for name in ("train.npz", "test.npz", "vgg16_bn.pth"):
        assert f"imagenet/{name}: no such file" in str(caught.value)
    (tmp_path / "imagenet").mkdir()
    for name in ("train.npz", "test.npz", "vgg16_bn.pth"):
        (tmp_path / "imagenet" / name).touch()
    with pytest.raises(UserError, match=r"vgg16_bn\.pth: an empty file"):
        load_config(files)
    torch.save({}, tmp_path / "imagenet" / "vgg16_bn.pth")
    config = load_config(files)
    assert differences(STUDY, config) == []
    assert beside(STUDY, config)["imagenet"] == "imagenet"
    found = {run.name: run for run in runs(config, "conversion")}
    assert {run.labels["architecture"] for run in found.values()} == {"vgg16_bn_imagenet"}
    calibrated = [run for run in found.values() if run.stage == "calibrate_snn"]
    assert calibrated
    assert all(tuple(run.spec.timesteps) == (1, 2, 3) for run in calibrated)


def test_differences_name_what_departs(checkout, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(json.dumps({"conversion": {"ann": {"training": {"epochs": 3}}, "norm": 2}}))
    found = differences(STUDY, load_config([checkout / "config.yaml", overlay]))
    assert "ann.training.epochs 3 instead of 300" in found
    assert "norm 2 instead of 1" in found
    assert "networks.0.width 0.125 instead of 1.0" in found
    assert "vgg: vgg9_small, which is none of the paper's architectures" in found
    assert "vgg: no augmentation" in found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timesteps": [0, 4]}, "conversion.timesteps.0  = 0   must be at least 1"),
        ({"methods": ["optimall"]}, "did you mean optimal?"),
        ({"normalization": {"std": 0}}, "conversion.normalization.std  = 0   allowed: number above 0"),
        ({"networks": [{"slug": "a", "name": "resnet8", "activation": {"name": "clipped_relu"}}], "methods": ["max"]},
         "none of the methods fits its activation; fitting ones: opt_clipped, optimal"),
        ({"networks": [{"slug": "a", "name": "vgg16_imagenet", "pretrained": "no.pth"}]}, "no.pth: no such file"),
        ({"networks": [{"slug": "a", "name": "vgg16_imagenet", "pretrained": "."}]}, ".: not a file"),
        ({"networks": [{"slug": "sensitivity_0", "name": "resnet8"}]}, "taken by the sensitivity study"),
        ({"calibration": {"epochs": [1]}}, "needs one number of epochs for each of calibration.timesteps"),
        ({"calibration": {"methods": ["snm"]}}, "= 'snm'   not one that can be calibrated (max,"),
        ({"calibration": {"networks": ["vgg16"]}}, "= 'vgg16'   not one of networks (vgg,"),
    ],
)  # fmt: skip
def test_mistakes_are_named_before_anything_runs(change, message, checkout, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(json.dumps({"studies": ["conversion"], "conversion": change}))
    with pytest.raises(UserError) as caught:
        load_config([checkout / "config.yaml", overlay])
    assert message in str(caught.value)
