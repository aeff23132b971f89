"""A user's own reader: it is called, and what it returns is checked, so that nothing later has to doubt it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikeinit.datasets.entry import Dataset
from spikeinit.datasets.readers.labelled import Labelled, LabelledRecordings, check_labels, check_scale
from spikeinit.errors import UserError

SPLITS = ("train", "test")


def read(paths: Mapping[str, Path], *, entry: Dataset) -> dict[str, Labelled]:
    """The splits that the reader of a user's entry returns; `UserError` says what is wrong with them."""
    where = f"the reader of {entry.name}"
    splits = entry.source.read(paths)
    if not isinstance(splits, Mapping) or "train" not in splits or set(splits) - set(SPLITS):
        raise UserError(f'{where} returns {_short(splits)}; it must return {{"train": ...}}, with "test" or without')
    for split, part in splits.items():
        _check(f"{where}, {split}", part, entry)
    counts = np.bincount(splits["train"].labels, minlength=entry.classes)
    if not counts.all():
        raise UserError(f"{where}, train: no image of class {int(counts.argmin())}; labels are 0 .. {len(counts) - 1}")
    images = len(splits["train"].labels)
    if "test" in splits and entry.test_images is not None:
        raise UserError(f'{where} returns "test", so test_images = {entry.test_images} has no use; leave it out')
    if "test" not in splits and not 0 < (entry.test_images or 0) < images:
        raise UserError(
            f'{where} returns no "test"; test_images says how many of the {images} images are set apart for testing,'
            f" 1 to {images - 1}, and is {entry.test_images}"
        )
    return dict(splits)


def _check(where: str, part: Any, entry: Dataset) -> None:
    """Refuse a split that is of another kind, type, shape or range than its entry says."""
    kind = LabelledRecordings if entry.recordings else Labelled
    if type(part) is not kind:
        raise UserError(
            f"{where}: {_short(part)}; recordings = {entry.recordings} asks for a {kind.__name__} of"
            " spikeinit.datasets.readers.labelled"
        )
    images, labels = part.images, part.labels
    if entry.recordings:
        _check_recordings(where, images)
    elif not _plain(images):
        raise UserError(f"{where}: images are {_short(images)}; they must be a plain numpy array, without a mask")
    if tuple(images.shape[1:]) != entry.shape or not len(images):
        raise UserError(f"{where}: images of shape {list(images.shape)}; expected [n, {_listed(entry.shape)}], n > 0")
    if not entry.recordings and images.dtype != np.uint8:
        raise UserError(f"{where}: images are {images.dtype}; they must be uint8, 0 black and 255 white")
    if not entry.recordings:
        check_scale(images, where)
    if not _plain(labels) or labels.dtype != np.int64 or labels.ndim != 1:
        raise UserError(
            f"{where}: labels are {_short(labels)}; expected a plain array, int64 [n]; labels.astype(np.int64) gives it"
        )
    check_labels(labels, len(images), entry.classes, where)


def _check_recordings(where: str, recordings: Any) -> None:
    from spikeinit.datasets.recordings import Recordings

    if not isinstance(recordings, Recordings):
        raise UserError(f"{where}: images are {_short(recordings)}; they must be Recordings of spikeinit.datasets")
    wrong = recordings.problem()
    if wrong:
        raise UserError(f"{where}: {wrong}")
    if len(recordings.time) and int(recordings.time.min()) < 0:
        first = int(recordings.time.min())
        raise UserError(f"{where}: a time of {first} us; a recording's times count from its start")


def _plain(value: Any) -> bool:
    """Whether a value is a numpy array, of which each number counts."""
    return isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray)


def _listed(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _short(value: Any) -> str:
    if isinstance(value, np.ma.MaskedArray):
        return f"masked {value.dtype} {list(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    if isinstance(value, Mapping):
        return f"a mapping with {', '.join(map(str, value)) or 'no keys'}"
    return f"a {type(value).__name__}"
