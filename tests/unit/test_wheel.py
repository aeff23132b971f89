"""The wheel in environments that have its dependencies and nothing else, with and without numba."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import library
import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow

SESSION = Path(__file__).with_name("wheel_session.py")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of the checkout, made from a copy, so that nothing is left behind in it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(library.CHECKOUT / name, source / name)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(library.ROOT / "spikeinit", source / "workflow/spikeinit", ignore=ignored)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(folder))
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True)
    (made,) = folder.glob("*.whl")
    return made


def needed(names: list[str]) -> set[str]:
    """Distributions that these need on this machine, themselves included."""
    found: set[str] = set()
    waiting = [(name, "") for name in names]
    seen = set()
    while waiting:
        name, extra = pair = waiting.pop()
        if pair in seen:
            continue
        seen.add(pair)
        found.add(name)
        for requirement in map(Requirement, importlib.metadata.requires(name) or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting += [(requirement.name, extra) for extra in (*requirement.extras, "")]
    return found


def environment(folder: Path, wheel: Path, distributions: set[str]) -> Path:
    """Python of a new environment that has the wheel and, as links, these distributions of the running one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in distributions:
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
            link = packages / top
            if not link.is_symlink():
                link.symlink_to(distribution.locate_file(top))
    python = folder / "bin/python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], check=True)
    return python


def session(python: Path) -> dict:
    command = [str(python), "-I", "-W", "error", str(SESSION), *library.library_modules()]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=python.parent)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def core() -> list[str]:
    return [library.distribution(requirement) for requirement in library.project()["dependencies"]]


@pytest.fixture(scope="module")
def plain(wheel, tmp_path_factory) -> dict:
    """What a session finds that has the core dependencies alone."""
    distributions = needed(core())
    assert not distributions & {"numba", "snakemake", "mlflow", "matplotlib", "statsmodels", "snntorch", "torchvision"}
    return session(environment(tmp_path_factory.mktemp("plain"), wheel, distributions))


@pytest.fixture(scope="module")
def fast(wheel, tmp_path_factory) -> dict:
    """What a session finds that has numba too."""
    (requirement,) = library.project()["optional-dependencies"]["fast"]
    distributions = needed([*core(), library.distribution(requirement)])
    return session(environment(tmp_path_factory.mktemp("fast"), wheel, distributions))


def test_the_wheel_has_every_file_of_the_package(wheel):
    listed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("spikeinit/")}
    tracked = {
        str(path.relative_to(library.ROOT))
        for path in (library.ROOT / "spikeinit").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert listed == tracked
    assert "spikeinit/py.typed" in listed


def test_the_package_is_the_installed_one(plain, fast):
    for found in (plain, fast):
        assert "site-packages" in found["file"]
        assert not found["torch_is_imported"]  # by spikeinit and a law
        assert found["variance"] == found["law_variance"][0] == 0.04


def test_without_numba_all_of_the_library_but_its_compiled_loops_can_be_imported(plain):
    assert plain["not_imported"].keys() == set(library.COMPILED)
    assert set(plain["not_imported"].values()) <= {*library.NUMBA}


def test_with_numba_all_of_the_library_can_be_imported(fast):
    assert fast["not_imported"] == {}


def test_without_numba_the_compiled_kernel_is_an_error_with_the_remedy(plain, fast):
    assert "pip install numba" in plain["cpu"]
    assert fast["cpu"] == "runs"


def test_without_numba_auto_is_the_reference(plain):
    training = plain["training"]
    assert training["convolutional auto"] == training["convolutional reference"]
    assert training["small auto"] == training["small reference"]


def test_numba_changes_no_result_but_by_rounding(plain, fast):
    assert plain["thresholds"] == fast["thresholds"]
    assert plain["convolution"] == pytest.approx(fast["convolution"], rel=1e-5)
    for name, row in plain["training"].items():
        assert fast["training"][name] == pytest.approx(row, rel=1e-3), name
        assert row["train_loss"] > 0
        assert min(value for column, value in row.items() if column.startswith("spikes_")) > 0


@pytest.mark.parametrize(
    ("example", "libraries", "alone", "said"),
    [
        ("rescue_deep_network", ["snntorch", "matplotlib"], [], "Sequential: healthy"),
        (
            "initialize_spikingjelly",
            ["torchvision", "matplotlib", "scipy", "requests"],
            ["spikingjelly", "loguru"],
            "law_variance",
        ),
    ],
)
def test_an_example_runs_with_the_installed_wheel(wheel, tmp_path, example, libraries, alone, said):
    """alone: distributions that are installed here without what they ask for, see envs/libraries.txt."""
    for name in alone:
        pytest.importorskip(name)
    extra = [library.distribution(requirement) for requirement in library.project()["optional-dependencies"]["fast"]]
    python = environment(tmp_path / "env", wheel, needed([*core(), *extra, *libraries]) | set(alone))
    file = library.CHECKOUT / f"examples/{example}.py"
    command = [str(python), "-I", "-W", "ignore", str(file)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert said in finished.stdout
