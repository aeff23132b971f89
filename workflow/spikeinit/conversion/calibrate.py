"""Calibration: a converted network is trained further at T = 1, then at more and more steps (Bojković et al. 2024).

The network keeps its thresholds and initial potentials, those for the first number of steps: the paper trains "the same
potential and threshold initialization" at every T (Sec. 4.3). Each T starts from the weights of the one before; the
supplement's "weights of T = 1" (Sec. 8.2.1) and the main text's "and so on" agree for T = 2 and are taken to mean that
for the others. The derivative of a spike is 1[|v - V| < a] with the potential in units of the threshold.

Batch normalisation is kept while the network learns, with the statistics of each batch, and folded into the weights
afterwards: the paper replaces the ReLU and nothing else. Folded before training, the same learning rate moves weights
of another scale, and deep networks are lost. The weights are those of the last epoch; the authors' public code keeps
those of the epoch that does best on test images, which no result here is chosen by.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from spikeinit.conversion.augment import augmentation
from spikeinit.conversion.convert import folded
from spikeinit.datasets.load import Images
from spikeinit.interruption import Interruption
from spikeinit.networks.build import FeedForward
from spikeinit.specs.conversion import CalibrateSpec, CalibrationStep
from spikeinit.training.loop import train_seed
from spikeinit.training.progress import Result


def steps(spec: CalibrateSpec) -> Iterator[CalibrationStep]:
    """What is trained, in order."""
    for index, (timesteps, epochs) in enumerate(zip(spec.timesteps, spec.epochs, strict=True)):
        yield CalibrationStep(
            calibration=spec,
            encoding=dataclasses.replace(spec.ann.encoding, timesteps=timesteps),
            training=dataclasses.replace(spec.training, epochs=epochs),
            before=spec.timesteps[:index],
        )


def calibrate(
    spec: CalibrateSpec,
    network: FeedForward,
    train: Images,
    test: Images,
    *,
    device: str,
    folder: Path,
    interruption: Interruption,
    on_start: Callable[[Result], None],
    on_epoch: Callable[[dict[str, Any]], None],
    on_step: Callable[[int, FeedForward], None],
) -> Result:
    """Train the converted `network`, with its batch normalisation, in place at each of the spec's numbers of steps.

    The result's curves have one row per epoch with its `timesteps`, epochs counted through. Checkpoints go to `folder`,
    one for each number of steps. `on_step(T, network)` is called with a folded copy of the network trained for T.
    Raises `Interrupted` as `train_seed` does.
    """
    rows: list[dict[str, Any]] = []
    augment = augmentation(spec.ann) if spec.augment else None
    for step in steps(spec):
        timesteps, done = step.encoding.timesteps, len(rows)
        for neuron in network.neurons():
            neuron.width = spec.width(timesteps)
        numbered = partial(_numbered, timesteps=timesteps, done=done)
        result = train_seed(
            step,
            spec.ann.seed,
            network,
            train,
            test,
            device=device,
            checkpoint_path=folder / f"T{timesteps}" / "checkpoint.safetensors",
            interruption=interruption,
            on_start=on_start if done == 0 else _ignore,
            on_epoch=lambda row, numbered=numbered: on_epoch(numbered(row)),
            augment=augment,
        )
        rows += map(numbered, result.curves)
        on_step(timesteps, folded(network))
    return dataclasses.replace(result, curves=rows)


def _numbered(row: dict[str, Any], *, timesteps: int, done: int) -> dict[str, Any]:
    return {**row, "timesteps": timesteps, "epoch": done + row["epoch"]}


def _ignore(result: Result) -> None:
    """The record of a calibration begins once, with its first number of steps."""
