"""A data set that stands in for another gives way where datasets.root offers the real one, and only there."""

from __future__ import annotations

import copy

import pytest
import yaml
from declared import differences

from spikeinit.config.stand_ins import settled
from spikeinit.datasets import catalogue
from spikeinit.errors import UserError
from spikeinit.plan import from_mapping, load_config
from spikeinit.studies.sensitivity import STUDY

VALUES = {"datasets": ["mnist"], "seeds": [0], "training": {"epochs": 4}, "sweeps": {"loss": None}}


@pytest.fixture
def config(checkout):
    config = yaml.safe_load((checkout / "config.yaml").read_text())
    config["sensitivity"]["stand_ins"] = {"mnist5k": copy.deepcopy(VALUES)}
    return config


def offer(root, folder="mnist"):
    """Files of the names and sizes of MNIST's, below `root`."""
    (root / folder).mkdir()
    for file in catalogue.get("mnist").files:
        with (root / folder / file.name).open("wb") as made:
            made.truncate(file.bytes)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder named by SPIKEINIT_DATA."""
    monkeypatch.setenv("SPIKEINIT_DATA", str(tmp_path))
    return tmp_path


def test_the_real_data_set_replaces_the_stand_in_with_all_its_values(config, root):
    offer(root)
    before = copy.deepcopy(config)
    found, (note,) = settled(config)
    assert config == before
    expected = copy.deepcopy(config)
    expected["sensitivity"] |= {"datasets": ["mnist"], "seeds": [0]}
    expected["sensitivity"]["training"]["epochs"] = 4
    expected["sensitivity"]["sweeps"]["loss"] = None
    assert found == expected
    assert note.startswith(f"sensitivity: {root} has mnist, so sensitivity.stand_ins.mnist5k holds: datasets ['mnist']")
    assert "training.epochs 4, sweeps.loss null" in note
    assert settled(found) == (found, [])


def test_datasets_root_counts_before_the_variable(config, root, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    config["datasets"]["root"] = str(other)
    offer(root)
    assert settled(config) == (config, [])
    offer(other)
    assert settled(config)[0]["sensitivity"]["datasets"] == ["mnist"]


@pytest.mark.parametrize(
    "change",
    [
        {"datasets": ["fashion_mnist"]},
        {"datasets": ["mnist5k", "digits"]},
        {"stand_ins": {}},
        {"stand_ins": None},
        {"stand_ins": {"mnist5k": None}},
        {"stand_ins": {"mnist5k": {"datasets": []}}},
        {"stand_ins": {"mnist5k": {"datasets": ["mnist", "fashion_mnist"]}}},
        {"stand_ins": {"mnist5k": {"datasets": ["mnits"]}}},
        {"stand_ins": {"mnist5k": {"datasets": [5]}}},
        {"stand_ins": {"mnist5k": {"datasets": [["mnist"]]}}},
        {"stand_ins": {"mnist5k": 3}},
    ],
)
def test_it_stays_where_anything_else_was_asked_for(change, config, root):
    offer(root)
    config["sensitivity"] |= change
    assert settled(config) == (config, [])


def test_it_stays_without_the_whole_real_data_set(config, root, monkeypatch):
    assert settled(config) == (config, [])
    offer(root)
    first = root / "mnist" / catalogue.get("mnist").files[0].name
    with first.open("rb+") as file:
        file.truncate(1000)
    assert settled(config) == (config, [])
    first.unlink()
    assert settled(config) == (config, [])
    monkeypatch.delenv("SPIKEINIT_DATA")
    assert settled(config) == (config, [])


@pytest.mark.parametrize(
    ("values", "messages"),
    [
        ({"datasets": ["mnist"], "training": {"epohcs": 4}}, ["mnist5k.training.epohcs", "did you mean", "epochs?"]),
        ({"datasets": ["mnist"], "seeds": []}, ["sensitivity.stand_ins.mnist5k.seeds", "needs at least 1 item"]),
        ({"seeds": [0]}, ["sensitivity.stand_ins.mnist5k.datasets", "missing"]),
        (3, ["sensitivity.stand_ins.mnist5k", "must be of type object or null"]),
    ],
)
def test_wrong_values_are_named_whether_they_hold_here_or_not(values, messages, config):
    config["sensitivity"]["stand_ins"]["mnist5k"] = values
    with pytest.raises(UserError) as caught:
        from_mapping(config)
    for message in messages:
        assert message in str(caught.value)


def test_a_root_of_another_type_is_left_to_the_checks(config):
    config["datasets"]["root"] = 5
    assert settled(config) == (config, [])
    with pytest.raises(UserError, match=r"datasets.root  = 5   must be of type string or null"):
        from_mapping(config)


def test_the_default_on_mnist_is_the_report_but_for_the_number_of_images(checkout, root):
    offer(root)
    config = load_config([checkout / "config.yaml"])
    assert differences(STUDY, config) == ["train_images 10000 instead of all"]
    assert "beta_at_rest" not in config.sections["sensitivity"]["only"]


def test_overlays_choose_for_themselves(checkout, root):
    offer(root)
    for name, datasets in (("smoke", ["digits"]), ("paper", ["mnist"])):
        config = load_config([checkout / "config.yaml", checkout / f"workflow/overlays/{name}.yaml"])
        assert config.sections["sensitivity"]["datasets"] == datasets
        assert config.sections["sensitivity"]["train_images"] != 10000
