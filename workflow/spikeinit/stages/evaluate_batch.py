"""Evaluate the networks of many short runs in one process, each into its own folder as `evaluate_snn` does."""

from __future__ import annotations

from pathlib import Path

from spikeinit import user_files
from spikeinit.errors import run_stage
from spikeinit.io import write_csv
from spikeinit.measures.evaluation import TABLES, evaluate_run
from spikeinit.nested import expanded
from spikeinit.specs import EvaluateSpec, from_dict
from spikeinit.stages.options import add_outputs, device_of, stage_parser


def main() -> None:
    parser = stage_parser(__doc__, "of EvaluateSpecs by run, factored", "data", "device", "kernel", "user-files")
    parser.add_argument("--runs", type=Path, required=True, help="folder that holds one folder per run")
    add_outputs(parser, "evaluated")
    arguments = parser.parse_args()
    device = device_of(arguments)
    user_files.load_all(arguments.user_files)
    evaluated = []
    for run, values in expanded(arguments.spec).items():
        folder = arguments.runs / run
        rows = evaluate_run(
            from_dict(EvaluateSpec, values),
            folder / "weights.safetensors",
            {table: folder / f"{table}.csv" for table in TABLES},
            data=arguments.data.parent,
            device=device,
            kernel=arguments.kernel,
        )
        evaluated += [{"run": run, **row} for row in rows]
    write_csv(arguments.evaluated, evaluated)


if __name__ == "__main__":
    run_stage(main)
