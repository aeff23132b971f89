"""N-MNIST (Orchard et al. 2015): digits recorded by an event camera of 34 x 34 pixels, in three layouts.

folders  the original Train/<digit>/*.bin and Test/<digit>/*.bin, one recording per file, or Train.zip and Test.zip that
         hold them. Five bytes per event, most significant bit first: x (8 bits), y (8), polarity (1: brighter), time in
         microseconds (23). The same bytes also go by the ending .bs2.
lists    <number>.bs2 side by side, as SLAYER (Shrestha & Orchard 2018) hands them out, and for each split a text file
         with a line for each recording: its number and its digit.
packed   train.npz and test.npz with all recordings one after the other: x, y, polarity, time_us [events],
         offsets [n + 1], of which recording i holds offsets[i] .. offsets[i + 1] - 1, and labels [n].

The channel of an event is its polarity: 0 for darker, 1 for brighter.

An event with y = 240 is none: as in the Python reader of the data set's author, it marks that the camera's clock of 13
bits ran over, so 2^13 microseconds are added to the times of all later events. (The author's MATLAB reader does not
know the mark, and no recording that we have seen holds one.) The 23 bits themselves would run over after 8 seconds;
a step back by more than half of that is read so.
"""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from spikeinit.datasets.leftovers import few, unfinished
from spikeinit.datasets.readers import members
from spikeinit.datasets.readers.events import (
    Events,
    Remarks,
    Shape,
    addresses,
    check_clock,
    check_length,
    gathered,
    labelled,
)
from spikeinit.datasets.readers.labelled import LabelledRecordings, check_labels
from spikeinit.datasets.readers.members import Member, Place
from spikeinit.errors import UserError

BYTES = 5
OVERFLOW = 240
OVERFLOW_BITS = 13
TIME_BITS = 23
SUFFIXES = (".bin", ".bs2")
FOLDERS = {"train": "Train", "test": "Test"}
ARRAYS = ("x", "y", "polarity", "time_us", "offsets", "labels")
_REMEDY = "get the archive again, or unpack it again"


def read(
    paths: Mapping[str, Path],
    *,
    shape: Shape,
    classes: int,
    recordings: Mapping[str, int] | None = None,
    lists: Mapping[str, str] | None = None,
) -> dict[str, LabelledRecordings]:
    """Both splits: of the folder paths["folder"], else of train.npz and test.npz.

    recordings: how many files each split must have, where that is known. lists: the text file of each split, where the
    folder is not ordered by digits.
    """
    if lists:
        found = paths["folder"]
        return {split: read_listed(found / name, shape=shape, classes=classes) for split, name in lists.items()}
    if "folder" in paths:
        wanted = recordings or {}
        return {
            split: read_split(paths["folder"], name, shape=shape, classes=classes, recordings=wanted.get(split))
            for split, name in FOLDERS.items()
        }
    return {split: read_packed(paths[f"{split}.npz"], shape=shape, classes=classes) for split in FOLDERS}


def parse(content: bytes, *, shape: Shape, path: Path | str, remarks: Remarks | None = None) -> Events:
    """Address int16 and time int32 of every event of a file; what was taken to be meant goes into the remarks.

    `UserError` for a wrong length, a coordinate outside the frame, and times that no recording has.
    """
    remarks = remarks or Remarks()
    check_length(content, BYTES, path, _REMEDY)
    x, y, high, middle, low = np.frombuffer(content, np.uint8).reshape(-1, BYTES).T.astype(np.int64)
    time = (high & 0x7F) << 16 | middle << 8 | low
    event = y != OVERFLOW
    overflows = np.cumsum(~event)
    x, y, polarity, time, overflows = x[event], y[event], high[event] >> 7, time[event], overflows[event]
    if not len(x):
        raise UserError(f"{path}: no event, only {len(event)} marks of a clock that ran over (y = 240); {_REMEDY}")
    if not event.all():
        marks = "holds marks of a clock that ran over (y = 240), {} at most; each adds 8192 us to what follows"
        remarks.add(marks, path, int((~event).sum()))
    turns = _turns(time)
    if turns.any():
        turned = "the time falls by more than 4 s, so its 23 bits ran over, {} times at most; each adds 8.39 s"
        remarks.add(turned, path, int(turns.max()))
    time = time + (turns << TIME_BITS) + (overflows << OVERFLOW_BITS)
    address = addresses(x, y, polarity, shape, path, f"no N-MNIST recording, or a damaged one; {_REMEDY}")
    return address, check_clock(time, path, _REMEDY, remarks)


def _turns(time: np.ndarray) -> np.ndarray:
    """int64 [events]: how often the clock of 23 bits ran over before each event.

    A jump forward by more than half its range is, after it ran over, an event from before that came late.
    """
    half = 1 << TIME_BITS - 1
    steps = np.diff(time, prepend=time[:1])
    turns = np.cumsum((steps < -half).astype(np.int64) - (steps > half))
    return turns - np.minimum(np.minimum.accumulate(turns), 0)


def read_split(
    folder: Path, name: str, *, shape: Shape, classes: int, recordings: int | None = None
) -> LabelledRecordings:
    """The recordings of the folder or archive `name` in `folder`, by digit and file name.

    Other files are left alone. `UserError` when there is no recording, when one is there twice, and for another number
    of them than `recordings`.
    """
    with contextlib.ExitStack() as opened:
        place = members.find(folder, name, opened, _REMEDY)
        if place is None:
            raise UserError(f"{folder}: neither a folder {name}/ nor {name}.zip; {_REMEDY}")
        found = sorted(_by_digit(place, classes), key=lambda item: (item[1], item[0].file))
        _complete(place, found, classes, recordings)
        return _of_files(found, shape)


def _by_digit(place: Place, classes: int) -> Iterable[tuple[Member, int]]:
    """The members <digit>/<name>.bin or .bs2, with their digits."""
    digits = {str(digit): digit for digit in range(classes)}
    for member in place.members:
        if len(member.parts) == 2 and member.parts[0] in digits and member.file.lower().endswith(SUFFIXES):
            yield member, digits[member.parts[0]]


def _complete(place: Place, found: Sequence[tuple[Member, int]], classes: int, recordings: int | None) -> None:
    """Refuse recordings that are not all there, or more than all."""
    if not found:
        others = few("/".join(member.parts) for member in place.members)
        raise UserError(
            f"{place.path}: no recordings; expected {place.path.name}/0/*.bin to {place.path.name}/{classes - 1}/*.bin"
            f" (or .bs2), found {others}; {place.remedy(_REMEDY)}"
        )
    names = {}
    for member, digit in found:
        first = names.setdefault((digit, Path(member.file).stem.lower()), member)
        if first is not member:
            raise UserError(f"{first.name} and {member.name}: the same recording twice; remove one of them")
    absent = set(range(classes)) - {digit for _, digit in found}
    if recordings is not None and absent:
        raise UserError(f"{place.path}: no recording of digit {min(absent)}; {place.remedy(_REMEDY)}")
    if recordings not in (None, len(found)):
        raise place.miscounted([member for member, _ in found], recordings, "recordings", _REMEDY)


def read_listed(path: Path, *, shape: Shape, classes: int) -> LabelledRecordings:
    """The recordings that a text file lists, in its order; lines that begin with # are comments."""
    files = []
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable list of recordings ({error})") from None
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or not all(word.isdecimal() for word in words) or int(words[1]) >= classes:
            raise UserError(f"{path}, line {number}: {line!r}; a recording's number and a digit below {classes} needed")
        recording = path.parent / f"{words[0]}.bs2"
        if not recording.is_file():
            parts = unfinished(other.name for other in path.parent.glob(f"{recording.name}*"))
            why = f", but {parts[0]}, which is unfinished" if parts else ""
            raise UserError(f"{path}, line {number}: no {recording.name} beside it{why}; {_REMEDY}")
        files.append((members.of_file(recording), int(words[1])))
    if not files:
        raise UserError(f"{path}: lists no recording")
    return _of_files(files, shape)


def _of_files(files: Sequence[tuple[Member, int]], shape: Shape) -> LabelledRecordings:
    """The recordings of files with their labels."""
    remarks = Remarks()
    events = (parse(member.content(), shape=shape, path=member.name, remarks=remarks) for member, _ in files)
    most = sum(member.bytes for member, _ in files) // BYTES
    found = gathered(events, [label for _, label in files], most, shape)
    remarks.say()
    return found


def read_packed(path: Path, *, shape: Shape, classes: int) -> LabelledRecordings:
    """The recordings of one packed file."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            absent = [name for name in ARRAYS if name not in archive.files]
            if absent:
                raise UserError(f"{path}: no array {absent[0]!r}; it needs {', '.join(ARRAYS)}")
            x, y, polarity, time, offsets, labels = (archive[name].astype(np.int64) for name in ARRAYS)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a readable .npz file of plain arrays ({error})") from None
    lengths = {len(values) for values in (x, y, polarity, time)}
    if len(lengths) != 1 or not len(offsets) or offsets[0] != 0 or {int(offsets[-1])} != lengths:
        raise UserError(f"{path}: x, y, polarity and time_us must have as many values as the last of the offsets says")
    if (np.diff(offsets) < 0).any():
        raise UserError(f"{path}: offsets go down at {int(np.flatnonzero(np.diff(offsets) < 0)[0]) + 1}")
    check_labels(labels, len(offsets) - 1, classes, path)
    if len(time) and not 0 <= time.min() <= time.max() < 2**31:
        raise UserError(f"{path}: time_us from {time.min()} to {time.max()}; times are microseconds, 0 or later")
    address = addresses(x, y, polarity, shape, path, "pack the recordings again")
    return labelled(address, time, offsets, labels, shape)
