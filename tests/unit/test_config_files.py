"""What stands in a user's files: whatever it is, the answer comes before anything runs, and names key and remedy."""

from __future__ import annotations

import contextlib
import copy
import functools

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spikeinit.config import files, plain_values
from spikeinit.errors import UserError
from spikeinit.jobs.anns import anns
from spikeinit.nested import merge
from spikeinit.plan import from_mapping, from_snakemake, load_config, rule_specs, runs


@pytest.fixture
def config(checkout):
    return yaml.safe_load((checkout / "config.yaml").read_text())


def errors(config, *paths, **command_line):
    with pytest.raises(UserError) as caught:
        from_snakemake(config, paths, command_line)
    return str(caught.value)


@pytest.fixture
def written(tmp_path):
    def write(text, name="mine.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_keys_that_stand_twice_are_named_with_their_lines(written):
    path = written("name: a\nenergy: {seeds: [0]}\nenergy:\n  seeds: [1]\n  seeds: [2]\nname: b\n")
    assert files.repeated_keys([path]) == [
        ("energy.seeds", f"stands twice in {path}, in lines 4 and 5, and only the last would count; keep one"),
        ("name", f"stands twice in {path}, in lines 1 and 6, and only the last would count; keep one"),
        ("energy", f"stands twice in {path}, in lines 2 and 3, and only the last would count; keep one"),
    ]
    with pytest.raises(UserError, match="energy: stands twice in "):
        files.read([path])


def test_a_key_of_an_anchor_may_be_given_anew(written):
    path = written("a: &base {x: 1, y: 2}\nb: {<<: *base, x: 3}\nc: [*base, *base]\n")
    assert files.repeated_keys([path]) == []
    assert files.read([path])["b"] == {"x": 3, "y": 2}


def test_a_key_inside_a_list_and_a_file_in_json_are_searched_too(written):
    assert [key for key, _ in files.repeated_keys([written("a: [1, {b: 1, b: 2}]")])] == ["a.1.b"]
    assert [key for key, _ in files.repeated_keys([written('{"a": 1, "a": 2}', "mine.json")])] == ["a"]


def test_repeated_keys_are_reported_with_everything_else(config, written):
    config["energy"]["weight_sd"] = -1
    message = errors(config, written("device: cpu\ndevice: auto\n"))
    assert "2 errors" in message
    assert "device            stands twice" in message
    assert "energy.weight_sd  = -1   must be at least 0" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".inf", "= .inf   must be a finite number"),
        ("-.inf", "= -.inf   must be a finite number"),
        (".nan", "= .nan   must be a finite number"),
        ("1.0e+400", "= .inf   must be a finite number"),
        ("1e-3", "YAML reads it as text: write 0.001, without quotes"),
        ("1e-7", "YAML reads it as text: write 1.0e-07, without quotes"),
        ("'0.5'", "YAML reads it as text: write 0.5, without quotes"),
        ("'0,5'", "YAML reads it as text: write 0.5, without quotes"),
        ("2026-01-01", "is a date, as YAML reads it"),
        ("1" + "0" * 40, "= 1000000000... (41 digits)   is above 9223372036854775807"),
        ("fast", "must be of type number"),
    ],
)
def test_what_is_no_number_is_answered_with_how_one_is_written(config, text, said):
    config["energy"]["training"]["optimizer"]["learning_rate"] = yaml.safe_load(text)
    message = errors(config)
    assert "energy.training.optimizer.learning_rate  " in message
    assert said in message
    assert isinstance(yaml.safe_load("1.0e-07"), float)


def test_a_truth_value_in_quotes_is_answered_with_how_it_is_written(config):
    config["tracking"]["enabled"] = "no"
    assert "YAML reads it as text: write false, without quotes" in errors(config)


@pytest.mark.parametrize("name", ["normal", "zheng2021"])
def test_text_for_a_number_of_an_initialiser_is_named_by_its_key(config, name):
    key = {"normal": "sd", "zheng2021": "alpha"}[name]
    config["energy"]["comparison"]["initializers"] = [{"name": name, key: "1e-1"}]
    said = f"energy.comparison.initializers.0.{key}  = '1e-1'   must be a number; YAML reads it as text: write 0.1"
    assert said in errors(config)


def test_a_law_that_overflows_is_an_error_of_the_configuration(config):
    config["propagation"]["neuron"]["gain"] = 1e-233
    assert "its law gives no number" in errors(config)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("energy: &a {x: *a}", "contains itself, by an alias"),
        ("a: &a [[1]]\nb: " + "[" * 60 + "1" + "]" * 60, "lies more than 50 levels deep"),
        ("datasets: {custom: {1: {path: x}}}", "datasets.custom.1  the key 1 is no text, as YAML reads it"),
        ("datasets: {custom: {null: {path: x}}}", "the key None is no text"),
    ],
)
def test_what_json_has_no_words_for_is_refused(config, text, said):
    assert said in errors(merge(config, yaml.safe_load(text)))


def test_anchors_that_stand_for_millions_of_values_are_refused():
    value = list(range(10))
    for _ in range(9):
        value = [value] * 10
    (place, text), *others = plain_values.problems({"a": value})[0]
    assert (place, others) == ("the whole", [])
    assert "more than 1,000,000 values" in text


def test_whole_numbers_written_as_floats_are_whole_numbers(config):
    section = config["sensitivity"]
    section["encoding"]["timesteps"], section["train_images"], section["seeds"] = 4.0, 6.0e1, [0.0]
    section["training"]["batch_size"] = 20.0
    written = from_mapping(config)
    section["encoding"]["timesteps"], section["train_images"], section["seeds"] = 4, 60, [0]
    section["training"]["batch_size"] = 20
    assert repr(written.sections["sensitivity"]) == repr(from_mapping(config).sections["sensitivity"])
    section["seeds"] = [0.5]
    assert "sensitivity.seeds.0  = 0.5   must be of type integer" in errors(config)


def test_values_of_the_command_line_are_read_as_in_a_file(config):
    """Snakemake hands on the values inside its `--config` lists and mappings as text."""
    given = {"energy": {"seeds": ["3", "4.0"], "training": {"epochs": "2"}}, "tracking": {"enabled": "false"}}
    planned, settled, _ = from_snakemake(merge(config, given), [], given)
    assert planned.sections["energy"]["seeds"] == [3, 4]
    assert planned.sections["energy"]["training"]["epochs"] == 2
    assert planned.tracking_enabled is False
    assert settled["energy"]["training"]["epochs"] == 2
    assert files.as_in_a_file({"a": ["null", "1.0e-3", "x: y", "[", "2026-13-45", "no"]})["a"] == [
        *(None, 0.001, "x: y", "[", "2026-13-45", False)
    ]


def test_a_leading_tilde_is_the_home_folder_in_every_path(config, tmp_path, monkeypatch):
    import numpy as np

    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").mkdir()
    for split in ("train", "test"):
        np.savez(tmp_path / "mine" / f"{split}.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.arange(20) % 2)
    (tmp_path / "law.py").write_text(
        "from spikeinit.initializers import Law, register\n\n\n@register('of_home')\ndef law(fan_in, fan_out=None):\n"
        "    return Law.normal(variance=1 / fan_in)\n"
    )
    config["datasets"] = {"root": "~/data", "custom": {"mine": {"path": "~/mine"}}}
    config["initializer_files"] = ["~/law.py"]
    planned = from_mapping(config)
    assert planned.data_root == str(tmp_path / "data")
    assert planned.custom_datasets["mine"].path == str(tmp_path / "mine")
    assert planned.user_files == (str(tmp_path / "law.py"),)
    config["datasets"]["root"] = None
    monkeypatch.setenv("SPIKEINIT_DATA", "~/elsewhere")
    assert from_mapping(config).data_root == str(tmp_path / "elsewhere")
    config["study_files"] = ["~/study"]
    assert f"study_files: {tmp_path}/study: no such package" in errors(config)


def test_paths_of_inputs_have_no_braces(config, tmp_path):
    config["datasets"]["custom"] = {"mine": {"path": str(tmp_path / "d{1}")}}
    assert "Snakemake reads braces in a path as wildcards" in errors(config)


@pytest.mark.parametrize(
    ("content", "said"), [(b"\xff\xfe", "UTF-8"), (b"a: [", "not valid YAML"), (b"1", "a mapping")]
)
def test_files_that_hold_no_configuration_are_named(tmp_path, content, said):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"mine.yaml.*{said}"):
        load_config([path])
    with pytest.raises(UserError, match=r"nowhere.yaml: no such file"):
        load_config([tmp_path / "nowhere.yaml"])


@functools.cache
def smoke(checkout):
    names = ("config.yaml", "workflow/overlays/smoke.yaml")
    return functools.reduce(merge, (yaml.safe_load((checkout / name).read_text()) for name in names))


def places(value, path=()):
    """The paths of everything in nested mappings and lists, the whole left out."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(item, (*path, key))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 20),
    st.floats(),
    st.dates(),
    st.text(max_size=6),
    st.sampled_from(["name", "he", "digits", "1e-3", "~", "../x", "none", 5e-324, 1e308, 2**63, 0.0, 2.0]),
)
KEYS = st.one_of(st.sampled_from(["name", "values", "0"]), st.text(max_size=4), st.integers())
VALUES = st.recursive(
    SCALARS,
    lambda inside: st.one_of(st.lists(inside, max_size=4), st.dictionaries(KEYS, inside, max_size=4)),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_value_at_any_key_is_planned_or_refused_in_words(checkout, data):
    """The whole way to the specs of all jobs, so that no job finds what the planning passed over."""
    config = copy.deepcopy(smoke(checkout))
    *above, last = data.draw(st.sampled_from(list(places(config))))
    functools.reduce(lambda part, key: part[key], above, config)[last] = data.draw(VALUES)
    with contextlib.suppress(UserError):
        planned, _, _ = from_snakemake(config, [], {})
        anns(planned)
        for study in planned.sections:
            for run in runs(planned, study):
                rule_specs.run_spec(run)
            rule_specs.score_spec(planned, planned.known[study])
            rule_specs.tables_spec(planned, planned.known[study])


def test_mistakes_of_form_and_of_meaning_are_told_together(config):
    config["energy"]["seeds"] = []
    config["sensitivity"]["datasets"] = ["mnist6k"]
    config["studies"] = [*config["studies"], "energi"]
    message = errors(config)
    assert "3 errors" in message
    assert "energy.seeds" in message
    assert "did you mean mnist5k?" in message
    assert "did you mean energy?" in message


def test_names_are_not_called_unknown_where_the_key_that_brings_them_is_wrong(config):
    config["energy"]["datasets"] = ["mine"]
    config["datasets"]["custom"] = {"mine": {"paht": "here"}}
    message = errors(config)
    assert "did you mean datasets.custom.mine.path?" in message
    assert "unknown data set" not in message
