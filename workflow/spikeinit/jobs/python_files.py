"""What planning needs to know of a Python file: a digest of its syntax tree, and what it imports.

Parsing a hundred files is most of what planning takes, so what was found is kept in a file, by the content of the file
it was found in: it cannot be out of date, and it may be deleted at any time.
"""

from __future__ import annotations

import ast
import atexit
import hashlib
import json
import sys
from contextlib import suppress
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

from spikeinit.errors import UserError
from spikeinit.io import write_text

MEMORY = Path(".snakemake/spikeinit_sources.json")
"""Where it is kept, in the folder Snakemake works in."""


@dataclass(frozen=True)
class PythonFile:
    """A Python file: the digest (hex) of its syntax tree without docstrings, and its imports.

    modules: imported, or imported from. members: `module.name` for each name imported from one, a module itself or not,
    and `package.*` for each package that is imported itself, so that all of its names may be used.
    """

    digest: str
    modules: tuple[str, ...]
    members: tuple[str, ...]


def read_python(path: Path) -> PythonFile:
    """The file at `path`, from memory if one of this content was met before; `OSError`, `SyntaxError`."""
    content = path.read_bytes()
    key = hashlib.sha256(_reader() + content).hexdigest()
    if key not in _USED:
        known = _memory().get(key)
        if known is None:
            known = _parse(content, str(path))
            _remember_at_exit()
        _USED[key] = known
    return _USED[key]


_USED: dict[str, PythonFile] = {}
"""What this process asked for, by content: all that is worth keeping."""


@cache
def _reader() -> bytes:
    """What else the result depends on: this file, and Python's own grammar."""
    return Path(__file__).read_bytes() + repr(sys.version_info[:2]).encode()


@cache
def _memory() -> dict[str, PythonFile]:
    try:
        kept = json.loads(MEMORY.read_text())
        return {
            key: PythonFile(digest, tuple(modules), tuple(members)) for key, (digest, modules, members) in kept.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):  # not there yet, or not what was written
        return {}


@cache
def _remember_at_exit() -> None:
    """Keep what was used when planning ends; where that cannot be written, the next planning parses again."""

    def remember() -> None:
        with suppress(OSError, UserError):
            write_text(MEMORY, json.dumps({key: astuple(value) for key, value in _USED.items()}))

    atexit.register(remember)


def _parse(content: bytes, name: str) -> PythonFile:
    words: list[str] = []
    modules: list[str] = []
    members: list[str] = []
    imports: list[ast.Import | ast.ImportFrom] = []
    _spell(ast.parse(content, filename=name), words, imports)
    for node in imports:
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
            members += [f"{alias.name if alias.asname else alias.name.partition('.')[0]}.*" for alias in node.names]
        elif node.module:
            modules.append(node.module)
            members += [f"{node.module}.{alias.name}" for alias in node.names]
    digest = hashlib.sha256("\0".join(words).encode()).hexdigest()
    return PythonFile(digest, tuple(dict.fromkeys(modules)), tuple(dict.fromkeys(members)))


def _spell(node: ast.AST, words: list[str], imports: list[ast.Import | ast.ImportFrom]) -> None:
    """The tree as words, without docstrings, in one walk."""
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
