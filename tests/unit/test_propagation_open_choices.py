"""What the propagation study's paper leaves open: which runs try it, and what the tables say of made-up runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from spikeinit.datasets.load import Images
from spikeinit.drawing.figure_style import render
from spikeinit.errors import UserError
from spikeinit.io import write_csv
from spikeinit.networks.build import new_network
from spikeinit.plan import from_mapping, runs
from spikeinit.studies.open_choices import no_flip
from spikeinit.studies.propagation import open_choice_figures, open_choice_tables
from spikeinit.studies.propagation.checks import NO_FLIP
from spikeinit.studies.table_tools import StudyRuns, StudyTables, write_table

NAME = "propagation"


@pytest.fixture
def config(checkout):
    return yaml.safe_load((checkout / "config.yaml").read_text()) | {"studies": [NAME]}


def tried(config):
    return [run for run in runs(from_mapping(config), NAME) if run.labels["experiment"] == "open_choice"]


def test_each_choice_changes_its_key_alone_and_has_the_same_seeds(config):
    found = {}
    for run in tried(config):
        found.setdefault(run.labels["open_choice"], {})[run.labels["initializer"]] = run.spec
    assert list(found) == [
        *("as configured", "initializer.bias framework", "initializer.bias zero"),
        "training.schedule.name cosine_by_batch",
    ]
    by_batch = found.pop("training.schedule.name cosine_by_batch")
    configured = found.pop("as configured")
    assert list(configured) == ["micheli2024", "rossbroich2022", "ding2022"]
    for choice, specs in found.items():
        key, value = choice.removeprefix("initializer.").split()
        for name, spec in specs.items():
            own = configured[name]
            assert getattr(spec.initializer, key) == value != getattr(own.initializer, key)
            assert (spec.seeds, spec.training, spec.neuron, spec.images) == (
                own.seeds,
                own.training,
                own.neuron,
                own.images,
            )
    for name, spec in by_batch.items():
        schedule = {**configured[name].training.schedule, "name": "cosine_by_batch"}
        assert spec.training == dataclasses.replace(configured[name].training, schedule=schedule)
        assert (spec.seeds, spec.initializer, spec.neuron) == (
            configured[name].seeds,
            configured[name].initializer,
            configured[name].neuron,
        )
    every = runs(from_mapping(config), NAME)
    assert len({run.name for run in every}) == len(every)


def test_ten_layers_are_ten_hidden_ones_or_eight_and_the_two_around_them(config):
    config[NAME]["open_choices"]["values"] = {"classification.depth_counts": ["hidden", "all"]}
    found = {}
    for run in tried(config):
        found.setdefault(run.labels["open_choice"], []).append(run)
    assert list(found) == ["as configured", "classification.depth_counts all"]
    for own, other in zip(*found.values(), strict=True):
        assert [run.labels["depth"] for run in (own, other)] == [10, 8]
        network = dataclasses.replace(own.spec.network, options={"depth": 8})
        assert other.spec == dataclasses.replace(own.spec, network=network)
    spec = found["classification.depth_counts all"][0].spec
    images = Images(torch.zeros(1, 1, 28, 28, dtype=torch.uint8), torch.zeros(1), 10, "black", "")
    module = new_network(spec, 0, images, "auto")
    weights = [tuple(layer.weight.shape) for layer in module.weighted_layers()]
    assert weights == [(300, 784), *[(300, 300)] * 7, (10, 300)]
    assert len(module.neurons()) == 10  # the encoder, eight hidden layers and the output, as the authors count


def test_a_count_of_all_layers_is_of_every_task_with_an_mlp_and_of_nothing_else(config):
    section = config[NAME]["classification"]
    section["tasks"].append({**section["tasks"][0], "dataset": "digits", "network": {"name": "deep_mlp"}})
    section["tasks"][2]["network"]["options"] = {"depth": 5}

    def depths():
        every = runs(from_mapping(config), NAME)
        return {
            (run.labels["experiment"], run.labels["network"], run.labels["dataset"], run.labels["depth"])
            for run in every
            if run.labels["experiment"] in ("comparison", "base")
        }

    hidden = {("comparison", "deep_mlp", "mnist5k", 10), ("comparison", "deep_mlp", "digits", 5)}
    others = {("comparison", "deep_cnn", "digits", 6), ("base", "deep_mlp", "mnist5k", 10)}
    assert depths() == hidden | others
    section["depth_counts"] = "all"
    assert depths() == {("comparison", "deep_mlp", "mnist5k", 8), ("comparison", "deep_mlp", "digits", 3)} | others
    section["tasks"][2]["network"]["options"] = {"depth": 2}
    with pytest.raises(UserError, match=r"tasks\.2\.network\.options\.depth += 2 +counts the encoder and the output"):
        from_mapping(config)


def test_nothing_is_tried_without_the_mlp_or_where_null_is_asked(config):
    task = config[NAME]["classification"]["tasks"][1]
    assert task["network"]["name"] == "deep_cnn"
    without = {**config, NAME: {**config[NAME], "classification": {**config[NAME]["classification"], "tasks": [task]}}}
    assert tried(without) == []
    assert tried({**config, NAME: {**config[NAME], "open_choices": None}}) == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"initializers": ["kaiming"]}, r"open_choices\.initializers\.0.*'kaiming'.*not one of classification"),
        ({"values": {"neuron.decay": [0.2]}}, "neuron.decay.*not among what the paper leaves open"),
        ({"values": {"initializer.bias": ["none"]}}, r"open_choices\.values\.initializer\.bias"),
        ({"values": {"classification.depth_counts": [8]}}, r"classification\.depth_counts.*allowed: hidden, all"),
    ],
)
def test_what_cannot_be_tried_is_said_when_it_is_planned(config, asked, message):
    config[NAME]["open_choices"] |= asked
    with pytest.raises(UserError, match=message):
        from_mapping(config)


# --- tables


def write_runs(folder, checkout, last):
    """Trainings of two epochs: (choice, initialiser) -> training accuracy of the last epoch, in three seeds."""
    plan = []
    for number, ((choice, initializer), accuracy) in enumerate(last.items()):
        run = f"run{number}"
        labels = {"dataset": "mnist5k", "network": "deep_mlp", "initializer": initializer, "open_choice": choice}
        plan.append({"run": run, "experiment": "open_choice", **labels})
        rows = {"metrics": [], "curves": [], "iterations": [], "accuracy": []}
        for seed in range(3):
            own = accuracy + 0.1 * seed
            about = {"seed": seed, "outcome": "trained", "epochs": 2}
            rows["metrics"].append({**about, "train_accuracy": own, "test_accuracy": own - 1})
            for epoch, shown in ((1, own - 20), (2, own)):
                rows["curves"].append(
                    {"seed": seed, "epoch": epoch, "train_accuracy": shown, "test_accuracy": shown - 1}
                )
            for iteration, shown in ((5, 0.0), (10, own)):
                about = {"seed": seed, "iteration": iteration, "train_loss": 1.0}
                rows["iterations"].append({**about, "train_accuracy": shown})
            rows["accuracy"].append({"seed": seed, "images": 50, "accuracy": own - 2})
        for file, found in rows.items():
            write_csv(folder / run / f"{file}.csv", found, list(found[0]))
    spec = {"accuracy_levels": [50], "confidence": 0.95}
    spec["open_choices"] = {"datasets": {"mnist": "mnist5k"}, "settings": ""}
    claims = {"micheli2024_claims": checkout / "workflow/published/micheli2024_claims.csv"}
    return StudyRuns(pd.DataFrame(plan), folder, spec, claims)


TRAINED = {"micheli2024": 95.0, "rossbroich2022": 96.0, "he": 40.0}


def test_a_claim_flips_where_another_value_lets_a_third_one_train(tmp_path, checkout):
    last = {("as configured", name): accuracy for name, accuracy in TRAINED.items()}
    last |= {("initializer.bias zero", name): 94.0 for name in TRAINED}
    table = open_choice_tables.open_choices(write_runs(tmp_path, checkout, last))
    answers = table.set_index(["open_choice", "conclusion"])["answer"]
    assert answers["as configured", "mlp_mnist_train"] == "agrees"
    assert answers["initializer.bias zero", "mlp_mnist_train"] == "disagrees"
    flips = table[table["flips"]][["open_choice", "conclusion"]].to_numpy().tolist()
    assert ["initializer.bias zero", "mlp_mnist_train"] in flips
    assert no_flip(table).agrees is False
    assert set(table["conclusion"]) == {"mlp_mnist_train", "mlp_mnist_speed", "mlp_test:mnist"}
    assert NO_FLIP.part == "deep_mlp"


def test_accuracies_averaged_over_the_epochs_by_hand(tmp_path, checkout):
    """Of 95 and 75 the mean is 85: above 90 % at the end, and not on average."""
    runs = write_runs(tmp_path, checkout, {("as configured", name): accuracy for name, accuracy in TRAINED.items()})
    by_run = open_choice_tables.open_choices_by_run(runs)
    own = by_run[(by_run["initializer"] == "micheli2024") & (by_run["seed"] == 0)].set_index("open_choice")
    assert own["train_accuracy"].to_dict() == {"as configured": 95.0, open_choice_tables.AVERAGED: 85.0}
    assert own["test_accuracy"].to_dict() == {"as configured": 93.0, open_choice_tables.AVERAGED: 84.0}
    answers = open_choice_tables.open_choices(runs).set_index(["open_choice", "conclusion"])["answer"]
    assert answers[open_choice_tables.AVERAGED, "mlp_mnist_train"] == "disagrees"
    table = open_choice_tables.open_choice_accuracy(runs)
    means = table.set_index(["open_choice", "initializer"])["train_accuracy_mean"]
    assert means["as configured", "he"] == pytest.approx(40.1)
    assert np.isfinite(table["test_accuracy_low"]).all()
    write_table(tmp_path / "open_choice_accuracy.csv", table)
    for path in render(open_choice_figures.open_choices, tmp_path, "drawn", StudyTables(tmp_path)):
        assert path.stat().st_size > 1000


def test_nothing_tried_leaves_empty_tables(tmp_path, checkout):
    empty = StudyRuns(pd.DataFrame([{"run": "a", "experiment": "comparison"}]), tmp_path, {"confidence": 0.95})
    assert open_choice_tables.open_choices_by_run(empty).empty
    assert open_choice_tables.open_choice_accuracy(empty).empty
    assert open_choice_tables.open_choices(empty).empty
    assert no_flip(open_choice_tables.open_choices(empty)).ours == ""
