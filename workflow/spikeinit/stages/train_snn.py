"""Train every seed of one initialisation combination, from its checkpoints where there are any."""

from __future__ import annotations

import importlib
from pathlib import Path

from spikeinit import user_files
from spikeinit.errors import run_stage
from spikeinit.specs import TrainSpec, from_dict
from spikeinit.stages.options import add_outputs, device_of, stage_parser
from spikeinit.tracking.mirror import spawn
from spikeinit.training.job import FILES, Job, journal_paths, train_run


def main() -> None:
    shared = ("study", "run", "data", "tracking", "device", "kernel", "user-files")
    parser = stage_parser(__doc__, "of a TrainSpec", *shared)
    parser.add_argument("--ann-weights", nargs="*", type=Path, default=[], help="of the network to begin with")
    parser.add_argument("--ann-thresholds", nargs="*", type=Path, default=[], help="from its activations")
    add_outputs(parser, *FILES, optional=["iterations"])
    arguments = parser.parse_args()

    spec = from_dict(TrainSpec, arguments.spec)
    device = device_of(arguments)
    user_files.load_all(arguments.user_files)
    job = Job.begin(manifest=arguments.data, device=device, kernel=arguments.kernel)
    paths = {output: vars(arguments)[output] for output in FILES}
    spawn(journal_paths(spec, arguments.metrics.parent), arguments.tracking)
    start = None
    if arguments.ann_weights:
        # Imported by name, like initialisers, so that other runs do not depend on the code of conversion.
        data_driven = importlib.import_module("spikeinit.conversion.data_driven")
        start = data_driven.ConvertedStart(*arguments.ann_weights, *arguments.ann_thresholds)
    train_run(spec, arguments.study, arguments.run, paths, job, start)


if __name__ == "__main__":
    run_stage(main)
