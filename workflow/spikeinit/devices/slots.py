"""Slots on GPUs: which job computes where, agreed upon by all processes of a machine through locked files.

For instance four GPUs with two slots each, and eight jobs that start at once: every GPU gets two. A ninth waits until
one of them ends. A slot is a file that its job keeps locked (`flock`). The operating system drops the lock when the
process ends, however it ends, so no slot is ever left behind; the files themselves stay and mean nothing.

    <folder>/queue.<digest>.lock    held while a job looks for a slot: of the jobs with the same GPUs and the same rule
                                    for the number of slots, the one that came first is served first
    <folder>/entry.lock             held for a moment, while one job counts the slots in use and takes one
    <folder>/<GPU>.<n>.lock         slot n of a GPU; it holds what its job needs, in JSON
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from spikeinit.devices.gpus import Gpu, with_memory

PAUSE = 2.0
"""Seconds between two looks for a free slot."""

GRACE = 1.0
"""Seconds within which jobs that start together pass one another, so that none of them says that it waits."""

SHARE = 0.9
"""The share of a GPU's free memory that is given out; the rest is lost between the blocks that jobs allocate."""


def shared_folder() -> Path:
    """Where the locks lie: one folder for all checkouts and users that have the same folder for temporary files."""
    return Path(tempfile.gettempdir()) / "spikeinit-gpus"


@dataclass
class Slot:
    """A slot on `gpu`, held until `release` or until the process ends.

    beside: how many other jobs had a slot on the same GPU when this one took its own.
    """

    gpu: Gpu
    beside: int
    descriptor: int

    def release(self) -> None:
        """Leave the slot to another job."""
        os.close(self.descriptor)


@dataclass(frozen=True)
class _Holder:
    """A job that has a slot: the memory that it needs, and what all jobs of its GPU may need together, in bytes.

    room is None where nobody knows how much memory was free; then no further job comes by memory.
    """

    need: int
    room: int | None


def take(
    gpus: Sequence[Gpu],
    jobs: int | None,
    need: int,
    *,
    folder: Path,
    on_wait: Callable[[], None],
    measure: Callable[[Sequence[Gpu]], Sequence[Gpu]] = with_memory,
) -> Slot:
    """A slot on one of `gpus`, of which there is at least one.

    GPUs with enough free memory for the job come first, then those with the fewest jobs, with the most free memory, and
    the order of `gpus`.

    jobs: how many jobs a GPU takes, or None for as many as its memory holds. Then a further job comes if the needs of
    all together fit into `SHARE` of what was free before the first came, and its own need into what is free now. The
    first job always comes. need: bytes of this job. measure: gives the GPUs with the memory that is free now.

    It waits while all slots are taken, and calls `on_wait` once before that. Raises `OSError` where the folder cannot
    be used.
    """
    _make(folder)
    with _opened(folder / f"queue.{_key(gpus, jobs)}.lock") as queue:
        waits = not _lock(queue, seconds=GRACE)
        if waits:
            on_wait()
            fcntl.flock(queue, fcntl.LOCK_EX)
        while True:
            if waits and jobs is None:
                gpus = measure(gpus)
            with _opened(folder / "entry.lock") as entry:
                fcntl.flock(entry, fcntl.LOCK_EX)
                if slot := _entered(gpus, jobs, need, folder):
                    return slot
            if not waits:
                on_wait()
                waits = True
            time.sleep(PAUSE)


def _entered(gpus: Sequence[Gpu], jobs: int | None, need: int, folder: Path) -> Slot | None:
    """A slot, or None if all are taken; the caller holds the lock of the entry."""
    found = [(gpu, _holders(folder, gpu)) for gpu in gpus]
    free_for_it = [(gpu, holders) for gpu, holders in found if _admits(gpu, holders, jobs, need)]
    if not free_for_it:
        return None
    gpu, holders = min(free_for_it, key=lambda entry: (not _fits(need, entry[0]), len(entry[1]), -(entry[0].free or 0)))
    rooms = [holder.room for holder in holders]
    if not holders:
        rooms = [None if gpu.free is None else int(SHARE * gpu.free)]
    room = None if None in rooms else min(rooms)
    for number in itertools.count():
        descriptor = _open(_path(folder, gpu, number))
        if _lock(descriptor):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(asdict(_Holder(need, room))).encode(), 0)
            return Slot(gpu, len(holders), descriptor)
        os.close(descriptor)


def _fits(need: int, gpu: Gpu) -> bool:
    """Whether so many bytes are free now, as far as that is known."""
    return gpu.free is None or need <= gpu.free


def _admits(gpu: Gpu, holders: Sequence[_Holder], jobs: int | None, need: int) -> bool:
    """Whether a further job with this need may compute beside those that hold slots."""
    if not holders:
        return True
    if gpu.exclusive:
        return False
    if jobs is not None:
        return len(holders) < jobs
    if not _fits(need, gpu) or any(holder.room is None for holder in holders):
        return False
    return sum(holder.need for holder in holders) + need <= min(holder.room for holder in holders)


def _holders(folder: Path, gpu: Gpu) -> list[_Holder]:
    """The jobs that hold slots of a GPU. A slot is held if its file is locked; a file alone says nothing."""
    found = []
    for path in folder.glob(_path(folder, gpu, "*").name):
        with _opened(path) as descriptor:
            if not _lock(descriptor):
                found.append(_read(descriptor))
    return found


def _read(descriptor: int) -> _Holder:
    """What the holder wrote down; of what is not to be read, that it leaves no room for others."""
    try:
        values = json.loads(os.pread(descriptor, 1000, 0))
        return _Holder(int(values["need"]), None if values["room"] is None else int(values["room"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return _Holder(0, None)


def _path(folder: Path, gpu: Gpu, number: int | str) -> Path:
    return folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', gpu.name)}.{number}.lock"


def _key(gpus: Sequence[Gpu], jobs: int | None) -> str:
    """The name of the queue of those who look for a slot on the same GPUs by the same rule."""
    return hashlib.sha256(json.dumps([sorted(gpu.name for gpu in gpus), jobs]).encode()).hexdigest()[:16]


def _make(folder: Path) -> None:
    """The folder, in which every user may make files and only remove their own."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(parents=True)
        folder.chmod(0o1777)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = _open(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    """A file that every user may lock. It is not opened through a link, and no child process keeps it open.

    Linux lets nobody open another user's file in such a folder with O_CREAT, even if it may be written to.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.suppress(FileNotFoundError):
        return os.open(path, flags)
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return os.open(path, flags)
    os.fchmod(descriptor, 0o666)  # what the umask took away
    return descriptor


def _lock(descriptor: int, *, seconds: float = 0.0) -> bool:
    """Lock a file, unless another process has it locked for so long."""
    last = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= last:
                return False
            time.sleep(0.05)
        else:
            return True
