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
from spikeinit.encoding import encode_images
from spikeinit.io import load_tensors
from spikeinit.networks import describe
from spikeinit.networks.build import FeedForward, assemble
from spikeinit.networks.layers import Network
from spikeinit.networks.modules import Trace
from spikeinit.networks.weights import load_weights
from spikeinit.specs import EncodingSpec
from spikeinit.specs.ann import AnnSpec


def build_ann(spec: AnnSpec, *, input_shape: tuple[int, ...], classes: int, **options: Any) -> FeedForward:
    """The network of `spec` (family, width, activation) for images of `input_shape` (C, H, W), on the CPU.

    options: of the family, such as `hidden`; a job passes those of its spec. Weights hold PyTorch's own draw.
    Raises `UserError` for an unknown activation and for images that are too small.
    """
    description = analogue(describe(spec.network.name, classes=classes, width=spec.network.width, **options))
    return assemble(description, input_shape, make_activation(spec.activation))


def analogue(network: Network) -> Network:
    """A description whose last layer gives currents: no neurons, no activation."""
    *hidden, last = network.layers
    return dataclasses.replace(network, layers=(*hidden, dataclasses.replace(last, active=False)))


def load_ann(
    spec: AnnSpec, weights_path: str | Path, *, input_shape: tuple[int, ...], classes: int, device: str = "cpu"
) -> FeedForward:
    """A trained network of `spec` in evaluation mode; `UserError` if the file holds another network's weights."""
    network = build_ann(spec, input_shape=input_shape, classes=classes, **spec.network.options)
    weights, _ = load_tensors(weights_path)
    load_weights(network, weights, f"{weights_path}: not the weights of {spec.network.name}")
    return network.to(device).eval()


@torch.no_grad()
def activations(network: FeedForward, images: torch.Tensor, encoding: EncodingSpec) -> Iterator[torch.Tensor]:
    """Activations [1, B, ...] of one active layer after the other, then the logits [1, B, classes].

    images: uint8 [B, C, H, W]. Of the network, which is put in evaluation mode, one part is held at a time.
    """
    network.eval()
    trace = Trace(1)
    inputs = encode_images(images.to(next(network.parameters()).device), encoding)
    for merged in network.walk(inputs, trace):  # noqa: B007
        yield from trace.spikes
        trace.clear()
    yield merged.unflatten(0, (1, -1))
