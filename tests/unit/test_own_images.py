"""A user's own images as arrays of numpy: what is taken, what is said of it, and what is refused."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from test_datasets import own

from spikeinit.datasets.readers import npz
from spikeinit.errors import UserError


def test_own_images_may_be_grey_or_floating_point(tmp_path):
    grey = np.arange(30 * 4, dtype=np.uint8).reshape(30, 2, 2)
    folder = own(tmp_path, train_images=grey / np.float32(255), test_images=grey[:9])
    splits = npz.read({name: folder / name for name in npz.FILES.values()})
    assert np.array_equal(splits["train"].images, grey[:, None])
    assert np.array_equal(splits["test"].images, grey[:9, None])


def test_pixels_less_than_half_a_grey_level_beyond_black_or_white_are_taken(tmp_path, capsys):
    images = np.tile(np.linspace(0, 1, 20, dtype=np.float32).reshape(1, 4, 5), (30, 1, 1))
    images[0, 0, 0], images[3, 3, 4] = -1e-7, np.nextafter(np.float32(1), np.float32(2))
    folder = own(tmp_path, train_images=images, test_images=images[5:14].astype(">f2"))
    splits = npz.read({name: folder / name for name in npz.FILES.values()})
    assert splits["train"].images[3, 0, 3, 4] == 255
    assert splits["train"].images[0, 0, 0, 0] == 0
    assert np.array_equal(splits["test"].images[0], np.rint(images[1].astype(">f2").astype(float) * 255)[None])
    said = "train.npz: 2 of 600 pixels, up to 1.19e-07 outside [0, 1], are taken as 0 or 1\n"
    assert capsys.readouterr().out == f"{folder}/{said}"


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (
            np.arange(120, dtype=np.uint8).reshape(30, 2, 2) % 16,
            "no pixel is above 15 of 255; where 15 is meant",
        ),
        (np.arange(9600).reshape(30, 10, 8, 4).astype(np.uint8), "the fourth channel is taken as the others"),
        (np.arange(1080).reshape(30, 3, 4, 3).astype(np.uint8), "images [30, 3, 4, 3] are taken as [n, H, W, C]"),
    ],
)
def test_what_was_taken_is_said_where_it_could_be_something_else(tmp_path, images, said, capsys):
    folder = own(tmp_path, train_images=images, test_images=images[:9])
    taken = npz.read({name: folder / name for name in npz.FILES.values()})["train"].images
    assert np.array_equal(taken.transpose(0, 2, 3, 1).ravel(), images.ravel())
    assert said in capsys.readouterr().out


IMAGES = np.arange(30 * 6 * 5 * 3).reshape(30, 6, 5, 3).astype(np.uint8)
UNIT = IMAGES / 255
LABELS = np.arange(30) % 3


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"train_images": None}, "train.npz: no array 'images'; it has labels"),
        ({"test_labels": None}, "test.npz: no array 'labels'; it has images"),
        ({"train_images": IMAGES[..., 0, 0]}, "images have shape [30, 6]; expected [n, H, W] or"
         " [n, H, W, C] without a zero; images.reshape(-1, H, W)"),
        ({"train_images": IMAGES[:0], "train_labels": np.zeros(0, int)}, "images have shape [0, 6, 5, 3]"),
        ({"train_images": IMAGES.transpose(0, 3, 1, 2)}, "save images.transpose(0, 2, 3, 1)"),
        ({"train_images": IMAGES.astype(np.int64)}, "images are int64; they must be uint8 (0 .. 255) or"
         " floating-point in [0, 1]; images.astype(np.uint8) gives it"),
        ({"train_images": IMAGES.astype(">i2") - 9}, "these run from -9 to 246, which (images - black) / (white"),
        ({"train_images": IMAGES > 9}, "images are bool; they must be uint8 (0 .. 255) or floating-point in [0, 1];"
         " images * np.uint8(255) gives it"),
        ({"train_images": UNIT + 1j}, "images are complex128; they must be uint8"),
        ({"train_images": IMAGES.astype(object)}, "not a readable .npz file of plain arrays (one of its arrays holds"),
        ({"train_images": np.where(IMAGES == 7, np.nan, UNIT)}, "NaN or infinite values, 11 of 2700 pixels"),
        ({"train_images": UNIT + 1.5}, "run from 1.5 to 2.5, 1.5 outside [0, 1], where they must lie (or be uint8 in"
         " 0 .. 255); undo the normalisation"),
        ({"train_images": UNIT.astype(np.float32) * np.float32(1.002)}, "run from 0.0 to 1.00199"),
        ({"train_images": UNIT * 1.002}, "0.002 outside [0, 1], where they must lie (or be uint8 in 0 .. 255);"
         " np.clip(images, 0, 1)"),
        ({"train_images": UNIT * 255}, "254 outside [0, 1], where they must lie (or be uint8 in 0 .. 255);"
         " np.rint(images).astype(np.uint8) takes 255 as white"),
        ({"train_images": UNIT * 2 - 1}, "run from -1.0 to 1.0, 1 outside [0, 1], where they must lie (or be uint8 in"
         " 0 .. 255); (images + 1) / 2"),
        ({"train_images": (IMAGES > 9).astype(np.uint8)}, "no pixel is above 1 of 255, so that all images are"
         " black; where 1 is meant as white, give images * np.uint8(255), or images.astype(np.float32)"),
        ({"train_images": IMAGES * 0}, "no pixel is above 0 of 255"),
        ({"train_images": UNIT / 255}, "no floating-point pixel is above 0.00392156862745098, so that all"),
        ({"train_labels": LABELS * 1.0}, "labels are float64; they must be integers, 0 .. classes - 1;"
         " labels.astype(np.int64)"),
        ({"train_labels": LABELS > 1}, "labels are bool; they must be integers"),
        ({"train_labels": np.array(["cat", "cow", "dog"])[LABELS]}, "labels are <U3; they must be integers,"
         " 0 .. classes - 1; np.searchsorted(np.unique(train_labels), labels)"),
        ({"train_labels": LABELS[:, None]}, "labels have shape [30, 1]; expected [n], one number for each image;"
         " labels.ravel()"),
        ({"train_labels": np.eye(3)[LABELS]}, "labels have shape [30, 3]; expected [n], one number for each image;"
         " labels.argmax(axis=1)"),
        ({"train_labels": np.arange(29) % 3}, "29 labels for 30 images"),
        ({"train_labels": np.arange(30) % 3 - 1}, "label -1 at row 0"),
        ({"train_labels": np.arange(30) % 3 + 1}, "labels go up to 3 but none is 0"),
        ({"test_labels": np.arange(9) % 4}, "test.npz: label 3 does not occur in train.npz"),
        ({"test_images": IMAGES[:9, :5]}, "images of shape (3, 5, 5)"),
    ],
)  # fmt: skip
def test_own_images_with_a_mistake_are_refused_with_the_reason(tmp_path, changes, part):
    folder = own(tmp_path, **changes)
    with pytest.raises(UserError) as caught:
        npz.read({name: folder / name for name in npz.FILES.values()})
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "not a readable .npz file of plain arrays"),
        (b"<!DOCTYPE html><html></html>", "(numpy did not write it); write it with np.savez(path, images=, labels=)"),
        ({"images": b"abc", "labels": b"abc"}, "images is no array"),
    ],
)
def test_a_file_that_numpy_did_not_write_is_refused(tmp_path, content, part):
    folder = own(tmp_path)
    if isinstance(content, bytes):
        (folder / "train.npz").write_bytes(content)
    else:
        with zipfile.ZipFile(folder / "train.npz", "w") as archive:
            for name, text in content.items():
                archive.writestr(name, text)
    with pytest.raises(UserError) as caught:
        npz.read({name: folder / name for name in npz.FILES.values()})
    assert part in str(caught.value)
