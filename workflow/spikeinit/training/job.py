"""A run as one job trains it: every seed of one initialisation combination, recorded, and the files that it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from spikeinit.datasets.load import Images, load
from spikeinit.encoding import encode_images
from spikeinit.initializers import initialize, registry
from spikeinit.interruption import Interruption
from spikeinit.io import locked, save_tensors, write_csv, write_json
from spikeinit.measures.tally import MEASURED
from spikeinit.networks.build import FeedForward, new_network, published_fan_ins
from spikeinit.randomness import draws, stream
from spikeinit.specs import TrainSpec, to_dict
from spikeinit.tracking.journal import Journal
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
"""What a training writes -> the file of that name in a run's folder."""


@dataclass(frozen=True)
class Job:
    """What all runs of one process share: the folder of the prepared data set, where to compute, and the signals."""

    data: Path
    device: str
    kernel: str
    interruption: Interruption

    @classmethod
    def begin(cls, *, manifest: Path, device: str, kernel: str) -> Job:
        """Listen for signals; `device` is "cpu" or "cuda"."""
        return cls(manifest.parent, device, kernel, Interruption().install())

    def images(self, spec: TrainSpec) -> tuple[Images, Images]:
        """Training and test images of a run."""
        images = spec.images
        return (
            load(self.data, "train", limit=images.train_images, device=self.device),
            load(self.data, "test", limit=images.test_images, device=self.device),
        )


class Start(Protocol):
    """Where the networks of a run start, if not from an initialiser: `conversion.data_driven.ConvertedStart`."""

    def network(self, spec: TrainSpec, seed: int, train: Images, device: str, kernel: str) -> FeedForward:
        """The network of one seed, on the device."""

    def labels(self, spec: TrainSpec, folder: Path, study: str) -> dict[str, str]:
        """What the record of a run in `folder` says of it."""


def journal_paths(spec: TrainSpec, folder: Path) -> list[Path]:
    """The journals of a run, one per seed."""
    return [folder / "seeds" / str(seed) / "journal.jsonl" for seed in spec.seeds]


def train_run(
    spec: TrainSpec, study: str, run: str, paths: Mapping[str, Path | None], job: Job, start: Start | None = None
) -> list[dict[str, Any]]:
    """Train every seed of one run and write `paths`, by the names in `FILES`; journals stand beside the metrics.

    Returns the rows of the table of metrics.
    """
    folder = paths["metrics"].parent
    train, test = job.images(spec)
    labels = {"dataset": spec.images.dataset, "initializer": spec.initializer.name}
    if start is not None:
        labels |= start.labels(spec, folder, study)
    with locked(folder / "training.lock", timeout=LOCK_SECONDS, purpose=f"training {study}/{run}"):
        with Profiler(device=job.device) as profiler:
            results = [
                record_training(
                    partial(_train_seed, spec, seed, train, test, journal.parent, job, start),
                    journal=Journal(journal),
                    identity={
                        "study": study,
                        "run": run,
                        "name": folder.parents[2].name,
                        "seed": seed,
                        "labels": labels,
                        "dataset": {"name": train.name, "sha256": train.sha256},
                    },
                    spec=spec.seed_spec(),
                    spec_digest=spec.seed_digest(),
                    profiler=profiler,
                    epochs=spec.training.epochs,
                    images=len(train),
                )
                for seed, journal in zip(spec.seeds, journal_paths(spec, folder), strict=True)
            ]
        return _write(spec, paths, results, profiler, len(train))


def initialized_network(spec: TrainSpec, seed: int, images: Images, device: str, kernel: str) -> FeedForward:
    """The network of one seed with initial weights, on the device.

    Initialisers that measure on data see the first batch of `images`.
    """
    network = new_network(spec, seed, images, kernel).to(device)
    drawn = draws(seed, spec.apart)
    choice = spec.initializer
    batch = None
    if registry.get(choice.name).needs_inputs(choice.parameters):
        first = images.images[: spec.training.batch_size]
        generator = stream(drawn, "initial batch", device)
        network.set_generators(initial_potential=stream(drawn, "initial batch/initial potential", device))
        batch = encode_images(first, spec.encoding, statistics=images.statistics, generator=generator)
    initialize(
        network,
        choice.name,
        generator=stream(drawn, "weights"),
        layers=choice.layers,
        bias=choice.bias,
        inputs=batch,
        published_fan_in=published_fan_ins(spec.network, images) if choice.fan_in == "published" else None,
        **choice.parameters,
    )
    return network


def _train_seed(
    spec: TrainSpec,
    seed: int,
    train: Images,
    test: Images,
    folder: Path,
    job: Job,
    start: Start | None,
    **reports: Any,
) -> Result:
    make = initialized_network if start is None else start.network
    return train_seed(
        spec,
        seed,
        make(spec, seed, train, job.device, job.kernel),
        train,
        test,
        device=job.device,
        checkpoint_path=folder / "checkpoint.safetensors",
        interruption=job.interruption,
        measured=MEASURED,
        apart=spec.apart,
        **reports,
    )


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
