"""The configuration: defaults, merging, and errors that name key, value, allowed values and remedy, all at once."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest
import yaml
from declared import SECTION_SCHEMAS, differences
from hypothesis import given
from hypothesis import strategies as st

from spikeinit.config import checks
from spikeinit.config.schema import Schema
from spikeinit.errors import UserError
from spikeinit.nested import merge
from spikeinit.plan import from_mapping, load_config, runs
from spikeinit.studies import STUDIES


@pytest.fixture
def config(checkout):
    return yaml.safe_load((checkout / "config.yaml").read_text())


def errors(config):
    with pytest.raises(UserError) as caught:
        from_mapping(config, "config.yaml")
    return str(caught.value)


def test_every_problem_is_reported_at_once(config):
    config["energy"]["training"]["epohcs"] = 3
    config["energy"]["beta_ranges"]["high"] = [0.67, 1.2]
    config["energy"]["seeds"] = []
    config["devise"] = "cpu"
    config["energy"]["weight_sd"] = -0.1
    message = errors(config)
    assert message.startswith("config.yaml: 5 errors, nothing was run")
    assert "energy.training.epohcs" in message
    assert "did you mean energy.training.epochs?" in message
    assert "energy.beta_ranges.high.1" in message
    assert "= 1.2   must be at most 1" in message
    assert "energy.seeds" in message
    assert "needs at least 1 item" in message
    assert "did you mean device?" in message
    assert "energy.weight_sd" in message
    assert "= -0.1   must be at least 0" in message


def test_an_error_says_what_the_key_means_in_one_sentence(config):
    config["energy"]["weight_sd"] = -0.1
    config["energy"]["training"]["epochs"] = 0
    del config["sensitivity"]["seeds"]
    assert errors(config).splitlines()[1:] == [
        "  energy.training.epochs  = 0   must be at least 1 (Passes over the training images)",
        "  energy.weight_sd        = -0.1   must be at least 0 (Standard deviation of the initial weights)",
        "  sensitivity.seeds       missing; it has no default (Seeds of the trainings, one training each)",
    ]


def test_what_a_schema_cannot_say_is_checked_too(config):
    config["energy"]["datasets"] = ["mnist5", "digits"]
    config["energy"]["beta_ranges"]["low"] = [0.5, 0.1]
    config["energy"]["comparison"]["initializers"] = [{"name": "glorrot"}, {"name": "he", "distribution": "cauchy"}]
    message = errors(config)
    assert "did you mean mnist5k?" in message
    assert "the lower end lies above the upper end" in message
    assert "unknown initialiser 'glorrot'; did you mean glorot?" in message
    assert "give 'normal' or 'uniform'" in message


TRAININGS = [
    "energy.training",
    "energy.data_driven.ann.training",
    "sensitivity.training",
    "asymptote.grid.task",
    "asymptote.versatility.task",
    "asymptote.coding.tasks.0",
    "asymptote.normalization.tasks.0",
    "conversion.ann.training",
    "conversion.calibration.training",
    "propagation.training",
]


def training_at(config, path):
    """The part of the configuration at a key path in which numbers count the items of lists."""
    for key in path.split("."):
        config = config[int(key) if key.isdigit() else key]
    return config


@pytest.mark.parametrize("path", TRAININGS)
def test_every_study_takes_a_multistep_schedule_with_its_milestones_only(config, path):
    training = training_at(config, path)
    training["schedule"] = {"name": "multistep", "milestones": [2, 3], "factor": 0.5}
    assert training_at(from_mapping(config).sections, path)["schedule"]["milestones"] == [2, 3]
    training["schedule"] = {"name": "multistep"}
    assert f"{path}.schedule.milestones  missing; a multistep schedule needs" in errors(config)


def test_a_multistep_schedule_of_a_sweep_needs_its_milestones_too(config):
    config["sensitivity"]["sweeps"] = {"s": {"training.schedule.name": ["cosine", "multistep"]}}
    assert "sensitivity.sweeps.s.training.schedule.milestones  missing" in errors(config)


def test_an_option_of_another_optimizer_is_refused_where_analogue_networks_are_trained(config):
    config["energy"]["data_driven"]["ann"]["training"]["optimizer"] = {
        "name": "sgd",
        "learning_rate": 0.1,
        "betas": [0.9, 0.99],
    }
    assert "energy.data_driven.ann.training.optimizer.betas  sgd has no such option" in errors(config)


def without_data_driven(config):
    """Leave out the copied network, which takes no delay."""
    choices = config["energy"]["comparison"]["initializers"]
    choices[:] = [choice for choice in choices if choice["name"] != "data_driven"]


def test_layers_with_spike_delay_must_leave_time_for_an_answer(config):
    """The sensitivity study's network has two layers of neurons, the energy study's six, the deepest deep_mlp 102."""
    without_data_driven(config)
    for study in ("energy", "propagation", "sensitivity"):
        config[study].setdefault("neuron", {})["spike_delay"] = 1
    config["energy"]["encoding"]["timesteps"] = 6
    for task in config["propagation"]["classification"]["tasks"]:
        task["encoding"]["timesteps"] = 20
    config["propagation"]["robustness"] |= {"depths": [100], "encoding": {"name": "standardized", "timesteps": 102}}
    config["sensitivity"]["encoding"]["timesteps"] = 3
    config["sensitivity"]["sweeps"] = {"steps": {"encoding.timesteps": [2, 3]}}
    assert [" ".join(line.split()) for line in errors(config).splitlines()[1:]] == [
        f"{path}.spike_delay = 1 {network} takes {layers} steps from input to output and sees {layers}, so that it "
        f"cannot answer; give more time steps than {layers}, or spike_delay 0"
        for path, network, layers in (
            ("energy.neuron", "energy", 6),
            ("propagation.neuron", "deep_mlp", 102),
            ("sensitivity.sweeps.steps.neuron", "mlp", 2),
        )
    ]


def test_a_residual_block_delays_as_its_shortcut_does():
    """resnet8: a layer, three blocks, and an output without neurons."""
    network, neuron = {"name": "resnet8", "width": 1.0}, {"spike_delay": 1}
    assert [key for key, _ in checks.spike_delay_problems("neuron", neuron, network, 4)] == ["neuron.spike_delay"]
    assert checks.spike_delay_problems("neuron", neuron, network, 5) == []
    assert checks.spike_delay_problems("neuron", {"spike_delay": 0}, network, 1) == []


def test_a_copied_network_takes_neither_delay_nor_random_start(config):
    config["energy"]["neuron"] |= {"spike_delay": 1, "initial_potential": "kaiming_uniform"}
    config["energy"]["encoding"]["timesteps"] = 20
    message = " ".join(errors(config).split())
    assert "energy.neuron.spike_delay = 1 data_driven copies neurons without delay; give 0, or take" in message
    assert "energy.neuron.initial_potential = 'kaiming_uniform' data_driven starts at half the threshold" in message
    without_data_driven(config)
    assert from_mapping(config).sections["energy"]["neuron"]["initial_potential"] == "kaiming_uniform"


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [("spike_delay", 2, "allowed: 0, 1"), ("initial_potential", "kaiming", "kaiming_uniform")],
)
def test_an_unknown_delay_or_start_names_what_is_allowed(config, key, value, allowed):
    config["sensitivity"]["neuron"][key] = value
    (line,) = errors(config).splitlines()[1:]
    assert f"sensitivity.neuron.{key}" in line
    assert allowed in line


def test_an_initializers_unknown_parameter_is_named(config):
    config["energy"]["comparison"]["initializers"] = [{"name": "he", "variance": 2}]
    assert "energy.comparison.initializers.0.variance" in errors(config)


FAMILIES = """
from spikeinit.networks import Dense, Network, Pool, register

@register("mine")
def mine(classes, width=1.0, *, pools=1):
    if pools > 9:
        raise ValueError("pools are 0 to 9")
    return Network("mine", (*[Pool()] * pools, Dense(classes)))

@register("broken")
def broken(classes, width=1.0):
    return Network("broken", (Dense(1 / 0), Dense(classes)))

@register("short")
def short(classes, width=1.0):
    return Network("short", (Dense(7),))

@register("narrow")
def narrow(classes):
    return Network("narrow", (Dense(classes),))
"""


@pytest.fixture
def own_families(config, user_code):
    """The configuration with a user's file of network families."""
    path = user_code / "families.py"
    path.write_text(FAMILIES)
    config["network_files"] = [str(path)]
    config["energy"]["datasets"] = ["digits"]
    return config


@pytest.mark.parametrize(
    ("network", "place", "message"),
    [
        ({"name": "vgg16"}, "name", "= 'vgg16'   allowed: energy, mlp, "),
        ({"name": "enrgy"}, "name", "did you mean energy?"),
        ({"name": "mien"}, "name", "did you mean mine?"),
        ({"name": "mine", "options": {"polls": 2}}, "options", "mine takes no option 'polls'; its options stand in "),
        ({"name": "mine", "options": {"pools": 10}}, "options", "pools are 0 to 9"),
        (
            {"name": "mine", "options": {"pools": 4}},
            "",
            "mine on images of 8 x 8 pixels: pooling over 2 x 2 leaves nothing of a map of 1 x 1",
        ),
        ({"name": "broken"}, "name", "families.py: 'broken' failed, ZeroDivisionError: division by zero"),
        (
            {"name": "short"},
            "name",
            "its last layer is Dense(features=7, active=True, bias=True); it must be Dense(10)",
        ),
        ({"name": "narrow"}, "options", "narrow() takes 1 positional argument but 2 were given"),
    ],
)
def test_a_network_is_checked_whoever_wrote_its_family(own_families, network, place, message):
    own_families["energy"]["network"] = {"width": 1.0, **network}
    told = errors(own_families)
    assert ".".join(filter(None, ["energy.network", place])) in told
    assert message in told


def test_a_users_family_may_be_named_wherever_a_network_may(own_families):
    own_families["energy"]["network"] = {"name": "mine", "options": {"pools": 3}}
    own_families["conversion"]["datasets"] = ["digits"]
    own_families["conversion"]["networks"] = [{"slug": "own", "name": "mine", "options": {"pools": 2}}]
    own_families["conversion"]["calibration"]["networks"] = []
    from_mapping(own_families)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"name": "mlp"}, "conversion.networks.0.name  = 'mlp'   allowed: energy, vgg16, "),
        ({"name": "vgg16"}, "conversion.networks.0  vgg16 on images of 8 x 8 pixels: pooling over 2 x 2"),
        (
            {"name": "mine", "options": {"pools": 4}},
            "conversion.networks.0  mine on images of 8 x 8 pixels: pooling over 2 x 2",
        ),
    ],
)
def test_analogue_networks_are_checked_too(own_families, network, message):
    own_families["conversion"]["datasets"] = ["digits"]
    own_families["conversion"]["networks"] = [{"slug": "own", **network}]
    own_families["conversion"]["calibration"]["networks"] = []
    assert message in errors(own_families)


@pytest.mark.parametrize("key", ["initializer_files", "network_files", "dataset_files"])
def test_a_file_that_cannot_be_loaded_is_named_by_its_key(config, key):
    config[key] = ["nowhere.py"]
    assert f"{key}.0" in errors(config)
    assert "nowhere.py: no such Python file" in errors(config)


def test_missing_files_of_own_data_are_named_before_anything_runs(config, tmp_path):
    config["datasets"]["custom"] = {"mine": {"path": str(tmp_path)}}
    assert str(tmp_path / "train.npz") in errors(config)


@given(st.text(max_size=80))
def test_names_outside_the_pattern_are_refused(name):
    import re

    config = {"name": name, "studies": ["energy"]}
    allowed = re.fullmatch("[a-z0-9][a-z0-9_.-]{0,63}", name) is not None
    with pytest.raises(UserError) as caught:
        from_mapping(config)
    assert ("1 to 64 characters" in str(caught.value)) is not allowed


@pytest.mark.parametrize("name", ["../x", "a/b", "-rf", "a b", "über", "x" * 300, "", "x\n"])
def test_dangerous_names_are_refused(config, name):
    config["name"] = name
    assert "1 to 64 characters" in errors(config)


def test_merging_replaces_lists_and_joins_mappings():
    assert merge({"a": {"b": 1, "c": [1, 2]}, "d": 1}, {"a": {"c": [3]}}) == {"a": {"b": 1, "c": [3]}, "d": 1}


@pytest.mark.parametrize("overlay", ["smoke", "paper", "conversion_cifar10", "propagation_mlp_eight"])
def test_overlays_are_valid(checkout, overlay):
    config = load_config([checkout / "config.yaml", checkout / f"workflow/overlays/{overlay}.yaml"])
    assert config.name == overlay


def test_paper_overlay_is_as_published_and_has_180_trainings(checkout):
    config = load_config([checkout / "config.yaml", checkout / "workflow/overlays/paper.yaml"])
    published = [run for run in runs(config, "energy") if run.labels["initializer"] == "normal"]
    assert sum(len(run.spec.seeds) for run in published) == 180
    assert differences(STUDIES["energy"], config) == []


def test_laptop_scale_says_what_differs_from_the_paper(checkout):
    found = differences(STUDIES["energy"], load_config([checkout / "config.yaml"]))
    assert "network.width 0.125 instead of 1.0" in found
    assert any("runs per combination" in difference for difference in found)


def test_run_names_are_unique_and_readable(checkout):
    names = [run.name for run in runs(load_config([checkout / "config.yaml"]), "energy")]
    assert len(set(names)) == len(names)
    assert "mnist5k_normal_mean-0.01_low" in names


def test_planning_imports_nothing_heavy(checkout):
    code = (
        "import sys; from spikeinit.plan import from_mapping, load_config, runs; "
        "[runs(load_config(['config.yaml']), 'energy')]; "
        "print([name for name in ('torch', 'pandas', 'mlflow', 'scipy', 'matplotlib', 'numba') if name in sys.modules])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env={"PYTHONPATH": "workflow"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.strip() == "[]"


def test_config_file_explains_every_key_it_has(checkout):
    """Each line of config.yaml that sets a key of the top two levels is commented, or holds a block that is."""
    lines = (checkout / "config.yaml").read_text().splitlines()
    uncommented = [line for line in lines if line and not line.startswith((" ", "#")) and ":" in line]
    assert all("#" in line or line.rstrip().endswith(":") for line in uncommented)


PER_STEP = {"name": "cross_entropy_per_step", "reduction": "sum"}
STEPS_SUMMED, STEPS_AVERAGED = ({"name": "cross_entropy", "reduction": reduction} for reduction in ("sum", "mean"))


@pytest.mark.parametrize(
    ("path", "schedule", "loss", "reduction"),
    [
        ("energy.training", "constant", PER_STEP, "sum"),
        ("energy.data_driven.ann.training", "constant", PER_STEP, "sum"),
        ("sensitivity.training", "constant", PER_STEP, "sum"),
        ("conversion.ann.training", "constant", PER_STEP, "sum"),
        ("conversion.calibration.training", "cosine", STEPS_AVERAGED, "mean"),
        ("propagation.training", "cosine", STEPS_SUMMED, "sum"),
    ],
)
def test_defaults_of_a_training_by_study(path, schedule, loss, reduction):
    """A study has the schedule and the loss of its paper where the configuration gives none."""
    fill = partial(Schema.of(SECTION_SCHEMAS).fill_at, path.split("."))
    filled = fill({})
    assert filled["schedule"] == {"name": schedule, "every": 10, "factor": 0.1}
    assert filled["loss"] == loss
    assert fill({"loss": {"name": "mean_squared_error"}})["loss"]["reduction"] == reduction
    assert filled["monitor_images"] is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("energy.neuron", {"learn": ["decay", "threshold"]}),
        ("sensitivity.neuron", {"learn": []}),
        ("propagation.neuron", {"learn": [], "decay": 0.5}),
    ],
)
def test_defaults_of_a_neuron_by_study(path, expected):
    shared = {"threshold": 1.0, "gain": 1.0, "reset": "subtract", "surrogate": "arctan", "slope": 1.0}
    shared |= {"decay_scope": "layer", "detach_reset": True, "initial_potential": 0.0, "spike_delay": 0}
    shared |= {"initial_potential_momentum": 0.1}
    assert Schema.of(SECTION_SCHEMAS).fill_at(path.split("."), {}) == shared | expected


def test_defaults_of_the_asymptote_study_s_tasks_and_loss():
    schema = Schema.of(SECTION_SCHEMAS)
    filled = schema.fill_at(["asymptote"], {"grid": {"task": {}}, "coding": {"tasks": [{}]}, "normalization": {}})
    for task in (filled["grid"]["task"], filled["coding"]["tasks"][0]):
        assert task["schedule"] == {"name": "constant", "every": 10, "factor": 0.1}
        assert (task["monitor_images"], task["trace_every"], task["failure_accuracy"]) == (0, None, 15.0)
    assert filled["loss"] == STEPS_AVERAGED


def test_every_object_of_the_schema_is_closed():
    open_objects = []

    def visit(schema, path):
        if isinstance(schema, dict):
            if schema.get("type") == "object" and "additionalProperties" not in schema:
                open_objects.append(path)
            for key, value in schema.items():
                visit(value, f"{path}/{key}")

    visit(Schema.of(SECTION_SCHEMAS).document, "")
    assert open_objects == []
