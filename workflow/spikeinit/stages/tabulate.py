"""Make a study's tables from its evaluated runs: CSV for machines, HTML of the shorter ones for the report."""

from __future__ import annotations

from pathlib import Path

from spikeinit import io
from spikeinit.errors import run_stage
from spikeinit.stages.options import stage_parser
from spikeinit.studies import known_studies
from spikeinit.studies.html_tables import table_page
from spikeinit.studies.table_tools import StudyRuns, write_table


def main() -> None:
    parser = stage_parser(__doc__, "of study, tables and options", "study-files")
    parser.add_argument("--plan", required=True, help="plan.csv of the study")
    parser.add_argument("--runs", required=True, help="folder that holds one folder per run")
    parser.add_argument("--tables", required=True, help="folder to write to")
    parser.add_argument("--published", nargs="*", type=Path, default=[], help="CSVs of the paper's printed values")
    arguments = parser.parse_args()

    spec = arguments.spec
    study = known_studies(arguments.study_files)[spec["study"]]
    runs = StudyRuns.load(arguments.plan, arguments.runs, spec, arguments.published)
    for name, function in spec["tables"].items():
        table = study.load(function)(runs)
        write_table(f"{arguments.tables}/{name}.csv", table)
        if name in spec["pages"]:
            io.write_text(f"{arguments.tables}/{name}.html", table_page(table, name.replace("_", " ").capitalize()))


if __name__ == "__main__":
    run_stage(main)
