"""Evaluate the networks of many short runs in one process, each into its own folder as `evaluate_snn` does."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from spikeinit import user_files
from spikeinit.errors import run_stage
from spikeinit.io import write_csv
from spikeinit.nested import expanded
from spikeinit.specs import EvaluateSpec, from_dict
from spikeinit.stages.evaluate_snn import TABLES, add_options, evaluate_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="canonical JSON: EvaluateSpecs by run, factored")
    parser.add_argument("--runs", type=Path, required=True, help="folder that holds one folder per run")
    parser.add_argument("--evaluated", type=Path, required=True, help="table of all runs' accuracy")
    add_options(parser)
    arguments = parser.parse_args()
    user_files.load_all(arguments.user_files)
    evaluated = []
    for run, values in expanded(arguments.spec).items():
        folder = arguments.runs / run
        tables = {table: folder / f"{table}.csv" for table in TABLES}
        spec = from_dict(EvaluateSpec, values)
        rows = evaluate_run(spec, folder / "weights.safetensors", tables, arguments)
        evaluated += [{"run": run, **row} for row in rows]
    write_csv(arguments.evaluated, evaluated)


if __name__ == "__main__":
    run_stage(main)
