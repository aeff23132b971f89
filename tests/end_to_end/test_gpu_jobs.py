"""A training by Snakemake beside a GPU that is only listed: it asks for a place; `gpu_jobs` runs nothing again."""

from __future__ import annotations

import json
import os

import pytest
from conftest import SMOKE, copy_checkout, smoke_with, snakemake
from pretended_gpus import listed, measured, nvidia_smi

TARGET = "results/smoke/runs/energy/digits_he_medium/accuracy.csv"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A checkout where one run was trained and evaluated beside a pretended GPU, which PyTorch cannot use."""
    folder = tmp_path_factory.mktemp("gpus")
    nvidia_smi(folder / "bin", listed("a"), measured(80 * 1024, "a"), begins=f"echo $1 >> {folder}/asked")
    (folder / "temporary").mkdir()
    checkout = copy_checkout(folder / "checkout")
    snakemake(checkout, TARGET, *SMOKE, **environment(folder))
    return folder


def environment(folder):
    hidden = {"CUDA_VISIBLE_DEVICES": "GPU-a"}  # of a GPU that there may be, PyTorch sees nothing
    return {"PATH": f"{folder}/bin:{os.environ['PATH']}", "TMPDIR": f"{folder}/temporary", **hidden}


def test_a_job_asks_for_a_place_and_leaves_a_gpu_that_does_not_work(trained):
    """The need counts the images, which are known only once the data set is prepared."""
    logs = trained / "checkout/results/smoke/logs"
    said = [
        next(logs.glob(f"{stage}/energy/digits_he_medium.log")).read_text() for stage in ("train_snn", "evaluate_snn")
    ]
    assert all(text.startswith("device: cpu (no usable GPU or driver was found)\n") for text in said)
    (slot,) = (trained / "temporary/spikeinit-gpus").glob("GPU-a.*.lock")
    holder = json.loads(slot.read_text())
    assert holder["room"] == int(0.9 * 80 * 2**30)
    assert holder["need"] % 10**6 == 0
    assert holder["need"] > 2 * 2**30


@pytest.mark.parametrize("changes", ["gpu_jobs: 3", "device: cpu", "{device: cuda, gpu_jobs: 1}"])
def test_another_number_of_jobs_or_device_runs_nothing_again(trained, changes):
    folder = trained / "checkout"
    planned = snakemake(folder, TARGET, "--dry-run", *smoke_with(folder, changes), **environment(trained))
    assert "Nothing to be done" in planned.stdout + planned.stderr


def test_on_the_processor_nobody_is_asked(trained):
    (trained / "asked").unlink()
    checkout = trained / "checkout"
    again = ("--forcerun", "evaluate_snn", *smoke_with(checkout, "device: cpu"))
    snakemake(checkout, TARGET, *again, **environment(trained))
    assert not (trained / "asked").exists()
