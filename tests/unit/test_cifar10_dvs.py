"""CIFAR10-DVS files made here: archives and folders are read alike, split by number, and what is wrong is named."""

from __future__ import annotations

import struct
import zipfile

import pytest

from spikeinit.datasets import catalogue
from spikeinit.datasets.obtain import obtain
from spikeinit.datasets.readers import cifar10_dvs
from spikeinit.errors import UserError

SHAPE = (2, 128, 128)
HEADER = b"#!AER-DAT2.0\r\n# This is a raw AE data file\r\n# Timestamps tick is 1 us\r\n"
COUNTS = {"train": 2, "test": 1}


def word(first, second, polarity):
    """The address as DVS128 sends it: polarity, then two coordinates of seven bits."""
    return second << 8 | first << 1 | polarity


def aedat(*events):
    """A file of (address, time in microseconds)."""
    return HEADER + b"".join(struct.pack(">II", *event) for event in events)


def file_of(label, number):
    """One event, whose place tells the recording."""
    return aedat((word(label, number, 0), 5000))


@pytest.fixture
def original(tmp_path):
    """Ten archives with three recordings each, numbered 0, 2 and 10 and stored in another order."""
    folder = tmp_path / "originals" / "cifar10_dvs"
    folder.mkdir(parents=True)
    for label, name in enumerate(cifar10_dvs.CLASSES):
        with zipfile.ZipFile(folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for number in (10, 0, 2):
                archive.writestr(f"{name}/cifar10_{name}_{number}.aedat", file_of(label, number))
    return folder


def read(folder):
    return cifar10_dvs.read({"folder": folder}, shape=SHAPE, classes=10, recordings=COUNTS)


def test_events_by_hand():
    """Bit 0 says darker; row 127 - bits 1..7, column 127 - bits 8..14; times count from the first event."""
    content = aedat((word(0, 0, 0), 1000), (word(127, 0, 1), 1500), (0x8000, 1600), (word(3, 125, 0), 2000))
    address, time = cifar10_dvs.parse(content, shape=SHAPE, path="a")
    channel, row, column = zip(*[(a // 128**2, a // 128 % 128, a % 128) for a in address.tolist()], strict=True)
    assert channel == (1, 0, 1)
    assert row == (127, 0, 124)
    assert column == (127, 127, 2)
    assert time.tolist() == [0, 500, 1000]


def test_archives_and_folders_are_read_alike_and_split_by_number(original):
    splits = read(original)
    for name in cifar10_dvs.CLASSES[::2]:
        with zipfile.ZipFile(original / f"{name}.zip") as archive:
            archive.extractall(original)
        (original / f"{name}.zip").unlink()
    for found in (splits, read(original)):
        assert found["train"].labels.tolist() == [label for label in range(10) for _ in range(2)]
        assert found["test"].labels.tolist() == list(range(10))
        for split, numbers in (("train", (0, 2)), ("test", (10,))):
            place = found[split].images.address - 128**2
            assert (127 - place // 128).tolist() == found[split].labels.tolist()
            assert (127 - place % 128).tolist() == [*numbers] * 10
            assert found[split].images.offsets.tolist() == list(range(10 * len(numbers) + 1))


def test_the_catalogue_finds_the_folder_or_says_what_to_do(tmp_path, original):
    entry = catalogue.get("cifar10_dvs")
    assert obtain(entry, root=original.parent, cache=tmp_path) == {"folder": original}
    with pytest.raises(
        UserError,
        match=r"no folder cifar10_dvs/ with airplane or airplane\.zip in .*; get https://figshare.com.*SPIKEINIT_DATA",
    ):
        obtain(entry, root=tmp_path, cache=tmp_path)
    with pytest.raises(UserError, match=r"airplane.zip: 3 recordings \*.aedat instead of 1000"):
        cifar10_dvs.read({"folder": original}, shape=entry.shape, classes=entry.classes, **entry.options)


def test_an_absent_class_is_named(original):
    (original / "frog.zip").unlink()
    with pytest.raises(UserError, match=r"neither frog.zip nor a folder frog/; the classes are airplane"):
        read(original)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (file_of(0, 0)[:-1], "7 bytes of events, but an event has 8"),
        (HEADER, "0 bytes of events"),
        (HEADER[:-2], "0 bytes of events"),
        (b"", "not an AEDAT 2.0 recording"),
        (
            b"#!AER-DAT3.1\r\n" + bytes(8),
            "AEDAT 3.1; the data set's own files are AEDAT 2.0; get the original archives",
        ),
        (b"#!AER-DAT4.0\r\n" + bytes(8), "AEDAT 4.0; the data set's own files"),
        (file_of(0, 0)[len(HEADER) :], r"begins with b'.*', not with #!AER-DAT2.0; get the class's archive again"),
        (file_of(0, 0) + bytes(16), "ends in 16 zero bytes, so it was never wholly written"),
        (aedat((0x8000, 5)), "no event, only 1 external signals"),
        (aedat((1 << 22, 5)), "an address of more than 16 bits"),
        (aedat((0, 10), (0, 2**31 + 10)), "times from 0 to 2147483648 us; a recording lasts less than a quarter"),
    ],
)
def test_a_damaged_recording_is_refused(content, message):
    with pytest.raises(UserError, match=message):
        cifar10_dvs.parse(content, shape=SHAPE, path="cifar10_cat_1.aedat")


def test_coordinates_outside_the_frame_are_refused():
    with pytest.raises(UserError, match=r"cat_1.aedat: x = 127 in event 0; it lies in 0 \.\. 63"):
        cifar10_dvs.parse(aedat((word(127, 0, 0), 5)), shape=(2, 128, 64), path="cat_1.aedat")


@pytest.mark.parametrize("damage", ["cut", "flipped", "plain"])
def test_a_damaged_archive_is_refused(original, damage):
    path = original / "deer.zip"
    content = path.read_bytes()
    place = content.index(b".aedat") + 20
    flipped = content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]
    path.write_bytes({"cut": content[:-30], "flipped": flipped, "plain": b"not an archive" * 50}[damage])
    with pytest.raises(UserError, match=r"deer.zip: damaged archive .*; get the class's archive again"):
        read(original)


def test_a_recording_without_a_number_is_refused(original):
    (original / "frog").mkdir()
    (original / "frog/notes.aedat").write_bytes(file_of(0, 0))
    with pytest.raises(UserError, match=r"notes\.aedat: not called cifar10_frog_<number>.aedat; remove it"):
        read(original)
