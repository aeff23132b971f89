"""Journals, machine profiles, and an SQLite store that is made to agree with them."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from spikeinit.errors import UserError
from spikeinit.io import write_csv, write_json
from spikeinit.tracking import mirror
from spikeinit.tracking.connection import explain
from spikeinit.tracking.journal import Journal, is_running, read
from spikeinit.tracking.mirror import spawn
from spikeinit.tracking.profile import Profiler
from spikeinit.tracking.settings import Settings, read_settings
from spikeinit.tracking.state import leaves, states
from spikeinit.tracking.store import Store
from spikeinit.tracking.sync import failed_attempts, sync

LARGEST = 1.7976931348623157e308  # what MLflow makes of an infinity


def start(journal: Journal, *, seed: int = 0, spec: str = "a" * 64, resumed_from: int | None = None) -> None:
    journal.start(
        run="digits-low",
        study="energy",
        name="laptop",
        seed=seed,
        spec={"neuron": {"decay": [0.0, 0.34], "reset": "subtract"}, "limit": None, "seeds": [0, 1]},
        spec_digest=spec,
        labels={"dataset": "digits"},
        dataset={"name": "digits", "sha256": "b" * 64},
        resumed_from=resumed_from,
    )


def train(journal: Journal, *, seed: int = 0, spec: str = "a" * 64, accuracy: float = 91.5) -> None:
    start(journal, seed=seed, spec=spec)
    journal.epoch(1, {"train_loss": 0.5, "test_accuracy": accuracy})
    journal.epoch(2, {"train_loss": 0.25, "test_accuracy": accuracy + 1})
    journal.profile({"seconds": 2.0, "cpu": {"percent": {"mean": 90.0}}, "gpu": None, "versions": {"numpy": "2"}})
    journal.end("FINISHED", outcome="trained", metrics={"test_accuracy": accuracy + 1})


# journal


def test_journal_gives_back_what_was_written(tmp_path):
    journal = Journal(tmp_path / "seeds" / "0" / "journal.jsonl")
    train(journal)
    events = read(journal.path)
    assert [event["event"] for event in events] == ["start", "epoch", "epoch", "profile", "end"]
    assert events[1]["metrics"] == {"train_loss": 0.5, "test_accuracy": 91.5}
    assert events[0]["process"]["pid"] == os.getpid()
    assert events == sorted(events, key=lambda event: event["time"])


def test_a_value_that_is_no_number_stays_valid_json(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.epoch(1, {"a": math.nan, "b": math.inf, "c": -math.inf})

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    metrics = json.loads(journal.path.read_text(), parse_constant=refuse)["metrics"]
    assert math.isnan(float(metrics["a"]))
    assert (float(metrics["b"]), float(metrics["c"])) == (math.inf, -math.inf)


def test_a_half_written_last_line_is_left_out_and_removed_by_the_next_writer(tmp_path):
    path = tmp_path / "journal.jsonl"
    Journal(path).epoch(1, {"loss": 1.0})
    with path.open("ab") as file:
        file.write(b'{"event": "epoch", "epo')
    assert [event["epoch"] for event in read(path)] == [1]
    Journal(path).epoch(2, {"loss": 0.5})
    assert [event["epoch"] for event in read(path)] == [1, 2]


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "journal.jsonl"
    Journal(path).epoch(1, {"loss": 1.0})
    for damage in (b"\0\0\0\n", b'{"no": "event"}\n', b"[]\n"):
        with path.open("ab") as file:
            file.write(damage)
        with pytest.raises(UserError, match="line 2"):
            read(path)
        path.write_bytes(path.read_bytes().removesuffix(damage))


def test_a_journal_that_cannot_be_written_names_its_path(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/journal\.jsonl"):
        Journal(tmp_path / "file" / "journal.jsonl")


@pytest.mark.parametrize(("status", "outcome"), [("DONE", None), ("FINISHED", "fine")])
def test_unknown_ends_are_refused(tmp_path, status, outcome):
    with pytest.raises(ValueError, match="expected one of"):
        Journal(tmp_path / "journal.jsonl").end(status, outcome=outcome)


def test_a_dead_writer_is_told_from_a_living_one(tmp_path):
    start(Journal(tmp_path / "journal.jsonl"))
    process = read(tmp_path / "journal.jsonl")[0]["process"]
    assert is_running(process) is True
    assert is_running(process | {"started": process["started"] - 100}) is False  # the number is another process's now
    assert is_running(process | {"host": socket.gethostname() + "-other"}) is None
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    assert is_running(process | {"pid": int(child.stdout)}) is False


# state


def test_leaves_are_addressed_by_their_path():
    tree = {"a": {"b": {"c": 1}, "d": [1, {"e": 2}]}, "f": {}, "g": None}
    assert leaves(tree) == {"a.b.c": 1, "a.d": [1, {"e": 2}], "f": {}, "g": None}


def test_state_of_a_finished_run(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    train(journal)
    events = read(journal.path)
    (state,) = states(events, unfinished="RUNNING")
    assert state.key == "laptop/energy/digits-low/seed0"
    assert state.params == {"neuron.decay": "[0.0, 0.34]", "neuron.reset": "subtract", "limit": "null", "seed": "0"}
    assert {(point.key, point.step, point.value) for point in state.points} == {
        ("train_loss", 1, 0.5),
        ("train_loss", 2, 0.25),
        ("test_accuracy", 1, 91.5),
        ("test_accuracy", 2, 92.5),
        ("final/test_accuracy", 0, 92.5),
        ("profile/seconds", 0, 2.0),
        ("profile/cpu/percent/mean", 0, 90.0),
    }
    assert state.tags["outcome"] == "trained"
    assert state.tags["version.numpy"] == "2"
    assert (state.status, state.end_time) == ("FINISHED", int(events[-1]["time"] * 1000))


def test_a_run_without_images_has_no_dataset(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    identity = {"run": "one_step", "study": "propagation", "name": "laptop", "seed": 0}
    journal.start(**identity, spec={}, spec_digest="a" * 64, labels={}, dataset=None)
    (state,) = states(read(journal.path), unfinished=None)
    assert state.dataset is None


def test_an_epoch_repeated_after_a_resume_counts_once(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    start(journal)
    journal.epoch(1, {"loss": 1.0})
    journal.epoch(2, {"loss": 0.5})
    assert states(read(journal.path), unfinished="KILLED")[0].status == "KILLED"
    start(journal, resumed_from=1)
    journal.epoch(2, {"loss": 0.4})
    (state,) = states(read(journal.path), unfinished="RUNNING")
    assert [(point.step, point.value) for point in state.points] == [(1, 1.0), (2, 0.4)]
    assert (state.status, state.tags["spikeinit.resumed_from"]) == ("RUNNING", "1")


def test_another_spec_in_the_same_journal_supersedes_the_first(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    for spec in ("a", "b", "a"):
        train(journal, spec=spec)
    assert [(state.spec, state.current) for state in states(read(journal.path), unfinished=None)] == [
        ("b", False),
        ("a", True),
    ]


def test_values_too_long_for_mlflow_are_cut(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    start(journal)
    (event,) = read(journal.path)
    (state,) = states([event | {"spec": {"list": list(range(5000))}}], unfinished=None)
    assert len(state.params["list"]) == 6000
    assert len(state.dataset[1]) == 36


# profile


class FakeNvml:
    """An NVML whose GPU draws 100 W, then 200 W, and so on; with or without an energy counter in mJ."""

    def __init__(self, *, counter: bool) -> None:
        self.reads = 0
        self.down = False
        if not counter:
            self.nvmlDeviceGetTotalEnergyConsumption = self._unsupported

    def _unsupported(self, handle):
        raise RuntimeError("not supported")

    def nvmlInit(self):
        pass

    def nvmlShutdown(self):
        self.down = True

    def nvmlSystemGetDriverVersion(self):
        return "580.1"

    def nvmlDeviceGetName(self, handle):
        return f"GPU {handle}"

    def nvmlDeviceGetUUID(self, handle):
        return handle if str(handle).startswith("GPU-") else f"GPU-of-{handle}"

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid):
        return uuid

    def nvmlDeviceGetUtilizationRates(self, handle):
        return SimpleNamespace(gpu=50)

    def nvmlDeviceGetMemoryInfo(self, handle):
        return SimpleNamespace(used=2**30)

    def nvmlDeviceGetPowerUsage(self, handle):
        self.reads += 1
        return 100_000 * self.reads

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        return 5_000 + 7_000 * self.reads


def test_profile_without_a_gpu():
    with Profiler(device="cpu", interval=0.02) as profiler:
        kept = bytearray(50_000_000)
        deadline = time.process_time() + 0.15
        while time.process_time() < deadline:
            pass
    profile = profiler.result(images=100)
    assert profile["gpu"] is None
    assert profile["seconds"] >= 0.15
    assert 0.15 <= profile["cpu"]["seconds"] <= 10
    assert profile["images_per_second"] == pytest.approx(100 / profile["seconds"])
    assert len(kept) <= profile["memory"]["rss"]["max"] <= profile["memory"]["peak_rss"] * 1.01
    assert profile["cpu"]["percent"]["max"] >= profile["cpu"]["percent"]["mean"] > 0
    json.dumps(profile, allow_nan=False)


def test_profile_of_nothing_at_all_has_numbers():
    with Profiler(device="cpu") as profiler:
        pass
    profile = profiler.result()
    assert profile["memory"]["rss"]["mean"] > 0
    assert profile["images_per_second"] is None


def test_absent_driver_means_no_gpu():
    class NoDriver:
        def nvmlInit(self):
            raise RuntimeError("driver not loaded")

    with Profiler(device="cuda:0", nvml=NoDriver()) as profiler:
        pass
    assert profiler.result()["gpu"] is None


def test_energy_by_the_counter_of_the_gpu(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    nvml = FakeNvml(counter=True)
    with Profiler(device="cuda:1", interval=60, nvml=nvml) as profiler:
        pass
    gpu = profiler.result()["gpu"]  # two samples: 100 W and 200 W, the counter went from 12 J to 19 J
    assert (gpu["name"], gpu["driver"]) == ("GPU 1", "580.1")
    assert (gpu["energy"], gpu["energy_by"]) == (7.0, "counter")
    assert gpu["power"] == {"mean": 150.0, "max": 200.0}
    assert gpu["utilization"] == {"mean": 50.0, "max": 50}
    assert gpu["memory"]["max"] == 2**30
    assert nvml.down


def test_energy_by_the_integral_of_power():
    with Profiler(device="cuda", interval=60, nvml=FakeNvml(counter=False)) as profiler:
        time.sleep(0.2)
    profile = profiler.result()  # 100 W at the start, 200 W at the end: 150 W in between
    assert profile["gpu"]["energy_by"] == "power"
    assert 150 * 0.2 <= profile["gpu"]["energy"] <= 150 * profile["seconds"]


def test_the_gpu_is_the_one_that_the_work_sees(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-abc")
    for device, name in (("cuda", "GPU 3"), ("cuda:1", "GPU GPU-abc")):
        with Profiler(device=device, nvml=FakeNvml(counter=True)) as profiler:
            pass
        assert profiler.result()["gpu"]["name"] == name


def test_the_profile_says_which_gpu_it_was(monkeypatch):
    for visible, uuid in (("GPU-abc", "GPU-abc"), ("3", "GPU-of-3")):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        with Profiler(device="cuda", nvml=FakeNvml(counter=True)) as profiler:
            pass
        assert profiler.result()["gpu"]["uuid"] == uuid


# settings and the light side of the mirror


def test_settings_of_enabled_and_disabled_tracking(tmp_path):
    path = tmp_path / "laptop" / "tracking.json"
    path.parent.mkdir()
    path.write_text('{"enabled": true, "uri": "http://127.0.0.1:1"}')
    assert read_settings(path) == Settings(uri="http://127.0.0.1:1", root=tmp_path)
    path.write_text('{"enabled": false}')
    assert read_settings(path).uri is None
    assert spawn([tmp_path / "runs" / "r" / "seeds" / "0" / "journal.jsonl"], path) is None
    assert not (tmp_path / "runs").exists()
    path.write_text("[]")
    with pytest.raises(UserError, match="not a tracking"):
        read_settings(path)


def test_a_missing_tracking_file_does_not_stop_training(tmp_path, capsys):
    assert spawn([tmp_path / "r" / "seeds" / "0" / "journal.jsonl"], tmp_path / "none.json") is None
    assert "sync_tracking makes up for it" in capsys.readouterr().err


def test_training_imports_nothing_heavy_for_tracking():
    code = (
        "import sys, spikeinit.tracking.journal, spikeinit.tracking.mirror, spikeinit.tracking.profile\n"
        "print([name for name in ('mlflow', 'pandas', 'torch', 'scipy', 'sqlalchemy') if name in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout == "[]\n"


def test_explanations_keep_passwords_to_themselves():
    line = explain("http://user:secret@host:5000", RuntimeError("http://user:secret@host:5000\n refused"))
    assert line == "MLflow at http://user:***@host:5000: http://user:***@host:5000 refused"


def test_a_marker_counts_failures(tmp_path):
    assert failed_attempts(tmp_path / "none.json") == 0
    (tmp_path / "marker.json").write_text('{"synced": false, "failed_attempts": 2}')
    assert failed_attempts(tmp_path / "marker.json") == 2


# the store


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """An SQLite file with MLflow's tables: making one takes seconds, copying it does not."""
    folder = tmp_path_factory.mktemp("template")
    assert Store(f"sqlite:///{folder}/mlflow.db", folder).experiment("unused")
    return folder / "mlflow.db"


@pytest.fixture
def results(tmp_path, template):
    """results/ with a store, two trained seeds of one run, their evaluation, and a study folder."""
    shutil.copy(template, tmp_path / "mlflow.db")
    run = tmp_path / "laptop" / "runs" / "energy" / "digits-low"
    for seed in (0, 1):
        train(Journal(run / "seeds" / str(seed) / "journal.jsonl"), seed=seed, accuracy=91.5 + seed)
    evaluate(run, accuracy=93.0)
    study = tmp_path / "laptop" / "studies" / "energy"
    (study / "tables").mkdir(parents=True)
    (study / "tables" / "means.csv").write_text("a\n1\n")
    (study / "scorecard.md").write_text("# scorecard\n")
    return tmp_path


def evaluate(run: Path, *, accuracy: float) -> None:
    write_csv(
        run / "accuracy.csv",
        [{"seed": seed, "images": 10, "correct": 9, "accuracy": accuracy + seed, "loss": 0.3} for seed in (0, 1)],
        ["seed", "images", "correct", "accuracy", "loss"],
    )
    spikes = {"neurons": 5, "spikes_per_neuron": 0.5, "spikes_per_neuron_and_step": 0.05, "silent_fraction": 0.25}
    write_csv(
        run / "spikes.csv",
        [{"seed": seed, "layer": layer} | spikes for seed in (0, 1) for layer in (1, 2)],
        ["seed", "layer", *spikes],
    )
    energy = {"synaptic_operations": 10.0, "horowitz": 1e-12}
    write_csv(
        run / "energy.csv",
        [{"seed": seed, "layer": layer} | energy for seed in (0, 1) for layer in (0, 1, 2)],
        ["seed", "layer", *energy],
    )


ASKED_FOR = frozenset({("digits-low", 0), ("digits-low", 1)})


def replay(results: Path, planned=ASKED_FOR):
    settings = Settings(uri=f"sqlite:///{results}/mlflow.db", root=results)
    folder = results / "laptop"
    return sync(
        settings,
        name="laptop",
        study="energy",
        runs=folder / "runs" / "energy",
        study_folder=folder / "studies" / "energy",
        planned=planned,
    )


def content(results: Path) -> dict[str, list[tuple]]:
    """Every row of every table of the store, and every artifact."""
    with sqlite3.connect(results / "mlflow.db") as database:
        tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
        rows = {table: sorted(database.execute(f"select * from {table}"), key=repr) for table in tables}
    database.close()
    artifacts = results / "mlartifacts"
    rows["artifacts"] = sorted(
        (str(path.relative_to(artifacts)), path.stat().st_mtime_ns) for path in artifacts.rglob("*")
    )
    return rows


def mlflow_runs(results: Path, seed: int | None) -> list:
    suffix = "" if seed is None else f"/digits-low/seed{seed}"
    return Store(f"sqlite:///{results}/mlflow.db", results).runs("energy", f"laptop/energy{suffix}")


def test_replay_records_a_study(results):
    report = replay(results)
    assert (report.synced, report.runs, report.superseded) == (True, 2, 0)
    (parent,) = mlflow_runs(results, None)
    (run,) = mlflow_runs(results, 1)
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert (parent.info.status, run.info.status) == ("FINISHED", "FINISHED")
    assert run.data.params["neuron.decay"] == "[0.0, 0.34]"
    expected = {
        "test/accuracy": 94.0,
        "spikes/layer_2": 0.5,
        "energy/synaptic_operations": 30.0,
        "energy/horowitz": 3e-12,
        "final/test_accuracy": 93.5,
        "profile/seconds": 2.0,
    }
    assert {key: run.data.metrics[key] for key in expected} == expected
    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("digits", "b" * 36)
    artifacts = {path for path, _ in content(results)["artifacts"]}
    assert f"{parent.info.run_id}/artifacts/tables/means.csv" in artifacts
    assert f"{parent.info.run_id}/artifacts/scorecard.md" in artifacts
    assert f"{run.info.run_id}/artifacts/profile.json" in artifacts


def test_a_second_replay_changes_nothing(results):
    replay(results)
    before = content(results)
    report = replay(results)
    assert (report.sent, report.runs) == (0, 2)
    assert content(results) == before
    assert sum(len(rows) for rows in before.values()) > 100


def test_a_replay_adds_only_what_is_missing(results):
    replay(results)
    complete = content(results)["metrics"]
    with sqlite3.connect(results / "mlflow.db") as database:
        database.execute("delete from metrics where key = 'train_loss' and step = 2")
        database.execute("delete from tags where key = 'spikeinit.synced'")
    database.close()
    replay(results)
    assert content(results)["metrics"] == complete


def test_a_run_that_is_no_longer_asked_for_is_not_current_until_it_is_asked_for_again(results):
    replay(results)
    report = replay(results, planned={("digits-low", 0)})
    assert (report.synced, report.runs, report.dropped, report.superseded) == (True, 1, 1, 0)
    of_seed = {seed: mlflow_runs(results, seed)[0].data.tags for seed in (0, 1)}
    assert [of_seed[seed]["spikeinit.current"] for seed in (0, 1)] == ["true", "false"]
    assert "spikeinit.superseded" not in of_seed[1]
    assert replay(results, planned={("digits-low", 0)}).sent == 0
    assert replay(results).dropped == 0
    assert mlflow_runs(results, 1)[0].data.tags["spikeinit.current"] == "true"


def test_a_run_whose_folder_is_gone_is_not_current_either(results):
    """Unless the configuration asks for it: its training is then about to come."""
    replay(results)
    shutil.rmtree(results / "laptop" / "runs" / "energy" / "digits-low")
    assert replay(results).sent == 0
    assert mlflow_runs(results, 1)[0].data.tags["spikeinit.current"] == "true"
    assert replay(results, planned=set()).sent == 2
    assert mlflow_runs(results, 1)[0].data.tags["spikeinit.current"] == "false"
    assert mlflow_runs(results, 1)[0].info.status == "FINISHED"


def test_a_retrained_run_supersedes_the_earlier_one(results):
    replay(results)
    run = results / "laptop" / "runs" / "energy" / "digits-low"
    shutil.rmtree(run / "seeds")
    for seed in (0, 1):
        train(Journal(run / "seeds" / str(seed) / "journal.jsonl"), seed=seed, spec="c" * 64, accuracy=80.0)
    replay(results)
    tags = {entry.data.tags["spikeinit.spec"][0]: entry.data.tags for entry in mlflow_runs(results, 0)}
    assert {spec: tag["spikeinit.current"] for spec, tag in tags.items()} == {"a": "false", "c": "true"}
    assert tags["a"]["spikeinit.superseded"] == "true"
    assert "spikeinit.superseded" not in tags["c"]
    # The evaluation that lies there is the earlier training's: it is not this one's.
    (current,) = [entry for entry in mlflow_runs(results, 0) if entry.data.tags["spikeinit.current"] == "true"]
    assert "test/accuracy" not in current.data.metrics
    before = content(results)
    assert replay(results).sent == 0
    assert content(results) == before


def test_going_back_to_the_first_spec_makes_it_current_again(results):
    run = results / "laptop" / "runs" / "energy" / "digits-low"
    for table in run.glob("*.csv"):
        table.unlink()  # so that the first spec's record is the same when it comes back
    journal = Journal(run / "seeds" / "0" / "journal.jsonl")
    replay(results)
    for spec in ("c", "a"):
        journal.path.unlink()
        train(journal, spec=spec * 64)
        replay(results)
    current = {
        entry.data.tags["spikeinit.spec"][0]: entry.data.tags["spikeinit.current"] for entry in mlflow_runs(results, 0)
    }
    assert current == {"a": "true", "c": "false"}


def test_a_new_evaluation_is_the_latest_value_even_when_it_is_lower(results):
    replay(results)
    run = results / "laptop" / "runs" / "energy" / "digits-low"
    evaluate(run, accuracy=50.0)
    later = time.time() + 5
    os.utime(run / "accuracy.csv", (later, later))
    replay(results)
    assert mlflow_runs(results, 0)[0].data.metrics["test/accuracy"] == 50.0
    evaluate(run, accuracy=93.0)
    os.utime(run / "accuracy.csv", (later + 5, later + 5))
    replay(results)
    assert mlflow_runs(results, 0)[0].data.metrics["test/accuracy"] == 93.0


def test_values_that_are_no_numbers_are_stored_once(results):
    journal = Journal(results / "laptop" / "runs" / "energy" / "digits-low" / "seeds" / "0" / "journal.jsonl")
    start(journal, spec="d" * 64)
    journal.epoch(1, {"loss": math.nan, "norm": math.inf})
    journal.end("FINISHED", outcome="diverged")
    replay(results)
    (run,) = [entry for entry in mlflow_runs(results, 0) if entry.data.tags["spikeinit.current"] == "true"]
    assert math.isnan(run.data.metrics["loss"])
    assert run.data.metrics["norm"] == LARGEST
    assert run.data.tags["outcome"] == "diverged"
    assert replay(results).sent == 0


def test_a_run_whose_process_died_is_killed_and_a_living_one_is_left_alone(results):
    folder = results / "laptop" / "runs" / "energy" / "digits-low" / "seeds"
    for seed in (2, 3):
        start(Journal(folder / str(seed) / "journal.jsonl"), seed=seed)
    path = folder / "3" / "journal.jsonl"
    (event,) = read(path)
    path.write_text(json.dumps(event | {"process": event["process"] | {"started": 0.0}}) + "\n")
    replay(results)
    assert mlflow_runs(results, 2)[0].info.status == "RUNNING"
    assert mlflow_runs(results, 3)[0].info.status == "KILLED"


def test_one_damaged_journal_does_not_hide_the_others(results):
    path = results / "laptop" / "runs" / "energy" / "digits-low" / "seeds" / "0" / "journal.jsonl"
    path.write_text("damaged\n")
    report = replay(results)
    assert not report.synced
    assert (report.runs, report.reason) == (1, None)
    assert "line 1" in report.problems[0]


def test_a_run_that_mlflow_refuses_does_not_hide_the_others(results):
    journal = Journal(results / "laptop" / "runs" / "energy" / "digits-low" / "seeds" / "0" / "journal.jsonl")
    start(journal, spec="e" * 64)
    journal.epoch(1, {"no?such=name": 1.0})
    journal.end("FINISHED", outcome="trained")
    report = replay(results)
    assert (report.runs, len(report.problems), report.reason) == (1, 1, None)


def test_a_run_deleted_by_hand_comes_back(results):
    replay(results)
    store = Store(f"sqlite:///{results}/mlflow.db", results)
    (run,) = mlflow_runs(results, 0)
    store.client.delete_run(run.info.run_id)
    replay(results)
    (again,) = mlflow_runs(results, 0)
    assert again.info.run_id != run.info.run_id
    assert again.data.metrics == run.data.metrics


def test_a_pushed_state_is_not_sent_twice_by_the_same_process(results):
    journal = Journal(results / "laptop" / "runs" / "energy" / "digits-low" / "seeds" / "9" / "journal.jsonl")
    store = Store(f"sqlite:///{results}/mlflow.db", results)
    start(journal, seed=9)
    for epoch in (1, 2, 3):
        journal.epoch(epoch, {"loss": 1.0 / epoch})
        (state,) = states(read(journal.path), unfinished="RUNNING")
        assert store.push(state) == (1 if epoch > 1 else 1 + len(state.params) + len(state.tags) + 2)
        assert store.push(state) == 0
    assert store.push(dataclasses.replace(state, status="KILLED", end_time=5)) == 1


def test_the_mirror_waits_for_the_configured_store(tmp_path, monkeypatch):
    """Another store's tracking.json does not count, nor does a missing one; training that is over ends the wait."""
    path = tmp_path / "laptop" / "tracking.json"
    monkeypatch.setenv("SPIKEINIT_TRACKING_URI", "sqlite:///new.db")
    assert mirror._when_ready(path, parent=-1) is None
    write_json(path, {"enabled": True, "uri": "sqlite:///old.db"})
    assert mirror._when_ready(path, parent=-1) is None
    write_json(path, {"enabled": True, "uri": "sqlite:///new.db"})
    assert mirror._when_ready(path, parent=-1).uri == "sqlite:///new.db"


def test_no_mirror_starts_when_tracking_is_switched_off_over_an_old_store(tmp_path, monkeypatch):
    path = tmp_path / "laptop" / "tracking.json"
    write_json(path, {"enabled": True, "uri": "sqlite:///old.db"})
    monkeypatch.setenv("SPIKEINIT_TRACKING_URI", "")
    assert mirror.spawn([tmp_path / "journal.jsonl"], path) is None
