"""Audit a paper's printed numbers: what they say about one another, as audit.csv."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from spikeinit.errors import run_stage
from spikeinit.io import write_csv
from spikeinit.studies import known_studies


def main() -> None:
    """Parse the command line, compute, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads, help="canonical JSON: study and audit")
    parser.add_argument("--published", nargs="+", required=True, type=Path, help="CSVs of the paper's printed values")
    parser.add_argument("--study-files", nargs="*", default=[], help="packages of the user's own studies")
    parser.add_argument("--audit", required=True, type=Path, help="CSV to write")
    arguments = parser.parse_args()
    spec = arguments.spec
    study = known_studies(arguments.study_files)[spec["study"]]
    write_csv(arguments.audit, study.load(spec["audit"])({path.stem: path for path in arguments.published}))


if __name__ == "__main__":
    run_stage(main)
