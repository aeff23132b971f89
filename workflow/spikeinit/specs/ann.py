"""Specs of the stages that make an analogue network, look at its activations and choose thresholds from them.

How the network is converted afterwards stands elsewhere, so that a change there trains no analogue network anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from spikeinit.io import digest
from spikeinit.specs import EncodingSpec, ImageSelection, NetworkSpec, TrainingSpec, to_dict

ANN_INITIALIZER = "he"
"""Initialiser of analogue networks. Its variance of 2 / fan-in with biases of zero keeps rectified signals alive."""


@dataclass(frozen=True)
class AnnSpec:
    """A trained analogue network. `pretrained`: the sha256 of a file of weights taken in place of training.

    validation: share of the training images that is only looked at, 0.1 or 0.
    """

    images: ImageSelection
    network: NetworkSpec
    activation: dict[str, Any]
    encoding: EncodingSpec
    training: TrainingSpec
    augmentation: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    validation: float = 0.1
    pretrained: str | None = None
    source: str = ""

    @property
    def split(self) -> str:
        """The split that the network learns from, which activations and calibration come from too."""
        return "fit" if self.validation else "train"

    def seed_digest(self) -> str:
        """What a checkpoint is bound to."""
        return digest(to_dict(self))


@dataclass(frozen=True)
class ActivationsSpec:
    """Statistics of an analogue network's activations on its first `images` training images."""

    ann: AnnSpec
    images: int
    batch_size: int
    limit: int
    channel_limit: int
    source: str = ""


@dataclass(frozen=True)
class ThresholdsSpec:
    """Thresholds of every layer for each of `timesteps`, by each of `kinds` (of `conversion.layer_thresholds`)."""

    timesteps: tuple[int, ...]
    norm: int
    kinds: tuple[str, ...]
    source: str = ""
