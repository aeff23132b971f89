"""Tiny ImageNet (Le & Yang 2015): tiny-imagenet-200.zip, JPEG images of 64 x 64 pixels of two hundred classes.

    wnids.txt                        the classes' names, one a line; a label is a name's place among them, sorted
    train/<class>/images/*.JPEG      500 images of each class
    val/images/*.JPEG                10,000 images, whose classes val/val_annotations.txt gives: file, class, box
    test/images/*.JPEG               images without labels

The labels of its test images were never published, so the validation images are the test split, as usual. Some images
are grey; they get three equal channels. The archive is read image by image and never unpacked.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from spikeinit.datasets.readers.archives import damage_named
from spikeinit.datasets.readers.labelled import Labelled
from spikeinit.errors import UserError

FOLDER = "tiny-imagenet-200"
_REMEDY = "delete it and fetch it again"


def read(
    paths: Mapping[str, Path], *, shape: tuple[int, int, int], classes: int, images: Mapping[str, int]
) -> dict[str, Labelled]:
    """Both splits of the only archive; `images`: how many images each must have. `UserError` names what is wrong."""
    (path,) = paths.values()
    with damage_named(path, _REMEDY), zipfile.ZipFile(path) as archive:
        labels = {name: label for label, name in enumerate(sorted(_lines(archive, path, "wnids.txt")))}
        if len(labels) != classes:
            raise UserError(f"{path}: wnids.txt names {len(labels)} classes instead of {classes}")
        members = {"train": _training(archive, path, labels), "test": _validation(archive, path, labels)}
        for split, found in members.items():
            if len(found) != images[split]:
                raise UserError(f"{path}: {len(found)} {split} images instead of {images[split]}")
        return {split: _decoded(archive, path, found, shape) for split, found in members.items()}


def _lines(archive: zipfile.ZipFile, path: Path, name: str) -> list[str]:
    """The lines of a text file in the archive that are not empty."""
    try:
        content = archive.read(f"{FOLDER}/{name}").decode("ascii")
    except KeyError:
        raise UserError(f"{path}: there is no {FOLDER}/{name} in it") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: {name} is not plain text") from None
    return [line for line in content.splitlines() if line.strip()]


def _training(archive: zipfile.ZipFile, path: Path, labels: Mapping[str, int]) -> list[tuple[str, int]]:
    """(file, label) by class and name, numbers within names by size."""
    found = []
    for name in archive.namelist():
        parts = name.split("/")
        if parts[:2] != [FOLDER, "train"] or not name.endswith(".JPEG"):
            continue
        if parts[2] not in labels:
            raise UserError(f"{path}: {name} is of a class that wnids.txt does not name")
        found.append((name, labels[parts[2]]))
    absent = sorted(set(labels.values()) - {label for _, label in found})
    if absent:
        raise UserError(f"{path}: no training image of class {sorted(labels)[absent[0]]}")
    return sorted(found, key=lambda item: (item[1], len(item[0]), item[0]))


def _validation(archive: zipfile.ZipFile, path: Path, labels: Mapping[str, int]) -> list[tuple[str, int]]:
    """(file, label) in the order of val_annotations.txt."""
    found = []
    for number, line in enumerate(_lines(archive, path, "val/val_annotations.txt"), start=1):
        words = line.split("\t")
        if len(words) < 2 or words[1] not in labels:
            raise UserError(f"{path}: val_annotations.txt, line {number}: {line!r}; a file and its class needed")
        found.append((f"{FOLDER}/val/images/{words[0]}", labels[words[1]]))
    return found


def _decoded(
    archive: zipfile.ZipFile, path: Path, members: Sequence[tuple[str, int]], shape: tuple[int, int, int]
) -> Labelled:
    """The images one after the other, into one array."""
    images = np.empty((len(members), *shape), np.uint8)
    for row, (name, _) in enumerate(members):
        try:
            content = archive.read(name)
        except KeyError:
            raise UserError(f"{path}: there is no {name} in it") from None
        images[row] = _pixels(content, f"{path}, {name}", shape)
    return Labelled(images, np.array([label for _, label in members], dtype=np.int64))


def _pixels(content: bytes, name: str, shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 [channels, height, width]; the size is looked at before anything is decoded."""
    from PIL import Image  # the one reader that needs it

    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            if image.size != (shape[2], shape[1]):
                raise UserError(f"{name} has {list(image.size)} pixels instead of {list(shape[:0:-1])}")
            return np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    except (OSError, SyntaxError) as error:
        raise UserError(f"{name}: not a readable JPEG image ({error})") from None
