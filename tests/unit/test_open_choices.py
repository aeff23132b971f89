"""What a paper leaves open, tried out: which runs that asks for, and what is said of them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from energy_runs import Combination, Seed, write_study
from matplotlib.figure import Figure

from spikeinit.config import open_choices
from spikeinit.config.open_choices import AS_CONFIGURED
from spikeinit.errors import UserError
from spikeinit.io import read_csv
from spikeinit.names.slugs import NAME_PATTERN
from spikeinit.plan import from_mapping, runs
from spikeinit.plan.conditions import conditions
from spikeinit.specs import to_dict
from spikeinit.studies.claims import Claim, OurResult
from spikeinit.studies.energy import STUDY, open_choice_figures, open_choice_tables, tables
from spikeinit.studies.energy.open_choice_lines import nearest
from spikeinit.studies.energy.runs import table_options
from spikeinit.studies.open_choices import conclusions, no_flip
from spikeinit.studies.table_tools import StudyRuns, StudyTables

WORKFLOW = Path(__file__).parents[2] / "workflow"
PRINTED = [WORKFLOW / "published" / file for file in ("paerna2025_spikes.csv", "paerna2025_claims.csv")]


@pytest.fixture
def config(checkout):
    return yaml.safe_load((checkout / "config.yaml").read_text()) | {"studies": ["energy"]}


def asking(config, **asked):
    config["energy"]["open_choices"] = {"seeds": [0, 1], **asked}
    return config


def tried(config, **asked):
    return [run for run in runs(from_mapping(asking(config, **asked)), "energy") if run.labels["open_choice"]]


def leaves(spec, path=""):
    for key, value in spec.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", json.dumps(value)


def test_one_at_a_time_and_crossed():
    values = {"a.b": [1, 2], "c": [True], "d": None}
    section = {"open_choices": {"values": values, "crossed": False, "settings": {}}, "c": False}
    assert open_choices.points(section) == [{}, {"a.b": 1}, {"a.b": 2}, {"c": True}]
    section["open_choices"]["crossed"] = True
    crossed = [{}, {"c": True}, {"a.b": 1}, {"a.b": 1, "c": True}, {"a.b": 2}, {"a.b": 2, "c": True}]
    assert open_choices.points(section) == crossed
    assert open_choices.points({"open_choices": None}) == []
    assert [open_choices.name(point) for point in ({}, {"a.b": 1, "c": [0.9, 0.99]})] == [
        AS_CONFIGURED,
        "a.b 1, c 0.9 0.99",
    ]


def test_a_choice_changes_its_key_alone_and_draws_the_same_numbers(config):
    planned = tried(
        config,
        values={"neuron.gain": ["one_minus_decay"], "training.batch_size": [32]},
        weight_means=[-0.01],
        beta_ranges=["low", "high"],
        settings={"training.epochs": 1, "train_images": 100},
    )
    assert [run.labels["open_choice"] for run in planned[::2]] == [
        AS_CONFIGURED,
        "neuron.gain one_minus_decay",
        "training.batch_size 32",
    ]
    assert [run.labels["beta_range"] for run in planned] == ["low", "high"] * 3
    configured, gain, batch = (dict(leaves(to_dict(run.spec))) for run in planned[::2])
    assert configured["training.epochs"] == "1"
    assert configured["images.train_images"] == "100"
    assert {key for key in configured if gain[key] != configured[key]} == {"neuron.gain"}
    assert {key for key in configured if batch[key] != configured[key]} == {"training.batch_size"}
    assert planned[0].spec.apart != planned[1].spec.apart
    assert planned[0].spec.apart == planned[2].spec.apart


def test_a_choice_that_suits_no_compared_initialiser_is_tried_without_them(config):
    """data_driven starts at half the threshold, and no run at a choice is one of its."""
    assert {"name": "data_driven"} in config["energy"]["comparison"]["initializers"]
    planned = tried(config, values={"neuron.initial_potential": ["running_mean", "kaiming_uniform"]})
    starts = {run.labels["open_choice"]: run.spec.neuron.initial_potential for run in planned}
    assert starts == {
        AS_CONFIGURED: 0.0,
        "neuron.initial_potential running_mean": "running_mean",
        "neuron.initial_potential kaiming_uniform": "kaiming_uniform",
    }
    config["energy"]["neuron"]["initial_potential"] = "running_mean"
    with pytest.raises(UserError, match="data_driven starts at half the threshold"):
        from_mapping(config)


def test_choices_have_the_same_names_in_whatever_order_they_are_written(config):
    """The stage that writes the plan gets the configuration with sorted keys, and must name the same runs."""
    values = {"neuron.gain": ["one_minus_decay"], "initializer.bias": ["zero"], "neuron.surrogate": ["arctan_over_pi"]}
    names = [run.name for run in tried(config, values=values, crossed=True)]
    assert names == [run.name for run in tried(config, values=dict(sorted(values.items())), crossed=True)]
    assert names == [run.name for run in tried(config, values=dict(reversed(values.items())), crossed=True)]


def test_the_configured_value_is_not_tried_twice(config):
    """A value that the section itself takes up stands in the list still, and asks for nothing."""
    config["energy"]["initializer"]["layers"] = "all"
    planned = tried(config, values={"initializer.layers": ["all", "hidden"], "neuron.gain": [1.0]})
    names = list(dict.fromkeys(run.labels["open_choice"] for run in planned))
    assert names == [AS_CONFIGURED, "initializer.layers hidden"]
    config["energy"]["initializer"]["layers"] = "hidden"
    assert tried(config, values={"initializer.layers": ["hidden"]}) == []


def test_the_study_s_own_runs_stay_as_they_are(config):
    config["energy"]["open_choices"] = None
    without = runs(from_mapping(config), "energy")
    asked = runs(
        from_mapping(asking(config, values={"initializer.bias": ["zero"]}, settings={"train_images": 9})), "energy"
    )
    own = [run for run in asked if run.labels["open_choice"] is None]
    assert [(run.name, run.spec) for run in own] == [(run.name, run.spec) for run in without]
    assert len(asked) == len(own) + 2 * 9


def test_names_are_short_and_unique_and_jobs_are_shared(config):
    values = {
        "neuron.gain": ["one_minus_decay"],
        "neuron.surrogate": ["arctan_over_pi"],
        "initializer.bias": ["zero", "framework"],
        "training.optimizer.betas": [[0.9, 0.99]],
    }
    planned = tried(config, values=values, crossed=True, runs_per_job=50)
    assert len(planned) == 2 * 2 * 3 * 2 * 9
    names = {run.name for run in planned}
    assert len(names) == len(planned)
    assert all(len(name) <= 64 and pd.Series([name]).str.fullmatch(NAME_PATTERN).all() for name in names)
    assert {run.batch for run in planned} == {f"choices_mnist5k_{number}" for number in range(1, 6)}


@pytest.mark.parametrize(
    ("asked", "where", "what"),
    [
        ({"values": {"neuron.slope": [2.0]}}, "values.neuron.slope", "is not among what the paper leaves open: "),
        ({"values": {"neuron.gain": [0.0]}}, "values.neuron.gain.0", "0"),
        ({"values": {"neuron.gain": 2.0}}, "values.neuron.gain", "a list of other values is expected, such as [2.0]"),
        ({"values": {"initializer.bias": ["zero", "zero"]}}, "values.initializer.bias.1", "listed twice"),
        (
            {"values": {"initializer.bias": ["zero"]}, "settings": {"initializer.bias": "law"}},
            "values.initializer.bias",
            "has a value in energy.open_choices.settings too",
        ),
        (
            {"values": {"initializer.bias": ["zero"]}, "settings": {"seeds": [1]}},
            "settings.seeds",
            "cannot be set for these runs alone; keys begin with train_images",
        ),
        (
            {"values": {"initializer.bias": ["zero"]}, "settings": {"training.epoch": 1}},
            "settings.training.epoch",
            "unknown key 'epoch'; did you mean epochs?",
        ),
        (
            {"values": {"initializer.bias": ["zero"]}, "settings": {"training.epochs": 0}},
            "settings.training.epochs",
            "0",
        ),
        ({"values": {"initializer.bias": ["zero"]}, "weight_means": [0.5]}, "weight_means.0", "not one of"),
        ({"values": {"initializer.bias": ["zero"]}, "beta_ranges": ["lo"]}, "beta_ranges.0", "not one of beta_ranges"),
        ({"values": {"initializer.bias": ["zero"]}, "datasets": ["digits"]}, "datasets.0", "not one of datasets"),
        (
            {"values": {"initializer.bias": ["zero"]}, "settings": {"network.name": "nowhere"}},
            "as configured: energy.network",
            "",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_is_said_when_it_is_planned(config, asked, where, what):
    with pytest.raises(UserError) as error:
        from_mapping(asking(config, **asked))
    lines = [line for line in str(error.value).splitlines() if "energy.open_choices" in line and where in line]
    assert lines, str(error.value)
    assert what in lines[0]


def test_trying_them_is_no_departure_from_the_thesis(config):
    tries = conditions(STUDY, from_mapping(asking(config, values={"initializer.bias": ["zero"]})))
    config["energy"]["open_choices"] = None
    assert conditions(STUDY, from_mapping(config)) == tries


ANSWERS = {
    AS_CONFIGURED: {"a": True, "b": True, "c": None, "d": False},
    "x 1": {"a": True, "b": False, "c": True, "d": False},
    "x 2": {"a": None, "b": True, "c": False, "d": False},
}


def judged_at(answers):
    claims = [
        Claim(id=id, place="", statement=f"claim {id}", printed="", check="check") for id in answers[AS_CONFIGURED]
    ]

    def check(evidence, claim):
        return OurResult(ours="something", n="4", agrees=evidence[claim.id])

    return conclusions(claims, {"check": check}, answers, "train_images 9")


def test_a_conclusion_flips_where_it_is_decided_both_ways():
    table = judged_at(ANSWERS)
    assert list(table[table["flips"]][["open_choice", "conclusion"]].itertuples(index=False, name=None)) == [
        ("x 1", "b")
    ]
    assert list(table["answer"][:3]) == ["agrees", "agrees", "open"]
    result = no_flip(table)
    assert (result.ours, result.agrees) == ("1 of 8 answers flip (“claim b” at x 1)", False)
    assert result.note == (
        "4 conclusions at 2 other choices; 2 of them are decided at every choice; "
        "decided against what is open as configured: “claim c” at x 2"
    )


def test_no_flip_is_open_unless_all_is_decided():
    open_somewhere = {choice: {"a": answers["a"], "d": answers["d"]} for choice, answers in ANSWERS.items()}
    assert no_flip(judged_at(open_somewhere)).agrees is None
    decided = {choice: {"d": answers["d"]} for choice, answers in ANSWERS.items()}
    assert no_flip(judged_at(decided)).agrees is True
    assert no_flip(judged_at({AS_CONFIGURED: {}})) == OurResult()


def test_claims_to_which_nothing_was_run_are_left_out():
    claim = Claim(id="a", place="", statement="", printed="", check="check")
    table = conclusions([claim], {"check": lambda evidence, claim: OurResult()}, {AS_CONFIGURED: None, "x 1": None})
    assert table.empty
    assert "flips" in table


def combination(mean, beta, choice, factor, noise=0.02):
    """Four seeds that spike `factor` times as much as Table 5 prints, but for a little noise."""
    printed = pd.read_csv(PRINTED[0])
    rows = printed[(printed["table"] == 5) & (printed["weight_mean"] == mean) & (printed["beta_range"] == beta)]
    counts = np.where(rows["layer"] == 6, 20, 1) * rows["spikes_mean"].to_numpy()
    generator = np.random.default_rng(int(1000 * mean) + 100 + len(beta))
    seeds = {
        seed: Seed(tuple(map(float, factor * counts * (1 + noise * generator.standard_normal(6)))), 97.0 + 0.1 * seed)
        for seed in range(4)
    }
    return Combination("mnist5k", "normal", mean, beta, seeds, (50, 25, 16, 8, 1, 10), 20, choice)


def study(config, folder, factors, noise=0.02):
    """factors: choice -> what the printed spikes are multiplied with at the mean weights -0.01 and 0."""
    made = [
        combination(mean, beta, choice, factor, noise)
        for choice, of_means in factors.items()
        for mean, factor in zip((-0.01, 0.0), of_means, strict=True)
        for beta in ("low", "high")
    ]
    options = table_options(
        from_mapping(
            asking(
                config, values={"initializer.bias": ["zero"]}, weight_means=[-0.01, 0.0], beta_ranges=["low", "high"]
            )
        )
    )
    return StudyRuns.load(*write_study(folder, made), options, PRINTED)


def test_distance_by_hand(config, tmp_path):
    """Twice the printed spikes are (2 - 1) / (2 + 1) away from them in every layer, and half of them as well."""
    ran = study(config, tmp_path, {AS_CONFIGURED: (2, 2), "x 1": (1, 1), "x 2": (0.5, 1), "x 3": (0, 0)}, noise=0)
    found = open_choice_tables.open_choice_distances(ran)
    assert list(found["open_choice"]) == ["x 1", "x 2", AS_CONFIGURED, "x 3"]
    assert list(found["distance"]) == pytest.approx([0, 1 / 6, 1 / 3, 1])
    assert set(found["runs"]) == {16}
    effects = open_choice_tables.open_choice_effects(ran)
    assert list(effects["value"]) == ["x 1", "x 2", "x 3"]
    assert list(effects["nearer"]) == pytest.approx([1 / 3, 1 / 6, -2 / 3])
    assert set(effects["pairs"]) == {16}


def test_crossed_choices_are_paired_with_what_differs_in_one_value(config, tmp_path):
    """a takes 1/3 to 0 and 1/2 to 1/3; b takes 1/3 to 1/2 and 0 to 1/3."""
    factors = {AS_CONFIGURED: (2, 2), "a 1": (1, 1), "b 1": (3, 3), "a 1, b 1": (2, 2)}
    effects = open_choice_tables.open_choice_effects(study(config, tmp_path, factors, noise=0)).set_index("value")
    assert effects.loc["a 1", "nearer"] == pytest.approx((1 / 3 + 1 / 6) / 2)
    assert effects.loc["b 1", "nearer"] == pytest.approx(-(1 / 6 + 1 / 3) / 2)
    assert set(effects["pairs"]) == {32}


@pytest.mark.slow
def test_runs_as_printed_are_nearest_and_reversed_means_flip(config, tmp_path):
    """Known truth: one choice spikes as printed, another the other way round, a third twice as much."""
    runs_there = study(
        config,
        tmp_path,
        {AS_CONFIGURED: (1, 1), "initializer.bias zero": (1, 1.02), "turned": (6, 0.5), "twice": (2, 2)},
    )
    distances = open_choice_tables.open_choice_distances(runs_there)
    effects = open_choice_tables.open_choice_effects(runs_there)
    line = nearest(distances, effects)
    assert line.ours.startswith((f"nearest is {AS_CONFIGURED}", "nearest is initializer.bias zero"))
    assert line.agrees is None, "a choice that differs by 2 % can be told from the configured one by nobody"
    assert line.note == (
        "of 3 other values 0 are shown to lead nearer, and 2 (twice, turned) are shown to lead further away"
    )
    table = open_choice_tables.open_choices(runs_there)
    answers = table.pivot(index="conclusion", columns="open_choice", values="answer")
    fewer = answers.loc["lower-mean-needs-fewest-spikes:mnist"]
    assert dict(fewer) == {
        AS_CONFIGURED: "agrees",
        "initializer.bias zero": "agrees",
        "twice": "agrees",
        "turned": "disagrees",
    }
    flips = table[table["flips"]]
    assert set(flips["open_choice"]) == {"turned"}
    assert "lower-mean-needs-fewest-spikes:mnist" in set(flips["conclusion"])
    assert not any("fashion" in name for name in answers.index)
    drawn = {"open_choices": table.astype({"flips": str}), "open_choice_distances": distances}
    assert isinstance(open_choice_figures.open_choices(StudyTables.of(drawn, {})), Figure)


def test_their_runs_are_in_no_other_table(config, tmp_path):
    runs_there = study(config, tmp_path, {None: (1, 1), AS_CONFIGURED: (3, 3), "x 1": (5, 5)})
    by_run = tables.spikes_by_run(runs_there)
    assert len(by_run) == 4 * 4 * 6
    assert "open_choice" not in by_run
    assert set(tables.spikes_by_combination(runs_there)["runs"]) == {4}
    for table in (tables.initializers, tables.energy, tables.rates, tables.curves, tables.outcomes):
        assert set(table(runs_there)["run"]) == set(by_run["run"])
    assert len(open_choice_tables.open_choices_by_run(runs_there)) == 2 * len(by_run)


def test_nothing_tried_leaves_empty_tables(config, tmp_path):
    runs_there = StudyRuns.load(
        *write_study(tmp_path, [combination(0.0, "low", None, 1)]), {"open_choices": None}, PRINTED
    )
    for table in (open_choice_tables.open_choices, open_choice_tables.open_choice_distances):
        found = table(runs_there)
        assert found.empty
        assert "open_choice" in found
    assert list(open_choice_tables.open_choice_effects(runs_there)) == open_choice_tables.EFFECTS
    drawn = {name: getattr(open_choice_tables, name)(runs_there) for name in ("open_choices", "open_choice_distances")}
    assert (
        open_choice_figures.open_choices(StudyTables.of(drawn, {})).axes[0].texts[0].get_text()
        == "no open choice was tried"
    )


def test_the_default_tries_what_the_thesis_leaves_open(config):
    """Gain, factor 1/pi, bias, layers, scope of the decay rates and batch size, each beside the configured one."""
    values = config["energy"]["open_choices"]["values"]
    keys = "neuron.gain neuron.surrogate neuron.decay_scope initializer.bias initializer.layers training.batch_size"
    assert set(values) == set(keys.split())
    names = [run.labels["open_choice"] for run in runs(from_mapping(config), "energy") if run.labels["open_choice"]]
    assert len(set(names)) == 7
    assert all(a == b for a, b in pairwise([names.count(name) for name in dict.fromkeys(names)]))
    assert {row["check"] for row in read_csv(PRINTED[1])}
