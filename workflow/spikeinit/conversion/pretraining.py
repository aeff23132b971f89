"""Training an analogue network for conversion, by the same loop as a spiking one.

It learns from the "fit" part of the training images and is watched on the validation split, which chooses nothing
either: the weights are those of the last epoch. It can also learn from all of them, without being watched. Test images
are looked at once, after training.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from spikeinit.conversion.ann import build_ann
from spikeinit.conversion.augment import augmentation
from spikeinit.conversion.torchvision_weights import load_torchvision_weights
from spikeinit.datasets.load import Images
from spikeinit.errors import UserError
from spikeinit.initializers import initialize
from spikeinit.interruption import Interruption
from spikeinit.io import file_digest
from spikeinit.losses import make_loss
from spikeinit.measures.accuracy import loss_and_accuracy
from spikeinit.networks.build import FeedForward
from spikeinit.randomness import stream
from spikeinit.specs.ann import ANN_INITIALIZER, AnnSpec
from spikeinit.training.loop import train_seed
from spikeinit.training.progress import Result


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
    """Train the network of `spec` from its checkpoint or from the start, as `training.train_seed` does.

    validation: looked at after every epoch; it may be empty.
    """
    network = build_ann(spec, input_shape=fit.shape, classes=fit.classes, **spec.network.options)
    initialize(network, ANN_INITIALIZER, generator=stream(spec.seed, "weights"))
    return train_seed(
        spec,
        spec.seed,
        network.to(device),
        fit,
        validation,
        device=device,
        checkpoint_path=checkpoint_path,
        interruption=interruption,
        on_start=on_start,
        on_epoch=on_epoch,
        augment=augmentation(spec),
        monitored="validation",
        activity="activity",
    )


def load_published_ann(
    spec: AnnSpec,
    path: Path,
    fit: Images,
    validation: Images,
    *,
    device: str,
    on_start: Callable[[Result], None],
    on_epoch: Callable[[dict[str, Any]], None],
) -> Result:
    """The network of `spec` with the ready weights of a file, as the result of a training that has no epoch.

    `on_start` is called with it, `on_epoch` never. `UserError` if the file is not the one the spec was made for, or not
    of this network.
    """
    if file_digest(path) != spec.pretrained:
        raise UserError(f"{path}: its content has changed since the workflow was planned; start it again")
    network = build_ann(spec, input_shape=fit.shape, classes=fit.classes, **spec.network.options)
    load_torchvision_weights(network, path)
    result = Result(spec.seed, network.to(device), "validation")
    loss, accuracy = _tested(spec, network, validation) if len(validation) else (None, None)
    result.curves.append(
        {
            "seed": spec.seed,
            "epoch": 0,
            "train_loss": None,
            "train_accuracy": None,
            "validation_loss": loss,
            "validation_accuracy": accuracy,
        }
    )
    on_start(result)
    return result


def metrics(spec: AnnSpec, result: Result, test: Images) -> dict[str, Any]:
    """The row of metrics.csv: the training's, the number of parameters, and loss and accuracy on the test images."""
    loss, accuracy = _tested(spec, result.network, test)
    return {
        **result.metrics(),
        "test_loss": loss,
        "test_accuracy": accuracy,
        "images": len(test),
        "parameters": parameters(result.network),
    }


def _tested(spec: AnnSpec, network: FeedForward, images: Images) -> tuple[float, float]:
    """Mean loss, and accuracy in percent."""
    return loss_and_accuracy(network, images, spec.encoding, make_loss(**spec.training.loss))


def parameters(network: FeedForward) -> int:
    """How many numbers are learned."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
