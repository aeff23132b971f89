"""CIFAR10-DVS (Li et al. 2017): images of CIFAR-10 on a screen, recorded by an event camera of 128 x 128 pixels.

One archive per class, airplane.zip to truck.zip, or the folder airplane/ to truck/ that it unpacks to, with a thousand
recordings cifar10_<class>_<number>.aedat. AEDAT 2.0: lines that begin with #, then eight bytes per event, most
significant first: address (32 bits), time in microseconds (32). Of the address, bit 0 is the polarity (0: brighter),
bits 1 to 7 and 8 to 14 are the two coordinates, bit 15 marks an external signal, which is no event. The camera stood
on its side: the image is upright with row 127 - (bits 1 to 7) and column 127 - (bits 8 to 14), as SpikingJelly has it.

Recordings start at time 0 here, that of their earliest event. Times are signed and may pass from 2^31 - 1 to -2^31, and
so from 2^32 - 1 to 0, within a recording. The data set has no split: as is usual, the first 900 of each class, by their
number, are for training and the last 100 for testing. Archives are read recording by recording and never unpacked.

Copies of the data set in AEDAT 4, which other libraries hand out, are refused: we have not had them, and cannot say
which way up their images are.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from spikeinit.datasets.leftovers import entries, few
from spikeinit.datasets.readers import members
from spikeinit.datasets.readers.events import (
    Events,
    Remarks,
    Shape,
    addresses,
    check_clock,
    check_length,
    gathered,
)
from spikeinit.datasets.readers.labelled import LabelledRecordings
from spikeinit.datasets.readers.members import Member
from spikeinit.errors import UserError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BYTES = 8
EXTERNAL = 0x8000
VERSION = b"#!AER-DAT2.0"
_REMEDY = "get the class's archive again"
_ORIGINAL = "get the original archives, CIFAR10-DVS_New at figshare"


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


def parse(content: bytes, *, shape: Shape, path: Path | str, remarks: Remarks | None = None) -> Events:
    """Address int16 and time int32, from 0, of every event of a file; what was taken to be meant goes into the remarks.

    `UserError` for one that is no recording of this data set.
    """
    _check_version(content, path)
    body = content[_header(content) :]
    check_length(body, BYTES, path, _REMEDY)
    address, time = np.frombuffer(body, ">u4").reshape(-1, 2).T.astype(np.int64)
    kept = address & EXTERNAL == 0
    address, time = address[kept], time[kept]
    if not len(address):
        raise UserError(f"{path}: no event, only {len(kept)} external signals; {_REMEDY}")
    last = shape[1] - 1
    if (address >> 16).any():
        raise UserError(f"{path}: an address of more than 16 bits; not a recording of 128 x 128 pixels; {_ORIGINAL}")
    row, column = last - (address >> 1 & 0x7F), last - (address >> 8 & 0x7F)
    since_first = (time - time[0] + 2**31) % 2**32 - 2**31  # also where the clock ran over
    time = check_clock(since_first - since_first.min(), path, _REMEDY, remarks or Remarks())
    return addresses(column, row, 1 - (address & 1), shape, path, _REMEDY), time


def _check_version(content: bytes, path: Path | str) -> None:
    """Refuse what is not AEDAT 2.0, by its first line."""
    if content.startswith(VERSION):
        return
    found = re.match(rb"#!AER-DAT(\d+(\.\d+)?)", content)
    if found:
        raise UserError(f"{path}: AEDAT {found[1].decode()}; the data set's own files are AEDAT 2.0; {_ORIGINAL}")
    raise UserError(
        f"{path}: not an AEDAT 2.0 recording; it begins with {content[:12]!r}, not with {VERSION.decode()}; {_REMEDY}"
    )


def _header(content: bytes) -> int:
    """Length of the lines that begin with #. The first event's address begins with a zero byte."""
    end = 0
    while content[end : end + 1] == b"#":
        end = content.find(b"\n", end) + 1 or len(content)
    return end


def _of_class(folder: Path, name: str, count: int, opened: contextlib.ExitStack) -> list[Member]:
    """The recordings of a class by number; `UserError` unless there are `count`. Its archive stays open in `opened`."""
    place = members.find(folder, name, opened, _REMEDY)
    if place is None:
        alike = [path.name for path in entries(folder) if path.name.lower().startswith(name)]
        found = f" (found {few(alike)})" if alike else ""
        raise UserError(
            f"{folder}: neither {name}.zip nor a folder {name}/{found}; the classes are {', '.join(CLASSES)}; {_REMEDY}"
        )
    recordings = [member for member in place.members if member.file.lower().endswith(".aedat")]
    numbered: dict[int, Member] = {}
    for member in recordings:
        first = numbered.setdefault(_number(member, name), member)
        if first is not member:
            raise UserError(f"{first.name} and {member.name}: the same recording twice; remove one of them")
    if len(recordings) != count:
        converted = any(member.file.lower().endswith(".aedat4") for member in place.members)
        raise place.miscounted(recordings, count, "recordings *.aedat", _ORIGINAL if converted else _REMEDY)
    return [numbered[number] for number in sorted(numbered)]


def _number(member: Member, name: str) -> int:
    """The number at the end of a recording's name, by which the split goes; its class must be the folder's."""
    found = re.fullmatch(r"(?:.*_)?([a-z]+)_(\d+)\.aedat", member.file.lower())
    if found is None or found[1] != name:
        raise UserError(f"{member.name}: not called cifar10_{name}_<number>.aedat; remove it, or {_REMEDY}")
    return int(found[2])


def _split(by_class: Sequence[Sequence[Member]], shape: Shape) -> LabelledRecordings:
    remarks = Remarks()
    files = [(member, label) for label, own in enumerate(by_class) for member in own]
    events = (parse(member.content(), shape=shape, path=member.name, remarks=remarks) for member, _ in files)
    most = sum(member.bytes for member, _ in files) // BYTES
    found = gathered(events, [label for _, label in files], most, shape)
    remarks.say()
    return found
