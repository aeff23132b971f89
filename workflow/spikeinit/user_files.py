"""A user's own Python files: how they are imported, and how a decorator learns which file it stands in.

    load("my_network.py")        # runs the file, in which @register("my_net") decorates a function

A file is run once in a process. Its folder goes to the front of Python's search path, as Python does for a script, so
that the file can import modules that stand beside it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from spikeinit.errors import UserError


@dataclass
class _Running:
    """A user's file that is being run at this moment."""

    path: Path
    registered: set[tuple[str, str]] = field(default_factory=set)


_RUNNING: list[_Running] = []
"""The innermost last."""


def load(path: str | Path, *, registers: bool = True) -> ModuleType:
    """The module of a user's file, or of a folder with an `__init__.py`; it is run unless it was run before.

    Raises `UserError` if there is no such file, if it fails while it is run, and, with `registers`, if it registers
    nothing.
    """
    path = Path(path)
    file = path / "__init__.py" if path.is_dir() else path
    if file.suffix != ".py" or not file.is_file():
        raise UserError(f"{path}: no such Python file; give the path of a file that registers something of your own")
    name = module_name(path)
    if name not in sys.modules:
        _run(name, path, file, registers)
    return sys.modules[name]


def load_all(paths: Iterable[str | Path]) -> None:
    """`load` for each of them; an empty path stands for none, as a shell passes an empty list."""
    for path in filter(None, paths):
        load(path)


def module_name(path: str | Path) -> str:
    """The name of the module of a user's file: two files of the same name in two folders have two."""
    path = Path(path).resolve()
    return f"spikeinit_user_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def registering(kind: str, name: str) -> Path | None:
    """The user's file that registers `name` as a `kind` now; None outside such a file, as in a notebook.

    Raises `UserError` for a name that the file has registered already.
    """
    if not _RUNNING:
        return None
    running = _RUNNING[-1]
    if (kind, name) in running.registered:
        raise UserError(f"{kind} {name!r} is registered twice by {running.path}; give one of them another name")
    running.registered.add((kind, name))
    return running.path


def _run(name: str, path: Path, file: Path, registers: bool) -> None:
    specification = importlib.util.spec_from_file_location(
        name, file, submodule_search_locations=[str(path.resolve())] if path.is_dir() else None
    )
    module = importlib.util.module_from_spec(specification)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    sys.modules[name] = module
    running = _Running(path)
    _RUNNING.append(running)
    try:
        specification.loader.exec_module(module)
        if registers and not running.registered:
            raise UserError(
                f"{path}: registers nothing; decorate your function with @register(...), which spikeinit.initializers,"
                " spikeinit.networks and spikeinit.datasets offer"
            )
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, UserError) or not isinstance(error, Exception):
            raise
        raise UserError(f"{path}: failed on import, {type(error).__name__}: {error}") from error
    finally:
        _RUNNING.pop()
