"""A user's own data set: its registration, and where its files lie.

    @register("my_digits", title="…", licence="CC0", classes=10, shape=(1, 8, 8), files=["my.csv"], test_images=30)
    def read(paths):
        ...                                             # paths["my.csv"] is the path of that file
        return {"train": Labelled(images, labels)}

Nothing in this module imports torch or numpy: the planner reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spikeinit.datasets import catalogue
from spikeinit.datasets.entry import Dataset, File, Own
from spikeinit.errors import UserError

Read = Callable[[Mapping[str, Path]], Mapping[str, Any]]


def register(
    name: str,
    *,
    title: str,
    licence: str,
    classes: int,
    shape: tuple[int, int, int],
    files: Sequence[str | File] = (),
    folder: str = "",
    test_images: int | None = None,
    recordings: bool = False,
    citation: str = "",
    memory_mb: int = Dataset.memory_mb,
) -> Callable[[Read], Read]:
    """Register the decorated function `read(paths) -> {"train": Labelled, "test": Labelled}` as the data set `name`.

    shape: (channels, height, width) of every image. files: the names of the files, or `File`s with size and SHA-256,
    which are compared. They lie in `folder`, beside the Python file that registers them or below datasets.root. Where
    `files` is empty, `read` gets {"folder": path} alone. test_images: how many images are set apart for testing where
    `read` returns no "test". recordings: whether `read` returns `LabelledRecordings`, events of an event camera.
    Raises `UserError` for a name that is taken and for values that no data set can have.
    """
    if len(shape) != 3 or min(shape) < 1 or classes < 1:
        raise UserError(
            f"data set {name!r}: shape = {shape}, classes = {classes}; shape is (channels, height, width), and there is"
            " at least one class"
        )
    if not files and not folder:
        raise UserError(f"data set {name!r}: neither files nor folder; say where its images are")

    def decorate(read: Read) -> Read:
        entry = Dataset(
            name=name,
            title=title,
            licence=licence,
            citation=citation,
            classes=classes,
            shape=tuple(shape),
            files=tuple(file if isinstance(file, File) else File(file) for file in files),
            folders=(folder,),
            source=Own(read),
            reader="own",
            test_images=test_images,
            recordings=recordings,
            memory_mb=memory_mb,
        )
        catalogue.REGISTRY.add(name, entry, module=read.__module__)
        return read

    return decorate


def files_of(name: str, root: str | Path | None) -> list[Path]:
    """The paths of the files of a user's own data set, in the order of its entry; of one without files its folder.

    They are looked for beside the file that registers the data set, then below `root` (datasets.root or
    SPIKEINIT_DATA). Raises `UserError` that names the places for the first one that is in neither.
    """
    entry = catalogue.get(name)
    file = catalogue.REGISTRY.file(name)
    places = [file.parent] if file else []
    places += [Path(root).expanduser()] if root else []
    if not entry.files:
        return [_first(name, entry.folders[0] + "/", places, [entry.folder_in(place) for place in places])]
    return [
        _first(name, str(Path(*entry.folders, wanted.name)), places, [entry.file_in(place, wanted) for place in places])
        for wanted in entry.files
    ]


def _first(name: str, wanted: str, places: Sequence[Path], found: Sequence[Path | None]) -> Path:
    for path in filter(None, found):
        return path
    looked = " and ".join(str(place) for place in places)
    raise UserError(
        f"data set {name!r}: no {wanted} in {looked}; put it beside the file that registers the data set, or below"
        " datasets.root or SPIKEINIT_DATA"
    )
