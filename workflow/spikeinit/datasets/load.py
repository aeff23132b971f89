"""A prepared data set as tensors: what training and evaluation see.

The tensors are mapped from the prepared file, not read: a data set may be larger than memory, of which only the images
of a batch are in use. A data set for a GPU moves there whole if it has at most `MOST_ON_DEVICE` bytes, otherwise batch
by batch.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from spikeinit.datasets.recordings import TYPES, Recordings
from spikeinit.errors import UserError
from spikeinit.io import file_digest, map_tensors, read_json

MOST_ON_DEVICE = 4 << 30
"""Bytes of images that are moved to a GPU as a whole."""

SPLITS = ("train", "test", "fit", "validation")
_NEEDED = ("name", "classes", "shape", "images", "validation", "sha256", "statistics")


@dataclass(frozen=True)
class Images:
    """`images` uint8 [N, C, H, W], or recordings of that shape, and `labels` int64 [N], on the device of the network.

    Images that are too many for it stay behind in their file: `batch` brings those that are needed.
    `classes` is the number of classes, `name` the data set's, `sha256` that of the file the images are from.
    `statistics`: mean and standard deviation of pixel / 255 over all training images; None for recordings.
    """

    images: torch.Tensor | Recordings
    labels: torch.Tensor
    classes: int
    name: str
    sha256: str
    statistics: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int | None) -> Images:
        """The first `count` of them, all for None."""
        return dataclasses.replace(self, images=self.images[:count], labels=self.labels[:count])

    def batch(self, rows: slice | torch.Tensor) -> tuple[torch.Tensor | Recordings, torch.Tensor]:
        """Images and labels of some rows, a slice or int64 numbers on the labels' device; both on that device."""
        there = rows if isinstance(rows, slice) else rows.to(self.images.device)
        return self.images[there].to(self.labels.device), self.labels[rows]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image: (C, H, W)."""
        return tuple(self.images.shape[1:])


def load(
    folder: str | Path,
    split: str,
    *,
    limit: int | None = None,
    device: str | torch.device = "cpu",
    verify: bool = False,
) -> Images:
    """One split of a prepared data set: "train", "test", "fit" (train without validation) or "validation".

    `limit` keeps at most the first so many images, which are class-balanced; `verify` compares the file's SHA-256 with
    the manifest. Raises `UserError` for an unknown split, a missing or damaged file, or one that does not match its
    manifest.
    """
    folder = Path(folder)
    if split not in SPLITS:
        raise UserError(f"split {split!r} is unknown; it is one of {', '.join(SPLITS)}")
    if limit is not None and limit < 1:
        raise UserError(f"limit = {limit}: at least one image is needed, or null for all")
    manifest = _manifest(folder / "manifest.json")
    file = "test" if split == "test" else "train"
    path = folder / f"{file}.safetensors"
    sha256 = manifest["sha256"][path.name]
    if verify and path.is_file() and (found := file_digest(path)) != sha256:
        raise UserError(f"{path}: expected sha256 {sha256}, found {found}; {_remedy(folder)}")
    tensors = map_tensors(path)
    statistics = manifest["statistics"] and (manifest["statistics"]["mean"], manifest["statistics"]["std"])
    everything = _recordings(tensors, manifest, path) if statistics is None else tensors.get("images")
    _check({**tensors, "images": everything}, manifest, file, path)
    rows = _rows(split, manifest, limit)
    images, labels = everything[rows], tensors["labels"][rows]
    if not len(labels):
        raise UserError(f"{path}: {manifest['name']} is too small for a {split} split of its own")
    if isinstance(images, Recordings) or images.nbytes <= MOST_ON_DEVICE:
        images = images.to(device)
    return Images(images, labels.to(device), manifest["classes"], manifest["name"], sha256, statistics)


def _remedy(folder: Path) -> str:
    return f"delete {folder} and run again to prepare it anew"


def _manifest(path: Path) -> dict[str, Any]:
    manifest = read_json(path)
    absent = [key for key in _NEEDED if not isinstance(manifest, dict) or key not in manifest]
    if absent:
        raise UserError(f"{path}: no key {absent[0]!r}; {_remedy(path.parent)}")
    return manifest


def _rows(split: str, manifest: dict[str, Any], limit: int | None) -> slice:
    count = manifest["images"]["test" if split == "test" else "train"]
    boundary = count - manifest["validation"]
    start = boundary if split == "validation" else 0
    end = boundary if split == "fit" else count
    return slice(start, end if limit is None else min(end, start + limit))


def _recordings(tensors: dict[str, torch.Tensor], manifest: dict[str, Any], path: Path) -> Recordings:
    """The recordings of a file, whose three tensors must belong together."""
    absent = [name for name in TYPES if name not in tensors]
    if absent:
        raise UserError(f"{path}: no tensor {absent[0]!r}; {_remedy(path.parent)}")
    found = Recordings(*(tensors[name] for name in TYPES), tuple(manifest["shape"]))
    wrong = found.problem()
    if wrong:
        raise UserError(f"{path}: {wrong}; {_remedy(path.parent)}")
    return found


def _check(tensors: dict[str, Any], manifest: dict[str, Any], file: str, path: Path) -> None:
    count, classes = manifest["images"][file], manifest["classes"]
    expected = {"images": ((count, *manifest["shape"]), torch.uint8), "labels": ((count,), torch.int64)}
    for name, (shape, dtype) in expected.items():
        tensor = tensors.get(name)
        if tensor is None:
            raise UserError(f"{path}: no tensor {name!r}; {_remedy(path.parent)}")
        found = dtype if isinstance(tensor, Recordings) else tensor.dtype
        if tuple(tensor.shape) != shape or found != dtype:
            raise UserError(
                f"{path}: {name} are {found} {list(tensor.shape)}, the manifest says {dtype} {list(shape)};"
                f" {_remedy(path.parent)}"
            )
    labels = tensors["labels"]
    if count and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise UserError(f"{path}: labels outside 0 .. {classes - 1}; {_remedy(path.parent)}")
