"""Images, or recordings of events, with their labels, as every reader returns them; checks that hold for any format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikeinit.errors import UserError

if TYPE_CHECKING:
    import torch

    from spikeinit.datasets.recordings import Recordings


_BLOCK = 4096
"""Images looked at at a time."""
_DARK = 64
"""Images without a pixel as bright as this are likely to be of another scale."""


@dataclass(frozen=True)
class Labelled:
    """`images` uint8 [n, channels, height, width] with 0 black and 255 white; `labels` int64 [n], counted from 0."""

    images: np.ndarray
    labels: np.ndarray

    def chosen(self, rows: np.ndarray) -> Labelled:
        """The rows of those numbers, in that order."""
        return type(self)(self.images[rows], self.labels[rows])

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a prepared file holds beside the labels."""
        import torch

        return {"images": torch.from_numpy(self.images)}

    def statistics(self) -> dict[str, float] | None:
        """Mean and standard deviation of pixel / 255 over all images, exact up to the last rounding."""
        counts = np.zeros(256, np.int64)
        for first in range(0, len(self.images), _BLOCK):  # counting makes every pixel eight bytes long
            counts += np.bincount(self.images[first : first + _BLOCK].ravel(), minlength=256)
        values = np.arange(256) / 255
        mean = float(counts @ values / counts.sum())
        return {"mean": mean, "std": float(np.sqrt(counts @ (values - mean) ** 2 / counts.sum()))}


@dataclass(frozen=True)
class LabelledRecordings(Labelled):
    """The same for recordings of events in the place of images."""

    images: Recordings

    def chosen(self, rows: np.ndarray) -> LabelledRecordings:
        import torch

        return LabelledRecordings(self.images[torch.from_numpy(rows)], self.labels[rows])

    def tensors(self) -> dict[str, torch.Tensor]:
        return {"address": self.images.address, "time": self.images.time, "offsets": self.images.offsets}

    def statistics(self) -> None:
        """None: events have no grey values."""


def check_labels(labels: np.ndarray, images: int, classes: int, path: Path | str) -> None:
    """Refuse labels that are too many, too few, or outside 0 .. classes - 1."""
    if len(labels) != images:
        raise UserError(f"{path}: {len(labels)} labels for {images} images; there must be one label for each image")
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(outside):
        raise UserError(f"{path}: label {labels[outside[0]]} at row {outside[0]}; labels lie in 0 .. {classes - 1}")


def check_scale(images: np.ndarray, path: Path | str, other_way: str = "") -> None:
    """Refuse uint8 images that are all but black, 0 and 1 perhaps; dark ones are taken, and a line is printed.

    other_way: what else the error tells to do.
    """
    brightest = int(images.max())
    if brightest <= 1:
        raise UserError(
            f"{path}: no pixel is above {brightest} of 255, so that all images are black; where 1 is meant as white,"
            f" give images * np.uint8(255){other_way}"
        )
    if brightest < _DARK:
        print(
            f"{path}: taken as dark images, since no pixel is above {brightest} of 255; where {brightest} is meant as"
            f" white, give np.rint(images * (255 / {brightest})).astype(np.uint8)",
            flush=True,
        )
