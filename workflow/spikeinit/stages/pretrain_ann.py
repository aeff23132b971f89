"""Train one analogue network from its checkpoint if there is one, or take its weights from a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from spikeinit import user_files
from spikeinit.conversion.pretraining import load_published_ann, metrics, train_ann
from spikeinit.datasets.load import load
from spikeinit.errors import run_stage
from spikeinit.interruption import Interruption
from spikeinit.io import locked, save_tensors, write_csv, write_json
from spikeinit.specs import from_dict, to_dict
from spikeinit.specs.ann import AnnSpec
from spikeinit.stages.options import add_outputs, device_of, stage_parser
from spikeinit.tracking.journal import Journal
from spikeinit.tracking.mirror import spawn
from spikeinit.tracking.profile import Profiler
from spikeinit.tracking.recorded import LOCK_SECONDS, record_training


def main() -> None:
    parser = stage_parser(__doc__, "of an AnnSpec", "study", "run", "data", "tracking", "device", "user-files")
    parser.add_argument("--network", required=True, help="its name in the configuration")
    parser.add_argument("--pretrained", default="", help="a file of torchvision's weights; empty: train")
    parser.add_argument("--runs", type=Path, required=True, help="results/<name>/runs; journal and checkpoint go there")
    add_outputs(parser, "weights", "metrics", "curves", "profile")
    arguments = parser.parse_args()

    device = device_of(arguments)
    user_files.load_all(arguments.user_files)
    spec = from_dict(AnnSpec, arguments.spec)
    folder = arguments.runs / arguments.study / arguments.run
    fit = load(arguments.data.parent, spec.split, limit=spec.images.train_images, device=device)
    validation = load(arguments.data.parent, "validation", device=device) if spec.validation else fit.first(0)
    test = load(arguments.data.parent, "test", limit=spec.images.test_images, device=device)
    interruption = Interruption().install()

    with locked(folder / "training.lock", timeout=LOCK_SECONDS, purpose=f"training {arguments.study}/{arguments.run}"):
        journal = Journal(folder / "seeds" / str(spec.seed) / "journal.jsonl")
        spawn([journal.path], arguments.tracking)
        if spec.pretrained:
            training = partial(load_published_ann, spec, Path(arguments.pretrained), fit, validation, device=device)
        else:
            training = partial(
                train_ann,
                spec,
                fit,
                validation,
                device=device,
                checkpoint_path=journal.path.parent / "checkpoint.safetensors",
                interruption=interruption,
            )
        with Profiler(device=device) as profiler:
            result = record_training(
                training,
                journal=journal,
                identity={
                    "study": arguments.study,
                    "run": arguments.run,
                    "name": arguments.runs.parent.name,
                    "seed": spec.seed,
                    "labels": {"dataset": spec.images.dataset, "network": arguments.network, "stage": "pretrain_ann"},
                    "dataset": {"name": fit.name, "sha256": fit.sha256},
                },
                spec=to_dict(spec),
                spec_digest=spec.seed_digest(),
                profiler=profiler,
                epochs=spec.training.epochs,
                images=len(fit),
            )
        row = metrics(spec, result, test)
        write_csv(arguments.metrics, [row])
        write_csv(arguments.curves, result.curves)
        weights = {name: tensor.cpu() for name, tensor in result.network.state_dict().items()}
        save_tensors(arguments.weights, weights, {"digest": spec.seed_digest()})
        write_json(arguments.profile, profiler.result(images=len(fit) * spec.training.epochs))


if __name__ == "__main__":
    run_stage(main)
