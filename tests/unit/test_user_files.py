"""A user's own files: run once, told apart, with their neighbours importable, and refused with the reason."""

from __future__ import annotations

import subprocess
import sys

import pytest

from spikeinit import user_files
from spikeinit.errors import UserError
from spikeinit.registry import Registry
from spikeinit.specs import to_dict

NETWORK = """
from spikeinit.networks import Dense, Network, register

@register("{name}")
def family(classes, width=1.0):
    return Network("{name}", (Dense({features}), Dense(classes)))
"""


COUNT_RUNS = """
from pathlib import Path

log = Path(__file__ + ".log")
log.write_text("run " + (log.read_text() if log.exists() else ""))
"""


def network(path, name="mine", features=5, before=""):
    """A file that registers a family of one hidden layer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(before + NETWORK.format(name=name, features=features))
    return path


def hidden(name):
    """The features of a family's first layer."""
    from spikeinit.networks import describe

    return describe(name, classes=3).layers[0].features


def test_a_file_is_run_once_and_stands_among_the_modules(user_code):
    path = network(user_code / "mine.py", before=COUNT_RUNS)
    module = user_files.load(path)
    assert user_files.load(str(path)) is module
    assert (user_code / "mine.py.log").read_text() == "run "
    assert sys.modules[user_files.module_name(path)] is module
    assert user_files.module_name(path).startswith("spikeinit_user_mine_")
    assert hidden("mine") == 5


def test_two_files_of_one_name_are_two_modules(user_code):
    first, second = (network(user_code / name / "mine.py", name, size) for name, size in (("a", 4), ("b", 6)))
    assert user_files.load(first) is not user_files.load(second)
    assert (hidden("a"), hidden("b")) == (4, 6)


def test_modules_beside_a_file_can_be_imported_at_once_and_later(user_code):
    (user_code / "sizes_a.py").write_text("SIZE = 7\n")
    (user_code / "sizes_b.py").write_text("SIZE = 8\n")
    path = user_code / "mine.py"
    path.write_text(
        "import sizes_a\n"
        "from spikeinit.networks import Dense, Network, register\n\n"
        '@register("mine")\n'
        "def family(classes, width=1.0):\n"
        "    from sizes_b import SIZE\n"
        '    return Network("mine", (Dense(sizes_a.SIZE * SIZE), Dense(classes)))\n'
    )
    user_files.load(path)
    assert hidden("mine") == 56


def test_a_folder_is_loaded_like_a_file_and_its_parts_import_one_another(user_code):
    path = network(user_code / "mine" / "__init__.py", features="SIZE", before="from .sizes import SIZE\n")
    (path.parent / "sizes.py").write_text("SIZE = 9\n")
    user_files.load(path.parent)
    assert hidden("mine") == 9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "mine.py: registers nothing; decorate your function with @register"),
        ("1 / 0\n", "mine.py: failed on import, ZeroDivisionError: division by zero"),
        ("import absent_module\n", "mine.py: failed on import, ModuleNotFoundError: No module named 'absent_module'"),
        ("x = = 1\n", r"mine.py: failed on import, SyntaxError: invalid syntax \(mine.py, line 1\)"),
        (
            NETWORK.format(name="vgg16", features=5),
            r"family 'vgg16' is registered by spikeinit\.networks\.vgg of",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why_each_time(user_code, text, message):
    path = user_code / "mine.py"
    path.write_text(text)
    for _ in range(2):
        with pytest.raises(UserError, match=message):
            user_files.load(path)


@pytest.mark.parametrize("name", ["missing.py", "folder", "notes.txt"])
def test_what_is_no_python_file_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("x = 1\n")
    with pytest.raises(UserError, match=f"{name}: no such Python file"):
        user_files.load(tmp_path / name)


def test_an_empty_path_stands_for_no_file(user_code):
    user_files.load_all(["", network(user_code / "mine.py")])
    assert hidden("mine") == 5


def test_a_name_has_one_file(user_code):
    first, second = network(user_code / "a.py"), network(user_code / "b.py")
    user_files.load(first)
    with pytest.raises(UserError, match=r"network family 'mine' is registered by .*a\.py and by .*b\.py"):
        user_files.load(second)


def test_a_registry_imports_only_what_is_asked_for(user_code):
    code = (
        "import sys; from spikeinit.networks import REGISTRY; before = 'spikeinit.networks.mlp' in sys.modules;"
        "REGISTRY.get('mlp'); print(before, 'spikeinit.networks.mlp' in sys.modules, 'torch' in sys.modules)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": "workflow"}, capture_output=True, text=True, check=True
    )
    assert finished.stdout.split() == ["False", "True", "False"]


def test_an_unknown_name_is_answered_with_what_is_near_and_known():
    known = Registry("colour", {"red": "nowhere"}, remedy="mix your own")
    with pytest.raises(UserError, match=r"unknown colour 'rad'; did you mean red\? \(known: red; mix your own\)"):
        known.get("rad")


# --- what a run's spec says of a user's file


@pytest.fixture
def smoke(checkout):
    """The smoke scale as mappings, without a user's files."""
    import yaml

    from spikeinit.nested import merge

    files = ("config.yaml", "workflow/overlays/smoke.yaml")
    first, second = (yaml.safe_load((checkout / file).read_text()) for file in files)
    return merge(first, second)


def specs(smoke, **changes):
    """The specs of all trainings and evaluations of the energy study with changes of the configuration."""
    from spikeinit.nested import merge
    from spikeinit.plan import from_mapping, runs

    planned = runs(from_mapping(merge(smoke, changes)), "energy")
    return {run.name: (to_dict(run.spec), to_dict(run.evaluation)) for run in planned}


def test_an_edit_of_a_network_changes_every_run_that_builds_it_and_no_other(smoke, user_code):
    mine, other = network(user_code / "mine.py"), network(user_code / "other.py", "other")
    files = {"network_files": [str(mine), str(other)]}
    changes = files | {"energy": {"network": {"name": "mine"}, "initializer": {"fan_in": "own"}}}
    before, package = specs(smoke, **changes), specs(smoke, **files)
    network(other, "other", 6)
    assert specs(smoke, **changes) == before
    network(mine, "mine", 6)
    after = specs(smoke, **changes)
    assert specs(smoke, **files) == package
    for name, (training, evaluation) in before.items():
        assert after[name][0]["source"] != training["source"]
        assert after[name][1]["source"] != evaluation["source"]


def test_an_edit_of_a_network_changes_its_analogue_copies(smoke, user_code):
    from spikeinit.jobs.anns import ann_digest, anns
    from spikeinit.nested import merge
    from spikeinit.plan import from_mapping, runs

    path = network(user_code / "mine.py")
    networks = [{"slug": "own", "name": "mine"}, {"slug": "vgg", "name": "vgg9_small", "width": 0.0625}]
    changed = merge(smoke, {"network_files": [str(path)], "conversion": {"networks": networks}})

    def digests():
        config = from_mapping(changed)
        conversions = {run.name: to_dict(run.spec)["source"] for run in runs(config, "conversion")}
        return {network: ann_digest(ann) for (_, network), ann in anns(config).items()}, conversions

    (anns_before, runs_before), _ = digests(), network(path, features=6)
    anns_after, runs_after = digests()
    assert [name for name in anns_before if anns_before[name] != anns_after[name]] == ["own"]
    assert {name for name in runs_before if runs_before[name] != runs_after[name]} == {
        name for name in runs_before if "_own_" in name
    }


def test_an_edit_of_one_initialiser_leaves_those_of_other_files(smoke, user_code):
    law = (
        "from spikeinit.initializers import Law, register\n\n"
        '@register("{0}")\ndef law(fan_in, fan_out=None):\n    return Law.normal(variance={1})\n'
    )
    paths = [user_code / "first.py", user_code / "second.py"]
    for path in paths:
        path.write_text(law.format(path.stem, 1.0))
    changes = {
        "initializer_files": [str(path) for path in paths],
        "energy": {"comparison": {"initializers": [{"name": "first"}, {"name": "second"}]}},
    }
    before = specs(smoke, **changes)
    paths[0].write_text(law.format("first", 2.0))
    after = specs(smoke, **changes)
    assert [name for name in before if before[name] != after[name]] == ["digits_first_medium"]
