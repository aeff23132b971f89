"""Analogue networks: built from the same descriptions as spiking ones, run for a single step.

The last layer has no activation, also in families whose output spikes: its currents are the logits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from spikeinit.conversion.activation_functions import make_activation
from spikeinit.datasets.load import Images
from spikeinit.encoding import encode
from spikeinit.errors import UserError
from spikeinit.io import load_tensors
from spikeinit.losses import make_loss, predict
from spikeinit.networks import describe
from spikeinit.networks.build import FeedForward, assemble
from spikeinit.networks.layers import Network
from spikeinit.networks.modules import Trace


def build_ann(spec: Any, *, input_shape: tuple[int, ...], classes: int) -> FeedForward:
    """The network of an `AnnSpec` (its `network` and `activation`) for images of `input_shape` (C, H, W), on the CPU.

    Weights hold PyTorch's own draw. `UserError` for an unknown activation and for images that are too small.
    """
    network = spec.network
    description = analogue(describe(network.name, classes=classes, width=network.width, **network.options))
    return assemble(description, input_shape, make_activation(spec.activation))


def analogue(network: Network) -> Network:
    """A description whose last layer gives currents: no neurons, no activation."""
    *hidden, last = network.layers
    return dataclasses.replace(network, layers=(*hidden, dataclasses.replace(last, active=False)))


def load_ann(
    spec: Any, weights_path: str | Path, *, input_shape: tuple[int, ...], classes: int, device: str = "cpu"
) -> FeedForward:
    """A trained network of `spec` in evaluation mode; `UserError` if the file holds another network's weights."""
    network = build_ann(spec, input_shape=input_shape, classes=classes)
    weights, _ = load_tensors(weights_path)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(f"{weights_path}: not the weights of {spec.network.name} ({error})") from None
    return network.to(device).eval()


def outputs(
    network: FeedForward, images: torch.Tensor, encoding: Any, batch_size: int
) -> Iterator[tuple[slice, torch.Tensor, Trace]]:
    """Logits [1, B, classes] and trace of a network in evaluation mode, batch by batch of images [N, C, H, W] uint8."""
    network.eval()
    for start in range(0, len(images), batch_size):
        rows = slice(start, start + batch_size)
        with torch.no_grad():
            yield rows, *network(encode(images[rows], encoding.name, encoding.timesteps, **encoding.parameters))


def evaluate(network: FeedForward, images: Images, encoding: Any, loss: dict[str, Any], batch_size: int = 250) -> dict:
    """Mean loss, and accuracy in percent, over the images."""
    loss_function = make_loss(**loss)
    total, correct = 0.0, 0
    for rows, output, _ in outputs(network, images.images, encoding, batch_size):
        labels = images.labels[rows]
        total += loss_function(output, labels).item() * len(labels)
        correct += int((predict(output) == labels).sum())
    return {"loss": total / len(images), "accuracy": 100 * correct / len(images)}
