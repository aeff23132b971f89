"""What readers of event cameras share: addresses of events, and many recordings behind one another in two arrays."""

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


def addresses(x: np.ndarray, y: np.ndarray, polarity: np.ndarray, shape: Shape, path: Path | str) -> np.ndarray:
    """Address int16 [events] in a frame of `shape` (channels, height, width); the polarity is the channel.

    `UserError` for an event outside the frame, which names the file `path`.
    """
    channels, height, width = shape
    for name, values, size in (("x", x, width), ("y", y, height), ("polarity", polarity, channels)):
        outside = np.flatnonzero((values < 0) | (values >= size))
        if len(outside):
            raise UserError(f"{path}: {name} = {values[outside[0]]} in event {outside[0]}; it lies in 0 .. {size - 1}")
    return ((polarity * height + y) * width + x).astype(np.int16)


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
