"""Evaluate every seed's trained network of one run on the test images."""

from __future__ import annotations

from pathlib import Path

from spikeinit import user_files
from spikeinit.errors import run_stage
from spikeinit.measures.evaluation import TABLES, evaluate_run
from spikeinit.specs import EvaluateSpec, from_dict
from spikeinit.stages.options import add_outputs, device_of, stage_parser


def main() -> None:
    parser = stage_parser(__doc__, "of an EvaluateSpec", "data", "device", "kernel", "user-files")
    parser.add_argument("--weights", type=Path, required=True)
    add_outputs(parser, *TABLES)
    arguments = parser.parse_args()
    device = device_of(arguments)
    user_files.load_all(arguments.user_files)
    evaluate_run(
        from_dict(EvaluateSpec, arguments.spec),
        arguments.weights,
        {table: vars(arguments)[table] for table in TABLES},
        data=arguments.data.parent,
        device=device,
        kernel=arguments.kernel,
    )


if __name__ == "__main__":
    run_stage(main)
