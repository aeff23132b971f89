"""Digest of the code behind a stage, so that an edit re-runs exactly the stages that import it.

The import closure of a stage is followed through the package's own modules by parsing them, without importing
anything. Each module counts by its syntax tree without docstrings and comments: a better comment re-trains nothing.
Modules that only record what happens (tracking, profiling) or only plan cannot change a number and are left out.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from spikeinit.errors import UserError
from spikeinit.jobs.python_files import Parsed, parsed

PACKAGE = "spikeinit"
ROOT = Path(__file__).parents[1]
RECORD_ONLY = (
    "spikeinit.tracking",
    "spikeinit.errors",
    "spikeinit.config.checks",
    "spikeinit.config.configuration",
    "spikeinit.jobs.runs",
    "spikeinit.jobs.python_files",
    "spikeinit.jobs.provenance",
    "spikeinit.config.schema",
)


@cache
def source_digest(*modules: str) -> str:
    """SHA-256 (hex, first 16 characters) over the import closures of the given modules of this package."""
    total = hashlib.sha256()
    for module in sorted(closure(modules)):
        total.update(f"{module}:{_module_digest(module)}\n".encode())
    return total.hexdigest()[:16]


def file_source_digest(path: str | Path) -> str:
    """The same for one file outside the package: a user's own initialiser."""
    try:
        return parsed(Path(path)).digest[:16]
    except (OSError, SyntaxError) as error:
        raise UserError(f"{path}: cannot be read as Python ({error})") from None


def closure(modules: tuple[str, ...]) -> set[str]:
    """Names of all modules of this package that the given ones import, directly or not, themselves included."""
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in reached or module.startswith(RECORD_ONLY):
            continue
        reached.add(module)
        waiting.extend(_imports(module))
        if "." in module:
            waiting.append(module.rpartition(".")[0])
    return reached


def _path(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split(".")[1:])
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


@cache
def _imports(module: str) -> tuple[str, ...]:
    path = _path(module)
    if path is None:
        raise ModuleNotFoundError(f"{module}: no such module in {PACKAGE}")
    source = _parsed(path)
    own = [name for name in (*source.modules, *source.members) if name.split(".")[0] == PACKAGE]
    return tuple(name for name in own if name in source.modules or _path(name))


def _module_digest(module: str) -> str:
    path = _path(module)
    return _parsed(path).digest if path else ""


@cache
def _parsed(path: Path) -> Parsed:
    """A module of the package, read once in a process."""
    return parsed(path)
