"""The README's command on a SLURM cluster, which is started here for the purpose: the same numbers as on one machine.

`make test-cluster` runs it. Where SLURM and munge are not installed it says so, and passes.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import CHECKOUT, REMOVED, copy_checkout, smoke_with, snakemake
from loopback import Cluster, missing

STUDY = "propagation"
RUN = "results/smoke/runs/energy/digits_he_medium"
CHANGES = "energy: {training: {epochs: 40, batch_size: 16}, comparison: {initializers: [{name: he}]}}"
HERE = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5")
"""What this cluster has and others have not: no accounting, little time between two looks, no shared file system."""

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"no SLURM on this machine: {', '.join(missing())} not found")


@pytest.fixture(scope="module")
def cluster():
    """A running cluster, in a folder with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="slurm"))
    running = Cluster(folder)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def executor(tmp_path_factory):
    """The folder of the executor's packages, which only clusters have installed."""
    folder = tmp_path_factory.mktemp("executor")
    options = ["--quiet", "--no-deps", "--target", str(folder), "-r", str(CHECKOUT / "envs/slurm.txt")]
    subprocess.run([sys.executable, "-m", "pip", "install", *options], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The study, and one training of many epochs, on this machine without a cluster."""
    folder = copy_checkout(tmp_path_factory.mktemp("local") / "checkout")
    snakemake(folder, STUDY, f"{RUN}/accuracy.csv", *smoke_with(folder, CHANGES))
    return folder


@pytest.fixture
def checkout_on_cluster(tmp_path):
    return copy_checkout(tmp_path / "checkout")


def command_of_the_readme():
    """The command for a cluster, with the smoke scale in the place of the published one."""
    text = (CHECKOUT / "README.md").read_text()
    (command,) = set(re.findall(r"`(snakemake --profile workflow/profiles/slurm --configfile \S+)`", text))
    return [str(Path(sys.executable).parent / "snakemake"), *shlex.split(command)[1:-1]]


def begin(folder, target, cluster, executor):
    """Start the README's command for `target`; its output goes to snakemake.log."""
    command = [*command_of_the_readme(), *smoke_with(folder, CHANGES)[1:], *HERE, target]
    environment = {key: value for key, value in os.environ.items() if key not in REMOVED}
    environment |= {**cluster.environment, "PYTHONPATH": str(executor)}
    with (folder / "snakemake.log").open("w") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)


def finish(process, folder, cluster):
    status = process.wait(timeout=900)
    assert status == 0, f"{(folder / 'snakemake.log').read_text()[-6000:]}\n{cluster.log()}"
    return (folder / "snakemake.log").read_text()


def submitted(log):
    return re.findall(r"submitted with SLURM jobid (\d+)", log)


def job_of_a_training_at_work(process, folder, cluster):
    """Number and node of the job, once its training has written a checkpoint."""
    deadline = time.monotonic() + 300
    while not list((folder / RUN).glob("seeds/*/checkpoint.safetensors")):
        assert process.poll() is None, (folder / "snakemake.log").read_text()[-6000:]
        assert time.monotonic() < deadline, cluster.log()
        time.sleep(0.1)
    found = cluster.ask("squeue", "--noheader", "--states=RUNNING", "--format=%i %N %k").splitlines()
    return next(line.split()[:2] for line in found if "train_snn" in line)


def same_results(folder, local):
    for name in ("metrics.csv", "curves.csv", "weights.safetensors", "accuracy.csv", "spikes.csv", "energy.csv"):
        assert (folder / RUN / name).read_bytes() == (local / RUN / name).read_bytes(), name


def interruptions(folder):
    """What the journals of a run's seeds say of trainings that a signal stopped."""
    journals = (folder / RUN).glob("seeds/*/journal.jsonl")
    records = [json.loads(line) for path in journals for line in path.read_text().splitlines()]
    return [record for record in records if record.get("status") == "KILLED"]


def test_a_study_has_the_same_tables_and_few_jobs_of_the_cluster(checkout_on_cluster, local, cluster, executor):
    folder = checkout_on_cluster
    log = finish(begin(folder, STUDY, cluster, executor), folder, cluster)
    tables = sorted((local / "results/smoke/studies" / STUDY).rglob("*.csv"))
    assert len(tables) > 10
    for table in tables:
        assert (folder / table.relative_to(local)).read_bytes() == table.read_bytes(), table.name
    jobs = int(re.search(r"^total\s+(\d+)", log, re.MULTILINE)[1])
    assert len(submitted(log)) == 5 < jobs / 2  # the data set, two simulations, and two batches with their evaluations


def test_a_cancelled_job_leaves_a_checkpoint_and_is_finished_by_the_next_attempt(
    checkout_on_cluster, local, cluster, executor
):
    folder = checkout_on_cluster
    process = begin(folder, f"{RUN}/accuracy.csv", cluster, executor)
    job, _ = job_of_a_training_at_work(process, folder, cluster)
    cluster.ask("scancel", job)
    log = finish(process, folder, cluster)
    assert submitted(log)[-1] != job
    assert interruptions(folder)
    same_results(folder, local)


def test_a_node_that_dies_gives_its_job_back(checkout_on_cluster, local, cluster, executor):
    folder = checkout_on_cluster
    process = begin(folder, f"{RUN}/accuracy.csv", cluster, executor)
    job, node = job_of_a_training_at_work(process, folder, cluster)
    cluster.kill(node)
    cluster.ask("scontrol", "update", f"JobId={job}", "StartTime=now")  # SLURM lets it wait for two minutes
    log = finish(process, folder, cluster)
    assert submitted(log)[-1] == job  # SLURM itself gave it to the other node
    same_results(folder, local)
