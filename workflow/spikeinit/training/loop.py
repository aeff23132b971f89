"""Training one seed of one network: one flat loop.

The images are bytes on the device, or in their file where they are too many for it; each batch is drawn, encoded, run
and back-propagated on the device. Everything random
comes from named streams of the seed, so the same spec gives the same bits on the same processor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from tqdm import tqdm

from spikeinit.datasets.load import Images
from spikeinit.encoding import encode_images
from spikeinit.errors import UserError
from spikeinit.interruption import Interrupted, Interruption
from spikeinit.losses import Loss, make_loss, predict
from spikeinit.measures.accuracy import loss_and_accuracy
from spikeinit.measures.tally import OUTPUT, Quantity, Tally
from spikeinit.networks.build import FeedForward
from spikeinit.randomness import Draws, draws, stream
from spikeinit.specs import EncodingSpec, TrainingSpec
from spikeinit.training.checkpoint import Checkpoint
from spikeinit.training.compiled import CompiledBatches, applies
from spikeinit.training.optimizers import advance, make_optimizer, set_rate
from spikeinit.training.progress import CORRECT, LOSS, Progress, Result

PROGRESS_SECONDS = 10.0
"""How often the progress within an epoch is shown; shorter epochs show only their result line."""

Augment = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
"""From images uint8 [B, C, H, W] and a generator on their device to changed ones of the same shape."""


class TrainableSpec(Protocol):
    """What the loop needs to know of a training: a `TrainSpec`, an `AnnSpec` and a `CalibrationStep` all say it."""

    @property
    def training(self) -> TrainingSpec:
        """Epochs, batch size, optimiser, schedule and loss."""

    @property
    def encoding(self) -> EncodingSpec:
        """How images become the network's input."""

    def seed_digest(self) -> str:
        """Digest of all that decides one seed's numbers; its checkpoint is bound to it."""


def train_seed(
    spec: TrainableSpec,
    seed: int,
    network: FeedForward,
    train: Images,
    test: Images,
    *,
    device: str,
    checkpoint_path: Path,
    interruption: Interruption,
    on_start: Callable[[Result], None],
    on_epoch: Callable[[dict[str, Any]], None],
    augment: Augment | None = None,
    monitored: str = "test",
    activity: str = "spikes",
    measured: Mapping[str, Quantity] | None = None,
    apart: str = "",
) -> Result:
    """Train `network`, which is on `device`, in place: from its checkpoint, or from the start.

    train, test: images [N, C, H, W] uint8 with labels on `device`; test images are only looked at for the curves.
    augment: changes each training batch. monitored, activity: what the columns of `test` and of the layers' mean output
    begin with. measured: what else is measured of every layer, by name. apart: what sets the random streams apart from
    those of other runs with this seed, see `randomness.draws`.
    Raises `Interrupted` after writing a checkpoint when a signal asked to stop.
    """
    settings = spec.training
    optimizer = make_optimizer([p for p in network.parameters() if p.requires_grad], settings.optimizer)
    loss_function = make_loss(**settings.loss)
    uses = ("encoding", "dropout", "augmentation", "initial potential")
    drawn = draws(seed, apart)
    generators = {use: stream(drawn, use, device) for use in uses}
    generators["order"] = stream(drawn, "order")

    images_of_epoch = _images_of_epoch(len(train), settings.batch_size, settings.last_batch)
    batches = math.ceil(images_of_epoch / settings.batch_size)
    tally = Tally(
        {activity: OUTPUT, **(measured or {})},
        network,
        batches=batches,
        device=device,
        whole=(LOSS, CORRECT),
    )
    result = Result(seed, network, monitored, activity, reached={f"{t:g}": None for t in settings.target_accuracies})
    progress = Progress(result, torch.randperm(len(train), generator=generators["order"]), tally)
    checkpoint = Checkpoint(
        checkpoint_path,
        spec_digest=spec.seed_digest(),
        network=network,
        optimizer=optimizer,
        generators=generators,
    )
    progress = checkpoint.restore(progress.unpacked) or progress
    result, tally = progress.result, progress.tally
    compiled = None
    if augment is None and not measured and applies(network, spec.encoding, settings, train):
        compiled = CompiledBatches(network, spec.encoding, settings, optimizer)
    on_start(result)

    while progress.epoch < settings.epochs and not result.lost:
        first = progress.epoch * batches
        rate = set_rate(optimizer, settings, progress.epoch, first)  # what the curves have; a batch may have its own
        network.train()
        network.set_generators(dropout=generators["dropout"], initial_potential=generators["initial potential"])
        with _progress_bar(seed, progress, settings.epochs) as progress_bar:
            while progress.position < images_of_epoch:
                if interruption.signal_number:
                    checkpoint.save(*progress.packed())
                    raise Interrupted(interruption.signal_number)
                index = progress.order[progress.position : progress.position + settings.batch_size].to(device)
                images, labels = train.batch(index)
                batch = progress.position // settings.batch_size
                set_rate(optimizer, settings, progress.epoch, first + batch)
                if compiled is not None:
                    seen = compiled.train(images, labels, generators["encoding"])
                    tally.put(batch, (seen.loss, seen.correct, *seen.spikes), compiled.neurons)
                else:
                    if augment:
                        images = augment(images, generators["augmentation"])
                    inputs = encode_images(
                        images, spec.encoding, statistics=train.statistics, generator=generators["encoding"]
                    )
                    output, trace = network(inputs, keep_currents=tally.needs_currents)
                    loss = loss_function(output, labels)
                    tally.add(
                        batch,
                        trace,
                        loss=loss.detach().double() * len(index),
                        correct=(predict(output.detach()) == labels).sum(),
                    )
                    network.zero_grad(set_to_none=True)
                    loss.backward()
                    advance(optimizer)

                progress.position += len(index)
                progress_bar.update(len(index))
                if checkpoint.due:
                    checkpoint.save(*progress.packed())

        looked_at = _monitor(spec, drawn, network, test, loss_function, device, compiled)
        row = result.add_epoch(tally, images_of_epoch, rate, looked_at)
        result.add_iterations(settings, tally.on_cpu(), images_of_epoch)
        result.decide_outcome(tally)
        progress.begin_epoch(torch.randperm(len(train), generator=generators["order"]))
        checkpoint.save(*progress.packed())
        on_epoch(row)
    return result


def _images_of_epoch(images: int, batch_size: int, last_batch: str) -> int:
    """How many of the images an epoch trains on, which are others in every epoch."""
    if last_batch == "keep":
        return images
    if images < batch_size:
        raise UserError(f"last_batch = drop: {images} images are no whole batch of {batch_size}; lower batch_size")
    return images - images % batch_size


def _monitor(
    spec: TrainableSpec,
    drawn: Draws,
    network: FeedForward,
    test: Images,
    loss: Loss,
    device: str,
    compiled: CompiledBatches | None,
) -> tuple[float, float] | None:
    """Loss and accuracy (percent) on the monitored test images; None without any.

    Encodings and initial potentials at random are the same at every epoch. The network draws from other generators
    than in training, and keeps them.
    """
    images = test.first(spec.training.monitor_images)
    if len(images) == 0:
        return None
    network.set_generators(initial_potential=stream(drawn, "monitor/initial potential", device))
    generator = stream(drawn, "monitor", device)
    if compiled is not None:
        return compiled.loss_and_accuracy(images, generator)
    return loss_and_accuracy(network, images, spec.encoding, loss, generator=generator)


def _progress_bar(seed: int, progress: Progress, epochs: int) -> tqdm:
    return tqdm(
        total=len(progress.order),
        initial=progress.position,
        desc=f"seed {seed}  epoch {progress.epoch + 1}/{epochs}",
        unit=" images",
        mininterval=PROGRESS_SECONDS,
        delay=PROGRESS_SECONDS,
        leave=False,
    )
