"""A user's own reader: registered, found, verified, checked and prepared like those of the package."""

from __future__ import annotations

import hashlib
import json
import sys

import numpy as np
import pytest
import torch

from spikeinit import user_files
from spikeinit.config.checks import dataset_problems, encoding_problems
from spikeinit.datasets import catalogue, own, register
from spikeinit.datasets.load import load
from spikeinit.datasets.readers import own as own_reader
from spikeinit.datasets.readers.labelled import LabelledRecordings
from spikeinit.datasets.readers.own import read as read_own
from spikeinit.datasets.recordings import TYPES, Recordings
from spikeinit.errors import UserError
from spikeinit.io import canonical_json, read_json
from spikeinit.jobs.provenance import dataset_source
from spikeinit.stages import fetch_dataset

READER = """
import numpy as np
from spikeinit.datasets import File, register
from spikeinit.datasets.readers.labelled import Labelled

@register("squares", title="Squares", licence="CC0", classes=2, shape=(1, 2, 3), {0})
def read(paths):
    table = np.loadtxt(paths["squares.csv"], delimiter=",", dtype=np.int64)
    images = table[:, 1:].reshape(-1, 1, 2, 3).astype(np.uint8)
    return {1}
"""
TRAIN_ONLY = '{"train": Labelled(images, table[:, 0])}'
ROWS = np.array([[row % 2, *range(row, row + 6)] for row in range(40)])
"""The class, then six pixels, of which the first one is the number of the row."""


def write(folder, facts='files=["squares.csv"], test_images=10', returned=TRAIN_ONLY):
    """A user's file with its table beside it."""
    path = folder / "squares.py"
    path.write_text(READER.format(facts, returned))
    np.savetxt(folder / "squares.csv", ROWS, delimiter=",", fmt="%d")
    return path


def fetch(monkeypatch, folder, path, root=None):
    """Run the stage as the rule does; the manifest."""
    user_files.load(path)
    files = own.files_of("squares", root)
    words = ["fetch_dataset", "--spec", canonical_json({"dataset": catalogue.spec("squares")}), "--own", *files]
    words += ["--user-files", path, "--cache", folder / "cache", "--train", folder / "train.safetensors"]
    words += ["--test", folder / "test.safetensors", "--manifest", folder / "manifest.json"]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    fetch_dataset.main()
    return read_json(folder / "manifest.json")


def test_it_is_prepared_like_any_other(monkeypatch, user_code):
    manifest = fetch(monkeypatch, user_code, write(user_code))
    assert manifest["images"] == {"train": 30, "test": 10}
    assert manifest["validation"] == 3
    assert (manifest["title"], manifest["licence"], manifest["classes"]) == ("Squares", "CC0", 2)
    content = (user_code / "squares.csv").read_bytes()
    facts = {"name": "squares.csv", "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert manifest["files"] == [facts]
    parts = [load(user_code, split, verify=True) for split in ("train", "test")]
    assert [part.labels.bincount().tolist() for part in parts] == [[15, 15], [5, 5]]
    found = np.concatenate([np.column_stack([part.labels, part.images.flatten(1)]) for part in parts])
    assert np.array_equal(found[np.argsort(found[:, 1])], ROWS)


def test_its_spec_is_plain_and_its_source_follows_the_file_alone(user_code):
    path = write(user_code)
    user_files.load(path)
    spec = catalogue.spec("squares")
    assert json.loads(canonical_json(spec)) == spec
    before, digits = dataset_source("squares"), dataset_source("digits")
    path.write_text(path.read_text() + "ADDED = 1\n")
    assert dataset_source("squares") != before
    assert dataset_source("digits") == digits


def test_a_folder_without_listed_files_is_found(user_code):
    (user_code / "pictures").mkdir()
    seen = []

    @register("folder", title="", licence="", classes=1, shape=(1, 1, 1), folder="pictures", test_images=1)
    def read(paths):
        seen.append(paths)

    assert own.files_of("folder", user_code) == [user_code / "pictures"]
    with pytest.raises(UserError, match=r"no pictures/ in .*elsewhere"):
        own.files_of("folder", user_code / "elsewhere")


def test_files_lie_beside_the_reader_or_below_the_root(user_code):
    user_files.load(write(user_code))
    beside = user_code / "squares.csv"
    assert own.files_of("squares", None) == [beside]
    root = user_code / "root"
    root.mkdir()
    moved = beside.rename(root / "squares.csv")
    assert own.files_of("squares", root) == [moved]
    with pytest.raises(UserError, match=rf"'squares': no squares.csv in {user_code}; put it beside the file"):
        own.files_of("squares", None)


def test_a_declared_checksum_is_compared(monkeypatch, user_code):
    file = 'files=[File("squares.csv", 1, "{}")], test_images=10'
    path = write(user_code, file.format("0" * 64))
    with pytest.raises(UserError, match=r"squares.csv: expected sha256 0{64} \(1 bytes\), found .* put the right file"):
        fetch(monkeypatch, user_code, path)


def test_a_right_checksum_is_accepted(monkeypatch, user_code):
    digest = hashlib.sha256(write(user_code).with_suffix(".csv").read_bytes()).hexdigest()
    path = write(user_code, f'files=[File("squares.csv", 1, "{digest}")], test_images=10')
    assert fetch(monkeypatch, user_code, path)["images"]["test"] == 10


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("images", r"returns uint8 \[40, 1, 2, 3\]; it must return"),
        ('{"tests": 1}', 'returns a mapping with tests; it must return {"train"'),
        ('{"train": (images, table[:, 0])}', "train: a tuple; recordings = False asks for a Labelled"),
        ('{"train": Labelled(images[:, 0], table[:, 0])}', r"images of shape \[40, 2, 3\]; expected \[n, 1, 2, 3\]"),
        ('{"train": Labelled(images[:0], table[:0, 0])}', r"images of shape \[0, 1, 2, 3\].*n > 0"),
        ('{"train": Labelled(images / 255, table[:, 0])}', "images are float64; they must be uint8"),
        ('{"train": Labelled(images * 0 + 1, table[:, 0])}', r"no pixel is above 1 of 255.*images \* np.uint8\(255\)$"),
        ('{"train": Labelled(images.tolist(), table[:, 0])}', "images are a list; they must be a plain numpy array"),
        ('{"train": Labelled(np.ma.masked_equal(images, 3), table[:, 0])}', "images are masked uint8"),
        ('{"train": Labelled(images, np.ma.masked_equal(table[:, 0], 1))}', r"labels are masked int64 \[40\]"),
        (
            '{"train": Labelled(images, table[:, 0].astype(">i8"))}',
            r"labels are >i8 \[40\]; expected a plain array, int64",
        ),
        ('{"train": Labelled(images, table[:, 0].astype(float))}', r"labels are float64 \[40\]; expected a plain"),
        ('{"train": Labelled(images, table[:9, 0])}', "9 labels for 40 images"),
        ('{"train": Labelled(images, table[:, 0] + 1)}', "label 2 at row 1; labels lie in 0 .. 1"),
        ('{"train": Labelled(images, table[:, 0] * 0)}', "no image of class 1; labels are 0 .. 1"),
        ('{name: Labelled(images, table[:, 0]) for name in ("train", "test")}', "so test_images = 10 has no use"),
    ],
)
def test_what_a_reader_returns_is_checked(monkeypatch, user_code, returned, message):
    with pytest.raises(UserError, match=f"the reader of squares.*{message}"):
        fetch(monkeypatch, user_code, write(user_code, returned=returned))


@pytest.mark.parametrize("images", ["np.asfortranarray(images)", "np.array(images[:, :, ::-1])[:, :, ::-1]"])
def test_the_order_of_an_array_in_memory_is_free(monkeypatch, user_code, images, capsys):
    fetch(monkeypatch, user_code, write(user_code))
    expected = (user_code / "train.safetensors").read_bytes()
    fetch(monkeypatch, user_code, write(user_code, returned=f'{{"train": Labelled({images}, table[:, 0])}}'))
    assert (user_code / "train.safetensors").read_bytes() == expected
    assert "the reader of squares, train: taken as dark images, since no pixel is above 44" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({}, ""),
        ({"address": torch.zeros(3, dtype=torch.int64)}, "address must be a tensor of torch.int16"),
        ({"time": torch.zeros(2, dtype=torch.int32)}, "address, time and offsets do not belong together"),
        ({"address": torch.tensor([0, 31, 32], dtype=torch.int16)}, r"addresses outside the sensor \[2, 4, 4\]"),
        ({"images": None}, "images are a NoneType; they must be Recordings"),
    ],
)
def test_what_a_reader_of_recordings_returns_is_checked(user_code, change, part):
    events = {
        "address": torch.tensor([0, 31, 5], dtype=torch.int16),
        "time": torch.zeros(3, dtype=torch.int32),
        "offsets": torch.tensor([0, 2, 3]),
    } | change
    images = None if "images" in change else Recordings(*(events[name] for name in TYPES), (2, 4, 4))
    splits = {"train": LabelledRecordings(images, np.array([0, 0]))}
    facts = {"classes": 1, "shape": (2, 4, 4), "folder": "x", "recordings": True, "test_images": 1}
    register("camera", title="", licence="", **facts)(lambda paths: splits)
    if not part:
        assert own_reader.read({}, entry=catalogue.get("camera")) == splits
        return
    with pytest.raises(UserError, match=f"the reader of camera, train: {part}"):
        own_reader.read({}, entry=catalogue.get("camera"))


@pytest.mark.parametrize("test_images", ["None", "0", "40"])
def test_a_test_split_is_asked_for(monkeypatch, user_code, test_images):
    path = write(user_code, f'files=["squares.csv"], test_images={test_images}')
    with pytest.raises(UserError, match=f"1 to 39, and is {test_images}"):
        fetch(monkeypatch, user_code, path)


def test_recordings_are_what_the_entry_says(user_code):
    for name, recordings in (("camera", True), ("pictures", False)):
        register(name, title="", licence="", classes=1, shape=(2, 4, 4), folder="x", recordings=recordings)(print)
    assert [catalogue.holds_recordings(name) for name in ("camera", "pictures")] == [True, False]
    events, constant = ({"name": name, "parameters": {}} for name in ("slices", "constant"))
    assert encoding_problems("encoding", events, "camera") == []
    assert encoding_problems("encoding", events, "pictures") != []
    assert encoding_problems("encoding", constant, "pictures") == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, None),
        ({"address": torch.tensor([0, 3], dtype=torch.int64)}, r"address must be a tensor of torch\.int16"),
        ({"time": np.array([0, 3], np.int32)}, r"time must be a tensor of torch\.int32 in one dimension"),
        ({"offsets": torch.tensor([0, 3])}, "address, time and offsets do not belong together"),
        ({"offsets": torch.tensor([], dtype=torch.int64)}, "address, time and offsets do not belong"),
        ({"address": torch.tensor([0, 4], dtype=torch.int16)}, r"addresses outside the sensor \[1, 2, 2\]"),
        ({"time": torch.tensor([0, -9], dtype=torch.int32)}, "a time of -9 us; a recording's times count from its"),
    ],
)
def test_the_events_of_a_readers_recordings_are_checked(user_code, changed, message):
    """A time below 0 would become an event of one of the last windows."""
    events = {
        "address": torch.tensor([0, 3], dtype=torch.int16),
        "time": torch.tensor([0, 9], dtype=torch.int32),
        "offsets": torch.tensor([0, 1, 2]),
    }
    part = LabelledRecordings(Recordings(**events | changed, sensor=(1, 2, 2)), np.zeros(2, np.int64))
    facts = {"title": "", "licence": "", "classes": 1, "shape": (1, 2, 2), "folder": "x", "recordings": True}
    register("camera", **facts)(lambda paths: {"train": part, "test": part})
    entry = catalogue.get("camera")
    if message is None:
        assert read_own({}, entry=entry)["train"] is part
        return
    with pytest.raises(UserError, match=f"the reader of camera, train: {message}"):
        read_own({}, entry=entry)


def test_the_catalogues_recordings_are_those_of_event_cameras():
    recorded = {name for name in catalogue.CATALOGUE if catalogue.holds_recordings(name)}
    assert recorded == {"nmnist", "nmnist1k", "nmnist_small", "cifar10_dvs"}


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"shape": (8, 8), "files": ["x"]}, r"shape is \(channels, height, width\)"),
        ({"shape": (1, 0, 8), "files": ["x"]}, r"shape = \(1, 0, 8\)"),
        ({"shape": (1, 8, 8)}, "neither files nor folder"),
    ],
)
def test_facts_that_no_data_set_has_are_refused(facts, message):
    with pytest.raises(UserError, match=message):
        register("odd", title="", licence="", classes=2, **facts)


def test_the_name_of_a_data_set_of_the_package_is_taken(user_code):
    with pytest.raises(
        UserError,
        match=r"data set 'mnist' is registered by spikeinit\.datasets\.catalogue of this",
    ):
        register("mnist", title="", licence="", classes=10, shape=(1, 28, 28), files=["x"])(print)


def test_the_configuration_knows_it(user_code):
    config = {"datasets": {"custom": {}}}
    assert "did you mean squares?" not in str(dataset_problems("d", ["squars"], config))
    user_files.load(write(user_code))
    assert dataset_problems("d", ["squares", "digits"], config) == []
    assert "did you mean squares?" in str(dataset_problems("d", ["squars"], config))
