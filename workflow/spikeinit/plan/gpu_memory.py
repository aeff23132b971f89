"""What memory of a GPU a job needs, so that no more jobs share one than fit: `gpu_mb` of the rules.

For instance the published energy network with 20 steps and batches of 1,024 images needs 18.9 GB. It is an estimate
from the layers' sizes, as that of `conversion.memory`, whose words it uses:

    train_snn       weights four times (their own, gradient, up to two of the optimiser), and what the backward pass
                    needs of every layer, for all images of a batch and all steps
    evaluate_snn    weights once, and no more than that of every layer
    other jobs      as `conversion.memory.job_bytes`

To each come the images that move to the GPU as a whole. The fixed part, `PROCESS_BYTES`, stands for CUDA's own memory,
that of its libraries, and blocks that lie idle. The planner reads this module: it imports neither torch nor numpy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from spikeinit.conversion.memory import PROCESS_BYTES, JobSpec, job_bytes, learning_bytes, sizes_of, weight_bytes
from spikeinit.io import read_json
from spikeinit.networks.sizes import Shape
from spikeinit.plan.dataset_facts import dataset_facts
from spikeinit.specs import EvaluateSpec, ImageSelection, TrainSpec
from spikeinit.specs.ann import AnnSpec

Spec = TrainSpec | EvaluateSpec | JobSpec
"""What tells a job that computes what to do."""

MOST_ON_DEVICE = 4 << 30
"""Bytes of images that are moved to a GPU as a whole, as `datasets.load.MOST_ON_DEVICE` says, which imports torch."""


def gpu_memory_mb(specs: Iterable[Spec], dataset: str, manifest: Path) -> int:
    """Megabytes of a GPU for a job that does what `specs` say, one after the other, all on `dataset`.

    `manifest` tells the size of the images once it is there; before that it is as `dataset_facts` says.
    """
    facts = dataset_facts(dataset, manifest)
    return math.ceil(max(_bytes(spec, facts.shape, facts.classes, manifest) for spec in unlike(specs)) / 10**6)


def unlike(specs: Iterable[Spec]) -> list[Spec]:
    """One spec of each need: many runs of a batch differ in nothing that decides how much memory they take."""
    return list({_deciding(spec): spec for spec in specs}.values())


def _deciding(spec: Spec) -> str:
    """What tells the needs of specs of one kind apart."""
    if isinstance(spec, TrainSpec):
        return repr((spec.images, spec.network, spec.encoding.timesteps, spec.training.batch_size))
    if isinstance(spec, EvaluateSpec):
        return repr((spec.images, spec.network, spec.encoding.timesteps, spec.batch_size))
    return repr(spec)


def _bytes(spec: Spec, shape: Shape, classes: int, manifest: Path) -> int:
    selection = spec.images if isinstance(spec, (TrainSpec, EvaluateSpec, AnnSpec)) else spec.ann.images
    return working_bytes(spec, shape, classes) + _image_bytes(selection, shape, manifest)


def working_bytes(spec: Spec, shape: Shape, classes: int) -> int:
    """Bytes of the process and of what a job computes on images of `shape` (C, H, W), without the images."""
    if not isinstance(spec, (TrainSpec, EvaluateSpec)):
        return job_bytes(spec, shape, classes)
    training = isinstance(spec, TrainSpec)
    sizes = sizes_of(spec, shape, classes)
    batch_size = spec.training.batch_size if training else spec.batch_size
    limit = spec.images.train_images if training else spec.images.test_images
    together = spec.encoding.timesteps * min(batch_size, limit or batch_size)
    return PROCESS_BYTES + (4 if training else 1) * weight_bytes(sizes) + together * learning_bytes(sizes)


def _image_bytes(selection: ImageSelection, shape: Shape, manifest: Path) -> int:
    """Bytes of the images that lie on the GPU: none of a split that is too large for it, nor before it is prepared."""
    if not manifest.is_file():
        return 0
    facts = read_json(manifest)
    recordings = facts["statistics"] is None
    found = 0
    for split, limit in (("train", selection.train_images), ("test", selection.test_images)):
        count = facts["images"][split]
        if recordings:
            found += manifest.with_name(f"{split}.safetensors").stat().st_size
        elif (held := min(count, limit or count) * math.prod(shape)) <= MOST_ON_DEVICE:
            found += held
    return found
