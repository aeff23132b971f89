"""Train many short runs in one process, one after the other, each into its own folder as `train_snn` does.

What a single job would pay again and again, importing torch and starting the MLflow mirror, is paid once.
"""

from __future__ import annotations

from pathlib import Path

from spikeinit import user_files
from spikeinit.errors import run_stage
from spikeinit.io import write_csv
from spikeinit.nested import expanded
from spikeinit.specs import TrainSpec, from_dict
from spikeinit.stages.options import add_outputs, device_of, stage_parser
from spikeinit.tracking.mirror import spawn
from spikeinit.training.job import FILES, Job, journal_paths, train_run


def main() -> None:
    shared = ("study", "data", "tracking", "device", "kernel", "user-files")
    parser = stage_parser(__doc__, "of TrainSpecs by run, factored", *shared)
    parser.add_argument("--runs", type=Path, required=True, help="folder that holds one folder per run")
    parser.add_argument("--log", type=Path, required=True, help="log of the MLflow mirror")
    add_outputs(parser, "trained")
    arguments = parser.parse_args()

    specs = {run: from_dict(TrainSpec, values) for run, values in expanded(arguments.spec).items()}
    device = device_of(arguments)
    user_files.load_all(arguments.user_files)
    job = Job.begin(manifest=arguments.data, device=device, kernel=arguments.kernel)
    journals = [path for run, spec in specs.items() for path in journal_paths(spec, arguments.runs / run)]
    spawn(journals, arguments.tracking, log=arguments.log)
    trained = []
    for number, (run, spec) in enumerate(specs.items(), start=1):
        print(f"{run}  ({number}/{len(specs)})", flush=True)
        paths = {output: arguments.runs / run / file for output, file in FILES.items()}
        trained += [{"run": run, **row} for row in train_run(spec, arguments.study, run, paths, job)]
    write_csv(arguments.trained, trained)


if __name__ == "__main__":
    run_stage(main)
