"""The source digest: comments and docstrings do not count, code does, and only what a stage imports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from spikeinit.errors import UserError
from spikeinit.jobs import provenance, python_files


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package whose files a test may edit."""
    root = tmp_path / "spikeinit"
    shutil.copytree(provenance.ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "ROOT", root)
    forget()
    yield root
    forget()


def forget():
    for cached in (provenance.source_digest, provenance._imports, provenance._path, provenance._read_module):
        cached.cache_clear()


def digest(*modules):
    forget()
    return provenance.source_digest(*modules)


TRAIN = ("spikeinit.stages.train_snn", "spikeinit.networks.energy")


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_better_comment_or_docstring_changes_nothing(package):
    before = digest(*TRAIN)
    edit(package / "losses.py", '"""Losses and predictions', '"""All losses and predictions')
    with (package / "training/loop.py").open("a") as file:
        file.write("\n# a comment\n")
    assert digest(*TRAIN) == before


def test_code_that_training_imports_counts(package):
    before = digest(*TRAIN)
    edit(package / "losses.py", "argmax(1)", "argmin(1)")
    assert digest(*TRAIN) != before


@pytest.mark.parametrize(
    "file",
    [
        "tracking/journal.py",
        "jobs/runs.py",
        "initializers/he.py",
        "measures/evaluation.py",
        "networks/vgg.py",
        "datasets/catalogue.py",
        "user_files.py",
        "devices/slots.py",
    ],
)
def test_code_that_decides_no_number_of_a_training_does_not_count(package, file):
    before = digest(*TRAIN)
    with (package / file).open("a") as opened:
        opened.write("\nADDED = 1\n")
    assert digest(*TRAIN) == before


PRETRAIN = ("spikeinit.stages.pretrain_ann", "spikeinit.networks.vgg")


@pytest.mark.parametrize("file", ["conversion/methods.py", "specs/conversion.py", "conversion/baselines.py"])
def test_how_a_network_is_converted_does_not_count_in_its_training(package, file):
    before, converting = digest(*PRETRAIN), digest("spikeinit.stages.calibrate_snn")
    with (package / file).open("a") as opened:
        opened.write("\nADDED = 1\n")
    assert digest(*PRETRAIN) == before
    assert digest("spikeinit.stages.calibrate_snn") != converting


def test_closure_follows_imports_inside_functions():
    assert "spikeinit.initializers.sampling" in provenance.closure(("spikeinit.initializers",))


def test_a_users_file_counts_by_its_code(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text('"""Doc."""\nx = 1\n')
    first = provenance.file_source_digest(path)
    path.write_text('"""Other doc."""\nx = 1  # why\n')
    assert provenance.file_source_digest(path) == first
    path.write_text("x = 2\n")
    assert provenance.file_source_digest(path) != first


@pytest.fixture
def users(tmp_path):
    """A user's file with what it imports: a module that imports another, a folder, and one within a function."""
    (tmp_path / "kit").mkdir()
    for name, text in {
        "mine.py": "import first\nimport numpy\nimport kit.tools\ndef f():\n    from late import x\n    return x\n",
        "first.py": "from second import x\nimport mine\n",
        "second.py": "x = 1\n",
        "late.py": "x = 1\n",
        "kit/__init__.py": "",
        "kit/tools.py": "from .parts import x\n",
        "kit/parts.py": "x = 1\n",
        "stranger.py": "x = 1\n",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("first.py", True),
        ("second.py", True),
        ("late.py", True),
        ("kit/__init__.py", True),
        ("kit/tools.py", True),
        ("kit/parts.py", True),
        ("stranger.py", False),
    ],
)
def test_a_users_file_counts_with_the_modules_beside_it_that_it_imports(users, file, counts):
    before = provenance.file_source_digest(users / "mine.py")
    (users / file).write_text((users / file).read_text() + '"""A comment, as it were."""\n# and another\n')
    commented = provenance.file_source_digest(users / "mine.py")
    (users / file).write_text((users / file).read_text() + "y = 2\n")
    assert (provenance.file_source_digest(users / "mine.py") != commented) is counts
    if not counts:
        assert commented == before


def test_a_users_files_count_alike_in_another_folder(users, tmp_path_factory):
    moved = shutil.copytree(users, tmp_path_factory.mktemp("moved") / "here")
    assert provenance.file_source_digest(moved / "mine.py") == provenance.file_source_digest(users / "mine.py")


def test_of_a_users_folder_all_python_files_count(users):
    before = provenance.file_source_digest(users / "kit")
    with (users / "kit/parts.py").open("a") as file:
        file.write("y = 2\n")
    assert provenance.file_source_digest(users / "kit") != before


@pytest.mark.parametrize(
    ("line", "edited", "counts"),
    [
        ("from spikeinit import Law, register", "initializers/law.py", True),
        ("from spikeinit import Law, register", "interop/initialize.py", False),
        ("from spikeinit import initialize", "interop/initialize.py", True),
        ("import spikeinit", "interop/initialize.py", True),
        ("import spikeinit as si", "interop/initialize.py", True),
        ("from spikeinit import *", "interop/initialize.py", True),
        ("from spikeinit import networks", "networks/layers.py", True),
        ("from spikeinit import networks", "interop/initialize.py", False),
        ("import spikeinit", "__init__.py", False),
    ],
)
def test_a_users_file_counts_with_the_code_behind_the_public_names_that_it_imports(
    package, tmp_path, line, edited, counts
):
    path = tmp_path / "mine.py"
    path.write_text(f"{line}\n")
    before = provenance.file_source_digest(path)
    with (package / edited).open("a") as file:
        file.write("\nADDED = 1\n")
    forget()
    assert (provenance.file_source_digest(path) != before) is counts


def test_a_new_public_name_re_runs_nothing(package):
    before = digest(*TRAIN)
    edit(package / "__init__.py", "PUBLIC = {", 'PUBLIC = {\n    "build": "spikeinit.networks.build:build",')
    assert digest(*TRAIN) == before


def test_a_users_file_counts_with_the_modules_of_the_package_that_it_imports(package, users):
    (users / "second.py").write_text("from spikeinit.networks.stacks import stack\n")

    def found():
        forget()
        return provenance.file_source_digest(users / "mine.py")

    before = found()
    with (package / "networks/vgg.py").open("a") as file:
        file.write("\nADDED = 1\n")
    assert found() == before
    with (package / "networks/stacks.py").open("a") as file:
        file.write("\nADDED = 1\n")
    assert found() != before


@pytest.mark.parametrize("name", ["json", "time", "pytest"])
def test_a_module_that_python_finds_elsewhere_cannot_pass_for_the_users(tmp_path, name):
    (tmp_path / "mine.py").write_text(f"import {name}\n")
    provenance.file_source_digest(tmp_path / "mine.py")
    (tmp_path / f"{name}.py").write_text("x = 1\n")
    with pytest.raises(UserError, match=rf"imports {name}, but Python has another .*{name}\.py; rename the latter"):
        provenance.file_source_digest(tmp_path / "mine.py")


def test_a_users_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError, match=r"absent\.py: cannot be read as Python"):
        provenance.file_source_digest(tmp_path / "absent.py")


def planned(folder, program=""):
    """The digest that a process in `folder` finds, running `program` first."""
    program = f"{program}\nfrom spikeinit.jobs import provenance; print(provenance.source_digest(*{TRAIN}))"
    environment = {**os.environ, "PYTHONPATH": str(provenance.ROOT.parent)}
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return result.stdout.strip()


def test_what_was_parsed_once_is_not_parsed_again(tmp_path):
    first = planned(tmp_path)
    assert first == digest(*TRAIN)
    assert planned(tmp_path, "from spikeinit.jobs import python_files; python_files._parse = None") == first


@pytest.mark.parametrize("kept", ["", "[]", '{"a": 1}', '{"a": [1, 2]}', "\0"])
def test_a_broken_memory_is_ignored_and_mended(kept, tmp_path):
    memory = tmp_path / python_files.MEMORY
    memory.parent.mkdir()
    memory.write_text(kept)
    assert planned(tmp_path) == digest(*TRAIN)
    assert len(json.loads(memory.read_text())) > 20


def test_imports_are_found_wherever_they_stand(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("import a.b\nimport g.h as i\ndef f():\n    from c import d\n    from . import e\n")
    found = python_files.read_python(path)
    assert found.modules == ("a.b", "g.h", "c")
    assert found.members == ("a.*", "g.h.*", "c.d")


def test_a_module_on_the_users_search_path_counts(tmp_path, monkeypatch):
    library = tmp_path / "library"
    library.mkdir()
    helper = library / "distant_factor.py"
    helper.write_text("FACTOR = 1.0\n")
    own = tmp_path / "own" / "mine.py"
    own.parent.mkdir()
    own.write_text("from distant_factor import FACTOR\n")
    monkeypatch.setenv("PYTHONPATH", str(library))
    monkeypatch.syspath_prepend(str(library))
    before = provenance.file_source_digest(own)
    helper.write_text("FACTOR = 100.0\n")
    assert provenance.file_source_digest(own) != before
    helper.write_text("FACTOR = 1.0  # as before\n")
    assert provenance.file_source_digest(own) == before
