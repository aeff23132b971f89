"""Train one analogue network from its checkpoint if there is one, or take its weights from a file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from spikeinit import user_files
from spikeinit.conversion.pretraining import metrics, take_ann, train_ann
from spikeinit.datasets.load import Images, load
from spikeinit.devices import choose_device
from spikeinit.errors import run_stage
from spikeinit.interruption import Interruption
from spikeinit.io import locked, save_tensors, write_csv
from spikeinit.specs import from_dict, to_dict
from spikeinit.specs.ann import AnnSpec
from spikeinit.tracking.journal import Journal
from spikeinit.tracking.mirror import spawn
from spikeinit.tracking.profile import Profiler
from spikeinit.tracking.recorded import LOCK_SECONDS, record_training
from spikeinit.training.progress import Result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="canonical JSON of an AnnSpec")
    parser.add_argument("--study", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--network", required=True, help="its name in the configuration")
    parser.add_argument("--data", type=Path, required=True, help="manifest.json of the prepared data set")
    parser.add_argument("--tracking", type=Path, required=True, help="tracking.json")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--user-files", nargs="*", default=[], help="the user's own Python files")
    parser.add_argument("--pretrained", default="", help="a file of torchvision's weights; empty: train")
    parser.add_argument("--runs", type=Path, required=True, help="results/<name>/runs; journal and checkpoint go there")
    for output in ("weights", "metrics", "curves"):
        parser.add_argument(f"--{output}", type=Path, required=True)
    arguments = parser.parse_args()

    user_files.load_all(arguments.user_files)
    spec = from_dict(AnnSpec, arguments.spec)
    device = choose_device(arguments.device)
    folder = arguments.runs / arguments.study / arguments.run
    fit = load(arguments.data.parent, "fit", limit=spec.images.train_images, device=device)
    validation = load(arguments.data.parent, "validation", device=device)
    test = load(arguments.data.parent, "test", limit=spec.images.test_images, device=device)
    interruption = Interruption().install()

    with locked(folder / "training.lock", timeout=LOCK_SECONDS, purpose=f"training {arguments.study}/{arguments.run}"):
        journal = Journal(folder / "seeds" / str(spec.seed) / "journal.jsonl")
        spawn([journal.path], arguments.tracking)
        if spec.pretrained:
            training = partial(_take, spec, Path(arguments.pretrained), fit, validation, device)
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


def _take(
    spec: AnnSpec,
    path: Path,
    fit: Images,
    validation: Images,
    device: str,
    *,
    on_start: Callable[[Result], None],
    on_epoch: Callable[[dict[str, Any]], None],
) -> Result:
    """`take_ann` as a training that begins and is over, without an epoch to tell of."""
    result = take_ann(spec, path, fit, validation, device)
    on_start(result)
    return result


if __name__ == "__main__":
    run_stage(main)
