"""The vocabulary in which networks are written down: spiking and analogue networks are built from the same list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Conv:
    """A convolution; neurons (or an activation) follow it, or the normalisation behind it, if `active`."""

    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    active: bool = True
    bias: bool = True


@dataclass(frozen=True)
class Dense:
    """A fully connected layer on the flattened input; neurons (or an activation) follow if `active`."""

    features: int
    active: bool = True
    bias: bool = True


@dataclass(frozen=True)
class Encoder:
    """Neurons on the input itself, one per value and without weights: they turn an analogue input into spikes."""


@dataclass(frozen=True)
class Pool:
    """Pooling over windows of `size`, by default without overlap. size None: over the whole map."""

    size: int | None = 2
    kind: Literal["average", "max"] = "average"


@dataclass(frozen=True)
class Dropout:
    """Zeroes each value with probability `rate` during training; one mask per image, the same at every step."""

    rate: float = 0.5


@dataclass(frozen=True)
class Normalization:
    """Batch normalisation of the weighted layer before it, ahead of its neurons.

    over "images_and_steps": one set of statistics for all steps. "step": statistics and a scale of their own for each
    time step (BNTT, Kim & Panda 2021). eps: what is added to a variance before its root is divided by.
    """

    over: Literal["images_and_steps", "step"] = "images_and_steps"
    eps: float = 1e-5


@dataclass(frozen=True)
class Residual:
    """`body` plus a shortcut, neurons (or an activation) after the addition (He et al. 2016, Fig. 2).

    The shortcut is the identity, or where `body` changes the shape a normalised 1x1 convolution of stride `stride`.
    """

    body: tuple[Conv | Normalization, ...]
    stride: int = 1


Layer = Conv | Dense | Encoder | Pool | Dropout | Normalization | Residual


@dataclass(frozen=True)
class Network:
    """A named list of layers, first to last."""

    name: str
    layers: tuple[Layer, ...]


def scaled(channels: int, width: float) -> int:
    """A channel count times the width factor, at least one."""
    return max(1, round(channels * width))
