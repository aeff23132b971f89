"""Training processes that are killed, stopped or run twice at once: real processes, real signals, real files."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from spikeinit.io import read_csv, write_json
from spikeinit.plan import load_config, rule_specs, runs
from spikeinit.specs import to_json

EPOCHS = 6


@pytest.fixture(scope="module")
def data(checkout, tmp_path_factory):
    """The digits, prepared by the stage itself."""
    folder = tmp_path_factory.mktemp("digits")
    config = load_config([checkout / "config.yaml"])
    outputs = {name: folder / f"{name}.safetensors" for name in ("train", "test")}
    command = [
        sys.executable,
        "-m",
        "spikeinit.stages.fetch_dataset",
        "--spec",
        rule_specs.dataset_spec(config, "digits"),
    ]
    command += ["--root", "", "--cache", str(folder / "cache"), "--manifest", str(folder / "manifest.json")]
    command += [part for name, path in outputs.items() for part in (f"--{name}", str(path))]
    subprocess.run(command, check=True, env=environment(checkout), timeout=120)
    return folder / "manifest.json"


@pytest.fixture(scope="module")
def spec(checkout):
    config = load_config([checkout / "config.yaml", checkout / "workflow/overlays/smoke.yaml"])
    run = runs(config, "energy")[0]
    training = dataclasses.replace(run.spec.training, epochs=EPOCHS, trace_every=3)
    images = dataclasses.replace(run.spec.images, train_images=None)
    return to_json(dataclasses.replace(run.spec, training=training, images=images, seeds=(0,)))


def environment(checkout):
    return os.environ | {"PYTHONPATH": str(checkout / "workflow"), "OMP_NUM_THREADS": "1"}


def start(checkout, data, spec, folder):
    """A training process whose outputs go to `folder`/runs/energy/one."""
    write_json(folder / "tracking.json", {"enabled": False})
    run = folder / "laptop/runs/energy/one"
    command = [sys.executable, "-m", "spikeinit.stages.train_snn", "--spec", spec, "--study", "energy", "--run", "one"]
    command += ["--data", str(data), "--tracking", str(folder / "tracking.json"), "--device", "cpu"]
    for name in ("metrics.csv", "curves.csv", "iterations.csv", "weights.safetensors", "profile.json"):
        command += [f"--{name.partition('.')[0]}", str(run / name)]
    command += ["--record", str(run / "spec.json")]
    process = subprocess.Popen(
        command, env=environment(checkout), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return process, run


def wait_for_epoch(run, epoch, process):
    journal = run / "seeds/0/journal.jsonl"
    for _ in range(1200):
        lines = journal.read_text().splitlines() if journal.exists() else []
        if any(f'"epoch": {epoch},' in line or f'"epoch":{epoch},' in line for line in lines):
            return
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.05)
    pytest.fail("no epoch within a minute")


@pytest.fixture(scope="module")
def uninterrupted(checkout, data, spec, tmp_path_factory):
    process, run = start(checkout, data, spec, tmp_path_factory.mktemp("whole"))
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return run


def same_results(first, second):
    names = ("metrics.csv", "curves.csv", "iterations.csv")
    return all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_kill_9_then_resume_gives_the_same_bits(checkout, data, spec, tmp_path, uninterrupted):
    process, run = start(checkout, data, spec, tmp_path)
    wait_for_epoch(run, 2, process)
    process.kill()
    process.communicate()
    assert not (run / "metrics.csv").exists()
    process, run = start(checkout, data, spec, tmp_path)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "resumed after epoch" in output
    assert same_results(run, uninterrupted)
    assert (run / "weights.safetensors").read_bytes() == (uninterrupted / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_writes_a_checkpoint_and_stops(checkout, data, spec, tmp_path, uninterrupted, number):
    process, run = start(checkout, data, spec, tmp_path)
    wait_for_epoch(run, 1, process)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert (run / "seeds/0/checkpoint.safetensors").exists()
    last = json.loads((run / "seeds/0/journal.jsonl").read_text().splitlines()[-1])
    assert (last["event"], last["status"]) == ("end", "KILLED")
    process, run = start(checkout, data, spec, tmp_path)
    process.communicate(timeout=300)
    assert same_results(run, uninterrupted)


def test_two_processes_never_train_one_run_at_once(checkout, data, spec, tmp_path, uninterrupted):
    """The second waits for the first, and finds its work done."""
    first, run = start(checkout, data, spec, tmp_path)
    wait_for_epoch(run, 1, first)
    second, _ = start(checkout, data, spec, tmp_path)
    for process in (first, second):
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
    starts = [line for line in (run / "seeds/0/journal.jsonl").read_text().splitlines() if '"start"' in line]
    assert [json.loads(line)["resumed_from"] for line in starts] == [None, EPOCHS]
    assert same_results(run, uninterrupted)
    assert len(read_csv(run / "curves.csv")) == EPOCHS


def test_a_device_that_is_not_there_is_refused_at_the_start(checkout, data, spec, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    process, run = start(checkout, data, spec, tmp_path)
    process.kill()
    process.communicate()
    command = [*process.args]
    command[command.index("--device") + 1] = "cuda"
    finished = subprocess.run(
        command, env=environment(checkout), capture_output=True, text=True, timeout=120, check=False
    )
    assert finished.returncode == 2
    assert finished.stderr.startswith("error: device: cuda was asked for, but ")
    assert not (run / "metrics.csv").exists()
