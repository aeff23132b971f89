"""What is said of a data set: its files with checksums, where they come from, how they are read and split.

Nothing in this module imports torch or numpy: the planner reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class File:
    """An original file: its name, size in bytes and SHA-256 (hex).

    Every file of this package's data sets has both. A user may leave them out: then the file is taken as it is.
    """

    name: str
    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Torchvision:
    """Files that torchvision downloads: `dataset` is the class in torchvision.datasets that knows their mirrors."""

    dataset: str

    def __str__(self) -> str:
        return f"the mirrors of torchvision.datasets.{self.dataset}"


@dataclass(frozen=True)
class Mirrors:
    """Files that lie in folders on the web, the first one tried first."""

    mirrors: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.mirrors)


@dataclass(frozen=True)
class Package:
    """Files that a Python package ships in its `folder`; `distribution` is what pip calls it."""

    module: str
    folder: str
    distribution: str

    def __str__(self) -> str:
        return f"the Python package {self.distribution}, {self.folder}"


@dataclass(frozen=True)
class Unpacked:
    """Files that only the user can bring. `address`: where from.

    For a data set of very many files, which the entry then does not list: its reader counts and checks them. `holds`:
    files or folders of which one, upper or lower case, shows that they are there; empty: nothing must be there.
    """

    address: str
    holds: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class Own:
    """A user's own files, beside the Python file that registers `read` for them or below datasets.root.

    read: from {name: path} of the files, or {"folder": path} where none is listed, to the splits.
    """

    read: Callable[[Mapping[str, Path]], Mapping[str, Any]]
    holds: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "the user's own files"


@dataclass(frozen=True)
class Dataset:
    """One catalogue entry.

    `shape` is (channels, height, width); `folders` are looked for under datasets.root, first match first; `reader` is
    a module of spikeinit.datasets.readers and `options` its keywords; `test_images` is how many images become the test
    split of a data set that has none of its own; `recordings` says that it holds recordings of events, not images;
    `images` are how many training and test images it has, None where nobody has said so: they and `memory_mb`, what a
    job that holds all of it takes, are what a cluster is asked for.
    """

    name: str
    title: str
    licence: str
    citation: str
    classes: int
    shape: tuple[int, int, int]
    files: tuple[File, ...]
    folders: tuple[str, ...]
    source: Torchvision | Mirrors | Package | Unpacked | Own
    reader: str
    options: Mapping[str, Any] = field(default_factory=dict)
    test_images: int | None = None
    recordings: bool = False
    images: tuple[int, int] | None = None
    memory_mb: int = 4000

    def file_in(self, root: Path, file: File) -> Path | None:
        """Where one of the files lies below `root`; None if it does not."""
        paths = (root / folder / file.name for folder in self.folders)
        return next((path for path in paths if path.is_file()), None)

    def folder_in(self, root: Path) -> Path | None:
        """The folder below `root` of a data set whose files are not listed one by one; None if there is none.

        Where it lies one folder deeper than it should, as some programs unpack it, it is found in the only such folder.
        """
        for folder in self.places_in(root):
            found = [folder] if self.held_in(folder) else self.deeper_in(folder)
            if len(found) == 1:
                return found[0]
        return None

    def places_in(self, root: Path) -> list[Path]:
        """The folders below `root` that have one of the data set's names."""
        return [root / folder for folder in self.folders if (root / folder).is_dir()]

    def deeper_in(self, folder: Path) -> list[Path]:
        """The folders in `folder` that hold what the data set's own folder holds."""
        from spikeinit.datasets.leftovers import entries

        return [path for path in entries(folder) if path.is_dir() and self.held_in(path)]

    def held_in(self, folder: Path) -> bool:
        """Whether a folder holds what the data set's own folder holds."""
        from spikeinit.datasets.leftovers import entry_named

        wanted = self.source.holds
        return not wanted or any(entry_named(folder, name) is not None for name in wanted)

    def offered_in(self, root: Path) -> bool:
        """Whether the files lie below `root`, by their names and sizes; the fetch compares the checksums."""
        if not self.files:
            return self.folder_in(root) is not None
        found = [(self.file_in(root, file), file.bytes) for file in self.files]
        return all(path is not None and size in (None, path.stat().st_size) for path, size in found)
