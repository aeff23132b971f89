"""A user's own images: train.npz and test.npz, each with the arrays `images` and `labels`.

    np.savez("train.npz", images=images, labels=labels)     # images [n, H, W] or [n, H, W, C], labels [n]

Pixels are uint8, or floating-point in [0, 1]. Labels count from 0; every class has at least one training image.
Where what is meant could be something else, a line is printed that says what was taken. np.savez writes a masked array
without its mask: fill it first.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from spikeinit.datasets.readers.labelled import Labelled, check_labels, check_scale
from spikeinit.errors import UserError

FILES = {"train": "train.npz", "test": "test.npz"}
_MOST_CHANNELS = 4


def read(paths: Mapping[str, Path]) -> dict[str, Labelled]:
    """Both splits; `UserError` names the file, the array and what is wrong with it."""
    splits = {split: _read_file(paths[file]) for split, file in FILES.items()}
    train, test = splits["train"], splits["test"]
    train_path, test_path = paths[FILES["train"]], paths[FILES["test"]]
    present = np.unique(train.labels)
    if present[-1] != len(present) - 1:
        absent = next(label for label, found in enumerate(present) if label != found)
        raise UserError(
            f"{train_path}: labels go up to {present[-1]} but none is {absent}; number the classes from 0 without"
            " gaps, e.g. with np.unique(labels, return_inverse=True)"
        )
    unseen = np.setdiff1d(test.labels, present)
    if len(unseen):
        raise UserError(f"{test_path}: label {unseen[0]} does not occur in {train_path.name}")
    if train.images.shape[1:] != test.images.shape[1:]:
        raise UserError(
            f"{test_path}: images of shape {_shape(test)} (channels, height, width), those of {train_path.name}"
            f" have {_shape(train)}"
        )
    return splits


def _shape(split: Labelled) -> tuple[int, ...]:
    return tuple(split.images.shape[1:])


def _read_file(path: Path) -> Labelled:
    arrays = _load(path)
    images = _pixels(arrays["images"], path)
    labels = arrays["labels"]
    if labels.ndim != 1:
        remedy = "labels.ravel() gives it"
        if labels.ndim == 2 and labels.shape[1] > 1:
            remedy = "labels.argmax(axis=1) gives it of ones in the columns of the classes"
        raise UserError(
            f"{path}: labels have shape {list(labels.shape)}; expected [n], one number for each image; {remedy}"
        )
    if labels.dtype.kind not in "iu":
        remedy = "labels.astype(np.int64) gives them, if they are whole"
        if labels.dtype.kind in "US":
            remedy = "np.searchsorted(np.unique(train_labels), labels) numbers names"
        raise UserError(f"{path}: labels are {labels.dtype}; they must be integers, 0 .. classes - 1; {remedy}")
    check_labels(labels, len(images), np.iinfo(np.int32).max, path)
    return Labelled(images, labels.astype(np.int64))


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        # A pickled array would run code on loading: refused.
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise UserError(f"{path}: a single array, not an .npz file; write it with np.savez(path, images=, labels=)")
        with archive:
            absent = [name for name in ("images", "labels") if name not in archive.files]
            if absent:
                raise UserError(
                    f"{path}: no array {absent[0]!r}; it has {', '.join(archive.files) or 'none'},"
                    " and images and labels are needed"
                )
            arrays = {name: archive[name] for name in ("images", "labels")}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, MemoryError) as error:
        reason = error
        if "allow_pickle" in str(error):
            objects = str(error).startswith("Object arrays")
            reason = "one of its arrays holds Python objects" if objects else "numpy did not write it"
        remedy = "write it with np.savez(path, images=, labels=)"
        raise UserError(f"{path}: not a readable .npz file of plain arrays ({reason}); {remedy}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # numpy hands out the bytes of what it did not write
            raise UserError(f"{path}: {name} is no array; write the file with np.savez(path, images=, labels=)")
    return arrays


def _pixels(images: np.ndarray, path: Path) -> np.ndarray:
    """[n, H, W] or [n, H, W, C], uint8 or in [0, 1], as uint8 [n, C, H, W]."""
    if images.ndim not in (3, 4) or 0 in images.shape:
        remedy = "; images.reshape(-1, H, W) gives it of rows of pixels" if images.ndim == 2 else ""
        raise UserError(
            f"{path}: images have shape {list(images.shape)}; expected [n, H, W] or [n, H, W, C] without a zero{remedy}"
        )
    if images.ndim == 3:
        images = images[..., None]
    if images.shape[-1] > _MOST_CHANNELS:
        raise UserError(
            f"{path}: images have shape {list(images.shape)}, read as [n, H, W, C], that is {images.shape[-1]} channels"
            f" of at most {_MOST_CHANNELS}; if channels come first, save images.transpose(0, 2, 3, 1)"
        )
    if images.shape[1] <= _MOST_CHANNELS and images.shape[-1] > 1:
        print(f"{path}: images {list(images.shape)} are taken as [n, H, W, C], the channels last", flush=True)
    elif images.shape[-1] == _MOST_CHANNELS:
        print(f"{path}: the fourth channel is taken as the others; if it is opacity, save images[..., :3]", flush=True)
    if images.dtype.kind == "f":
        images = _grey_levels(images, path)
    elif images.dtype != np.uint8:
        raise UserError(
            f"{path}: images are {images.dtype}; they must be uint8 (0 .. 255) or floating-point in [0, 1]"
            f"{_way_to_uint8(images)}"
        )
    check_scale(images, path, ", or images.astype(np.float32), of which 1 is white")
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _way_to_uint8(images: np.ndarray) -> str:
    """The remedy for images of other numbers; "" where none is known."""
    if images.dtype.kind == "b":
        return "; images * np.uint8(255) gives it"
    if images.dtype.kind not in "iu":
        return ""
    smallest, largest = int(images.min()), int(images.max())
    if smallest >= 0 and 1 < largest <= 255:
        return "; images.astype(np.uint8) gives it"
    return f"; these run from {smallest} to {largest}, which (images - black) / (white - black) brings to [0, 1]"


def _grey_levels(images: np.ndarray, path: Path) -> np.ndarray:
    """Floating-point images in [0, 1] as uint8, each pixel rounded to the nearest of the 256 grey levels.

    So a pixel beyond 0 or 1 by less than half a level, as interpolation leaves some, is black or white; a line says so.
    """
    finite = int(np.isfinite(images).sum())
    if finite < images.size:
        raise UserError(f"{path}: images hold NaN or infinite values, {images.size - finite} of {images.size} pixels")
    levels = np.rint(images.astype(np.float64) * 255)
    smallest, largest = float(images.min()), float(images.max())
    beyond = max(-smallest, largest - 1)
    if levels.min() < 0 or levels.max() > 255:
        raise UserError(
            f"{path}: floating-point images run from {smallest!r} to {largest!r}, {beyond:.3g} outside [0, 1], where"
            f" they must lie (or be uint8 in 0 .. 255); {_way_to_unit(smallest, largest)}"
        )
    if beyond > 0:
        count = np.count_nonzero((images < 0) | (images > 1))
        outside = f"{count} of {images.size} pixels, up to {beyond:.3g} outside [0, 1]"
        print(f"{path}: {outside}, are taken as 0 or 1", flush=True)
    if levels.max() <= 1:
        raise UserError(
            f"{path}: no floating-point pixel is above {largest!r}, so that all images are black; 1 is white, so save"
            " images * 255 if they were divided by 255 twice"
        )
    return levels.astype(np.uint8)


def _way_to_unit(smallest: float, largest: float) -> str:
    """The remedy for floating-point images outside [0, 1], by their range."""
    if smallest >= 0 and 64 <= largest < 256:
        return "np.rint(images).astype(np.uint8) takes 255 as white"
    if smallest >= -0.25 and largest <= 1.25:
        return "np.clip(images, 0, 1) takes off what interpolation adds"
    if -1.01 <= smallest <= -0.5 and largest <= 1.01:
        return "(images + 1) / 2 gives it of images in [-1, 1]"
    return "undo the normalisation (images * std + mean), or divide by the value of white"
