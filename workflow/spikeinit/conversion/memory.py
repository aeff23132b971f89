"""What memory the jobs of a conversion need, from the network's layers, the images and the batch, before anything runs.

Every value is a float32 of 4 bytes. Images do not count: they are mapped from their file. A job holds

    convert_ann            weights three times (the analogue network, its copy, one more while the copy is made), and a
                           pass that holds one part of the network at a time: `at_once` values of the largest part, for
                           every image that runs at once, once for each step and each network of one step beside it
    extract_activations    weights, such a pass of one step, and the summaries of layers and channels twice (they are
                           copied to be written), as if every activation were positive
    pretrain_ann           weights four times (their own, gradient, up to two of the optimiser), and what the backward
                           pass needs of every layer, as below, for all images of the batch and one step; or the pass
                           over `loss_and_accuracy`'s images, whichever is more
    calibrate_snn          weights six times (analogue, spiking, gradient, up to two of the optimiser, folded) and once
                           more for each number of steps whose weights are kept; and of every layer what the backward
                           pass needs, for all images of the batch and all steps: the spikes, the potential, the current
                           before batch normalisation

and `PROCESS_BYTES`. The planner reads this module: it imports neither torch nor numpy.
"""

from __future__ import annotations

from collections.abc import Sequence

from spikeinit.conversion.methods import METHODS
from spikeinit.networks import describe
from spikeinit.networks.sizes import (
    VALUE_BYTES,
    PartSize,
    Shape,
    images_at_once,
    part_sizes,
    pass_bytes,
)
from spikeinit.specs import EvaluateSpec, TrainSpec
from spikeinit.specs.ann import ActivationsSpec, AnnSpec
from spikeinit.specs.conversion import CalibrateSpec, ConvertSpec

PROCESS_BYTES = 2 << 30
"""The interpreter with its libraries, and blocks of memory that lie idle between two uses (at most 1 GiB)."""
SUMMARY_BYTES = 17 << 10
"""What a summary of activations holds beside its values: most of it is the histogram."""
EXTRACTION_COPIES = 4
"""Values held for each value of a part: its own, and what sorting positive ones into a summary takes."""

WATCHED_TOGETHER = 250
"""Images whose accuracy is taken together, as `measures.accuracy.BATCH` says, which imports torch."""

LARGEST_IMAGES = ((3, 224, 224), 1000)
"""Shape (C, H, W) and number of classes of ImageNet."""


def simulation_copies(readouts: Sequence[int]) -> int:
    """How often a simulation holds each value of a part: once a step, in the ANN, and in each network without time."""
    return max(readouts) + 1 + len(readouts)


JobSpec = AnnSpec | ActivationsSpec | ConvertSpec | CalibrateSpec


def job_bytes(spec: JobSpec, shape: Shape, classes: int) -> int:
    """Peak memory of the job of `spec` for images of `shape` (C, H, W), in bytes."""
    sizes = sizes_of(spec if isinstance(spec, AnnSpec) else spec.ann, shape, classes)
    if isinstance(spec, AnnSpec):
        return PROCESS_BYTES + _pretraining(spec, sizes)
    if isinstance(spec, ActivationsSpec):
        return PROCESS_BYTES + _extraction(spec, sizes)
    if isinstance(spec, CalibrateSpec):
        return PROCESS_BYTES + _calibration(spec, sizes)
    groups = [[steps] for steps in spec.timesteps] if METHODS[spec.method].per_timesteps else [spec.timesteps]
    return PROCESS_BYTES + 3 * weight_bytes(sizes) + max(_simulation(sizes, group, spec.batch_size) for group in groups)


def sizes_of(spec: AnnSpec | TrainSpec | EvaluateSpec, shape: Shape, classes: int) -> list[PartSize]:
    """The parts of the network of `spec`, for images of `shape` (C, H, W)."""
    network = describe(spec.network.name, classes=classes, width=spec.network.width, **spec.network.options)
    return part_sizes(network, shape)


def _simulation(sizes: Sequence[PartSize], readouts: Sequence[int], batch_size: int) -> int:
    copies = simulation_copies(readouts)
    return images_at_once(sizes, copies, batch_size) * pass_bytes(sizes, copies)


def _extraction(spec: ActivationsSpec, sizes: Sequence[PartSize]) -> int:
    images = min(filter(None, (spec.images, spec.ann.images.train_images)))
    outputs = sizes[-1].leaving
    held = 0
    for channels, neurons in [*(layer for size in sizes[:-1] for layer in size.layers), (outputs, outputs)]:
        values = min(spec.limit, images * neurons) + channels * min(spec.channel_limit, images * neurons // channels)
        held += VALUE_BYTES * (values + neurons) + SUMMARY_BYTES * (channels + 1)
    batch = images_at_once(sizes, EXTRACTION_COPIES, spec.batch_size)
    return weight_bytes(sizes) + batch * pass_bytes(sizes, EXTRACTION_COPIES) + 2 * held


def _pretraining(spec: AnnSpec, sizes: Sequence[PartSize]) -> int:
    copies = spec.encoding.timesteps
    watching = images_at_once(sizes, copies, WATCHED_TOGETHER) * pass_bytes(sizes, copies)
    return 4 * weight_bytes(sizes) + max(copies * spec.training.batch_size * learning_bytes(sizes), watching)


def _calibration(spec: CalibrateSpec, sizes: Sequence[PartSize]) -> int:
    timesteps = max(spec.timesteps)
    training = timesteps * spec.training.batch_size * learning_bytes(sizes)
    counting = _simulation(sizes, [timesteps], spec.batch_size)
    return (6 + len(spec.timesteps)) * weight_bytes(sizes) + max(training, counting)


def learning_bytes(sizes: Sequence[PartSize]) -> int:
    """Bytes that a forward pass with its backward pass holds for one image and one step."""
    of_layers = sum(2 * size.fired + size.normalized + (0 if size.weights else size.leaving) for size in sizes)
    passing = sizes[0].entering + 4 * max(size.leaving for size in sizes)
    return VALUE_BYTES * (of_layers + passing)


def weight_bytes(sizes: Sequence[PartSize]) -> int:
    """Bytes of all learned numbers."""
    return VALUE_BYTES * sum(size.weights for size in sizes)
