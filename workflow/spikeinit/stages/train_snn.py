"""Train every seed of one initialisation combination, from its checkpoints where there are any."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from spikeinit import user_files
from spikeinit.datasets.load import Images, load
from spikeinit.devices import choose_device
from spikeinit.errors import run_stage
from spikeinit.interruption import Interruption
from spikeinit.io import locked, save_tensors, write_csv, write_json
from spikeinit.networks.build import FeedForward
from spikeinit.specs import TrainSpec, from_dict, to_dict
from spikeinit.tracking.journal import Journal
from spikeinit.tracking.links import ann_key
from spikeinit.tracking.mirror import spawn
from spikeinit.tracking.profile import Profiler, versions
from spikeinit.tracking.recorded import LOCK_SECONDS, record_training
from spikeinit.training.loop import train_seed
from spikeinit.training.progress import Result

FILES = {
    "metrics": "metrics.csv",
    "curves": "curves.csv",
    "iterations": "iterations.csv",
    "weights": "weights.safetensors",
    "profile": "profile.json",
    "record": "spec.json",
}
"""Output option -> the file of that name in a run's folder."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="canonical JSON of a TrainSpec")
    parser.add_argument("--study", required=True)
    parser.add_argument("--run", required=True)
    add_options(parser)
    parser.add_argument("--ann-weights", nargs="*", type=Path, default=[], help="of the network to begin with")
    parser.add_argument("--ann-thresholds", nargs="*", type=Path, default=[], help="from its activations")
    for output in FILES:
        parser.add_argument(f"--{output}", type=Path, required=output != "iterations")
    arguments = parser.parse_args()

    spec = from_dict(TrainSpec, arguments.spec)
    job = Job.from_arguments(arguments)
    paths = {output: getattr(arguments, output) for output in FILES}
    spawn(journal_paths(spec, arguments.metrics.parent), arguments.tracking)
    beginning = Beginning(*arguments.ann_weights, *arguments.ann_thresholds) if arguments.ann_weights else None
    train_run(spec, arguments.study, arguments.run, paths, job, beginning)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that a job of one training and one of many share."""
    parser.add_argument("--data", type=Path, required=True, help="manifest.json of the prepared data set")
    parser.add_argument("--tracking", type=Path, required=True, help="tracking.json")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--kernel", default="auto")
    parser.add_argument("--user-files", nargs="*", default=[], help="the user's own Python files")


@dataclass(frozen=True)
class Job:
    """What all runs of one process share."""

    data: Path
    device: str
    kernel: str
    interruption: Interruption

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> Job:
        """Load the user's own files, choose the device, and listen for signals."""
        user_files.load_all(arguments.user_files)
        device = choose_device(arguments.device)
        return cls(arguments.data.parent, device, arguments.kernel, Interruption().install())

    def images(self, spec: TrainSpec) -> tuple[Images, Images]:
        """Training and test images of a run."""
        images = spec.images
        return (
            load(self.data, "train", limit=images.train_images, device=self.device),
            load(self.data, "test", limit=images.test_images, device=self.device),
        )


@dataclass(frozen=True)
class Beginning:
    """The analogue network that a run's networks begin as copies of: files of its weights and thresholds."""

    weights: Path
    thresholds: Path

    def network(self, spec: TrainSpec, seed: int, train: Images, job: Job) -> FeedForward:
        """The network of one seed.

        Imported by name, like initialisers, so that other runs do not depend on the code of conversion.
        """
        return importlib.import_module("spikeinit.conversion.data_driven").prepare(
            spec,
            seed,
            input_shape=tuple(train.images.shape[1:]),
            classes=train.classes,
            weights=self.weights,
            thresholds=self.thresholds,
            device=job.device,
            kernel=job.kernel,
        )

    def links(self, spec: TrainSpec, folder: Path, study: str) -> dict[str, str]:
        """Tag with the recorded run of the analogue network."""
        ann_seed = spec.initializer.parameters["ann_seed"]
        return {"ann_run": ann_key(folder.parents[2].name, study, self.weights, ann_seed)}


def journal_paths(spec: TrainSpec, folder: Path) -> list[Path]:
    """The journals of a run, one per seed."""
    return [folder / "seeds" / str(seed) / "journal.jsonl" for seed in spec.seeds]


def train_run(
    spec: TrainSpec,
    study: str,
    run: str,
    paths: Mapping[str, Path | None],
    job: Job,
    beginning: Beginning | None = None,
) -> list[dict[str, Any]]:
    """Train every seed of one run and write `paths`, by the options of `FILES`; journals stand beside the metrics.

    Returns the rows of the table of metrics.
    """
    folder = paths["metrics"].parent
    train, test = job.images(spec)
    links = beginning.links(spec, folder, study) if beginning else {}
    with locked(folder / "training.lock", timeout=LOCK_SECONDS, purpose=f"training {study}/{run}"):
        results = []
        with Profiler(device=job.device) as profiler:
            for seed, path in zip(spec.seeds, journal_paths(spec, folder), strict=True):
                training = partial(
                    train_seed,
                    spec,
                    seed,
                    train,
                    test,
                    device=job.device,
                    kernel=job.kernel,
                    checkpoint_path=path.parent / "checkpoint.safetensors",
                    interruption=job.interruption,
                    network=beginning.network(spec, seed, train, job) if beginning else None,
                )
                results.append(
                    record_training(
                        training,
                        journal=Journal(path),
                        identity={
                            "study": study,
                            "run": run,
                            "name": folder.parents[2].name,
                            "seed": seed,
                            "labels": {"dataset": spec.images.dataset, "initializer": spec.initializer.name, **links},
                            "dataset": {"name": train.name, "sha256": train.sha256},
                        },
                        spec=spec.seed_spec(),
                        spec_digest=spec.seed_digest(),
                        profiler=profiler,
                        epochs=spec.training.epochs,
                        images=len(train),
                    )
                )
        return _write(spec, paths, results, profiler, len(train.images))


def _write(
    spec: TrainSpec, paths: Mapping[str, Path | None], results: list[Result], profiler: Profiler, images: int
) -> list[dict[str, Any]]:
    metrics = [result.metrics() for result in results]
    write_csv(paths["metrics"], metrics)
    write_csv(paths["curves"], [row for result in results for row in result.curves])
    if paths["iterations"] is not None:
        trace = [row for result in results for row in result.trace]
        write_csv(paths["iterations"], trace, list(trace[0]) if trace else ["seed", "iteration", "epoch"])
    weights = {
        f"{result.seed}/{name}": tensor.cpu()
        for result in results
        for name, tensor in result.network.state_dict().items()
    }
    save_tensors(paths["weights"], weights, {"digest": spec.seed_digest()})
    seen = images * sum(len(result.curves) - (result.resumed_from or 0) for result in results)
    write_json(paths["profile"], profiler.result(images=seen))
    record = {"spec": to_dict(spec), "digest": spec.seed_digest(), "versions": versions()}
    write_json(paths["record"], record)
    return metrics


if __name__ == "__main__":
    run_stage(main)
