"""Sweeps: grids over any key of a section, their errors, and the runs they become."""

from __future__ import annotations

import itertools
import json
import re

import pytest
import yaml
from declared import differences
from hypothesis import given, settings
from hypothesis import strategies as st

from spikeinit.config import sweeps
from spikeinit.errors import UserError
from spikeinit.jobs.runs import run_name
from spikeinit.names.slugs import NAME_PATTERN
from spikeinit.plan import from_mapping, rule_specs, runs
from spikeinit.specs import to_json
from spikeinit.studies.sensitivity import STUDY


@pytest.fixture
def config(checkout):
    return yaml.safe_load((checkout / "config.yaml").read_text()) | {"studies": ["sensitivity"]}


def with_sweeps(config, declared):
    config["sensitivity"]["sweeps"] = declared
    return config


def planned(config, declared):
    return runs(from_mapping(with_sweeps(config, declared)), "sensitivity")


def test_lists_are_crossed_and_single_values_hold():
    sweep = {"neuron.threshold": [1.0, 1.5], "encoding.timesteps": 5, "neuron.decay": [0.5, 0.9]}
    found = [tuple(point.values()) for point in sweeps.points(sweep)]
    assert found == [(1.0, 5, 0.5), (1.0, 5, 0.9), (1.5, 5, 0.5), (1.5, 5, 0.9)]


def test_null_leaves_out_a_sweep_or_a_key():
    declared = {"a": None, "b": {"neuron.decay": [0.5], "encoding.timesteps": None}}
    assert sweeps.active({"sweeps": declared, "only": None}) == {"b": {"neuron.decay": [0.5]}}


def test_only_chooses_sweeps_and_leaves_their_order():
    declared = {"a": {"neuron.decay": [0.5]}, "b": {"neuron.decay": [0.9]}, "c": {"neuron.decay": [0.7]}}
    assert list(sweeps.active({"sweeps": declared, "only": ["c", "a"]})) == ["a", "c"]


def test_only_decides_runs_conditions_and_what_is_planned(config):
    every = from_mapping(config)
    config["sensitivity"]["only"] = ["beta", "loss"]
    chosen = from_mapping(config)
    kept = [run for run in runs(every, "sensitivity") if {"beta", "loss"} & set(run.labels["sweeps"].split(";"))]
    assert {to_json(run.spec) for run in runs(chosen, "sensitivity")} == {to_json(run.spec) for run in kept}
    assert {run.labels["sweeps"] for run in runs(chosen, "sensitivity")} == {"beta", "loss"}
    missing = set(differences(STUDY, chosen)) - set(differences(STUDY, every))
    keys = {"timesteps": "encoding.timesteps", "slope": "neuron.slope", "threshold": "neuron.threshold"}
    keys |= {"threshold_wide": "neuron.threshold", "encoding": "encoding.name"}
    assert missing == {f"no sweep {name} over {key}" for name, key in keys.items()}
    planned_from = json.loads(rule_specs.plan_spec(config, "sensitivity", runs(chosen, "sensitivity")))["config"]
    assert [run.name for run in runs(from_mapping(planned_from), "sensitivity")] == [
        run.name for run in runs(chosen, "sensitivity")
    ]


@pytest.mark.parametrize(
    ("only", "message"),
    [
        (["beta", "betta"], "sensitivity.only.1  = 'betta'   unknown sweep; did you mean beta? (known: beta, loss)"),
        (["slope"], "sensitivity.only.0  = 'slope'   this sweep is null in sensitivity.sweeps"),
        ([], "sensitivity.only  = []   needs at least 1 item"),
        (["beta", "beta"], "lists the same item twice"),
        ("beta", "must be of type array or null"),
    ],
)
def test_only_names_sweeps_that_are_there(config, only, message):
    declared = {"beta": {"neuron.decay": [0.5]}, "loss": {"training.loss.reduction": ["sum"]}, "slope": None}
    with_sweeps(config, declared)["sensitivity"]["only"] = only
    with pytest.raises(UserError) as caught:
        from_mapping(config)
    assert message in str(caught.value)
    assert str(caught.value).startswith("config: 1 error,")


def test_every_point_reaches_its_spec(config):
    found = planned(
        config,
        {
            "any": {
                "training.optimizer.learning_rate": [0.01],
                "training.loss": [{"name": "cross_entropy"}],
                "network.options.hidden": [[20, 30]],
                "encoding.name": "constant",
                "encoding.parameters": [{"mean": 0.5}],
                "initializer": [{"name": "normal", "sd": 0.2}],
                "neuron.learn": [["decay"]],
            }
        },
    )
    (spec,) = (run.spec for run in found)
    assert spec.training.optimizer == {"name": "adam", "learning_rate": 0.01}
    assert spec.training.loss == {"name": "cross_entropy", "reduction": "sum"}  # the schema's default is filled in
    assert spec.network.options == {"hidden": [20, 30]}
    assert spec.encoding.parameters == {"mean": 0.5}
    assert (spec.initializer.name, spec.initializer.parameters) == ("normal", {"sd": 0.2})
    assert spec.neuron.learn == ("decay",)


def test_a_point_of_several_sweeps_is_one_run(config):
    found = planned(
        config,
        {
            "beta": {"neuron.decay": [0.5, 0.8]},
            "theta": {"neuron.threshold": [1, 1.5]},
            "both": {"neuron.threshold": [1.0, 1.5], "neuron.decay": [0.5, 0.8]},
        },
    )
    assert {run.name: run.labels["sweeps"] for run in found} == {
        "mnist5k_decay0.5": "beta;both",
        "mnist5k_baseline": "beta;theta;both",
        "mnist5k_threshold1.5": "theta;both",
        "mnist5k_decay0.5_threshold1.5": "both",
    }
    assert found[2].labels["neuron.decay"] == 0.8  # the baseline's, where a sweep does not set it


def test_labels_say_what_is_swept_in_one_cell(config):
    losses = [{"name": "mean_squared_error", "reduction": "mean"}, {"name": "cross_entropy"}]
    found = planned(config, {"loss": {"training.loss": losses}})
    assert [run.labels["training.loss"] for run in found] == ["mean_squared_error mean", "cross_entropy sum"]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"beta": {"neuron.deacy": [0.5]}}, "unknown key 'deacy'; did you mean decay?"),
        ({"beta": {"neuron.decay": [0.5, 1.2]}}, "sensitivity.sweeps.beta.neuron.decay.1  = 1.2   must be at most 1"),
        ({"beta": {"neuron.decay": 1.2}}, "sensitivity.sweeps.beta.neuron.decay  = 1.2   must be at most 1"),
        ({"beta": {"neuron.decay": [0.5, 0.5]}}, "listed twice"),
        ({"beta": {"neuron.decay": []}}, "needs at least one value"),
        ({"beta": {}}, "sweeps nothing"),
        ({"beta": None}, "no sweep is left"),
        ({"s": {"seeds": [1, 2]}}, "cannot be swept; keys begin with network., initializer., encoding."),
        ({"e": {"encoding.name": ["rate", "rat"]}}, "did you mean rate?"),
        ({"l": {"training.loss": [{"name": "cross_entropy", "reduktion": "sum"}]}}, "reduktion  unknown key"),
        (
            {"o": {"training.optimizer.name": ["sgd"], "training.optimizer.betas": [[0.9, 0.99]]}},
            "sgd has no such option",
        ),
        ({"e": {"encoding.parameters": [{"phase": 1}]}}, "encoding rate takes no parameter 'phase'"),
        ({"i": {"initializer.name": ["glorrot"]}}, "did you mean glorot?"),
        ({"n": {"network": [{"name": "energy", "options": {"hidden": [3]}}]}}, "energy takes no option 'hidden'"),
    ],
)
def test_errors_name_sweep_key_value_and_remedy(config, declared, message):
    with pytest.raises(UserError) as caught:
        from_mapping(with_sweeps(config, declared), "config.yaml")
    assert message in str(caught.value)


words = st.text("aZ9é /._-", max_size=30)
values = st.one_of(st.floats(-1e9, 1e9), st.integers(), words, st.lists(words, max_size=3))
keys = st.sampled_from(
    ["neuron.decay", "training.optimizer.name", "encoding.name", "training.loss", "network.options.hidden"]
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.just("mnist5k"), st.dictionaries(keys, values, max_size=5)), max_size=6))
def test_run_names_are_unique_slugs(changes):
    changes = [change for index, change in enumerate(changes) if change not in changes[:index]]
    names = sweeps.run_names(changes)
    assert all(re.fullmatch(NAME_PATTERN, name) for name in names)
    assert all(one != other for one, other in itertools.combinations(names, 2))


def test_values_that_agree_in_six_digits_have_names_that_no_order_swaps():
    close = [0.9, 0.9000001, 0.9000002]
    named = {value: sweeps.run_names([("digits", {"neuron.decay": value})])[0] for value in close}
    assert list(named.values()) == ["digits_decay0.9", "digits_decay0.9000001", "digits_decay0.9000002"]
    backwards = sweeps.run_names([("digits", {"neuron.decay": value}) for value in reversed(close)])
    assert backwards == [named[value] for value in reversed(close)]


def test_every_studys_run_names_tell_close_values_apart():
    names = {run_name("digits", {"name": "normal", "std": std}) for std in (0.1, 0.1 + 1e-9, 1234567, 1234568)}
    assert len(names) == 4
    assert all(re.fullmatch(NAME_PATTERN, name) for name in names)
