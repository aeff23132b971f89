"""Times of recordings: N-MNIST against an independent reading, marks of a clock that ran over, steps back.

tonic 1.7.0 is the usual reader of this data. Once, outside the tests, its `read_mnist_file` read the 1,100 genuine
recordings of nmnist1k (4,518,827 events), written as files of five bytes per event, and the same files as a clock of 13
bits would have them, with 40,761 marks: all 2,200 files were equal to ours, event by event. So were the 1,100 as AEDAT
2.0 files by its `get_aer_events_from_file`. The readings below say the same without tonic.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikeinit.datasets.readers import cifar10_dvs, nmnist
from spikeinit.datasets.readers.events import Remarks
from spikeinit.errors import UserError

SHAPE = (2, 34, 34)
DVS128 = (2, 128, 128)
HEADER = b"#!AER-DAT2.0\r\n# This is a raw AE data file\r\n"
DATA = os.environ.get("SPIKEINIT_DATA")
ORIGINALS = Path(DATA or ".", "nmnist")
needs_recordings = pytest.mark.skipif(
    not DATA or not (ORIGINALS / "train.npz").is_file(), reason="no nmnist/ in SPIKEINIT_DATA"
)


def written(x, y, polarity, time) -> bytes:
    """Arrays [events] as a file: a number of 40 bits for each event, of which the last 23 are the time."""
    words = np.asarray(x, np.int64) << 32 | np.asarray(y) << 24 | np.asarray(polarity) << 23 | np.asarray(time)
    return words.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 3:].tobytes()


def published(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Address and time [events] by the published rule: an event with y = 240 is dropped; later ones gain 2^13 us."""
    words = np.frombuffer(content, np.uint8).reshape(-1, 5) @ (256 ** np.arange(5)[::-1])
    y = words // 2**24 % 256
    time = words % 2**23 + 2**13 * np.cumsum(y == 240)
    address = (words // 2**23 % 2 * 34 + y) * 34 + words // 2**32
    return address[y != 240], time[y != 240]


def with_marks(x, y, polarity, time) -> bytes:
    """The same events by a clock of 13 bits: a mark for every time that it runs over, and what is left of the times."""
    time = np.asarray(time)
    rows = np.repeat(np.arange(len(time)), np.diff(time >> 13, prepend=0))
    marks = ((x, 0), (y, 240), (polarity, 1), (time % 2**13, 0))
    return written(*(np.insert(values, rows, mark) for values, mark in marks))


def parsed(content, remarks=None):
    return nmnist.parse(content, shape=SHAPE, path="00001.bin", remarks=remarks)


def said(remarks, capsys):
    """The lines of the remarks."""
    remarks.say()
    return capsys.readouterr().out.splitlines()


def same(found, expected):
    return all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


coordinate = st.integers(0, 33)
event = st.tuples(coordinate, st.one_of(coordinate, st.just(240)), st.integers(0, 1), st.integers(1, 2**22))


@settings(deadline=None)
@given(st.lists(event, max_size=30), st.tuples(coordinate, coordinate, st.integers(0, 1), st.integers(1, 2**22)))
def test_any_file_is_read_by_the_published_rule(events, last):
    content = written(*zip(*events, last, strict=True))
    assert same(parsed(content), published(content))


@needs_recordings
@pytest.mark.parametrize("split", ["train", "test"])
def test_genuine_recordings_are_read_by_the_published_rule(split):
    """Every recording of nmnist1k as a file, and as a file with marks, gives back the arrays it was made of."""
    with np.load(ORIGINALS / f"{split}.npz") as archive:
        x, y, polarity, time, offsets = (
            archive[name].astype(np.int64) for name in ("x", "y", "polarity", "time_us", "offsets")
        )
    for start, end in itertools.pairwise(offsets):
        own = [values[start:end] for values in (x, y, polarity, time)]
        expected = (polarity[start:end] * 34 + y[start:end]) * 34 + x[start:end], time[start:end]
        for content in (written(*own), with_marks(*own)):
            assert same(published(content), expected)
            assert same(parsed(content), expected)


def test_marks_of_a_clock_that_ran_over(capsys):
    """Each adds 8192 us to what follows, whatever else it holds, and is no event; a line says so."""
    remarks = Remarks()
    content = written([3, 0, 255, 5, 0], [4, 240, 240, 6, 240], [0, 1, 0, 1, 0], [100, 8192, 0, 200, 1])
    address, time = parsed(content, remarks)
    assert address.tolist() == [4 * 34 + 3, (34 + 6) * 34 + 5]
    assert time.tolist() == [100, 200 + 2 * 8192]
    assert said(remarks, capsys) == [
        "00001.bin: holds marks of a clock that ran over (y = 240), 3 at most; each adds 8192 us to what follows"
    ]


def test_a_file_of_marks_alone_is_refused():
    with pytest.raises(
        UserError, match=r"00001\.bin: no event, only 2 marks of a clock that ran over \(y = 240\); get"
    ):
        parsed(written([0, 0], [240, 240], [0, 0], [1, 2]))


def test_more_marks_than_a_recording_can_have_are_refused():
    content = written([0], [240], [0], [0]) * 2**18 + written([1], [1], [1], [1])
    with pytest.raises(UserError, match=r"times from 2147483649 to 2147483649 us; a recording lasts less than a q"):
        parsed(content)


def test_the_clock_of_23_bits_runs_over(capsys):
    """Also with an event that comes late, from before."""
    remarks, top = Remarks(), 2**23
    time = [70, top - 1, 3, top - 2, 5, top - 9, 2]
    _, found = parsed(written([1] * 7, [1] * 7, [1] * 7, time), remarks)
    assert found.tolist() == [70, top - 1, top + 3, top - 2, top + 5, top - 9, top + 2]
    assert "the time falls by more than 4 s, so its 23 bits ran over, 1 times at most" in said(remarks, capsys)[0]


def test_times_that_go_back_are_taken_as_they_are(capsys):
    """One line for all recordings, with the largest step."""
    remarks = Remarks()
    for step in (1, 700, 0):
        times = [1000, 1000 - step, 2000]
        assert parsed(written([1] * 3, [1] * 3, [1] * 3, times), remarks)[1].tolist() == times
    assert said(remarks, capsys) == [
        "00001.bin and 1 more: the time goes back, by 700 us at most; times and order are taken as they are"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes of events, but an event has 5: the file is empty"),
        (written([3], [4], [1], [5]) + bytes(7), "12 bytes of events"),
        (written([3], [4], [1], [5]) + bytes(4095), "ends in 4095 zero bytes, so it was never wholly written; get"),
        (b"version https://git-lfs.example/\n..", r"x = 118 in event 0; it lies in 0 \.\. 33; no N-MNIST recording"),
    ],
)
def test_files_that_were_never_wholly_written_are_refused(content, message):
    with pytest.raises(UserError, match=message):
        parsed(content)


def aedat(*times):
    """A file of one pixel with an event at each time, the clock's 32 bits."""
    return HEADER + b"".join((0).to_bytes(4, "big") + (time % 2**32).to_bytes(4, "big") for time in times)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((2**31 - 2, 2**31 - 1, -(2**31), -(2**31) + 8), [0, 1, 2, 10]),
        ((-5, -1, 0, 7), [0, 4, 5, 12]),
        ((10, 9, 30), [1, 0, 21]),
        ((3, -2, 5), [5, 0, 7]),
    ],
)
def test_the_clock_of_32_bits_runs_over_and_times_count_from_the_earliest(times, expected):
    _, found = cifar10_dvs.parse(aedat(*times), shape=DVS128, path="cifar10_cat_1.aedat")
    assert found.tolist() == expected


def test_a_clock_of_31_bits_is_not_taken_for_half_an_hour():
    with pytest.raises(
        UserError, match=r"times from 0 to 214748\d+ us; a recording lasts less than a quarter of an hour"
    ):
        cifar10_dvs.parse(aedat(2**31 - 9, 2**31 - 1, 4), shape=DVS128, path="cifar10_cat_1.aedat")


def test_a_clock_set_back_within_a_recording_is_said(capsys):
    remarks = Remarks()
    cifar10_dvs.parse(aedat(5_000_000, 5_000_100, 20, 120), shape=DVS128, path="cifar10_cat_1.aedat", remarks=remarks)
    assert said(remarks, capsys) == [
        "cifar10_cat_1.aedat: the time goes back, by 5000080 us at most; times and order are taken as they are"
    ]
