"""Declared studies: what they name exists, captions become files, and a user's own package is one more study."""

from __future__ import annotations

import pytest

from spikeinit.plan import captions
from spikeinit.studies import STUDIES
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
