"""Each key is a setting, an open choice or no condition, and "as published" is said of what departs in nothing."""

from __future__ import annotations

import copy
import json

import pytest

from spikeinit.config.differences import compared, owners
from spikeinit.plan import conditions_page, load_config, rule_specs
from spikeinit.plan.conditions import conditions
from spikeinit.studies import STUDIES
from spikeinit.studies.scorecard import Conditions
from spikeinit.studies.scorecard_pages import to_html, to_markdown
from spikeinit.study import ANY, Departure, OneOf, OpenChoice, Stated, Taken

REMEDY = "run `make docs`, or PYTHONPATH=workflow python -m spikeinit.plan.conditions_page > docs/conditions.md"

LEFT_OUT = object()
"""In place of a value: the key is taken out."""

ADAM = {"name": "adam", "learning_rate": 0.001, "betas": [0.9, 0.99]}


@pytest.fixture(scope="module")
def scales(checkout):
    """The configuration at each scale."""
    overlays = {
        name: [checkout / f"workflow/overlays/{name}.yaml"] for name in ("smoke", "paper", "conversion_cifar10")
    }
    return {name: load_config([checkout / "config.yaml", *more]) for name, more in ({"laptop": []} | overlays).items()}


def with_value(section, key, value):
    """A copy of a section with the value at a key path; numbers in the path are places in a list."""
    section = copy.deepcopy(dict(section))
    *parents, last = [int(part) if part.isdigit() else part for part in key.split(".")]
    part = section
    for name in parents:
        part = part.setdefault(name, {}) if isinstance(part, dict) else part[name]
    if value is LEFT_OUT:
        del part[last]
    else:
        part[last] = value
    return section


def found(scales, study, key=None, value=None):
    """What is found at paper scale, with the value at the key where one is given, that is not found without."""
    section = scales["paper"].sections[study]
    before = compared(STUDIES[study].published, section)
    if key is None:
        return before
    return [one for one in compared(STUDIES[study].published, with_value(section, key, value)) if one not in before]


# --- each key is declared once


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("scale", ["laptop", "smoke", "paper", "conversion_cifar10"])
def test_every_key_belongs_to_exactly_one_declaration(scales, study, scale):
    kinds = owners(STUDIES[study].published, scales[scale].sections[study])
    assert {key: several for key, several in kinds.items() if len(several) != 1} == {}
    assert len(kinds) > 20


def test_a_key_inside_an_item_of_a_list_belongs_to_a_declaration_too(scales):
    kinds = owners(STUDIES["asymptote"].published, scales["paper"].sections["asymptote"])
    assert kinds["coding.tasks.0.epochs"] == ["settings"]
    assert kinds["coding.tasks.0.encodings.0.parameters"] == ["open_choices"]
    assert kinds["coding.tasks.0.dataset"] == ["not_conditions"]


@pytest.mark.parametrize("study", STUDIES)
def test_a_key_that_was_forgotten_is_a_departure(scales, study):
    (one,) = found(scales, study, "brand_new", 7)
    assert one == Departure("brand_new 7, which the paper does not state", "brand_new")


@pytest.mark.parametrize(("study", "path"), [("asymptote", "coding.tasks.2"), ("conversion", "networks.1")])
def test_a_key_that_was_forgotten_in_an_item_is_a_departure(scales, study, path):
    (one,) = found(scales, study, f"{path}.brand_new", 7)
    assert one.text == f"{path}.brand_new 7, which the paper does not state"


def test_a_declaration_of_each_kind_by_hand():
    stated = Stated(
        settings={"a": {"b": 1, "c": [1, 2], "d": (1, 2), "e": OneOf((1, 2)), "f": {}}},
        open_choices={"g": OpenChoice((1.0, "half"), "Open."), "h": OpenChoice(ANY, "Any.")},
        not_conditions={"no matter": ("i",)},
        compared={"j": lambda section: [Departure("j is odd")] if section["j"] % 2 else []},
        items={"k": lambda whole, item: Stated(settings={"l": whole["i"]})},
        unset={"g": 1.0},
    )
    same = {"a": {"b": 1, "c": [1, 2], "d": [2, 1], "e": 2, "f": {}}, "h": {"x": 1}, "i": 5, "j": 2, "k": [{"l": 5}]}
    taken = [Taken("g", "1.0", "1.0 or half", "Open.", "g"), Taken("h", "{'x': 1}", "any", "Any.", "h")]
    assert compared(stated, same) == taken
    other = {"a": {"b": 2, "c": [2, 1], "d": [1, 3], "e": 3, "f": {"y": 1}}, "g": 2.0, "i": 5, "j": 3, "k": [{"l": 4}]}
    assert [one.text for one in compared(stated, other)] == [
        "a.b 2 instead of 1",
        "a.c [2, 1] instead of [1, 2]",
        "a.d [1, 3] instead of [1, 2]",
        "a.e 3 instead of 1 or 2",
        "a.f.y 1, which the paper does not state",
        "g 2.0 instead of 1.0 or half",
        "j is odd",
        "k.0.l 4 instead of 5",
    ]
    missing = {key: value for key, value in same.items() if key != "a"} | {"a": {"b": 1}}
    assert [one.text for one in compared(stated, missing) if isinstance(one, Departure)] == [
        "a.c none instead of [1, 2]",
        "a.d none instead of [1, 2]",
        "a.e none instead of 1 or 2",
    ]


# --- a single change at paper scale


CHANGES = {
    "energy": {
        "neuron.gain": 7.0,
        "neuron.detach_reset": False,
        "neuron.initial_potential": 0.3,
        "neuron.spike_delay": 1,
        "neuron.slope": 2.0,
        "neuron.surrogate": "sigmoid",
        "neuron.threshold": 2.0,
        "neuron.reset": "zero",
        "neuron.learn": ["decay"],
        "training.optimizer.betas": [0.5, 0.999],
        "training.optimizer.weight_decay": 1e-4,
        "training.optimizer.learning_rate": 0.1,
        "training.optimizer": {"name": "sgd", "learning_rate": 0.01},
        "training.schedule.every": 5,
        "training.schedule.factor": 0.5,
        "training.schedule": {"name": "cosine"},
        "training.batch_size": 512,
        "training.epochs": 49,
        "training.loss.name": "cross_entropy",
        "weight_sd": 5.0,
        "weight_means": [-0.01, 0.0, 5.0],
        "beta_ranges.low": [0.34, 0.0],
        "encoding.timesteps": 10,
        "encoding.name": "constant",
        "encoding.parameters": {"mean": 0.5},
        "network.width": 2.0,
        "network.options": {"depth": 3},
        "train_images": 59999,
        "test_images": 9999,
        "seeds": [0, 1],
        "statistics.confidence": 0.9,
    },
    "sensitivity": {
        "neuron.gain": 7.0,
        "neuron.detach_reset": False,
        "neuron.initial_potential": 0.3,
        "neuron.spike_delay": 0,
        "neuron.slope": 2.0,
        "neuron.decay": 0.7,
        "neuron.threshold": 1.5,
        "neuron.surrogate": "sigmoid",
        "neuron.reset": "zero",
        "neuron.learn": ["decay"],
        "encoding.parameters": {"mean": 0.5},
        "encoding.timesteps": 50,
        "encoding.name": "constant",
        "initializer": {"name": "he"},
        "network.options.hidden": [10, 10],
        "training.optimizer.betas": [0.5, 0.999],
        "training.optimizer.name": "sgd",
        "training.batch_size": 65,
        "training.schedule.name": "cosine",
        "training.loss.reduction": "sum",
        "training.monitor_images": 5,
        "sweeps.loss": LEFT_OUT,
        "sweeps.threshold_wide": {"neuron.threshold": [1.5, 2.0, 2.5, 3.0, 4.0, 5.0]},
        "sweeps.beta": {"neuron.decay": [0.5, 0.7], "encoding.timesteps": 50},
    },
    "asymptote": {
        "initializers": [{"name": "glorot"}, {"name": "he"}, {"name": "wu2018"}, {"name": "lee2016"}, {"name": "lsuv"}],
        "initializer.bias": "zero",
        "initializer.layers": "hidden",
        "optimizer.betas": [0.99, 0.9],
        "optimizer.weight_decay": 1e-4,
        "surrogate.slope": 1.0,
        "loss.name": "mean_squared_error",
        "coding.neuron.lambda": 7.0,
        "coding.tasks.0.timesteps": 10,
        "coding.tasks.0.schedule.name": "constant",
        "coding.tasks.2.schedule.milestones": [1, 2, 3],
        "coding.tasks.2.schedule.factor": 0.5,
        "coding.tasks.2.network.name": "five_layer",
        "coding.tasks.2.network.options": {"dropout": 0.1},
        "coding.tasks.0.network.options": {"normalization": "batch"},
        "coding.tasks.0.failure_accuracy": 99.0,
        "coding.tasks.0.encodings.0.parameters": {"std": 2.0},
        "coding.tasks.3.batch_size": 32,
        "grid.k": [0.2, 1.0],
        "grid.lambda": [0.1, 5.0],
        "grid.theta": [1.0],
        "grid.task.epochs": 4,
        "grid.encoding.name": "static_spikes",
        "grid.encoding.parameters": {"phase": 0.5},
        "versatility.neurons": [{"k": 0.8, "lambda": 0.5, "theta": 1.0}],
        "versatility.optimizers": [ADAM],
        "versatility.task.network.width": 2.0,
        "normalization.optimizer.learning_rate": 0.1,
        "normalization.tasks.0.epochs": 1,
        "normalization.tasks.0.network.options": {"pools": 4},
        "normalization.tasks.1.network.options": {"hidden": [4096, 2048]},
        "response.neurons": [{"k": 0.8, "lambda": 0.2, "theta": 1.0}],
        "target_accuracies": [50.0],
    },
    "conversion": {
        "norm": 2,
        "timesteps": [1, 2],
        "train_images": 100,
        "ann.training.optimizer.momentum": 0.5,
        "ann.training.optimizer.weight_decay": 0.0,
        "ann.training.optimizer.name": "adam",
        "ann.training.schedule.name": "constant",
        "ann.training.loss.name": "mean_squared_error",
        "ann.learning_rates": {},
        "ann.augmentation": {},
        "ann.validation": 0.1,
        "networks.3.augmentation": {"flip": True},
        "activations.images": 10,
        "activations.limit": 1000,
        "calibration.epochs": [20, 50, 20, 20],
        "calibration.timesteps": [4, 3, 2, 1],
        "calibration.training.optimizer.learning_rate": 0.1,
        "calibration.training.monitor_images": 0,
        "calibration.training.loss.name": "mean_squared_error",
        "networks.0.width": 0.5,
        "networks.0.name": "resnet8",
        "networks.0.options": {"depth": 3},
        "networks.0.activation": {"name": "clipped_relu"},
    },
    "propagation": {
        "simulation.depth": 10,
        "simulation.time.high_decay": 0.8,
        "simulation.initializers": ["he"],
        "simulation.thresholds": [0.5, 1.0],
        "simulation.finite_size.widths": [100],
        "simulation.finite_size.thresholds": [0.5, 1.0],
        "neuron.gain": 7.0,
        "neuron.detach_reset": False,
        "neuron.initial_potential": 0.3,
        "neuron.spike_delay": 1,
        "neuron.slope": 3.0,
        "neuron.learn": ["decay"],
        "initializer.layers": "hidden",
        "training.optimizer.betas": [0.5, 0.999],
        "training.optimizer.weight_decay": 1e-4,
        "training.schedule.name": "constant",
        "training.loss.reduction": "mean",
        "training.batch_size": 20,
        "classification.initializers": ["he"],
        "classification.tasks.0.encoding.timesteps": 4,
        "classification.tasks.0.encoding.name": "constant",
        "classification.tasks.2.encoding.parameters.window_ms": 2.0,
        "classification.tasks.4.epochs": 150,
        "classification.tasks.0.network.options": {"depth": 8},
        "classification.tasks.3.network.options": {"depth": 7},
        "robustness.encoding.timesteps": 10,
        "robustness.initializers": ["he"],
    },
}


NAMED_OTHERWISE = {
    "sweeps.loss": "no sweep loss over training.loss",
    "sweeps.threshold_wide": "sweep threshold_wide at training.loss mean_squared_error mean instead of",
    "sweeps.beta": "sweep beta without 0.8, 0.9, 0.95, 0.99",
    "networks.0.name": "vgg: resnet8, which is none of the paper's architectures",
    "ann.augmentation": "vgg: no augmentation",
    "ann.validation": "a tenth of the training images is kept for validation",
    "networks.3.augmentation": "cifarnet: augmentation, which Sec. 8.1 has for",
    "networks.0.activation": "vgg: trained here, while Table 2 has the pretrained networks of Opt",
}
"""Keys that a departure calls by what they mean."""


@pytest.mark.parametrize(("study", "key"), [(study, key) for study, keys in CHANGES.items() for key in keys])
def test_a_single_change_departs_and_is_named(scales, study, key):
    departures = [one for one in found(scales, study, key, CHANGES[study][key]) if isinstance(one, Departure)]
    named = NAMED_OTHERWISE.get(key, key)
    assert any(named in one.text for one in departures if one.key.startswith(key) or key.startswith(one.key))


COMPATIBLE = {
    "energy": {
        "streams": "shared",
        "neuron.gain": "one_minus_decay",
        "neuron.surrogate": "arctan_over_pi",
        "neuron.decay_scope": "neuron",
        "initializer.bias": "zero",
        "initializer.layers": "hidden",
        "training.batch_size": 2048,
        "training.loss.reduction": "mean",
        "training.optimizer.betas": [0.9, 0.999],
        "datasets": ["mnist"],
        "seeds": list(range(11)),
        "training.monitor_images": 0,
        "evaluation.batch_size": 7,
        "statistics.resamples": 100,
    },
    "sensitivity": {
        "sweeps.beta_at_rest": LEFT_OUT,
        "seeds": [0],
        "runs_per_job": 7,
    },
    "asymptote": {
        "grid.encoding.name": "constant",
        "grid.task.schedule.name": "cosine",
        "grid.k": [0.1, 0.5, 1.0],
        "loss.reduction": "sum",
        "coding.tasks.0.network.options": {"pooling": "max"},
        "target_accuracies": [50.0, 60.0],
        "added_initializers": [],
        "detach_reset": False,
        "coding.tasks.0.last_batch": "drop",
        "grid.task.last_batch": "drop",
        "normalization.tasks.0.last_batch": "drop",
        "normalization.tasks.0.network.options": {"hidden": [4096], "bias": False, "eps": 1e-4},
        "response.neurons": [{"k": k, "lambda": 1.0, "theta": 1.0} for k in (1.0, 0.9, 0.1)],
        "response.points": 50,
    },
    "conversion": {
        "ann.training.optimizer.momentum": 0.1,
        "ann.training.batch_size": 64,
        "normalization": {"mean": 0.0, "std": 1.0},
        "calibration.surrogate_width": 1.0,
        "calibration.augment": False,
        "calibration.training.optimizer.name": "adam",
        "activations.channel_limit": 1000,
    },
    "propagation": {
        "initializer.bias": "framework",
        "training.schedule": {"name": "cosine_by_batch", "every": 10, "factor": 0.1},
        "classification.tasks.2.encoding.timesteps": 100,
        "classification.depth_counts": "all",
        "robustness.decays": [0.5],
        "classification.seeds": [0],
    },
}


@pytest.mark.parametrize(("study", "key"), [(study, key) for study, keys in COMPATIBLE.items() for key in keys])
def test_a_compatible_change_does_not_depart(scales, study, key):
    more = found(scales, study, key, COMPATIBLE[study][key])
    assert [one for one in more if isinstance(one, Departure)] == []


@pytest.mark.parametrize("study", STUDIES)
def test_every_compatible_value_of_an_open_choice_is_one(scales, study):
    """And a value that is not listed is a departure, unless any is compatible."""
    published = STUDIES[study].published
    for key, choice in published.open_choices.items():
        for value in (7, "anything") if choice.values == ANY else choice.values:
            section = with_value(scales["paper"].sections[study], key, value)
            assert not [one for one in compared(published, section) if one.key == key and isinstance(one, Departure)]
        if choice.values != ANY:
            section = with_value(scales["paper"].sections[study], key, "another")
            (one,) = [one for one in compared(published, section) if one.key == key]
            assert one.text.startswith(f"{key} another instead of ")


@pytest.mark.parametrize("study", ["energy", "sensitivity", "asymptote", "propagation"])
def test_the_paper_scale_departs_in_nothing(scales, study):
    assert [one for one in found(scales, study) if isinstance(one, Departure)] == []


# --- what is said of it


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("scale", ["laptop", "smoke", "paper"])
def test_lines_can_be_joined_and_taken_apart(scales, study, scale):
    """The scorecard joins departures by semicolons, and says "not run" itself."""
    given = conditions(STUDIES[study], scales[scale])
    for line in given["differences"]:
        assert "; " not in line
        assert not line.endswith(" not run")
        assert not line.startswith("not run")


def test_an_open_choice_is_told_with_its_value(scales, checkout):
    config = scales["paper"]
    said = "Eq. 1 multiplies the input by 1 - beta, and the library that the thesis names, snnTorch, does not."
    line = f"neuron.gain 1.0: {said}"
    spec = json.loads(rule_specs.score_spec(config, STUDIES["energy"]))
    assert line in spec["open_choices"]
    given = Conditions.from_spec(spec)
    assert line in given.open_choices
    assert given.met_on("mnist")
    assert line in to_markdown([], "Title", given.open_choices)
    assert line in to_html([], "Title", given.open_choices)
    assert "choices" not in to_markdown([], "Title", ())


def test_parts_have_their_own_open_choices(scales):
    parts = conditions(STUDIES["propagation"], scales["paper"])["parts"]
    assert any(line.startswith("training.batch_size 64") for line in parts["deep_mlp"]["open_choices"])
    assert not any(line.startswith("training.") for line in parts["simulation"]["open_choices"])
    assert any(line.startswith("simulation.thresholds") for line in parts["simulation"]["open_choices"])
    assert Conditions.from_spec(parts["robustness"]).met_on("mnist")


def test_an_unlisted_initialiser_of_one_part_is_no_departure_of_another(scales):
    section = with_value(scales["paper"].sections["propagation"], "classification.initializers", ["micheli2024", "he"])
    keys = {one.key for one in compared(STUDIES["propagation"].published, section) if isinstance(one, Departure)}
    parts = STUDIES["propagation"].published.parts(section)
    assert keys == {"classification.initializers"}
    assert [name for name, part in parts.items() if keys & set(part.keys)] == ["deep_mlp", "deep_cnn"]


def test_the_page_is_what_the_studies_declare(scales, checkout):
    committed = (checkout / "docs/conditions.md").read_text()
    assert conditions_page.page(scales["paper"]) == committed, REMEDY
    assert "| `neuron.gain` | 1.0 | 1.0 or one_minus_decay |" in committed
    for study in STUDIES.values():
        for choice in study.published.open_choices.values():
            assert choice.statement.endswith(".")
            assert "; " not in choice.statement
