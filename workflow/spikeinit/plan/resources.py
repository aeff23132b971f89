"""What memory and time each rule asks a cluster for, computed from the work of its job.

For instance the job that trains the energy study's published network asks for what one batch of 1,024 images holds at
20 steps, and for as many minutes as its epochs take (`spikeinit.plan.runtime`). Both grow with each attempt: a job that
was stopped for want of memory or time gets more when it is tried again.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path

from spikeinit.config.configuration import Config
from spikeinit.conversion import memory
from spikeinit.datasets import catalogue
from spikeinit.jobs import anns
from spikeinit.jobs.anns import Ann
from spikeinit.plan import runtime
from spikeinit.plan.dataset_facts import DatasetFacts, dataset_facts
from spikeinit.plan.gpu_memory import working_bytes
from spikeinit.plan.rule_specs import own_files
from spikeinit.specs import EvaluateSpec, TrainSpec

READ_COPIES = 6
"""How often the values of a user's own archive are held at once while they are read and put in order, at most."""

MARGIN = 1.25
"""What a training of spiking networks asks for, in units of what its layers are computed to hold.

Measured once on the published energy network, batches of 128 at 20 steps: 2.26 GB beside the process, where 2.24 GB
were computed.
"""

DATASETS = Path("results/datasets")
"""Where prepared data sets lie."""


def facts_of(dataset: str) -> DatasetFacts:
    """Number, shape and classes of the images of `dataset`, from its manifest once it is there."""
    return dataset_facts(dataset, manifest_of(dataset))


def manifest_of(dataset: str) -> Path:
    """Where the manifest of a prepared data set lies."""
    return DATASETS / dataset / "manifest.json"


def preparing_memory_mb(config: Config, dataset: str, attempt: int = 1) -> int:
    """Megabytes for the job that prepares a data set.

    A user's own archives are read as a whole: as they are stored, as pixels, and in their new order. Pixels that are
    float32 are float64 in between. That is at most six times what the archives hold, beside the process itself.
    """
    least = catalogue.memory_mb(dataset)
    held = 0
    if dataset in config.custom_datasets:
        for path in filter(zipfile.is_zipfile, own_files(config, dataset)):
            with zipfile.ZipFile(path) as archive:
                held += sum(member.file_size for member in archive.infolist())
    return max(_grown(least * 10**6, attempt), _grown(memory.PROCESS_BYTES + READ_COPIES * held, attempt))


def preparing_minutes(dataset: str, attempt: int = 1) -> int:
    """Minutes for the job that prepares a data set."""
    return runtime.preparing_minutes(facts_of(dataset), attempt=attempt)


def conversion_memory_mb(spec: memory.JobSpec, facts: DatasetFacts, attempt: int = 1) -> int:
    """Megabytes for a job of a conversion, or for the training of an analogue network."""
    return _grown(memory.job_bytes(spec, facts.shape, facts.classes), attempt)


def training_memory_mb(spec: TrainSpec | EvaluateSpec, facts: DatasetFacts, attempt: int = 1) -> int:
    """Megabytes for a job that trains the spiking networks of `spec` one after the other, or evaluates them.

    What its layers hold is what they would hold on a GPU. Recordings of events lie in memory as a whole beside it.
    """
    dataset = spec.images.dataset
    layers = working_bytes(spec, facts.shape, facts.classes) - memory.PROCESS_BYTES
    computing = memory.PROCESS_BYTES + math.ceil(MARGIN * layers)
    holding = catalogue.memory_mb(dataset) * 10**6
    needed = holding + computing if catalogue.holds_recordings(dataset) else max(holding, computing)
    return _grown(needed, attempt)


def run_minutes(
    specs: Sequence[object], facts: DatasetFacts | None, config: Config, threads: int, attempt: int = 1
) -> int:
    """Minutes for a job that computes `specs` one after the other; `facts` is None for a job without images."""
    return runtime.minutes(specs, facts, device=config.device, threads=threads, attempt=attempt)


def search_minutes(ann: Ann, facts: DatasetFacts, attempt: int = 1) -> int:
    """Minutes for the search of thresholds among the activations of an analogue network."""
    return runtime.search_minutes(ann.activations, anns.thresholds_spec(ann), facts, attempt=attempt)


def _grown(needed: int, attempt: int) -> int:
    """Megabytes of so many bytes, half as many more with each further attempt."""
    return math.ceil(needed * (1 + (attempt - 1) / 2) / 10**6)
