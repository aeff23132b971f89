"""Digest of the code behind a stage, so that an edit re-runs exactly the stages that import it.

The import closure of a stage is followed through the package's own modules by parsing them, without importing
anything. Each module counts by its syntax tree without docstrings and comments: a better comment re-trains nothing.
Modules that only record what happens (tracking, profiling) or only plan cannot change a number and are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from spikeinit.errors import UserError
from spikeinit.jobs.python_files import Parsed, parsed
from spikeinit.study import Output, Study

PACKAGE = "spikeinit"
ROOT = Path(__file__).parents[1]
RECORD_ONLY = ("spikeinit.tracking", "spikeinit.errors")
"""Packages that record what happens."""

PLANNING = ("spikeinit.plan", "spikeinit.jobs", "spikeinit.config", "spikeinit.study")
"""Packages that plan. What they decide reaches a stage in its spec, and counts there."""

STUDIES = "spikeinit.studies"


@cache
def source_digest(*modules: str) -> str:
    """SHA-256 (hex, first 16 characters) over the import closures of the given modules of this package."""
    total = hashlib.sha256()
    for module in sorted(closure(modules)):
        total.update(f"{module}:{_module_digest(module)}\n".encode())
    return total.hexdigest()[:16]


def study_source(study: Study, stage: str, outputs: Iterable[Output] = ()) -> str:
    """Digest of the code of a stage and of the modules of a study's package that make `outputs`.

    Of a user's own package every file counts.
    """
    if study.package.startswith(f"{STUDIES}."):
        modules = {f"{study.package}.{output.function.rpartition('.')[0]}" for output in outputs}
        return source_digest(f"{PACKAGE}.stages.{stage}", *sorted(modules))
    return "+".join([source_digest(f"{PACKAGE}.stages.{stage}"), folder_source_digest(study.folder)])


def file_source_digest(path: str | Path) -> str:
    """The same for one file outside the package: a user's own initialiser."""
    try:
        return parsed(Path(path)).digest[:16]
    except (OSError, SyntaxError) as error:
        raise UserError(f"{path}: cannot be read as Python ({error})") from None


def folder_source_digest(folder: Path) -> str:
    """The same for all Python files of a folder: the package of a user's own study."""
    files = sorted(folder.rglob("*.py"))
    words = [f"{path.relative_to(folder)}:{file_source_digest(path)}" for path in files]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def closure(modules: tuple[str, ...]) -> set[str]:
    """Names of all modules of this package that the given ones import, directly or not, themselves included."""
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in reached or _decides_nothing(module):
            continue
        reached.add(module)
        waiting.extend(_imports(module))
        if "." in module:
            waiting.append(module.rpartition(".")[0])
    return reached


def _decides_nothing(module: str) -> bool:
    """Whether a module only records or plans, so that no number depends on its code but through a spec.

    The packages of studies themselves only declare, too; the modules in them count.
    """
    above = {module, *(module[:place] for place, letter in enumerate(module) if letter == ".")}
    declares = module == STUDIES or (module.rpartition(".")[0] == STUDIES and _is_package(module))
    return declares or not above.isdisjoint((*RECORD_ONLY, *PLANNING))


def _is_package(module: str) -> bool:
    return ROOT.joinpath(*module.split(".")[1:], "__init__.py").is_file()


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
