"""Set a study's results beside every published claim and number: the scorecard, as CSV, Markdown and HTML."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

import pandas as pd

from spikeinit import io
from spikeinit.errors import run_stage
from spikeinit.results import read_table
from spikeinit.studies.scorecard import COLUMNS, Conditions, Evidence, to_rows
from spikeinit.studies.scorecard_pages import to_html, to_markdown
from spikeinit.studies.table_tools import StudyTables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="canonical JSON: study, conditions and margins")
    parser.add_argument("--tables", type=Path, required=True, help="folder that `tabulate` wrote")
    parser.add_argument("--statistics", help="statistics.csv of the study, if it tests hypotheses")
    parser.add_argument("--audit", help="audit.csv of the published tables, if the study has one")
    parser.add_argument("--published", nargs="*", type=Path, default=[], help="CSVs of the paper's printed values")
    for output in ("scorecard", "markdown", "html"):
        parser.add_argument(f"--{output}", required=True)
    arguments = parser.parse_args()

    spec = arguments.spec
    claims = importlib.import_module(f"spikeinit.studies.{spec['study']}.claims")
    entries = claims.scorecard(
        Evidence(
            tables=StudyTables(arguments.tables, spec),
            statistics=_read(arguments.statistics),
            audit=_read(arguments.audit),
            published={path.stem: path for path in arguments.published},
            conditions=Conditions.from_spec(spec),
            confidence=spec["confidence"],
        )
    )
    io.write_csv(arguments.scorecard, to_rows(entries), COLUMNS)
    io.write_text(arguments.markdown, to_markdown(entries, claims.TITLE))
    io.write_text(arguments.html, to_html(entries, claims.TITLE))


def _read(path: str | None) -> pd.DataFrame:
    return pd.DataFrame() if path is None else read_table(path)


if __name__ == "__main__":
    run_stage(main)
