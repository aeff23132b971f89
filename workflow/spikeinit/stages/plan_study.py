"""Write a study's plan.csv: one row per run with its labels and seeds."""

from __future__ import annotations

import argparse
import json

from spikeinit.errors import run_stage
from spikeinit.io import write_csv
from spikeinit.plan import from_mapping, runs
from spikeinit.plan.rule_specs import plan_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec", type=json.loads, required=True, help="canonical JSON: the study and its configuration"
    )
    parser.add_argument("--plan", required=True, help="CSV to write")
    arguments = parser.parse_args()
    spec = arguments.spec
    write_csv(arguments.plan, plan_rows(runs(from_mapping(spec["config"]), spec["study"])))


if __name__ == "__main__":
    run_stage(main)
