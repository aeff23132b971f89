"""Digest of the code behind a stage, so that an edit re-runs exactly the stages that import it.

The import closure of a stage is followed through the package's own modules by parsing them, without importing
anything. Each module counts by its syntax tree without docstrings and comments: a better comment re-trains nothing.
Modules that only record what happens (tracking, profiling) or only plan cannot change a number and are left out.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

from spikeinit.errors import UserError

PACKAGE = "spikeinit"
ROOT = Path(__file__).parents[1]
RECORD_ONLY = (
    "spikeinit.tracking",
    "spikeinit.errors",
    "spikeinit.plan.checks",
    "spikeinit.plan.config",
    "spikeinit.plan.grids",
    "spikeinit.plan.provenance",
    "spikeinit.plan.schema",
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
        return _read.__wrapped__(Path(path))[0][:16]  # not remembered: a file of the user's may change
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
    found = []
    for node in _read(path)[1]:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE]
        elif node.module and node.module.split(".")[0] == PACKAGE:
            found.append(node.module)
            found += [name for alias in node.names if _path(name := f"{node.module}.{alias.name}")]
    return tuple(found)


def _module_digest(module: str) -> str:
    path = _path(module)
    return _read(path)[0] if path else ""


@cache
def _read(path: Path) -> tuple[str, tuple[ast.Import | ast.ImportFrom, ...]]:
    """The digest of a file's syntax tree, and the import statements anywhere in it."""
    words: list[str] = []
    imports: list[ast.Import | ast.ImportFrom] = []
    _spell(ast.parse(path.read_bytes(), filename=str(path)), words, imports)
    return hashlib.sha256("\0".join(words).encode()).hexdigest(), tuple(imports)


def _spell(node: ast.AST, words: list[str], imports: list[ast.Import | ast.ImportFrom]) -> None:
    """The tree as words, without docstrings; in one walk, because this is most of what planning takes."""
    kind = node.__class__
    words.append(kind.__name__)
    if kind is ast.Import or kind is ast.ImportFrom:
        imports.append(node)
    for name in kind._fields:
        if name == "ctx":  # follows from where the node stands
            continue
        value = getattr(node, name, None)
        if isinstance(value, list):
            words.append("[")
            documented = name == "body" and kind in _DOCUMENTED
            for item in value:
                if not isinstance(item, ast.AST):
                    words.append(repr(item))
                elif not (documented and _is_docstring(item)):
                    _spell(item, words, imports)
            words.append("]")
        elif isinstance(value, ast.AST):
            _spell(value, words, imports)
        else:
            words.append(repr(value))


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
