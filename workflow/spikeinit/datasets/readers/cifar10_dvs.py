"""CIFAR10-DVS (Li et al. 2017): images of CIFAR-10 on a screen, recorded by an event camera of 128 x 128 pixels.

One archive per class, airplane.zip to truck.zip, or the folder airplane/ to truck/ that it unpacks to, with a thousand
recordings cifar10_<class>_<number>.aedat. AEDAT 2.0: lines that begin with #, then eight bytes per event, most
significant first: address (32 bits), time in microseconds (32). Of the address, bit 0 is the polarity (0: brighter),
bits 1 to 7 and 8 to 14 are the two coordinates, bit 15 marks an external signal, which is no event. The camera stood
on its side: the image is upright with row 127 - (bits 1 to 7) and column 127 - (bits 8 to 14), as SpikingJelly has it.

Recordings start at time 0 here. The data set has no split: as is usual, the first 900 of each class, by their number,
are for training and the last 100 for testing. Archives are read recording by recording and never unpacked.
"""

from __future__ import annotations

import contextlib
import functools
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeinit.datasets.readers.archives import damage_named
from spikeinit.datasets.readers.events import Events, Shape, addresses, gathered
from spikeinit.datasets.readers.labelled import LabelledRecordings
from spikeinit.errors import UserError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BYTES = 8
EXTERNAL = 0x8000
_REMEDY = "get the class's archive again"


@dataclass(frozen=True)
class _Recording:
    """A file in a folder or an archive: what to call it, its number and size, and how to get its bytes."""

    name: str
    number: int
    bytes: int
    content: Callable[[], bytes]


def read(
    paths: Mapping[str, Path], *, shape: Shape, classes: int, recordings: Mapping[str, int]
) -> dict[str, LabelledRecordings]:
    """Both splits of the folder paths["folder"]; `recordings`: how many of each class are in "train" and in "test"."""
    ends = {"train": recordings["train"], "test": recordings["train"] + recordings["test"]}
    with contextlib.ExitStack() as opened:
        found = [_of_class(paths["folder"], name, ends["test"], opened) for name in CLASSES[:classes]]
        return {
            "train": _split([files[: ends["train"]] for files in found], shape),
            "test": _split([files[ends["train"] :] for files in found], shape),
        }


def parse(content: bytes, *, shape: Shape, path: Path | str) -> Events:
    """Address int16 and time int32, from 0, of every event of a file; `UserError` for one that is no recording."""
    body = content[_header(content) :]
    if not content.startswith(b"#!AER-DAT2.0"):
        raise UserError(f"{path}: does not begin with #!AER-DAT2.0; not an AEDAT 2.0 recording; {_REMEDY}")
    if not body or len(body) % BYTES:
        raise UserError(
            f"{path}: {len(body)} bytes after its header, but an event has {BYTES}: the file is cut off; {_REMEDY}"
        )
    address, time = np.frombuffer(body, ">u4").reshape(-1, 2).T.astype(np.int64)
    kept = address & EXTERNAL == 0
    address, time = address[kept], time[kept]
    last = shape[1] - 1
    if (address >> 16).any():
        raise UserError(f"{path}: an address of more than 16 bits; not a recording of 128 x 128 pixels; {_REMEDY}")
    row, column = last - (address >> 1 & 0x7F), last - (address >> 8 & 0x7F)
    time = time - (time[0] if len(time) else 0)
    if len(time) and not 0 <= time.min() <= time.max() < 2**31:
        raise UserError(f"{path}: times go back before the first event or are over half an hour apart; {_REMEDY}")
    return addresses(column, row, 1 - (address & 1), shape, path), time.astype(np.int32)


def _header(content: bytes) -> int:
    """Length of the lines that begin with #. The first event's address begins with a zero byte."""
    end = 0
    while content[end : end + 1] == b"#":
        end = content.find(b"\n", end) + 1 or len(content)
    return end


def _of_class(folder: Path, name: str, count: int, opened: contextlib.ExitStack) -> list[_Recording]:
    """The recordings of a class by number; `UserError` unless there are `count`. Its archive stays open in `opened`."""
    unpacked, archive = folder / name, folder / f"{name}.zip"
    if unpacked.is_dir():
        where, found = unpacked, _in_folder(unpacked)
    elif archive.is_file():
        where, found = archive, _in_archive(archive, opened)
    else:
        raise UserError(f"{folder}: neither {archive.name} nor a folder {name}/; the classes are {', '.join(CLASSES)}")
    if len(found) != count:
        raise UserError(f"{where}: {len(found)} recordings *.aedat instead of {count}; {_REMEDY}")
    return sorted(found, key=lambda recording: recording.number)


def _in_folder(folder: Path) -> list[_Recording]:
    files = folder.glob("*.aedat")
    return [_Recording(str(path), _number(path.name, folder), path.stat().st_size, path.read_bytes) for path in files]


def _in_archive(path: Path, opened: contextlib.ExitStack) -> list[_Recording]:
    with damage_named(path, _REMEDY):
        archive = opened.enter_context(zipfile.ZipFile(path))

    def content(member: zipfile.ZipInfo) -> bytes:
        with damage_named(path, _REMEDY):
            return archive.read(member)

    return [
        _Recording(
            f"{path}, {member.filename}",
            _number(member.filename, path),
            member.file_size,
            functools.partial(content, member),
        )
        for member in archive.infolist()
        if member.filename.endswith(".aedat")
    ]


def _number(name: str, where: Path) -> int:
    """The number at the end of a recording's name, by which the split goes."""
    found = re.search(r"_(\d+)\.aedat$", name)
    if found is None:
        raise UserError(f"{where}: {name} is not called <class>_<number>.aedat; {_REMEDY}")
    return int(found[1])


def _split(by_class: Sequence[Sequence[_Recording]], shape: Shape) -> LabelledRecordings:
    files = [(recording, label) for label, own in enumerate(by_class) for recording in own]
    events = (parse(recording.content(), shape=shape, path=recording.name) for recording, _ in files)
    most = sum(recording.bytes for recording, _ in files) // BYTES
    return gathered(events, [label for _, label in files], most, shape)
