"""Snakemake itself killed, started twice, or without its memory: by real processes in a copy of the checkout."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import REMOVED, copy_checkout, smoke_with, snakemake

RUN = "results/smoke/runs/energy/digits_he_medium"
LONG = "energy: {training: {epochs: 40, batch_size: 16}, comparison: {initializers: [{name: he}]}}"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a training that nothing disturbed."""
    folder = copy_checkout(tmp_path_factory.mktemp("undisturbed") / "checkout")
    snakemake(folder, f"{RUN}/metrics.csv", *smoke_with(folder, LONG))
    return folder


@pytest.fixture
def started(tmp_path):
    """(folder, Snakemake's process, the training's process) while a training is at work."""
    folder = copy_checkout(tmp_path / "checkout")
    command = [str(Path(sys.executable).parent / "snakemake"), "--cores", "2", f"{RUN}/metrics.csv"]
    environment = {key: value for key, value in os.environ.items() if key not in REMOVED}
    with (tmp_path / "first.log").open("w") as log:
        process = subprocess.Popen(
            [*command, *smoke_with(folder, LONG)], cwd=folder, stdout=log, stderr=log, env=environment
        )
    deadline = time.monotonic() + 180
    while not list((folder / RUN).glob("seeds/*/checkpoint.safetensors")):
        assert process.poll() is None, (tmp_path / "first.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    trainers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "spikeinit.stages.train_snn" in child.cmdline() and child.name().startswith("python")
    ]
    yield folder, process, trainers[-1]
    for left in (process, *trainers):
        try:
            left.kill()
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    process.wait()


def same_results(folder, finished):
    for name in ("metrics.csv", "curves.csv", "weights.safetensors"):
        assert (folder / RUN / name).read_bytes() == (finished / RUN / name).read_bytes(), name


def test_snakemake_killed_with_a_training_alive(started, finished):
    """The orphan goes on and keeps its lock; the documented commands wait for it, so that nothing is trained twice."""
    folder, process, trainer = started
    process.kill()
    process.wait()
    assert trainer.is_running()
    options = (f"{RUN}/metrics.csv", *smoke_with(folder, LONG))
    refused = snakemake(folder, *options, check=False)
    assert refused.returncode != 0
    assert "snakemake --unlock" in (refused.stdout + refused.stderr) or "--unlock" in refused.stderr
    snakemake(folder, "--unlock", *options)
    snakemake(folder, "--rerun-incomplete", *options)
    assert not trainer.is_running() or trainer.status() == psutil.STATUS_ZOMBIE
    same_results(folder, finished)


def test_a_second_snakemake_in_one_folder_refuses_and_the_first_ends_well(started, finished):
    folder, process, _ = started
    second = snakemake(folder, f"{RUN}/metrics.csv", *smoke_with(folder, LONG), check=False)
    assert second.returncode != 0
    assert "lock" in (second.stdout + second.stderr).lower()
    assert process.wait(timeout=300) == 0
    same_results(folder, finished)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_snakemake_stopped_by_a_signal_goes_on_where_it_was(started, finished, number):
    folder, process, _ = started
    process.send_signal(number)
    assert process.wait(timeout=120) != 0
    options = (f"{RUN}/metrics.csv", *smoke_with(folder, LONG))
    snakemake(folder, "--rerun-incomplete", *options)
    same_results(folder, finished)


def test_without_snakemakes_memory_nothing_runs_again_and_an_audit_tells_what_is_stale(finished, tmp_path):
    folder = tmp_path / "checkout"
    shutil.copytree(finished, folder)
    options = (f"{RUN}/accuracy.csv", *smoke_with(folder, LONG))
    snakemake(folder, *options)
    shutil.rmtree(folder / ".snakemake")
    assert "Nothing to be done" in "".join(snakemake(folder, "--dry-run", *options).stdout)
    edited = smoke_with(folder, LONG.replace("epochs: 40", "epochs: 30"))
    command = [sys.executable, "-m", "spikeinit.stages.audit_results", *edited]
    audit = subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": "workflow"}, capture_output=True, text=True, check=False
    )
    assert "stale    energy/digits_he_medium" in audit.stdout


def test_the_same_run_twice_has_the_same_bits(finished, tmp_path):
    folder = copy_checkout(tmp_path / "checkout")
    snakemake(folder, f"{RUN}/metrics.csv", *smoke_with(folder, LONG))
    same_results(folder, finished)
