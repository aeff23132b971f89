"""Draw a study's figures from its tables, each as SVG and PNG."""

from __future__ import annotations

from pathlib import Path

from spikeinit.drawing.figure_style import render
from spikeinit.errors import run_stage
from spikeinit.stages.options import stage_parser
from spikeinit.studies import known_studies
from spikeinit.studies.table_tools import StudyTables
from spikeinit.tables import read_table


def main() -> None:
    parser = stage_parser(__doc__, "of study and figures", "study-files")
    parser.add_argument("--tables", type=Path, required=True, help="folder that `tabulate` wrote")
    parser.add_argument(
        "--published", nargs="*", type=Path, default=[], help="CSVs of printed values, drawn beside ours"
    )
    parser.add_argument("--figures", required=True, help="folder to write to")
    arguments = parser.parse_args()

    published = {path.stem: read_table(path) for path in arguments.published}
    tables = StudyTables(arguments.tables, arguments.spec, published)
    study = known_studies(arguments.study_files)[arguments.spec["study"]]
    for name, function in arguments.spec["figures"].items():
        render(study.load(function), arguments.figures, name, tables)


if __name__ == "__main__":
    run_stage(main)
