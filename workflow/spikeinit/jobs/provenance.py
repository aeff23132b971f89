"""Digest of the code behind a stage, so that an edit re-runs exactly the stages that import it.

The import closure of a stage is followed through the package's own modules by parsing them, without importing
anything. Each module counts by its syntax tree without docstrings and comments: a better comment re-trains nothing.
Modules that only record what happens (tracking, profiling), only plan, or only find a place to compute cannot change a
number and are left out.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from spikeinit import PUBLIC, networks
from spikeinit.datasets import catalogue
from spikeinit.errors import UserError
from spikeinit.jobs.python_files import PythonFile, read_python
from spikeinit.networks import FAMILIES
from spikeinit.registry import Registry
from spikeinit.study import Output, Study

PACKAGE = "spikeinit"
ROOT = Path(__file__).parents[1]
RECORD_ONLY = ("spikeinit.tracking", "spikeinit.errors")
"""Packages that record what happens."""

PLANNING = ("spikeinit.plan", "spikeinit.jobs", "spikeinit.config", "spikeinit.study")
"""Packages that plan. What they decide reaches a stage in its spec, and counts there."""

FINDING = (
    "spikeinit.registry",
    "spikeinit.names.slugs",
    "spikeinit.user_files",
    "spikeinit.datasets.catalogue",
    "spikeinit.datasets.entry",
    "spikeinit.datasets.own",
)
"""How code and data are found by their names. What is found stands in the spec, with a digest of its own."""

PLACING = ("spikeinit.devices",)
"""How a job finds a place to compute, which is kept out of specs as the device itself is."""

STUDIES = "spikeinit.studies"

WHOLE = f"{PACKAGE}.*"
"""How `PythonFile.members` says that a file imports the package itself, of which it may then use every public name."""


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
        modules = {f"{study.package}.{output.module}" for output in outputs}
        return source_digest(f"{PACKAGE}.stages.{stage}", *sorted(modules))
    return "+".join([source_digest(f"{PACKAGE}.stages.{stage}"), file_source_digest(study.folder)])


def file_source_digest(path: str | Path) -> str:
    """The same for a user's own file, or a folder with an `__init__.py`: its code, and all that it imports.

    That is the modules beside it, directly imported or not, and the modules of this package. `UserError` for a file
    that cannot be read, and for a module beside it that Python does not import because another one has its name.
    """
    own = user_closure(Path(path))
    total = hashlib.sha256()
    for name, file in sorted(own.items()):
        total.update(f"{name}:{_read(file).digest}\n".encode())
    imported = {name for file in own.values() for name in _own_imports(_read(file))}
    return hashlib.sha256(f"{total.hexdigest()} {source_digest(*sorted(imported))}".encode()).hexdigest()[:16]


def user_closure(path: Path) -> dict[str, Path]:
    """The files that a user's file, or folder, consists of: the file itself, and of the modules that stand beside it or
    on the user's PYTHONPATH those that it imports, directly or not. By their place below the folder they were
    found in; the file itself is "".

    Of an imported folder all Python files count.
    """
    folder = path.resolve().parent
    found: dict[str, Path] = {}
    waiting = [(str(file.relative_to(path)), file) for file in _python_files(path)] if path.is_dir() else [("", path)]
    seen = {PACKAGE}
    while waiting:
        name, file = waiting.pop()
        found[name] = file
        for module in {imported.split(".")[0] for imported in _read(file).modules} - seen:
            seen.add(module)
            for place in (folder, *_user_search_path()):
                files = _beside(place, module, path)
                waiting += [(str(file.relative_to(place)), file) for file in files]
                if files:
                    break
    return found


def _user_search_path() -> list[Path]:
    """The folders of the environment's PYTHONPATH."""
    return [Path(entry).resolve() for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _beside(folder: Path, module: str, importer: Path) -> list[Path]:
    """The files of a module in `folder`; none if there is no such module there."""
    place = folder / module if (folder / module).is_dir() else folder / f"{module}.py"
    files = _python_files(place) if place.is_dir() else [place] if place.is_file() else []
    if files and not _is_imported_from(module, folder):
        raise UserError(
            f"{importer}: imports {module}, but Python has another module of that name, not {place}; rename the latter"
        )
    return files


def _is_imported_from(module: str, folder: Path) -> bool:
    """Whether Python finds the module in `folder`, or nowhere as long as the folder is not on its search path."""
    try:
        found = importlib.util.find_spec(module)
    except ValueError:  # a module that was not made by an import, such as __main__
        return False
    if found is None:
        return True
    places = [found.origin] if found.has_location else found.submodule_search_locations or []
    return any(Path(place).resolve().is_relative_to(folder) for place in places)


def _python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _read(path: Path) -> PythonFile:
    try:
        return read_python(path)
    except (OSError, SyntaxError) as error:
        raise UserError(f"{path}: cannot be read as Python ({error})") from None


def network_source(family: str, *modules: str) -> str:
    """Digest of the code of these modules of the package, and of the code of a network family, whoever wrote it."""
    if family in FAMILIES:
        return source_digest(*modules, f"spikeinit.networks.{FAMILIES[family].module}")
    return f"{source_digest(*modules)}+{registered_source(networks.REGISTRY, family)}"


def dataset_source(name: str) -> str:
    """Digest of the code that prepares a data set, its reader included, whoever wrote it."""
    modules = source_digest(*catalogue.preparing_modules(name))
    own = catalogue.REGISTRY.file(name)
    return modules if own is None else f"{modules}+{file_source_digest(own)}"


def registered_source(registry: Registry, name: str) -> str:
    """Digest of the user's file that registers `name`."""
    file = registry.file(name)
    if file is None:
        raise UserError(f"{registry.kind} {name!r} is registered in no file that jobs could load; {registry.remedy}")
    return file_source_digest(file)


def closure(modules: tuple[str, ...]) -> set[str]:
    """Names of all modules of this package that the given ones import, directly or not, themselves included."""
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in reached or decides_nothing(module):
            continue
        reached.add(module)
        waiting.extend(_imports(module))
        if "." in module:
            waiting.append(module.rpartition(".")[0])
    return reached


def decides_nothing(module: str) -> bool:
    """Whether a module only records, plans, places or finds, so that no number depends on its code but through a spec.

    The packages of studies themselves only declare, too; the modules in them count. The package itself only says where
    its public names are found; who imports those names depends on the modules behind them, see `_own_imports`.
    """
    above = {module, *(module[:place] for place, letter in enumerate(module) if letter == ".")}
    declares = module == STUDIES or (module.rpartition(".")[0] == STUDIES and _is_package(module))
    return module == PACKAGE or declares or not above.isdisjoint((*RECORD_ONLY, *PLANNING, *FINDING, *PLACING))


def _is_package(module: str) -> bool:
    return ROOT.joinpath(*module.split(".")[1:], "__init__.py").is_file()


@cache
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
    return _own_imports(_read_module(path))


def _own_imports(source: PythonFile) -> tuple[str, ...]:
    """The modules of this package that a file imports; for a public name the module that it stands in."""
    own = [name for name in (*source.modules, *source.members) if name.split(".")[0] == PACKAGE]
    behind = {f"{PACKAGE}.{name}": place.partition(":")[0] for name, place in PUBLIC.items()}
    public = behind.values() if WHOLE in own else [behind[name] for name in own if name in behind]
    return tuple(dict.fromkeys([*(name for name in own if name in source.modules or _path(name)), *public]))


def _module_digest(module: str) -> str:
    path = _path(module)
    return _read_module(path).digest if path else ""


@cache
def _read_module(path: Path) -> PythonFile:
    """A module of the package, read once in a process."""
    return read_python(path)
