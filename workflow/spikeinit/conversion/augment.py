"""How the training images of analogue networks are changed at random, and those of their calibrated copies."""

from __future__ import annotations

from spikeinit.specs.ann import AnnSpec
from spikeinit.training.augmentation import make_augmentation
from spikeinit.training.loop import Augment


def augmentation(spec: AnnSpec) -> Augment | None:
    """How training images of `spec` are changed at random; None where they are not."""
    return make_augmentation(spec.augmentation, fill=_mean_colour(spec))


def _mean_colour(spec: AnnSpec) -> list[int] | int:
    """The grey value that the encoding maps to zero: what cutting out a square leaves."""
    mean = spec.encoding.parameters.get("mean", 0.0)
    return [round(255 * value) for value in mean] if isinstance(mean, (list, tuple)) else round(255 * mean)
