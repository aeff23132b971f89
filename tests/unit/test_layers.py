"""Imports point down: each part of the package uses only what lies below it, and no two modules need one another."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "workflow/spikeinit"

LAYERS = (
    ("stages",),
    ("plan", "results"),
    ("studies",),
    ("jobs",),
    ("interop",),
    ("config", "conversion"),
    ("training",),
    ("measures", "simulation", "statistics", "tracking"),
    ("networks",),
    ("encoding", "initializers", "neurons"),
    ("datasets",),
    ("drawing", "kernels", "registry", "specs"),
    ("devices", "io", "names", "tables", "user_files"),
    ("errors", "interruption", "losses", "nested", "randomness", "study"),
)
"""Packages and single modules of spikeinit, from top to bottom. Those of one layer do not use one another."""

RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


@cache
def imports(module: str) -> set[str]:
    """Modules of the package that one imports, wherever the import stands, but those that only annotations need."""
    tree = ast.parse(MODULES[module].read_text())
    for_annotations = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    named = set()
    for node in ast.walk(tree):
        if id(node) in for_annotations:
            continue
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            named |= (members & MODULES.keys()) or {node.module}
    return (named & MODULES.keys()) - {module, "spikeinit"}


def part(module: str) -> str:
    """The package or module right below spikeinit that a module belongs to."""
    return module.split(".")[1]


def test_every_part_of_the_package_has_its_layer():
    assert {part(module) for module in MODULES if module != "spikeinit"} == RANK.keys()


@pytest.mark.parametrize("name", sorted(RANK))
def test_imports_point_down(name):
    upwards = [
        f"{module} imports {imported}"
        for module in MODULES
        if module != "spikeinit" and part(module) == name
        for imported in imports(module)
        if part(imported) != name and RANK[part(imported)] <= RANK[name]
    ]
    assert upwards == []


def test_no_modules_need_one_another():
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " imports ".join([*path[path.index(module) :], module])
        if module not in done:
            for imported in imports(module):
                visit(imported, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def test_no_stage_imports_another():
    stages = [module for module in MODULES if module.startswith("spikeinit.stages.")]
    shared = "spikeinit.stages.options"  # what their command lines have in common
    assert {imported for stage in stages for imported in imports(stage)} & set(stages) == {shared}
