"""What readers of event cameras share: addresses and clocks, and many recordings behind one another in two arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from spikeinit.datasets.readers.labelled import LabelledRecordings
from spikeinit.datasets.recordings import Recordings
from spikeinit.errors import UserError

Shape = tuple[int, int, int]
Events = tuple[np.ndarray, np.ndarray]
"""Address and time of every event of a recording."""

LONGEST = 15 * 60 * 10**6
"""Microseconds. The recordings last seconds; where times say more, the clock was set or the file is damaged."""


class Remarks:
    """What was taken to be meant where recordings leave it open: counted, and said in one line for each thing."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[list[str], int]] = {}

    def add(self, what: str, name: Path | str, size: int) -> None:
        """Note that `what` holds for the recording `name`; {} in it stands for the largest `size` of all recordings."""
        names, largest = self._found.get(what, ([], size))
        self._found[what] = ([*names, str(name)], max(largest, size))

    def say(self) -> None:
        """Print the lines."""
        for what, (names, largest) in self._found.items():
            others = f" and {len(names) - 1} more" if len(names) > 1 else ""
            print(f"{names[0]}{others}: {what.format(largest)}", flush=True)


def addresses(
    x: np.ndarray, y: np.ndarray, polarity: np.ndarray, shape: Shape, path: Path | str, remedy: str
) -> np.ndarray:
    """Address int16 [events] in a frame of `shape` (channels, height, width); the polarity is the channel.

    `UserError` for an event outside the frame, which names the file `path` and ends in the remedy.
    """
    channels, height, width = shape
    for name, values, size in (("x", x, width), ("y", y, height), ("polarity", polarity, channels)):
        outside = np.flatnonzero((values < 0) | (values >= size))
        if len(outside):
            raise UserError(
                f"{path}: {name} = {values[outside[0]]} in event {outside[0]}; it lies in 0 .. {size - 1}; {remedy}"
            )
    return ((polarity * height + y) * width + x).astype(np.int16)


def check_length(events: bytes, size: int, path: Path | str, remedy: str) -> None:
    """`UserError` for the bytes of a recording that hold no event, end within one of `size` bytes, or end in zeros."""
    if not events or len(events) % size:
        raise UserError(
            f"{path}: {len(events)} bytes of events, but an event has {size}: the file is empty, cut off or of another"
            f" format; {remedy}"
        )
    if events.endswith(bytes(size)):
        zeros = len(events) - len(events.rstrip(b"\0"))
        raise UserError(f"{path}: ends in {zeros} zero bytes, so it was never wholly written; {remedy}")


def check_clock(time: np.ndarray, path: Path | str, remedy: str, remarks: Remarks) -> np.ndarray:
    """Times in microseconds as int32 [events], at least one, in their own order; where they go back, a remark says so.

    Older event cameras did not always deliver events in their order. `UserError` for times that no recording has, below
    0 or longer than a quarter of an hour.
    """
    if not 0 <= time.min() <= time.max() < LONGEST:
        raise UserError(
            f"{path}: times from {time.min()} to {time.max()} us; a recording lasts less than a quarter of an hour;"
            f" {remedy}"
        )
    back = int(-np.diff(time).min(initial=0))
    if back:
        remarks.add("the time goes back, by {} us at most; times and order are taken as they are", path, back)
    return time.astype(np.int32)


def gathered(recordings: Iterable[Events], labels: Sequence[int], most: int, shape: Shape) -> LabelledRecordings:
    """Recordings, one at a time, as one data set: at no time is more in memory than the result and one recording.

    `most`: a number of events that all of them together do not exceed.
    """
    address, time = np.empty(most, np.int16), np.empty(most, np.int32)
    offsets = [0]
    for own_address, own_time in recordings:
        start, end = offsets[-1], offsets[-1] + len(own_address)
        address[start:end], time[start:end] = own_address, own_time
        offsets.append(end)
    return labelled(address[: offsets[-1]], time[: offsets[-1]], np.array(offsets), np.array(labels), shape)


def labelled(
    address: np.ndarray, time: np.ndarray, offsets: np.ndarray, labels: np.ndarray, shape: Shape
) -> LabelledRecordings:
    """The arrays of a data set in the types of `Recordings`."""
    recordings = Recordings(
        torch.from_numpy(address),
        torch.from_numpy(time.astype(np.int32, copy=False)),
        torch.from_numpy(offsets.astype(np.int64, copy=False)),
        shape,
    )
    return LabelledRecordings(recordings, labels.astype(np.int64, copy=False))
