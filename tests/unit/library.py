"""Which modules of the package are the library, and what they may import: for the tests of both."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
ROOT = CHECKOUT / "workflow"

COMPILED = (
    "spikeinit.kernels.convolution.events",
    "spikeinit.kernels.convolution.strided",
    "spikeinit.kernels.perceptron",
    "spikeinit.kernels.vectors",
)
"""Modules that cannot be imported without numba."""

NUMBA = ("numba", "llvmlite")
BEHIND = {"llvmlite": "numba", "triton": "torch"}
"""Packages that others bring along."""

NAMES = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml"}
"""Packages whose distribution has another name."""


@cache
def project() -> dict:
    """The table [project] of pyproject.toml."""
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]


def distribution(requirement: str) -> str:
    """The name of what a requirement asks for."""
    return re.match(r"[A-Za-z0-9_.-]+", requirement)[0].lower()


def parts() -> list[str]:
    """The parts of the package that docs/library.md says to be the library."""
    page = (CHECKOUT / "docs/library.md").read_text()
    table = page.partition("| part | what it does |")[2].partition("\n\n")[0]
    return [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.partition(" | ")[0])]


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / "spikeinit").rglob("*.py")
    }


def library_modules() -> list[str]:
    """Every module of the library, the package itself first."""
    own = set(parts())
    return ["spikeinit", *sorted(name for name in modules() if name.partition(".")[2].split(".")[0] in own)]


@cache
def imported(module: str, *, everywhere: bool = False) -> frozenset[str]:
    """What a module imports when it is imported itself, `everywhere` also within functions: `a.b` for each name.

    What only type checkers see is left out.
    """
    found: set[str] = set()
    for node in _statements(ast.parse(modules()[module].read_text()), everywhere):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{module}: a relative import"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def _statements(tree: ast.AST, everywhere: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        only_for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if not only_for_types and (everywhere or not later):
            yield node
            yield from _statements(node, everywhere)
