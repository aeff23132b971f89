"""Tiny ImageNet archives made here, with images that Pillow wrote: read whole, or refused with a reason."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from spikeinit.datasets import catalogue
from spikeinit.datasets.obtain import obtain
from spikeinit.datasets.readers import tinyimagenet
from spikeinit.errors import UserError

ROOT = "tiny-imagenet-200"
SHAPE = (3, 64, 64)
NAMES = ("n02", "n10", "n01")
"""Not sorted, as in the original; labels are 1, 2 and 0."""


def jpeg(color, mode="RGB", size=64, kind="JPEG"):
    """A plain image: JPEG keeps its colour to within a few grey values."""
    content = io.BytesIO()
    Image.new(mode, (size, size), color).save(content, kind)
    return content.getvalue()


COLOR = dict(zip(NAMES, ((200, 40, 30), (20, 180, 60), (10, 30, 220)), strict=True))


def members():
    """Two training images of each class, one of them grey, and a validation image of each."""
    found = {f"{ROOT}/wnids.txt": "\n".join(NAMES) + "\n"}
    for name in NAMES:
        for number in (10, 2):
            content = jpeg(128, mode="L") if (name, number) == ("n10", 10) else jpeg(COLOR[name])
            found[f"{ROOT}/train/{name}/images/{name}_{number}.JPEG"] = content
        found[f"{ROOT}/train/{name}/{name}_boxes.txt"] = ""
    annotations = ""
    for number, name in enumerate(NAMES):
        found[f"{ROOT}/val/images/val_{number}.JPEG"] = jpeg(COLOR[name])
        annotations += f"val_{number}.JPEG\t{name}\t0\t0\t63\t63\n"
    found[f"{ROOT}/val/val_annotations.txt"] = annotations
    found[f"{ROOT}/test/images/test_0.JPEG"] = jpeg((1, 2, 3))
    return found


def read(folder, changes=(), images=(6, 3), classes=3):
    path = folder / "tiny-imagenet-200.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members(), **dict(changes)}.items():
            if content is not None:
                archive.writestr(name, content)
    counts = dict(zip(("train", "test"), images, strict=True))
    return tinyimagenet.read({path.name: path}, shape=SHAPE, classes=classes, images=counts)


def test_images_and_labels(tmp_path):
    splits = read(tmp_path)
    assert splits["train"].labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert splits["test"].labels.tolist() == [1, 2, 0]
    for part in splits.values():
        assert part.images.dtype == np.uint8
        for image, label in zip(part.images, part.labels, strict=True):
            wanted = COLOR[sorted(NAMES)[label]]
            grey = image.std(axis=0).max() == 0
            expected = (128, 128, 128) if grey else wanted
            assert image.shape == SHAPE
            assert np.abs(image.mean(axis=(1, 2)) - expected).max() < 4
    grey = [image.std(axis=0).max() == 0 for image in splits["train"].images]
    assert grey == [False, False, False, False, False, True]  # number 10 stands behind number 2


FIRST = f"{ROOT}/train/n01/images/n01_2.JPEG"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{ROOT}/wnids.txt": None}, "there is no tiny-imagenet-200/wnids.txt in it"),
        ({f"{ROOT}/wnids.txt": "n01\nn02\n"}, "wnids.txt names 2 classes instead of 3"),
        ({f"{ROOT}/wnids.txt": "n01\nn02\nn03\n"}, "n10_10.JPEG is of a class that wnids.txt does not name"),
        ({f"{ROOT}/wnids.txt": "n01\nn02\n\u00e9"}, "wnids.txt is not plain text"),
        ({FIRST: None}, "5 train images instead of 6"),
        ({FIRST: None, FIRST.replace("_2", "_10"): None}, "no training image of class n01"),
        ({f"{ROOT}/val/images/val_1.JPEG": None}, "there is no tiny-imagenet-200/val/images/val_1.JPEG in it"),
        ({f"{ROOT}/val/val_annotations.txt": "val_0.JPEG\tn77\n"}, "val_annotations.txt, line 1: .*n77"),
        ({f"{ROOT}/val/val_annotations.txt": "val_0.JPEG\tn01\n"}, "1 test images instead of 3"),
        ({FIRST: b"not an image"}, "n01_2.JPEG: not a readable JPEG image"),
        ({FIRST: jpeg((1, 2, 3))[:200]}, "n01_2.JPEG: not a readable JPEG image"),
        ({FIRST: jpeg((1, 2, 3), size=32)}, r"n01_2.JPEG has \[32, 32\] pixels instead of \[64, 64\]"),
        ({FIRST: jpeg((1, 2, 3), kind="PNG")}, "n01_2.JPEG: not a readable JPEG image"),
        ({FIRST: b""}, "n01_2.JPEG: not a readable JPEG image"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, changes)


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped"])
def test_a_damaged_archive_is_refused(tmp_path, damage):
    read(tmp_path)
    path = tmp_path / "tiny-imagenet-200.zip"
    content = path.read_bytes()
    place = content.index(b"n02\nn10")
    flipped = content[:place] + b"m" + content[place + 1 :]
    path.write_bytes({"empty": b"", "cut": content[:-30], "flipped": flipped}[damage])
    with pytest.raises(UserError, match=r"damaged archive .*; delete it and fetch it again"):
        tinyimagenet.read({path.name: path}, shape=SHAPE, classes=3, images={"train": 6, "test": 3})


def test_the_archive_is_taken_only_with_its_checksum(tmp_path):
    read(tmp_path)
    with pytest.raises(UserError, match="expected sha256 6198c8ae"):
        obtain(catalogue.get("tinyimagenet"), root=tmp_path, cache=tmp_path / "cache")
