"""Write a study's plan.csv: one row per run with its labels and seeds."""

from __future__ import annotations

import argparse
import json

from spikeinit.config.configuration import from_mapping
from spikeinit.errors import run_stage
from spikeinit.io import write_csv
from spikeinit.jobs.runs import runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec", type=json.loads, required=True, help="canonical JSON: the study and its configuration"
    )
    parser.add_argument("--plan", required=True, help="CSV to write")
    arguments = parser.parse_args()
    study = arguments.spec["study"]
    rows = [
        {"run": run.name, **run.labels, "seeds": ";".join(map(str, run.spec.seeds))}
        for run in runs(from_mapping(arguments.spec["config"]), study)
    ]
    write_csv(arguments.plan, rows)


if __name__ == "__main__":
    run_stage(main)
