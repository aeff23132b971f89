"""Convert an analogue network by one method and count what the spiking one does on the test images."""

from __future__ import annotations

from pathlib import Path

from spikeinit import user_files
from spikeinit.conversion.ann import load_ann
from spikeinit.conversion.baselines import convert_by
from spikeinit.conversion.layer_thresholds import read_thresholds
from spikeinit.conversion.methods import METHODS
from spikeinit.conversion.simulate import ACCURACY, by_timesteps, layer_columns
from spikeinit.datasets.load import load
from spikeinit.errors import run_stage
from spikeinit.io import digest, write_csv, write_json
from spikeinit.specs import from_dict, to_dict
from spikeinit.specs.conversion import ConvertSpec
from spikeinit.stages.options import add_outputs, device_of, stage_parser
from spikeinit.tracking.journal import Journal
from spikeinit.tracking.links import ann_key
from spikeinit.tracking.mirror import spawn
from spikeinit.tracking.profile import Profiler


def main() -> None:
    parser = stage_parser(
        __doc__, "of a ConvertSpec", "study", "run", "data", "tracking", "device", "kernel", "user-files"
    )
    parser.add_argument("--weights", type=Path, required=True, help="of the analogue network")
    parser.add_argument("--thresholds", type=Path, nargs="*", default=[], help="none if the network has its own")
    add_outputs(parser, "accuracy", "layers", "profile")
    arguments = parser.parse_args()

    device = device_of(arguments)
    user_files.load_all(arguments.user_files)
    spec = from_dict(ConvertSpec, arguments.spec)
    folder = arguments.accuracy.parent
    test = load(arguments.data.parent, "test", limit=spec.ann.images.test_images, device=device)
    ann = load_ann(spec.ann, arguments.weights, input_shape=test.shape, classes=test.classes, device=device)
    thresholds = read_thresholds(*arguments.thresholds) if arguments.thresholds else {}

    name = folder.parents[2].name
    journal = Journal(folder / "seeds" / str(spec.ann.seed) / "journal.jsonl")
    spawn([journal.path], arguments.tracking)
    journal.start(
        run=arguments.run,
        study=arguments.study,
        name=name,
        seed=spec.ann.seed,
        spec=to_dict(spec),
        spec_digest=digest(to_dict(spec)),
        labels={
            "stage": "conversion",
            "dataset": test.name,
            "network": spec.ann.network.name,
            "method": spec.method,
            "ann_run": ann_key(name, arguments.study, arguments.weights, spec.ann.seed),
        },
        dataset={"name": test.name, "sha256": test.sha256},
    )
    try:
        with Profiler(device=device) as profiler:
            accuracies, layers = by_timesteps(
                ann,
                lambda steps: convert_by(
                    spec.method, ann, steps, thresholds.get(steps, {}), kernel=arguments.kernel
                ).to(device),
                test,
                spec.ann.encoding,
                spec.timesteps,
                per_timesteps=METHODS[spec.method].per_timesteps,
                batch_size=spec.batch_size,
                conventions=spec.conventions,
            )
    except BaseException:
        journal.end("FAILED")
        raise
    for row in accuracies:
        print(f"T {row['timesteps']}  test accuracy {row['accuracy']:.2f}%", flush=True)
        journal.epoch(row["timesteps"], {"test_accuracy": row["accuracy"], "agreement": row["agreement"]})
    profile = profiler.result(images=len(test))
    journal.profile(profile)
    journal.end("FINISHED", outcome="trained", metrics={"test_accuracy": accuracies[-1]["accuracy"]})
    write_csv(arguments.accuracy, accuracies, ACCURACY)
    write_csv(arguments.layers, layers, layer_columns(spec.conventions))
    write_json(arguments.profile, profile)


if __name__ == "__main__":
    run_stage(main)
