"""Declared studies: what they name exists, captions become files, and a user's own package is one more study."""

from __future__ import annotations

import shutil

import pytest

from spikeinit.errors import UserError
from spikeinit.plan import captions, from_mapping, load_config, rule_specs, runs
from spikeinit.studies import STUDIES, known_studies
from spikeinit.study import Study

ALL = list(STUDIES.values())


def functions(study: Study) -> list[str]:
    """Every function that a study names as text."""
    named = [*study.tables, *study.figures, study.scorecard]
    return [output.function for output in named] + ([study.audit] if study.audit else [])


@pytest.mark.parametrize("study", ALL, ids=lambda study: study.name)
def test_what_a_study_names_is_there(study, checkout):
    for function in functions(study):
        assert callable(study.load(function)), function
    assert study.schema.is_file()
    for file in study.published.files:
        assert (checkout / "workflow/published" / file).is_file()


@pytest.mark.parametrize("study", ALL, ids=lambda study: study.name)
def test_outputs_of_a_study_have_names_of_their_own(study):
    for outputs in (study.tables, study.figures):
        assert len({output.name for output in outputs}) == len(outputs) > 0


@pytest.mark.parametrize("study", ALL, ids=lambda study: study.name)
def test_whatever_the_report_shows_has_a_caption(study):
    assert all(output.caption for output in (*study.figures, study.scorecard))
    assert any(table.caption for table in study.tables)


def test_captions_are_files_that_follow_the_declaration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = STUDIES["energy"]
    table = next(table for table in study.tables if table.caption)
    path = captions.write(study, table)
    assert path.is_absolute()
    assert path.read_text() == table.caption + "\n"
    assert captions.write(study, study.scorecard) != path
    path.write_text("another caption")
    assert captions.write(study, table).read_text() == table.caption + "\n"
    before = path.stat().st_mtime_ns
    captions.write(study, table)
    assert path.stat().st_mtime_ns == before


EXAMPLE = "examples/my_study"


@pytest.fixture
def example(checkout, monkeypatch, user_code):
    """The configuration of the example of a user's own study; paths in it start at the checkout."""
    monkeypatch.chdir(checkout)
    return load_config(["config.yaml", "examples/my_study.yaml"])


def test_a_users_own_study_is_one_more_study(example):
    assert list(example.known) == [*STUDIES, "my_study"]
    assert example.studies == ("my_study",)
    found = runs(example, "my_study")
    assert [run.name for run in found] == [f"digits_he_threshold{value}" for value in ("0.5", "1", "2")]
    assert [run.spec.neuron.threshold for run in found] == [0.5, 1.0, 2.0]
    assert {run.batch for run in found} == {"digits_1"}
    assert rule_specs.published_files(example.known["my_study"]) == [f"{EXAMPLE}/claims.csv"]


def test_what_a_users_own_study_names_is_there(example):
    study = example.known["my_study"]
    assert all(callable(study.load(function)) for function in functions(study))


def test_problems_of_a_users_own_study_are_reported_with_all_others(example):
    mapping = {"name": "mine", "studies": ["my_study"], "study_files": [EXAMPLE]}
    section = dict(example.sections["my_study"])
    changed = section | {"network": {"name": "mpl"}, "datasets": ["digit"]}
    with pytest.raises(UserError, match=r"2 errors(.|\n)*my_study\.datasets\.0(.|\n)*my_study\.network\.name"):
        from_mapping({**mapping, "my_study": changed})
    with pytest.raises(UserError, match=r"my_study\.thresholds\.1 += -1\.0 +must be above 0"):
        from_mapping({**mapping, "my_study": section | {"thresholds": [1.0, -1.0]}})


def test_an_edit_of_a_users_own_study_makes_its_tables_anew(user_code, checkout, monkeypatch):
    shutil.copytree(checkout / EXAMPLE, user_code / EXAMPLE, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(checkout / "examples/my_study.yaml", user_code / "examples")
    shutil.copy(checkout / "config.yaml", user_code)
    monkeypatch.chdir(user_code)

    def spec():
        return rule_specs.figures_spec(known_studies([EXAMPLE])["my_study"])

    before = spec()
    tables = user_code / EXAMPLE / "tables.py"
    tables.write_text(tables.read_text() + "\n# a comment\n")
    assert spec() == before
    tables.write_text(tables.read_text() + "\nADDED = 1\n")
    assert spec() != before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such package; a study is a folder with an __init__.py"),
        ("", "declares no study"),
        ("STUDY = 1", "declares no study"),
        ("from spikeinit.studies.energy import STUDY", "study 'energy' is declared by this package and by "),
        ("1 / 0", "failed on import, ZeroDivisionError"),
    ],
)
def test_a_package_that_is_no_new_study_is_refused(content, message, user_code):
    folder = user_code / "mine"
    folder.mkdir()
    if content is not None:
        (folder / "__init__.py").write_text(content)
    with pytest.raises(UserError, match=message):
        known_studies([folder])
