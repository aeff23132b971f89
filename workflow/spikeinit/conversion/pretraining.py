"""Training an analogue network for conversion, by the same loop as a spiking one.

It learns from the "fit" part of the training images and is watched on the validation split, which chooses nothing
either: the weights are those of the last epoch. Test images are looked at once, after training.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from spikeinit.conversion.ann import build_ann, evaluate
from spikeinit.conversion.torchvision_weights import load_torchvision_weights
from spikeinit.datasets.load import Images
from spikeinit.errors import UserError
from spikeinit.initializers import initialize
from spikeinit.interruption import Interruption
from spikeinit.io import file_digest
from spikeinit.networks.build import FeedForward
from spikeinit.randomness import stream
from spikeinit.specs.ann import AnnSpec
from spikeinit.training.augmentation import make_augmentation
from spikeinit.training.loop import train_seed
from spikeinit.training.progress import Result

INITIALIZER = "he"
"""Normal weights of variance 2 / fan-in, biases zero: what keeps rectified signals alive."""


def train_ann(
    spec: AnnSpec,
    fit: Images,
    validation: Images,
    *,
    device: str,
    checkpoint_path: Path,
    interruption: Interruption,
    on_start: Callable[[Result], None],
    on_epoch: Callable[[dict[str, Any]], None],
) -> Result:
    """Train the network of `spec` from its checkpoint or from the start, as `training.train_seed` does."""
    network = build_ann(spec, input_shape=tuple(fit.images.shape[1:]), classes=fit.classes)
    initialize(network, INITIALIZER, generator=stream(spec.seed, "weights"))
    return train_seed(
        spec,
        spec.seed,
        fit,
        validation,
        device=device,
        kernel="auto",
        checkpoint_path=checkpoint_path,
        interruption=interruption,
        on_start=on_start,
        on_epoch=on_epoch,
        network=network.to(device),
        augment=make_augmentation(spec.augmentation, fill=_mean_colour(spec)),
        monitored="validation",
        activity="activity",
    )


def take_ann(spec: AnnSpec, path: Path, fit: Images, validation: Images, device: str) -> Result:
    """The network of `spec` with ready weights from a file, as the result of a training of no epochs.

    `UserError` if the file is not the one the spec was made for, or not of this network.
    """
    if file_digest(path) != spec.pretrained:
        raise UserError(f"{path}: its content has changed since the workflow was planned; start it again")
    network = build_ann(spec, input_shape=tuple(fit.images.shape[1:]), classes=fit.classes)
    load_torchvision_weights(network, path)
    result = Result(spec.seed, network.to(device), "validation")
    watched = evaluate(network, validation, spec.encoding, spec.training.loss)
    result.curves.append(
        {
            "seed": spec.seed,
            "epoch": 0,
            "train_loss": None,
            "train_accuracy": None,
            "validation_loss": watched["loss"],
            "validation_accuracy": watched["accuracy"],
        }
    )
    return result


def metrics(spec: AnnSpec, result: Result, test: Images) -> dict[str, Any]:
    """The row of metrics.csv: the training's, the number of parameters, and loss and accuracy on the test images."""
    tested = evaluate(result.network, test, spec.encoding, spec.training.loss)
    return {
        **result.metrics(),
        "test_loss": tested["loss"],
        "test_accuracy": tested["accuracy"],
        "images": len(test),
        "parameters": parameters(result.network),
    }


def parameters(network: FeedForward) -> int:
    """How many numbers are learned."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def _mean_colour(spec: AnnSpec) -> list[int] | int:
    """The grey value that the encoding maps to zero: what cutting out a square leaves."""
    mean = spec.encoding.parameters.get("mean", 0.0)
    return [round(255 * value) for value in mean] if isinstance(mean, (list, tuple)) else round(255 * mean)
