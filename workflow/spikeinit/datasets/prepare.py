"""From arrays to the prepared folder: one fixed order, fixed splits, files whose bytes are the same every time.

The images of each class are shuffled; then the k-th of a class's n images is placed at (k + 1/2) / n. Sorting by that
place spreads every class evenly, so that every prefix of the result (the first 1,000 images, say) and every suffix
(the validation split) holds the classes in their proportions; classes of equal size differ by one image at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikeinit.datasets.readers.labelled import Labelled
from spikeinit.io import file_digest, save_tensors, write_json

VALIDATION_PART = 10
"""One image in so many of the training split, at its end, is the validation split."""


def stratified_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """Row numbers [n] in the fixed order: shuffled, and every prefix as balanced as the labels allow.

    It draws raw 64-bit numbers, whose stream NumPy keeps the same in every version, unlike that of its shuffles.
    """
    chance = np.random.PCG64(seed).random_raw(len(labels))
    by_class = np.lexsort((chance, labels))
    counts = np.bincount(labels)
    first_of_class = np.cumsum(counts) - counts
    sorted_labels = labels[by_class]
    rank = np.arange(len(labels)) - first_of_class[sorted_labels]
    place = (rank + 0.5) / counts[sorted_labels]
    return by_class[np.lexsort((sorted_labels, place))]


def split(splits: Mapping[str, Labelled], *, test_images: int | None, seed: int) -> dict[str, Labelled]:
    """ "train" and "test" in their fixed order; `test_images` says how many to set apart where there is no "test"."""
    if "test" not in splits:
        everything = _ordered(splits["train"], seed)
        kept = len(everything.labels) - test_images
        rows = np.arange(len(everything.labels))
        splits = {"train": everything.chosen(rows[:kept]), "test": everything.chosen(rows[kept:])}
    return {name: _ordered(part, seed) for name, part in splits.items()}


def _ordered(part: Labelled, seed: int) -> Labelled:
    return part.chosen(stratified_order(part.labels, seed))


def write(
    splits: Mapping[str, Labelled], about: Mapping[str, Any], *, classes: int, train: Path, test: Path, manifest: Path
) -> None:
    """Write both splits, then the manifest that makes them valid. `about` holds what is known beside the images."""
    import torch

    paths = {"train": train, "test": test}
    for name, path in paths.items():
        part = splits[name]
        save_tensors(path, {**part.tensors(), "labels": torch.from_numpy(part.labels)})
    counts = {name: len(splits[name].labels) for name in paths}
    write_json(
        manifest,
        {
            **about,
            "classes": classes,
            "shape": list(splits["train"].images.shape[1:]),
            "images": counts,
            "validation": counts["train"] // VALIDATION_PART,
            "statistics": splits["train"].statistics(),
            "sha256": {path.name: file_digest(path) for path in paths.values()},
        },
    )
