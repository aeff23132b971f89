"""Set a study's results beside every published claim and number: the scorecard, and what the study answers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from spikeinit import io
from spikeinit.errors import run_stage
from spikeinit.stages.options import stage_parser
from spikeinit.studies import known_studies
from spikeinit.studies.scorecard import COLUMNS, Conditions, Evidence, to_rows
from spikeinit.studies.scorecard_pages import to_html, to_markdown
from spikeinit.studies.summary import summarized
from spikeinit.studies.table_tools import StudyTables
from spikeinit.tables import read_table


def main() -> None:
    parser = stage_parser(__doc__, "of study, conditions and margins", "study-files")
    parser.add_argument("--tables", type=Path, required=True, help="folder that `tabulate` wrote")
    parser.add_argument(
        "--evidence",
        nargs="*",
        type=Path,
        default=[],
        help="statistics.csv, anova.csv and audit.csv, where the study has them",
    )
    parser.add_argument("--published", nargs="*", type=Path, default=[], help="CSVs of the paper's printed values")
    for output in ("scorecard", "markdown", "html", "answer"):
        parser.add_argument(f"--{output}", required=True)
    arguments = parser.parse_args()

    spec = arguments.spec
    study = known_studies(arguments.study_files)[spec["study"]]
    evidence = {path.stem: read_table(path) for path in arguments.evidence}
    conditions = Conditions.from_spec(spec)
    tables = StudyTables(arguments.tables, spec)
    entries = study.load(spec["scorecard"])(
        Evidence(
            tables=tables,
            statistics=evidence.get("statistics", pd.DataFrame()),
            anova=evidence.get("anova", pd.DataFrame()),
            audit=evidence.get("audit", pd.DataFrame()),
            published={path.stem: path for path in arguments.published},
            conditions=conditions,
            confidence=spec["confidence"],
        )
    )
    io.write_csv(arguments.scorecard, to_rows(entries), COLUMNS)
    io.write_text(arguments.markdown, to_markdown(entries, spec["title"], conditions.open_choices))
    io.write_text(arguments.html, to_html(entries, spec["title"], conditions.open_choices))
    answer = study.load(spec["answer"])(tables) if spec["answer"] else ""
    io.write_json(arguments.answer, asdict(summarized(spec, answer, entries)))


if __name__ == "__main__":
    run_stage(main)
