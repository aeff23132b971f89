"""Audit a paper's printed numbers: what they say about one another, as audit.csv."""

from __future__ import annotations

from pathlib import Path

from spikeinit.errors import run_stage
from spikeinit.io import write_csv
from spikeinit.stages.options import stage_parser
from spikeinit.studies import known_studies


def main() -> None:
    """Parse the command line, compute, write."""
    parser = stage_parser(__doc__, "of study and audit", "study-files")
    parser.add_argument("--published", nargs="+", required=True, type=Path, help="CSVs of the paper's printed values")
    parser.add_argument("--audit", required=True, type=Path, help="CSV to write")
    arguments = parser.parse_args()
    spec = arguments.spec
    study = known_studies(arguments.study_files)[spec["study"]]
    write_csv(arguments.audit, study.load(spec["audit"])({path.stem: path for path in arguments.published}))


if __name__ == "__main__":
    run_stage(main)
