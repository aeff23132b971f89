"""The package as others get it: public names, dependencies, and what belongs to the library."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys

import library
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import spikeinit

ABOVE = {"stages", "plan", "results", "studies", "jobs", "config", "drawing", "statistics", "tracking", "study"}
"""Parts that belong to the workflow."""


def fresh(code: str) -> str:
    """What a new process prints that finds the package in the checkout and makes errors of warnings."""
    command = [sys.executable, "-W", "error", "-c", f"import sys; sys.path.insert(0, {str(library.ROOT)!r})\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", spikeinit.PUBLIC)
def test_a_public_name_is_there_and_explained(name):
    value = getattr(spikeinit, name)
    module, _, attribute = spikeinit.PUBLIC[name].partition(":")
    assert value is getattr(sys.modules[module], attribute)
    assert len(value.__doc__.strip()) > 20
    assert name in dir(spikeinit)
    assert name in spikeinit.__all__


def test_the_names_that_type_checkers_see_are_the_public_ones():
    tree = ast.parse(library.modules()["spikeinit"].read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname: f"{node.module}:{alias.name}" for node in block.body for alias in node.names}
    assert seen == spikeinit.PUBLIC


def test_the_page_lists_the_public_names(checkout):
    listed = re.findall(r"^\| `spikeinit\.(\w+)`", (checkout / "docs/library.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(spikeinit.__all__)


def test_importing_the_package_imports_nothing_else():
    code = """
before = set(sys.modules)
import spikeinit
import json
new = sorted(name for name in set(sys.modules) - before if name.split(".")[0] not in sys.stdlib_module_names)
law = spikeinit.law("he", fan_in=50)
print(json.dumps([new, law.variance, "torch" in sys.modules]))
"""
    assert json.loads(fresh(code)) == [["spikeinit"], 0.04, False]


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'laws'"):
        _ = spikeinit.laws


def test_every_part_belongs_to_the_library_or_to_the_workflow():
    whole = {name.split(".")[1] for name in library.modules() if name != "spikeinit"}
    assert whole == ABOVE | set(library.parts()), "name a new part in docs/library.md, or in ABOVE"
    assert not ABOVE & set(library.parts())


def core() -> set[str]:
    return {library.distribution(requirement) for requirement in library.project()["dependencies"]}


def own_distribution(package: str) -> str:
    package = library.BEHIND.get(package, package)
    return library.NAMES.get(package, package).lower().replace("_", "-")


def third_party(names: frozenset[str]) -> set[str]:
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"spikeinit"}


def test_importing_a_module_of_the_library_needs_the_core_dependencies_alone():
    """Its own imports and those of each module of the package that is imported with it."""
    offenders = []
    for start in library.library_modules():
        reached, waiting = set(), [start]
        while waiting:
            module = waiting.pop()
            if module in reached:
                continue
            reached.add(module)
            allowed = core() | ({"numba"} if module in (*library.COMPILED, "spikeinit.kernels.native") else set())
            needed = {own_distribution(package) for package in third_party(library.imported(module))} - allowed
            offenders += [f"{start}: {module} imports {package}" for package in needed]
            above = [module[:place] for place, letter in enumerate(module) if letter == "."]
            waiting += [*above, *(library.imported(module) & library.modules().keys())]
        compiled = reached & set(library.COMPILED)
        if start not in library.COMPILED:
            offenders += [f"{start} imports {module}, which needs numba" for module in compiled]
    assert offenders == []


def test_every_core_dependency_is_imported_by_the_library():
    used = {
        own_distribution(package)
        for module in library.library_modules()
        for package in third_party(library.imported(module, everywhere=True))
    }
    assert core() <= used


def test_every_package_that_is_imported_is_declared():
    extras = library.project()["optional-dependencies"]
    listed = [each for extra in ("fast", "workflow", "libraries") for each in extras[extra]]
    declared = core() | set(map(library.distribution, listed))
    used = {
        own_distribution(package)
        for module in library.modules()
        for package in third_party(library.imported(module, everywhere=True))
    }
    assert used <= declared


def pinned(path) -> dict[str, str]:
    """Name -> version of the lines name==version of a file."""
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==([\w.+-]+)", path.read_text(), re.MULTILINE))


def test_extras_and_the_workflows_requirements_name_the_same_packages(checkout):
    lines = (checkout / "envs/requirements.in").read_text().splitlines()
    asked = {library.distribution(line) for line in lines if line and not line.startswith("#")}
    extras = library.project()["optional-dependencies"]
    listed = [library.distribution(each) for extra in ("fast", "workflow", "tests") for each in extras[extra]]
    assert core() | set(listed) - {"spikeinit"} == asked
    assert sorted(listed) == sorted(set(listed))


def test_the_locked_versions_are_within_the_stated_ranges(checkout):
    locked = pinned(checkout / "envs/requirements.txt") | pinned(checkout / "envs/libraries.txt")
    project = library.project()
    asked = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    for requirement in map(Requirement, asked):
        if requirement.name != "spikeinit":
            assert Version(locked[requirement.name]) in requirement.specifier, requirement


def test_the_other_libraries_are_in_one_list(checkout):
    """The extra has those that agree on their versions; the file has all, but what the lock has already."""
    extra = {library.distribution(each) for each in library.project()["optional-dependencies"]["libraries"]}
    listed, locked = pinned(checkout / "envs/libraries.txt"), pinned(checkout / "envs/requirements.txt")
    assert extra - locked.keys() == listed.keys() - {"sinabs", "h5py", "loguru", "pbr"}
    assert not listed.keys() & locked.keys()
