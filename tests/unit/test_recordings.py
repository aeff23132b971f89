"""Recordings of events: the original five-byte format and the packed one, frames by brute force, clear refusals."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch

from spikeinit.datasets import catalogue
from spikeinit.datasets.load import load
from spikeinit.datasets.obtain import obtain
from spikeinit.datasets.readers import nmnist
from spikeinit.datasets.recordings import Recordings
from spikeinit.encoding import encode
from spikeinit.errors import UserError
from spikeinit.stages import fetch_dataset

SHAPE = (2, 34, 34)
# x, y, polarity, time in microseconds
EVENTS = [(0, 0, 0, 0), (33, 1, 1, 999), (33, 1, 1, 998), (2, 33, 0, 1000), (5, 6, 1, 70000), (7, 8, 0, 2**23 - 1)]


def packed_bytes(events):
    """The format as the data set's page describes it: 40 bits, x, y, polarity, time, most significant first."""
    return b"".join((x << 32 | y << 24 | p << 23 | t).to_bytes(5, "big") for x, y, p, t in events)


def recordings(*each):
    """Recordings of lists of events."""
    address = [(p * 34 + y) * 34 + x for events in each for x, y, p, _ in events]
    time = [t for events in each for *_, t in events]
    offsets = np.cumsum([0, *map(len, each)])
    tensors = (torch.tensor(address, dtype=torch.int16), torch.tensor(time, dtype=torch.int32))
    return Recordings(*tensors, torch.tensor(offsets), SHAPE)


def frames_one_by_one(each, timesteps, window_us):
    frames = torch.zeros(timesteps, len(each), *SHAPE)
    for index, events in enumerate(each):
        for x, y, p, t in events:
            if t < timesteps * window_us:
                frames[int(t // window_us), index, p, y, x] = 1
    return frames


def test_frames_against_events_one_by_one():
    each = [EVENTS[:3], [], EVENTS[2:], EVENTS[::-1]]
    for timesteps, window in ((1, 1.0), (3, 1.0), (100, 1.0), (2, 0.5), (3, 40.0)):
        found = recordings(*each).frames(timesteps, window)
        assert torch.equal(found, frames_one_by_one(each, timesteps, window * 1000))


def test_indexing_chooses_whole_recordings():
    each = [EVENTS[:3], [], EVENTS[2:4], EVENTS[4:]]
    whole = recordings(*each)
    slices = (
        slice(1, 3),
        slice(None),
        slice(0, 0),
        slice(3, 1),
        slice(9, 12),
        slice(None, None, 2),
    )
    for rows in (*slices, torch.tensor([3, 0, 0, 1]), torch.tensor([], dtype=torch.int64)):
        numbers = list(range(4))[rows] if isinstance(rows, slice) else rows.tolist()
        chosen = whole[rows]
        assert chosen.shape == (len(numbers), *SHAPE)
        assert torch.equal(chosen.frames(80, 1.0), frames_one_by_one([each[i] for i in numbers], 80, 1000))


def slices_one_by_one(each, timesteps):
    """Fang et al. 2021, App. F: part j holds the events N // T * j up to N // T * (j + 1), the last the rest too."""
    frames = torch.zeros(timesteps, len(each), *SHAPE)
    for index, events in enumerate(each):
        size = len(events) // timesteps
        for part in range(timesteps):
            end = size * (part + 1) if part < timesteps - 1 else len(events)
            for x, y, p, _ in events[size * part : end]:
                frames[part, index, p, y, x] += 1
    return frames


def test_slices_against_the_published_formula():
    each = [EVENTS, EVENTS * 5 + EVENTS[:3], EVENTS[:4]]
    for timesteps in (1, 2, 3, 4):
        found = recordings(*each).slices(timesteps)
        assert torch.equal(found, slices_one_by_one(each, timesteps))
        assert torch.equal(encode(recordings(*each), "slices", timesteps), found)


def test_a_recording_with_fewer_events_than_slices():
    found = recordings(EVENTS[:2], []).slices(5)
    assert found.sum((2, 3, 4)).tolist() == [[1, 0], [1, 0], [0, 0], [0, 0], [0, 0]]


def test_encoding_takes_recordings_and_nothing_else():
    one = recordings(EVENTS)
    assert torch.equal(encode(one, "events", 3, window_ms=0.5), frames_one_by_one([EVENTS], 3, 500))
    with pytest.raises(UserError, match="encoding rate takes images"):
        encode(one, "rate", 3)
    with pytest.raises(UserError, match="encoding events takes recordings"):
        encode(torch.zeros(1, 2, 34, 34, dtype=torch.uint8), "events", 3)
    with pytest.raises(UserError, match="choose one of rate, constant"):
        encode(torch.zeros(1, 2, 34, 34, dtype=torch.uint8), "slices", 3)
    with pytest.raises(UserError, match="longer than 0 ms"):
        encode(one, "events", 3, window_ms=0.0)


def test_a_recording_of_the_original_format(tmp_path):
    address, time = nmnist.parse(packed_bytes(EVENTS), shape=SHAPE, path=tmp_path)
    assert time.tolist() == [t for *_, t in EVENTS]
    assert address.tolist() == [(p * 34 + y) * 34 + x for x, y, p, _ in EVENTS]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (packed_bytes(EVENTS)[:-1], "29 bytes of events, but an event has 5"),
        (packed_bytes([(34, 0, 0, 0)]), r"x = 34 in event 0; it lies in 0 \.\. 33"),
        (packed_bytes([EVENTS[0], (0, 239, 1, 5)]), r"y = 239 in event 1"),
    ],
)
def test_a_damaged_recording_is_refused(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        nmnist.parse(content, shape=SHAPE, path=tmp_path / "00001.bin")


@pytest.fixture
def original(tmp_path):
    """The original folders with two recordings of each digit for training and one for testing."""
    root = tmp_path / "originals"
    for split, count in (("Train", 2), ("Test", 1)):
        for digit in range(10):
            folder = root / "nmnist" / split / str(digit)
            folder.mkdir(parents=True)
            for number in range(count):
                (folder / f"{number:05}.bin").write_bytes(packed_bytes([(digit, number, 1, 1000 * digit)]))
    return root


def test_the_original_folders_become_a_data_set(tmp_path, original, monkeypatch):
    """By the stage itself: the events of every digit arrive with its label, and the test split is that of the files."""
    entry = catalogue.get("nmnist")
    monkeypatch.setitem(entry.options, "recordings", {"train": 20, "test": 10})
    out = tmp_path / "prepared"
    words = ["fetch_dataset", "--spec", json.dumps({"dataset": catalogue.spec("nmnist")}), "--root", str(original)]
    words += ["--cache", str(tmp_path / "cache"), "--manifest", str(out / "manifest.json")]
    words += ["--train", str(out / "train.safetensors"), "--test", str(out / "test.safetensors")]
    monkeypatch.setattr(sys, "argv", words)
    fetch_dataset.main()
    train, test = load(out, "train"), load(out, "test", limit=5)
    assert train.images.shape == (20, *SHAPE)
    assert test.images.shape == (5, *SHAPE)
    assert train.statistics is None
    for images in (train, test):
        assert images.images.address.remainder(34).tolist() == images.labels.tolist()  # x is the digit
        assert (images.images.time // 1000).tolist() == images.labels.tolist()
    assert train.labels[:10].sort().values.tolist() == list(range(10))


@pytest.fixture
def listed(tmp_path):
    """Recordings of the digits 3, 1 and 3 side by side, with a list for each split."""
    folder = tmp_path / "NMNISTsmall"
    folder.mkdir()
    for number, events in enumerate((EVENTS[:2], EVENTS[2:], EVENTS), start=1):
        (folder / f"{number}.bs2").write_bytes(packed_bytes(events))
    (folder / "train1K.txt").write_text("#sample\t#class\n3\t3\n2\t1\n")
    (folder / "test100.txt").write_text("#sample\t#class\n1\t3\n")
    return folder


def test_recordings_that_a_list_names(listed):
    entry = catalogue.get("nmnist_small")
    paths = obtain(entry, root=listed.parent, cache=listed)
    read = nmnist.read(paths, shape=SHAPE, classes=10, **entry.options)
    assert read["train"].labels.tolist() == [3, 1]
    assert torch.equal(read["train"].images.frames(90, 1.0), frames_one_by_one([EVENTS, EVENTS[2:]], 90, 1000))
    assert torch.equal(read["test"].images.frames(90, 1.0), frames_one_by_one([EVENTS[:2]], 90, 1000))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t10\n", r"line 1: '1\\t10'; a recording's number and a digit below 10"),
        ("1 2\n../1 2\n", "line 2"),
        ("1 2 3\n", "line 1"),
        ("9 2\n", "line 1: no 9.bs2"),
        ("# nothing\n", "lists no recording"),
    ],
)
def test_a_list_with_a_mistake_is_refused(listed, text, message):
    (listed / "train1K.txt").write_text(text)
    with pytest.raises(UserError, match=message):
        nmnist.read_listed(listed / "train1K.txt", shape=SHAPE, classes=10)
    with pytest.raises(UserError, match="not a readable list"):
        nmnist.read_listed(listed / "absent.txt", shape=SHAPE, classes=10)


def test_both_endings_hold_the_same_bytes(tmp_path):
    for digit, name in ((0, "1.bin"), (7, "2.bs2")):
        (tmp_path / "Train" / str(digit)).mkdir(parents=True)
        (tmp_path / "Train" / str(digit) / name).write_bytes(packed_bytes(EVENTS))
    read = nmnist.read_split(tmp_path, "Train", shape=SHAPE, classes=10)
    assert read.labels.tolist() == [0, 7]
    assert torch.equal(read.images[:1].frames(90, 1.0), read.images[1:].frames(90, 1.0))


def test_folders_that_are_not_complete_are_refused(tmp_path, original):
    with pytest.raises(UserError, match="20 recordings instead of 60000"):
        nmnist.read({"folder": original / "nmnist"}, shape=SHAPE, classes=10, recordings={"train": 60000})
    with pytest.raises(UserError, match=r"neither a folder Train/ nor Train\.zip"):
        nmnist.read_split(tmp_path, "Train", shape=SHAPE, classes=10)
    with pytest.raises(UserError, match=r"no folder nmnist/ with Train or Train\.zip in"):
        obtain(catalogue.get("nmnist"), root=tmp_path, cache=tmp_path)
    with pytest.raises(UserError, match="cannot be downloaded"):
        obtain(catalogue.get("nmnist1k"), root=tmp_path, cache=tmp_path)


def arrays(**changed):
    x, y, polarity, time = np.array(EVENTS).T
    values = {"x": x, "y": y, "polarity": polarity, "time_us": time, "offsets": [0, 4, 6], "labels": [3, 1]}
    return {name: np.asarray(value) for name, value in {**values, **changed}.items() if value is not None}


def test_packed_recordings(tmp_path):
    np.savez(tmp_path / "train.npz", **arrays())
    read = nmnist.read_packed(tmp_path / "train.npz", shape=SHAPE, classes=10)
    assert read.labels.tolist() == [3, 1]
    assert torch.equal(read.images.frames(90, 1.0), frames_one_by_one([EVENTS[:4], EVENTS[4:]], 90, 1000))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": None}, "no array 'labels'"),
        ({"offsets": [0, 4, 7]}, "as many values as the last of the offsets"),
        ({"offsets": [0, 7, 6]}, "offsets go down at 2"),
        ({"labels": [3]}, "1 labels for 2 images"),
        ({"polarity": [0, 1, 2, 0, 0, 0]}, "polarity = 2 in event 2"),
        ({"time_us": [0, -1, 0, 0, 0, 0]}, "time_us from -1"),
    ],
)
def test_packed_recordings_with_a_mistake_are_refused(tmp_path, changed, message):
    np.savez(tmp_path / "train.npz", **arrays(**changed))
    with pytest.raises(UserError, match=message):
        nmnist.read_packed(tmp_path / "train.npz", shape=SHAPE, classes=10)
