"""N-MNIST (Orchard et al. 2015): digits recorded by an event camera of 34 x 34 pixels, in three layouts.

folders  the original Train/<digit>/*.bin and Test/<digit>/*.bin, one recording per file. Five bytes per event, most
         significant bit first: x (8 bits), y (8), polarity (1: brighter), time in microseconds (23). The same bytes
         also go by the ending .bs2.
lists    <number>.bs2 side by side, as SLAYER (Shrestha & Orchard 2018) hands them out, and for each split a text file
         with a line for each recording: its number and its digit.
packed   train.npz and test.npz with all recordings one after the other: x, y, polarity, time_us [events],
         offsets [n + 1], of which recording i holds offsets[i] .. offsets[i + 1] - 1, and labels [n].

The channel of an event is its polarity: 0 for darker, 1 for brighter.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from spikeinit.datasets.readers.events import addresses, gathered, labelled
from spikeinit.datasets.readers.labelled import LabelledRecordings, check_labels
from spikeinit.errors import UserError

BYTES = 5
SUFFIXES = (".bin", ".bs2")
FOLDERS = {"train": "Train", "test": "Test"}
ARRAYS = ("x", "y", "polarity", "time_us", "offsets", "labels")


def read(
    paths: Mapping[str, Path],
    *,
    shape: tuple[int, int, int],
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
            split: read_folder(paths["folder"] / name, shape=shape, classes=classes, recordings=wanted.get(split))
            for split, name in FOLDERS.items()
        }
    return {split: read_packed(paths[f"{split}.npz"], shape=shape, classes=classes) for split in FOLDERS}


def parse(content: bytes, *, shape: tuple[int, int, int], path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Address int16 and time int32 of every event of a file; `UserError` for a wrong length or coordinate."""
    if len(content) % BYTES:
        raise UserError(
            f"{path}: {len(content)} bytes, but an event has {BYTES}: the file is cut off or not an N-MNIST recording;"
            " unpack the archive again"
        )
    x, y, high, middle, low = np.frombuffer(content, np.uint8).reshape(-1, BYTES).T.astype(np.int32)
    time = (high & 0x7F) << 16 | middle << 8 | low
    return addresses(x, y, high >> 7, shape, path), time


def read_folder(
    folder: Path, *, shape: tuple[int, int, int], classes: int, recordings: int | None = None
) -> LabelledRecordings:
    """The recordings of one split, by digit and file name."""
    files = [
        (path, label)
        for label in range(classes)
        for path in sorted((folder / str(label)).glob("*"))
        if path.suffix in SUFFIXES
    ]
    if not files:
        last = classes - 1
        raise UserError(f"{folder}: no recordings; expected {folder}/0/*.bin to {folder}/{last}/*.bin (or .bs2)")
    if recordings is not None and len(files) != recordings:
        raise UserError(f"{folder}: {len(files)} recordings instead of {recordings}; unpack the archive again")
    return _of_files(files, shape)


def read_listed(path: Path, *, shape: tuple[int, int, int], classes: int) -> LabelledRecordings:
    """The recordings that a text file lists, in its order; lines that begin with # are comments."""
    files = []
    try:
        lines = path.read_text().splitlines()
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
            raise UserError(f"{path}, line {number}: no {recording.name} beside it; unpack the archive again")
        files.append((recording, int(words[1])))
    if not files:
        raise UserError(f"{path}: lists no recording")
    return _of_files(files, shape)


def _of_files(files: Sequence[tuple[Path, int]], shape: tuple[int, int, int]) -> LabelledRecordings:
    """The recordings of files with their labels."""
    events = (parse(path.read_bytes(), shape=shape, path=path) for path, _ in files)
    most = sum(path.stat().st_size for path, _ in files) // BYTES
    return gathered(events, [label for _, label in files], most, shape)


def read_packed(path: Path, *, shape: tuple[int, int, int], classes: int) -> LabelledRecordings:
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
    return labelled(addresses(x, y, polarity, shape, path), time, offsets, labels, shape)
