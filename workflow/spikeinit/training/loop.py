"""Training one seed of one network, initialised or given: one flat loop.

The images live on the device as bytes; each batch is drawn, encoded, run and back-propagated there. Everything random
comes from named streams of the seed, so the same spec gives the same bits on the same processor.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from spikeinit.datasets.load import Images
from spikeinit.encoding import encode
from spikeinit.initializers import initialize, registry
from spikeinit.interruption import Interrupted, Interruption
from spikeinit.losses import make_loss, predict
from spikeinit.networks.build import FeedForward, build
from spikeinit.randomness import stream
from spikeinit.specs import TrainSpec
from spikeinit.training import checkpoint
from spikeinit.training.optimizers import advance, learning_rate, make_optimizer
from spikeinit.training.progress import Result, finite

CHECKPOINT_SECONDS = 120.0
"""A checkpoint is written after every epoch and, in long epochs, this often."""

PROGRESS_SECONDS = 10.0
"""How often the progress within an epoch is shown; shorter epochs show only their result line."""

MONITOR_BATCH = 250

Augment = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
"""From images uint8 [B, C, H, W] and a generator on their device to changed ones of the same shape."""


def prepare(spec: TrainSpec, seed: int, images: Images, device: str, kernel: str) -> FeedForward:
    """The initialised network of one seed, on the device."""
    network = build(
        spec.network,
        spec.neuron,
        input_shape=tuple(images.images.shape[1:]),
        classes=images.classes,
        generator=stream(seed, "neurons"),
        timesteps=spec.encoding.timesteps,
        kernel=kernel,
    ).to(device)
    choice = spec.initializer
    batch = None
    if registry.get(choice.name).needs_inputs(choice.parameters):
        generator = stream(seed, "initial batch", device)
        first = images.images[: spec.training.batch_size]
        batch = encode(first, **encoding_arguments(spec, images), generator=generator)
    initialize(
        network,
        choice.name,
        generator=stream(seed, "weights"),
        layers=choice.layers,
        bias=choice.bias,
        inputs=batch,
        **choice.parameters,
    )
    return network


def encoding_arguments(spec: Any, images: Images) -> dict[str, Any]:
    """Keyword arguments of `encode` from a spec that has an `encoding`, and the data set's statistics."""
    encoding = spec.encoding
    return {
        "name": encoding.name,
        "timesteps": encoding.timesteps,
        "statistics": images.statistics,
        **encoding.parameters,
    }


def train_seed(
    spec: Any,
    seed: int,
    train: Images,
    test: Images,
    *,
    device: str,
    kernel: str,
    checkpoint_path: Path,
    interruption: Interruption,
    on_start: Callable[[Result], None],
    on_epoch: Callable[[dict[str, Any]], None],
    network: FeedForward | None = None,
    augment: Augment | None = None,
    monitored: str = "test",
    activity: str = "spikes",
) -> Result:
    """Train one seed from its checkpoint, or from the start.

    spec: a `TrainSpec`; where `network` is given, anything with `training`, `encoding` and `seed_digest()`.
    train, test: images [N, C, H, W] uint8 on `device`; test images are only looked at for the curves.
    network: trained as it is, on `device`, instead of the spec's initialised one. augment: changes each training batch.
    monitored, activity: what the columns of `test` and of the layers' mean output begin with.
    Raises `Interrupted` after writing a checkpoint when a signal asked to stop.
    """
    settings = spec.training
    if network is None:
        network = prepare(spec, seed, train, device, kernel)
    optimizer = make_optimizer([p for p in network.parameters() if p.requires_grad], settings.optimizer)
    loss_function = make_loss(**settings.loss)
    order, encoding = stream(seed, "order"), stream(seed, "encoding", device)
    dropout = stream(seed, "dropout", device)
    network.set_generator(dropout)
    generators = {"order": order, "encoding": encoding, "dropout": dropout}
    if augment:
        generators["augmentation"] = stream(seed, "augmentation", device)
    result = Result(seed, network, monitored, reached={f"{target:g}": None for target in settings.target_accuracies})

    epoch, position = 0, 0
    permutation = torch.randperm(len(train.images), generator=order)
    # One row per batch of the epoch, summed over its images: loss, correct answers, spikes of each layer.
    rows = math.ceil(len(permutation) / settings.batch_size)
    batches = torch.zeros(rows, 2 + len(network.neurons()), dtype=torch.float64, device=device)

    restored = checkpoint.restore(
        checkpoint_path, spec_digest=spec.seed_digest(), network=network, optimizer=optimizer, generators=generators
    )
    if restored:
        tensors, progress = restored
        permutation, batches = tensors["permutation"], tensors["batches"].to(device)
        epoch, position = progress["epoch"], progress["position"]
        result.curves, result.outcome = progress["curves"], progress["outcome"]
        result.outcome_epoch, result.resumed_from = progress["outcome_epoch"], epoch
        result.trace, result.reached = progress["trace"], progress["reached"]
    on_start(result)

    def save() -> None:
        checkpoint.save(
            checkpoint_path,
            spec_digest=spec.seed_digest(),
            network=network,
            optimizer=optimizer,
            generators=generators,
            tensors={"permutation": permutation, "batches": batches},
            progress={
                "epoch": epoch,
                "position": position,
                "curves": result.curves,
                "outcome": result.outcome,
                "outcome_epoch": result.outcome_epoch,
                "trace": result.trace,
                "reached": result.reached,
            },
        )

    saved_at = time.monotonic()
    while epoch < settings.epochs and result.outcome != "diverged":
        rate = learning_rate(settings.optimizer["learning_rate"], settings.schedule, epoch, settings.epochs)
        for group in optimizer.param_groups:
            group["lr"] = rate
        progress_bar = tqdm(
            total=len(permutation),
            initial=position,
            desc=f"seed {seed}  epoch {epoch + 1}/{settings.epochs}",
            unit=" images",
            mininterval=PROGRESS_SECONDS,
            delay=PROGRESS_SECONDS,
            leave=False,
        )
        network.train()
        while position < len(permutation):
            if interruption.signal_number:
                save()
                raise Interrupted(interruption.signal_number)
            index = permutation[position : position + settings.batch_size].to(device)
            images = augment(train.images[index], generators["augmentation"]) if augment else train.images[index]
            inputs = encode(images, **encoding_arguments(spec, train), generator=encoding)
            labels = train.labels[index]
            output, trace = network(inputs)
            loss = loss_function(output, labels)
            network.zero_grad(set_to_none=True)
            loss.backward()
            advance(optimizer)

            correct = (predict(output.detach()) == labels).sum()
            spikes = [layer_spikes.detach().sum(dtype=torch.float64) for layer_spikes in trace.spikes]
            batches[position // settings.batch_size] = torch.stack(
                [loss.detach().double() * len(index), correct.double(), *spikes]
            )
            position += len(index)
            progress_bar.update(len(index))
            if time.monotonic() - saved_at > CHECKPOINT_SECONDS:
                save()
                saved_at = time.monotonic()
        progress_bar.close()

        loss_sum, correct_sum, *spike_sums = batches.sum(0).tolist()
        neurons = [layer_spikes[0, 0].numel() for layer_spikes in trace.spikes]
        row = {
            "seed": seed,
            "epoch": epoch + 1,
            "learning_rate": rate,
            "train_loss": finite(loss_sum / position),
            "train_accuracy": 100 * correct_sum / position,
            **_monitor(spec, seed, network, test, loss_function, device, monitored),
        }
        for layer, (total, count) in enumerate(zip(spike_sums, neurons, strict=True), start=1):
            row[f"{activity}_{layer}"] = total / (count * position)
        result.curves.append(row)
        result.follow(settings, batches.cpu(), position, neurons)
        result.judge(loss_sum, spike_sums)

        epoch, position = epoch + 1, 0
        permutation = torch.randperm(len(train.images), generator=order)
        batches = torch.zeros_like(batches)
        save()
        saved_at = time.monotonic()
        on_epoch(row)
    return result


@torch.no_grad()
def _monitor(
    spec: Any, seed: int, network: FeedForward, test: Images, loss_function: Any, device: str, monitored: str
) -> dict[str, float | None]:
    """Loss and accuracy (percent) on the monitored test images, encoded alike at every epoch; None without any."""
    count = len(test.images) if spec.training.monitor_images is None else spec.training.monitor_images
    images, labels = test.images[:count], test.labels[:count]
    if len(images) == 0:
        return {f"{monitored}_loss": None, f"{monitored}_accuracy": None}
    network.eval()
    generator = stream(seed, "monitor", device)
    loss = correct = 0.0
    for start in range(0, len(images), MONITOR_BATCH):
        batch, truth = images[start : start + MONITOR_BATCH], labels[start : start + MONITOR_BATCH]
        output, _ = network(encode(batch, **encoding_arguments(spec, test), generator=generator))
        loss += loss_function(output, truth).item() * len(batch)
        correct += (predict(output) == truth).sum().item()
    return {f"{monitored}_loss": finite(loss / len(images)), f"{monitored}_accuracy": 100 * correct / len(images)}
