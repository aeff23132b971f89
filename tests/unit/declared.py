"""What tests do with declared studies: tables written, figures named, conditions and schemas read."""

from __future__ import annotations

from spikeinit.drawing.figure_style import FORMATS
from spikeinit.plan.conditions import conditions
from spikeinit.studies import STUDIES
from spikeinit.studies.table_tools import StudyTables, write_table

SECTION_SCHEMAS = {name: study.schema for name, study in STUDIES.items()}


MARGINS = {"equivalence": 0.2, "accuracy": 1.0}
"""Those of the schema's defaults."""


def write_tables(study, runs, folder, published=None):
    """All tables of a study, made of `runs`, as the stage writes them."""
    for table in study.tables:
        write_table(folder / f"{table.name}.csv", study.load(table.function)(runs))
    return StudyTables(folder, {"margins": MARGINS}, published=published or {})


def figure_files(study):
    """The names of all files of a study's figures."""
    return {f"{figure.name}.{kind}" for figure in study.figures for kind in FORMATS}


def differences(study, config):
    """How a configuration departs from the study's paper."""
    return conditions(study, config)["differences"]


def beside(study, config):
    """Published data set -> the configured one laid beside it."""
    return conditions(study, config)["datasets"]
