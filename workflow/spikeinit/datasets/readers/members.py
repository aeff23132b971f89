"""The files of a folder or of a zip archive alike, without what systems and unpackers leave beside them."""

from __future__ import annotations

import contextlib
import functools
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spikeinit.datasets.leftovers import entry_named, few, is_leftover, unfinished
from spikeinit.datasets.readers.archives import damage_named
from spikeinit.errors import UserError


@dataclass(frozen=True)
class Member:
    """A file: what to call it, the folders above it and its name, its size in bytes, and how to get its bytes.

    The folders in `parts` are those below the place it lies in; one that has the place's own name is left out, since
    many programs unpack Train.zip, which holds a folder Train/, into another folder Train/.
    """

    name: str
    parts: tuple[str, ...]
    bytes: int
    content: Callable[[], bytes]

    @property
    def file(self) -> str:
        return self.parts[-1]


@dataclass(frozen=True)
class Place:
    """A folder or an archive with its files. `packed`: the archive of the same name beside a folder."""

    path: Path
    members: list[Member]
    packed: Path | None = None

    def remedy(self, otherwise: str) -> str:
        """What to do when files are absent or damaged."""
        if self.packed is not None:
            return f"unpack {self.packed.name} again, or remove {self.path} and the archive is read instead"
        return otherwise

    def miscounted(self, taken: Sequence[Member], wanted: int, what: str, otherwise: str) -> UserError:
        """The error for another number of recordings than there must be; it names files that may be the reason."""
        names = {member.name for member in taken}
        others = [member.file for member in self.members if member.name not in names]
        reasons = [f"unfinished: {few(parts)}"] if (parts := unfinished(others)) else []
        reasons += [f"not taken: {few(rest)}"] if (rest := [name for name in others if name not in parts]) else []
        why = f" ({'; '.join(reasons)})" if reasons else ""
        return UserError(f"{self.path}: {len(taken)} {what} instead of {wanted}{why}; {self.remedy(otherwise)}")


def find(folder: Path, name: str, opened: contextlib.ExitStack, remedy: str) -> Place | None:
    """The folder `name` in `folder`, else `name`.zip, upper or lower case; None if there is neither.

    An archive stays open in `opened` and is never unpacked. `UserError`, which ends in the remedy, for what cannot be
    read; so do the members' `content`.
    """
    unpacked, archive = entry_named(folder, name), entry_named(folder, f"{name}.zip")
    archive = archive if archive is not None and archive.is_file() else None
    if unpacked is not None and unpacked.is_dir():
        found = _in_folder(unpacked, name)
        if found or archive is None:
            return Place(unpacked, found, archive)
    return None if archive is None else Place(archive, _in_archive(archive, name, opened, remedy))


def of_file(path: Path, parts: tuple[str, ...] = ()) -> Member:
    """A file as a member; `UserError` for one that cannot be read, here and by its `content`."""

    def content() -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise _unreadable(error, path) from None

    try:
        size = path.stat().st_size
    except OSError as error:
        raise _unreadable(error, path) from None
    return Member(str(path), parts or (path.name,), size, content)


def _in_folder(folder: Path, name: str) -> list[Member]:
    def refuse(error: OSError) -> None:
        raise _unreadable(error, folder) from None

    found = []
    for above, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        folders[:] = sorted(own for own in folders if not is_leftover(own))
        for file in sorted(own for own in files if not is_leftover(own)):
            path = Path(above, file)
            found.append(of_file(path, _below(path.relative_to(folder).parts, name)))
    return found


def _in_archive(path: Path, name: str, opened: contextlib.ExitStack, remedy: str) -> list[Member]:
    with damage_named(path, remedy):
        archive = opened.enter_context(zipfile.ZipFile(path))

    def content(member: zipfile.ZipInfo) -> bytes:
        with damage_named(path, remedy):
            return archive.read(member)

    found = []
    for member in archive.infolist():
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if member.is_dir() or any(map(is_leftover, parts)):
            continue
        if member.flag_bits & 1:
            raise UserError(f"{path}: {member.filename} is encrypted; unpack it with its password, or {remedy}")
        own = f"{path}, {member.filename}"
        found.append(Member(own, _below(parts, name), member.file_size, functools.partial(content, member)))
    return found


def _below(parts: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Without leading folders of the place's own name."""
    while len(parts) > 1 and parts[0].lower() == name.lower():
        parts = parts[1:]
    return parts


def _unreadable(error: OSError, path: Path) -> UserError:
    return UserError(f"{error.filename or path}: not readable ({error.strerror}); copy it anew, or allow reading it")
