"""Shared by all tests: the checkout, its configuration, and how a workflow is run in a copy of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side, one per core; read when torch is imported

CHECKOUT = Path(__file__).parents[1]
REMOVED = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE", "MLFLOW_TRACKING_URI")
"""Variables that Snakemake and its jobs must do without; tests that read MLflow's records set the last."""
SMOKE = ("--configfile", "workflow/overlays/smoke.yaml")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder of the Snakefile."""
    return CHECKOUT


@pytest.fixture
def user_code(tmp_path):
    """A folder for a user's own files. What they register and import is forgotten after the test."""
    from spikeinit.datasets import catalogue
    from spikeinit.initializers import registry
    from spikeinit.networks import REGISTRY

    path = list(sys.path)
    registries = (registry.REGISTRY, REGISTRY, catalogue.REGISTRY)
    earlier = [set(known._entries) for known in registries]  # a file that another test has loaded is not loaded again
    yield tmp_path
    sys.path[:] = path
    for known, names in zip(registries, earlier, strict=True):
        for name in set(known._entries) - set(known.modules) - names:
            del known._entries[name], known._files[name]
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def copy_checkout(destination: Path) -> Path:
    """A copy of what the workflow needs, without results or tests."""
    destination.mkdir(parents=True, exist_ok=True)
    for name in ("Snakefile", "config.yaml"):
        shutil.copy2(CHECKOUT / name, destination / name)
    for name in ("envs", "examples", "profiles"):
        shutil.copytree(CHECKOUT / name, destination / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "workflow", destination / "workflow")  # with what is compiled of it
    return destination


def smoke_with(folder: Path, changes: str) -> tuple[str, ...]:
    """Options for the smoke scale with changes in YAML. (`--config` turns the numbers of a nested list into text.)"""
    (folder / "changes.yaml").write_text(changes)
    return (*SMOKE, "changes.yaml")


def snakemake(folder: Path, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
    """Run Snakemake by its path, with no environment activated, in `folder`."""
    command = [str(Path(sys.executable).parent / "snakemake"), "--cores", "2", *arguments]
    inherited = {key: value for key, value in os.environ.items() if key not in REMOVED}
    finished = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=inherited | environment, check=False, timeout=1500
    )
    if check and finished.returncode:
        pytest.fail(f"{' '.join(command)} failed:\n{finished.stdout[-3000:]}\n{finished.stderr[-6000:]}")
    return finished
