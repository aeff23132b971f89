"""Train a converted network further, at one number of steps after the other, and count what it does afterwards."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch

from spikeinit import user_files
from spikeinit.conversion.ann import load_ann
from spikeinit.conversion.baselines import convert_by
from spikeinit.conversion.calibrate import calibrate
from spikeinit.conversion.convert import folded
from spikeinit.conversion.layer_thresholds import read_thresholds
from spikeinit.conversion.simulate import ACCURACY, by_timesteps, layer_columns
from spikeinit.datasets.load import load
from spikeinit.errors import run_stage
from spikeinit.interruption import Interruption
from spikeinit.io import digest, locked, save_tensors, write_csv, write_json
from spikeinit.networks.build import FeedForward
from spikeinit.specs import from_dict, to_dict
from spikeinit.specs.conversion import CALIBRATED, CalibrateSpec
from spikeinit.stages.options import add_outputs, device_of, stage_parser
from spikeinit.tracking.journal import Journal
from spikeinit.tracking.links import ann_key
from spikeinit.tracking.mirror import spawn
from spikeinit.tracking.profile import Profiler
from spikeinit.tracking.recorded import LOCK_SECONDS, record_training
from spikeinit.tracking.state import run_key

CURVES = ("timesteps", "epoch", "learning_rate", "train_loss", "train_accuracy", "test_loss", "test_accuracy")


def main() -> None:
    shared = ("study", "run", "data", "tracking", "device", "kernel")
    parser = stage_parser(__doc__, "of a CalibrateSpec", *shared, "user-files")
    parser.add_argument("--weights", type=Path, required=True, help="of the analogue network")
    parser.add_argument("--thresholds", type=Path, nargs="*", default=[], help="none if the network has its own")
    add_outputs(parser, "curves", "accuracy", "layers", "calibrated", "profile")
    arguments = parser.parse_args()

    device = device_of(arguments)
    user_files.load_all(arguments.user_files)
    spec = from_dict(CalibrateSpec, arguments.spec)
    folder = arguments.curves.parent
    train = load(arguments.data.parent, spec.ann.split, limit=spec.ann.images.train_images, device=device)
    test = load(arguments.data.parent, "test", limit=spec.ann.images.test_images, device=device)
    ann = load_ann(spec.ann, arguments.weights, input_shape=test.shape, classes=test.classes, device=device)
    thresholds = read_thresholds(*arguments.thresholds) if arguments.thresholds else {}
    network = convert_by(
        spec.method,
        ann,
        spec.timesteps[0],
        thresholds.get(spec.timesteps[0], {}),
        kernel=arguments.kernel,
        width=spec.width(spec.timesteps[0]),
        fold=False,
    ).to(device)

    weights: dict[str, torch.Tensor] = {}
    accuracies: list[dict[str, Any]] = []
    layers: list[dict[str, Any]] = []

    def count(timesteps: int, trained: FeedForward) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return by_timesteps(
            ann,
            lambda _: trained,
            test,
            spec.ann.encoding,
            [timesteps],
            per_timesteps=True,
            batch_size=spec.batch_size,
            conventions=spec.conventions,
        )

    def keep(timesteps: int, trained: FeedForward) -> None:
        weights.update({f"{timesteps}/{name}": value.cpu().clone() for name, value in trained.state_dict().items()})
        accuracy, layer = count(timesteps, trained)
        accuracies.extend(accuracy)
        layers.extend(layer)

    interruption = Interruption().install()
    with locked(folder / "training.lock", timeout=LOCK_SECONDS, purpose=f"calibrating {arguments.run}"):
        seed_folder = folder / "seeds" / str(spec.ann.seed)
        journal = Journal(seed_folder / "journal.jsonl")
        spawn([journal.path], arguments.tracking)
        name = folder.parents[2].name
        converted = count(spec.timesteps[0], folded(network))[0][0]["accuracy"]
        with Profiler(device=device) as profiler:
            result = record_training(
                partial(
                    calibrate,
                    spec,
                    network,
                    train,
                    test,
                    device=device,
                    folder=seed_folder,
                    interruption=interruption,
                    on_step=keep,
                ),
                journal=journal,
                identity={
                    "study": arguments.study,
                    "run": arguments.run,
                    "name": name,
                    "seed": spec.ann.seed,
                    "labels": {
                        "stage": "calibration",
                        "dataset": test.name,
                        "network": spec.ann.network.name,
                        "method": spec.method,
                        "ann_run": ann_key(name, arguments.study, arguments.weights, spec.ann.seed),
                        "conversion_run": run_key(
                            name, arguments.study, arguments.run.removesuffix(CALIBRATED), spec.ann.seed
                        ),
                    },
                    "dataset": {"name": train.name, "sha256": train.sha256},
                },
                spec=to_dict(spec),
                spec_digest=digest(to_dict(spec)),
                profiler=profiler,
                epochs=sum(spec.epochs),
                images=len(train),
            )
        before = {"timesteps": spec.timesteps[0], "epoch": 0, "test_accuracy": converted}
        write_csv(arguments.curves, [before, *({key: row[key] for key in CURVES} for row in result.curves)], CURVES)
        write_csv(arguments.accuracy, accuracies, ACCURACY)
        write_csv(arguments.layers, layers, layer_columns(spec.conventions))
        save_tensors(arguments.calibrated, weights, {"digest": digest(to_dict(spec))})
        write_json(arguments.profile, profiler.result(images=len(train) * sum(spec.epochs)))


if __name__ == "__main__":
    run_stage(main)
