"""The configuration: defaults, merging, and errors that name key, value, allowed values and remedy, all at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spikeinit.config.configuration import from_mapping
from spikeinit.config.schema import SCHEMA_FILE, load_schema
from spikeinit.errors import UserError
from spikeinit.nested import merge
from spikeinit.plan import load_config, runs


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


def test_what_a_schema_cannot_say_is_checked_too(config):
    config["energy"]["datasets"] = ["mnist5", "digits"]
    config["energy"]["beta_ranges"]["low"] = [0.5, 0.1]
    config["energy"]["comparison"]["initializers"] = [{"name": "glorrot"}, {"name": "he", "distribution": "cauchy"}]
    message = errors(config)
    assert "did you mean mnist5k?" in message
    assert "the lower end lies above the upper end" in message
    assert "unknown initialiser 'glorrot'; did you mean glorot?" in message
    assert "give 'normal' or 'uniform'" in message


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
        ({"name": "mine", "options": {"pools": 4}}, "", "pooling leaves nothing of images of 8 pixels"),
        ({"name": "broken"}, "name", "families.py: 'broken' failed, ZeroDivisionError: division by zero"),
        ({"name": "short"}, "name", "its last layer is Dense(features=7, active=True); it must be Dense(10)"),
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
        ({"name": "vgg16"}, "conversion.networks.0  vgg16: pooling leaves nothing of images of 8 pixels"),
        ({"name": "mine", "options": {"pools": 4}}, "conversion.networks.0  mine: pooling leaves nothing"),
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


@pytest.mark.parametrize("overlay", ["smoke", "paper", "conversion_cifar10"])
def test_overlays_are_valid(checkout, overlay):
    config = load_config([checkout / "config.yaml", checkout / f"workflow/overlays/{overlay}.yaml"])
    assert config.name == overlay


def test_paper_overlay_is_as_published_and_has_180_trainings(checkout):
    from spikeinit.studies import energy

    config = load_config([checkout / "config.yaml", checkout / "workflow/overlays/paper.yaml"])
    published = [run for run in runs(config, "energy") if run.labels["initializer"] == "normal"]
    assert sum(len(run.spec.seeds) for run in published) == 180
    assert energy.differences(config) == []


def test_laptop_scale_says_what_differs_from_the_paper(checkout):
    from spikeinit.studies import energy

    differences = energy.differences(load_config([checkout / "config.yaml"]))
    assert "network.width 0.125 instead of 1.0" in differences
    assert any("runs per combination" in difference for difference in differences)


def test_run_names_are_unique_and_readable(checkout):
    names = [run.name for run in runs(load_config([checkout / "config.yaml"]), "energy")]
    assert len(set(names)) == len(names)
    assert "mnist5k_normal_mean-0.01_low" in names


def test_planning_imports_nothing_heavy(checkout):
    code = (
        "import sys; from spikeinit.plan import load_config, runs; "
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


def test_every_object_of_the_schema_is_closed():
    open_objects = []

    def visit(schema, path):
        if isinstance(schema, dict):
            if schema.get("type") == "object" and "additionalProperties" not in schema:
                open_objects.append(path)
            for key, value in schema.items():
                visit(value, f"{path}/{key}")

    visit(load_schema(), SCHEMA_FILE.name)
    assert open_objects == []
