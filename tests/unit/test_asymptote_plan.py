"""The asymptote study's runs, its bad inputs, and runs that share a job."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
import yaml
from declared import beside, differences
from hypothesis import given
from hypothesis import strategies as st

from spikeinit.errors import UserError
from spikeinit.io import canonical_json
from spikeinit.jobs.runs import batches as batches_of
from spikeinit.nested import expanded, factored
from spikeinit.networks.build import build
from spikeinit.plan import from_mapping, load_config, rule_specs, runs
from spikeinit.randomness import stream
from spikeinit.specs import NetworkSpec, NeuronSpec, TrainSpec, from_dict, to_dict
from spikeinit.studies.asymptote import STUDY
from spikeinit.studies.asymptote.cells import TECHNIQUES
from spikeinit.studies.asymptote.printed import ENCODINGS, OURS
from spikeinit.tables import read_table

NINE = 9


@pytest.fixture
def mapping(checkout):
    return yaml.safe_load((checkout / "config.yaml").read_text()) | {"studies": ["asymptote"]}


def errors(mapping):
    with pytest.raises(UserError) as caught:
        from_mapping(mapping, "config.yaml")
    return str(caught.value)


def test_the_versatility_grids_are_the_papers(mapping):
    found = runs(from_mapping(mapping), "asymptote")
    names = [run.name for run in found]
    assert len(set(names)) == len(names)
    for experiment, factor in (("optimizers", "optimizer"), ("surrogates", "surrogate")):
        own = [run.labels for run in found if run.labels["experiment"] == experiment]
        places = {(one["k"], one["lambda"], one["theta"], one[factor], one["initializer"]) for one in own}
        assert len(own) == len(places) == NINE * 4 * 5


def test_specs_are_hard_reset_with_gain_and_fixed_parameters(mapping):
    run = next(r for r in runs(from_mapping(mapping), "asymptote") if r.labels["experiment"] == "optimizers")
    assert (run.spec.neuron.reset, run.spec.neuron.learn) == ("zero", ())
    assert (run.spec.neuron.decay, run.spec.neuron.gain, run.spec.neuron.threshold) == (0.3, 0.1, 1.0)
    assert run.spec.training.target_accuracies == (60.0,)


def test_an_added_initializer_is_left_out_where_it_has_no_law(mapping):
    """Rossbroich's potential has no variance to settle at without leak, k = 1."""
    grid = [run.labels for run in runs(from_mapping(mapping), "asymptote") if run.labels["experiment"] == "grid"]
    leaks = {one["k"] for one in grid if one["initializer"] == "rossbroich2022"}
    assert 1.0 in {one["k"] for one in grid}
    assert leaks == {one["k"] for one in grid} - {1.0}


def test_the_paper_overlay_meets_the_published_conditions(checkout):
    config = load_config([checkout / "config.yaml", checkout / "workflow/overlays/paper.yaml"])
    assert differences(STUDY, config) == []
    assert beside(STUDY, config) == {name: name for name in STUDY.published.counterparts}


def test_the_paper_overlay_has_every_printed_cell(checkout):
    """Tables 2 and A8 and Figure 6: a run of ours for each line of the published files."""
    config = load_config([checkout / "config.yaml", checkout / "workflow/overlays/paper.yaml"])
    labels = [run.labels for run in runs(config, "asymptote")]
    where = ("experiment", "dataset", "encoding", "optimizer", "surrogate", "technique", "k", "lambda", "initializer")
    planned = {tuple(one[key] for key in where) for one in labels}
    table_2 = read_table(checkout / "workflow/published/ding2022_table2_coding.csv")
    assert len(table_2) == 40
    for cell in table_2.to_dict("records"):
        coding, initializer = ENCODINGS[cell["coding"]], OURS[cell["initializer"]]
        assert ("coding", cell["dataset"], coding, "adam", "arctan", None, 0.8, 0.2, initializer) in planned
    table_a8 = read_table(checkout / "workflow/published/ding2022_tableA8_normalization.csv")
    for cell in table_a8.to_dict("records"):
        technique, initializer = TECHNIQUES[cell["technique"]], OURS[cell["initializer"]]
        place = (cell["k"], cell["lambda"], initializer)
        assert ("normalization", cell["dataset"], "rate", "adam", "arctan", technique, *place) in planned
    figure_6 = read_table(checkout / "workflow/published/ding2022_figure6.csv")
    for cell in figure_6.to_dict("records"):
        optimizer, surrogate = (cell["name"], "arctan") if cell["method"] == "optimizer" else ("adam", cell["name"])
        place = (cell["k"], cell["lambda"], OURS[cell["initializer"]])
        assert (f"{cell['method']}s", "mnist", "rate", optimizer, surrogate, None, *place) in planned


@pytest.mark.parametrize(
    ("gains", "departs"), [([0.1, 4.0], False), ([0.1, 4.0, 8.0], False), ([0.1, 6.0], True), ([0.2, 8.0], True)]
)
def test_gains_end_at_4_as_sampled_or_at_8_as_reported(checkout, gains, departs):
    config = load_config([checkout / "config.yaml", checkout / "workflow/overlays/paper.yaml"])
    config.sections["asymptote"]["grid"]["lambda"] = gains
    found = [text for text in differences(STUDY, config) if "grid.lambda" in text]
    assert found == ([f"grid.lambda {gains} instead of values from 0.1 to 4.0 or 8.0"] if departs else [])


def test_a_gain_of_8_can_be_run(mapping):
    mapping["asymptote"]["grid"]["lambda"] = [8.0]
    found = [run for run in runs(from_mapping(mapping), "asymptote") if run.labels["experiment"] == "grid"]
    assert {run.spec.neuron.gain for run in found} == {8.0}
    assert {"glorot", "he", "wu2018", "lee2016", "ding2022"} <= {run.labels["initializer"] for run in found}


def test_the_laptop_scale_names_what_differs(mapping):
    found = differences(STUDY, from_mapping(mapping))
    assert "versatility.task.epochs 2 instead of 3" in found
    assert not any("neurons" in text or "optimizers" in text for text in found)


BAD = [
    (("grid", "k"), [0.0], "asymptote.grid.k.0", "must be above 0"),
    (("grid", "k"), [1.5], "asymptote.grid.k.0", "must be at most 1"),
    (("grid", "lambda"), [0], "asymptote.grid.lambda.0", "must be above 0"),
    (("coding", "neuron"), {"k": 2, "lambda": 1, "theta": 1}, "asymptote.coding.neuron.k", "must be at most 1"),
    (("grid", "theta"), [-1], "asymptote.grid.theta.0", "must be above 0"),
    (("optimizer", "name"), "adamm", "asymptote.optimizer.name", "did you mean adam?"),
    (("optimizer", "momentum"), 0.9, "asymptote.optimizer.momentum", "adam has no such option"),
    (("surrogate", "name"), "arctangent", "asymptote.surrogate.name", "did you mean arctan?"),
    (("grid", "encoding"), {"name": "evnts"}, "asymptote.grid.encoding.name", "allowed: rate, constant"),
    (
        ("grid", "encoding"),
        {"name": "events"},
        "asymptote.grid.encoding.name",
        "mnist5k: encoding events takes recordings of events, but the data set holds images; choose one of rate",
    ),
    (
        ("versatility", "task", "dataset"),
        "nmnist",
        "asymptote.versatility.encoding.name",
        "nmnist: encoding rate takes images, but the data set holds recordings of events; choose one of events, slices",
    ),
    (
        ("coding", "tasks", 0, "encodings"),
        [{"name": "constant"}, {"name": "slices"}],
        "asymptote.coding.tasks.0.encodings.1.name",
        "mnist5k: encoding slices takes recordings of events",
    ),
    (
        ("coding", "tasks", 0, "dataset"),
        "cifar10_dvs",
        "asymptote.coding.tasks.0.encodings.2.name",
        "cifar10_dvs: encoding retina takes images",
    ),
    (
        ("normalization", "tasks", 0, "cases", 0, "technique"),
        "batchnorm",
        "asymptote.normalization.tasks.0.cases.0.technique",
        "allowed: none, dropout, bn, bntt",
    ),
    (("coding", "neuron"), {"k": 0.5, "lambda": -1, "theta": 1}, "asymptote.coding.neuron.lambda", "must be above 0"),
    (
        ("versatility", "surrogates", 0, "name"),
        "hardtan",
        "asymptote.versatility.surrogates.0.name",
        "did you mean hardtanh?",
    ),
    (
        ("versatility", "optimizers", 1, "name"),
        "asgdd",
        "asymptote.versatility.optimizers.1.name",
        "did you mean asgd?",
    ),
    (
        ("grid", "encoding"),
        {"name": "rate", "parameters": {"threshold": 1}},
        "asymptote.grid.encoding.parameters",
        "takes no parameter 'threshold'",
    ),
    (("grid", "task", "dataset"), "mnist5", "asymptote.grid.task.dataset", "did you mean mnist5k?"),
    (("grid", "task", "network"), {"name": "vgg"}, "asymptote.grid.task.network.name", "did you mean"),
    (
        ("grid", "task", "network"),
        {"name": "vgg11"},
        "asymptote.grid.task.network",
        "on images of 28 x 28 pixels: pooling over 2 x 2 leaves nothing",
    ),
    (
        ("grid", "task", "network"),
        {"name": "five_layer", "options": {"pooling": "median"}},
        "asymptote.grid.task.network.options",
        "give one of average, max",
    ),
    (("grid", "task", "schedule"), {"name": "multistep"}, "asymptote.grid.task.schedule.milestones", "missing"),
    (("initializers",), [{"name": "dong2022"}], "asymptote.initializers.0.name", "did you mean ding2022?"),
]


@pytest.mark.parametrize(("keys", "value", "path", "message"), BAD, ids=[f"{bad[2]}={bad[1]}" for bad in BAD])
def test_bad_input_is_named(mapping, keys, value, path, message):
    section = mapping["asymptote"]
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] = value
    text = errors(mapping)
    assert path in text
    assert message in text


def test_batches_hold_every_run_once_on_one_dataset(mapping):
    mapping["asymptote"]["runs_per_job"] = 50
    found = runs(from_mapping(mapping), "asymptote")
    batches = batches_of(found)
    assert [run.name for batch in batches.values() for run in batch] == [run.name for run in found]
    assert max(map(len, batches.values())) == 50
    assert all(len({run.labels["dataset"] for run in batch}) == 1 for batch in batches.values())
    energy = runs(from_mapping(mapping | {"energy": mapping["energy"] | {"runs_per_job": 1}}), "energy")
    assert not batches_of(run for run in energy if run.labels["open_choice"] is None)


def test_a_batch_spec_gives_each_run_its_own_back(mapping):
    batch = next(iter(batches_of(runs(from_mapping(mapping), "asymptote")).values()))
    specs = expanded(json.loads(rule_specs.training_batch_spec(batch)))
    assert list(specs) == sorted(run.name for run in batch)
    for run in batch:
        assert from_dict(TrainSpec, specs[run.name]).seed_digest() == run.spec.seed_digest()


def test_a_full_batch_fits_on_a_command_line(mapping):
    """Linux takes 128 KiB in one argument, and the shell gets the whole command as one."""
    mapping["asymptote"]["runs_per_job"] = 200
    batches = batches_of(runs(from_mapping(mapping), "asymptote"))
    assert max(len(rule_specs.training_batch_spec(batch)) for batch in batches.values()) < 100_000


leaves = st.sampled_from([None, True, 1, 1.0, "a", [1], [1.0]])
trees = st.one_of(leaves, st.dictionaries(st.sampled_from("ab"), leaves, max_size=2))
members = st.dictionaries(
    st.sampled_from("xyz"), st.dictionaries(st.sampled_from("abc"), trees, max_size=3), min_size=1, max_size=3
)


@given(members)
def test_factoring_loses_nothing(values):
    assert canonical_json(expanded(factored(values))) == canonical_json(values)


def test_what_all_share_stands_once():
    parts = factored({"x": {"a": 1, "b": {"c": 2, "d": 3}}, "y": {"a": 1, "b": {"c": 2, "d": 4}}})
    assert parts == {"common": {"a": 1, "b": {"c": 2}}, "own": {"x": {"b": {"d": 3}}, "y": {"b": {"d": 4}}}}


def neurons_per_layer(spec, shape, classes=10, timesteps=1):
    network = build(
        spec,
        NeuronSpec(reset="zero", learn=()),
        input_shape=shape,
        classes=classes,
        generator=stream(0, "neurons"),
        timesteps=timesteps,
    )
    with torch.no_grad():
        output, trace = network.eval()(torch.ones(timesteps, 1, *shape))
    assert output.shape == (timesteps, 1, classes)
    return [spikes[0, 0].numel() for spikes in trace.spikes], network


def test_published_networks_have_their_published_sizes():
    """Table A4; the last layer does not spike."""
    counts, network = neurons_per_layer(NetworkSpec("five_layer"), (1, 28, 28))
    assert counts == [32 * 784, 32 * 196, 500, 100]
    assert [tuple(layer.weight.shape) for layer in network.weighted_layers()][2] == (500, 32 * 49)
    counts, network = neurons_per_layer(NetworkSpec("vgg9", 0.25), (3, 32, 32))
    assert counts == [32 * 1024, 32 * 1024, *[64 * 256] * 2, *[64 * 64] * 3, 256]
    assert len(network.weighted_layers()) == 9
    counts, network = neurons_per_layer(NetworkSpec("vgg11", 1 / 16), (3, 32, 32), classes=100)
    assert len(network.weighted_layers()) == 11
    assert counts[-3:] == [32 * 4, 256, 256]
    counts, network = neurons_per_layer(NetworkSpec("vgg9_dvs", 1 / 16), (2, 128, 128))
    assert counts == [4 * 128**2, 8 * 128**2, *[8 * 64**2] * 2, 8 * 32**2, 8 * 16**2, 8 * 8**2, 64, 64]
    assert [tuple(layer.weight.shape) for layer in network.weighted_layers()][7] == (64, 8 * 4**2)


@pytest.mark.parametrize("normalization", ["batch", "batch_through_time"])
def test_normalization_stands_behind_every_hidden_layer(normalization):
    spec = NetworkSpec("vgg11", 1 / 64, options={"normalization": normalization, "dropout": 0.0})
    _, network = neurons_per_layer(spec, (1, 32, 32), timesteps=3)
    present = [layer.normalization is not None for layer in network.weighted_layers()]
    assert present == [True] * 10 + [False]


def test_options_reach_the_spec_and_back():
    spec = NetworkSpec("vgg11", 0.5, options={"pools": 4})
    assert from_dict(NetworkSpec, to_dict(spec)) == spec
    assert dataclasses.replace(spec, options={}) != spec
