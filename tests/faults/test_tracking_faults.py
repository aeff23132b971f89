"""MLflow stores that are away, hang, answer nonsense, are locked, deleted, or used by many processes at once."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import postgresql
import psutil
import pytest
import sqlalchemy

from spikeinit.io import write_csv, write_json
from spikeinit.stages import init_tracking, sync_tracking
from spikeinit.tracking import address
from spikeinit.tracking.journal import Journal
from spikeinit.tracking.settings import read_settings

TRAINER = """
import sys, time
from pathlib import Path
from spikeinit.tracking.journal import Journal
from spikeinit.tracking.mirror import spawn

results, run = Path(sys.argv[1]), sys.argv[2]
seeds, epochs, seconds = int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
folder = results / "laptop" / "runs" / "energy" / run / "seeds"
journals = [Journal(folder / str(seed) / "journal.jsonl") for seed in range(seeds)]
patience = float(sys.argv[6]) if len(sys.argv) > 6 else 0.0
paths = [journal.path for journal in journals]
print(spawn(paths, results / "laptop" / "tracking.json", patience=patience).pid, flush=True)
for seed, journal in enumerate(journals):
    journal.start(run=run, study="energy", name="laptop", seed=seed, spec={"epochs": epochs}, spec_digest="a" * 64,
                  labels={}, dataset={"name": "digits", "sha256": "b" * 64}, resumed_from=None)
    for epoch in range(1, epochs + 1):
        time.sleep(seconds)
        journal.epoch(epoch, {"loss": 1 / epoch})
    journal.profile({"seconds": 1.0, "gpu": None})
    journal.end("FINISHED", outcome="trained", metrics={"loss": 1 / epochs})
"""

AT_ONCE = """
import multiprocessing, os, sys
import mlflow  # before forking, so that all reach the store within milliseconds

def work(number):
    {work}

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work, args=(number,)) for number in range({count})]
    [process.start() for process in processes]
    [process.join() for process in processes]
    sys.exit(max(abs(process.exitcode) for process in processes))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """For child processes: the package, no telemetry, and byte code, without which MLflow's import takes long."""
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {
        "PYTHONPATH": str(Path(init_tracking.__file__).parents[2]),
        "PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode")),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # the server would start workers for it, slowly
    }


@pytest.fixture
def start(environment):
    """Start Python code as a process; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def start_code(code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start_code
    for process in started:
        with process:
            process.kill()


def initialize(monkeypatch, results: Path, uri: str) -> dict:
    spec = json.dumps({"studies": ["energy"], "name": "laptop", "enabled": True})
    tracking = results / "laptop" / "tracking.json"
    monkeypatch.setenv(address.VARIABLE, uri)
    monkeypatch.setattr(sys, "argv", ["init", "--spec", spec, "--tracking", str(tracking)])
    init_tracking.main()
    return json.loads(tracking.read_text())


def replay(monkeypatch, results: Path, failed_attempts: int = 0) -> dict:
    folder = results / "laptop"
    marker = folder / "studies" / "energy" / "tracking.json"
    spec = json.dumps({"study": "energy", "name": "laptop", "failed_attempts": failed_attempts, "anns": {}})
    seeds = {run.name: ";".join(seed.name for seed in run.glob("seeds/*")) for run in folder.glob("runs/energy/*")}
    write_csv(marker.with_name("plan.csv"), [{"run": run, "seeds": of_run} for run, of_run in seeds.items()])
    command = ["sync", "--spec", spec, "--tracking", folder / "tracking.json", "--runs", folder / "runs"]
    command += ["--study", "energy", "--study-dir", folder / "studies" / "energy", "--output", marker]
    monkeypatch.setattr(sys, "argv", [str(part) for part in command])
    sync_tracking.main()
    return json.loads(marker.read_text())


def recorded(results: Path, run: str, seed: int) -> tuple[str, list[float]]:
    """Status and loss curve of the one MLflow run of this run and seed."""
    store = read_settings(results / "laptop" / "tracking.json").store()
    (entry,) = store.runs("energy", f"laptop/energy/{run}/seed{seed}")
    history = store.client.get_metric_history(entry.info.run_id, "loss")
    return entry.info.status, [metric.value for metric in sorted(history, key=lambda metric: metric.step)]


def wait_for(condition, seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_server_that_is_down_at_the_start_and_hangs_later(tmp_path, environment, start, monkeypatch, capsys):
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    settings = initialize(monkeypatch, tmp_path, uri)
    assert (settings["enabled"], settings["experiments"], settings["parents"]) == (True, None, None)
    assert capsys.readouterr().out.count("\n") == 1

    trainer = start(TRAINER, tmp_path, "down", 2, 2, 0.1)
    first_mirror = int(trainer.stdout.readline())
    assert trainer.wait(timeout=180) == 0  # there is no server yet

    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{tmp_path}/server.db",
        "--artifacts-destination",
        str(tmp_path / "art"),
    ]
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(
            command, env=environment, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True
        )
    try:

        def answers() -> bool:
            with contextlib.suppress(OSError):
                return urllib.request.urlopen(f"{uri}/health", timeout=1).status == 200
            return False

        wait_for(answers)
        assert replay(monkeypatch, tmp_path)["synced"]
        wait_for(lambda: is_gone(first_mirror))
        assert [recorded(tmp_path, "down", seed) for seed in (0, 1)] == [("FINISHED", [1.0, 0.5])] * 2

        trainer = start(TRAINER, tmp_path, "hangs", 1, 40, 0.1)
        second_mirror = int(trainer.stdout.readline())
        store = read_settings(tmp_path / "laptop" / "tracking.json").store()
        wait_for(lambda: store.runs("energy", "laptop/energy/hangs/seed0"))  # the mirror is at work
        os.killpg(server.pid, signal.SIGSTOP)
        assert trainer.wait(timeout=180) == 0  # while the server does not answer
        os.killpg(server.pid, signal.SIGCONT)
        assert replay(monkeypatch, tmp_path)["synced"]
        wait_for(lambda: is_gone(second_mirror))
        assert recorded(tmp_path, "hangs", 0) == ("FINISHED", [1 / epoch for epoch in range(1, 41)])
        assert replay(monkeypatch, tmp_path)["sent"] == 0
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


class Broken(http.server.BaseHTTPRequestHandler):
    """Answers every request with 500."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *arguments):
        pass


def test_a_server_that_answers_500(tmp_path, environment, monkeypatch, capsys):
    journal = Journal(tmp_path / "laptop" / "runs" / "energy" / "broken" / "seeds" / "0" / "journal.jsonl")
    journal.start(
        run="broken",
        study="energy",
        name="laptop",
        seed=0,
        spec={},
        spec_digest="a" * 64,
        labels={},
        dataset={"name": "digits", "sha256": "b" * 64},
    )
    journal.end("FINISHED", outcome="trained")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = initialize(monkeypatch, tmp_path, f"http://127.0.0.1:{server.server_port}")
        assert settings["experiments"] is None
        command = [sys.executable, "-m", "spikeinit.tracking.mirror", "--journals", journal.path, "--drain", "2"]
        command += ["--tracking", tmp_path / "laptop" / "tracking.json", "--since", "0", "--parent", os.getpid()]
        mirror = subprocess.run(
            [str(part) for part in command], env=environment, capture_output=True, text=True, timeout=240, check=True
        )
        assert "500" in mirror.stdout
        assert "gave up" in mirror.stdout
        capsys.readouterr()
        marker = replay(monkeypatch, tmp_path, failed_attempts=1)
        server.shutdown()
    assert (marker["synced"], marker["failed_attempts"]) == (False, 2)
    assert "500" in marker["reason"]
    assert capsys.readouterr().out.startswith("not synced: ")


def test_a_locked_database_delays_the_mirror_alone_and_a_killed_trainer_is_marked(tmp_path, start, monkeypatch):
    database = tmp_path / "mlflow.db"
    initialize(monkeypatch, tmp_path, f"sqlite:///{database}")

    trainer = start(TRAINER, tmp_path, "locked", 1, 5, 0.1)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        mirror = int(trainer.stdout.readline())
        assert trainer.wait(timeout=180) == 0  # while the database is locked
        log = tmp_path / "laptop" / "runs" / "energy" / "locked" / "mirror.log"
        wait_for(lambda: "locked" in log.read_text())
        other.execute("ROLLBACK")
    wait_for(lambda: is_gone(mirror))
    assert recorded(tmp_path, "locked", 0) == ("FINISHED", [1 / epoch for epoch in range(1, 6)])

    trainer = start(TRAINER, tmp_path, "killed", 2, 500, 0.1)
    mirror = int(trainer.stdout.readline())
    store = read_settings(tmp_path / "laptop" / "tracking.json").store()
    wait_for(lambda: store.runs("energy", "laptop/energy/killed/seed0"))
    assert recorded(tmp_path, "killed", 0)[0] == "RUNNING"
    trainer.kill()
    trainer.wait()
    wait_for(lambda: is_gone(mirror))
    status, losses = recorded(tmp_path, "killed", 0)
    assert status == "KILLED"
    journal = tmp_path / "laptop" / "runs" / "energy" / "killed" / "seeds" / "0" / "journal.jsonl"
    assert len(losses) == journal.read_text().count('"epoch":')
    assert not store.runs("energy", "laptop/energy/killed/seed1")


def test_a_short_job_is_left_to_the_sync_unless_it_is_killed(tmp_path, start):
    write_json(tmp_path / "laptop" / "tracking.json", {"enabled": True, "uri": f"sqlite:///{tmp_path}/mlflow.db"})
    trainer = start(TRAINER, tmp_path, "short", 1, 2, 0.1, 300)
    mirror = int(trainer.stdout.readline())
    assert trainer.wait(timeout=180) == 0
    wait_for(lambda: is_gone(mirror))
    assert not (tmp_path / "mlflow.db").exists()

    trainer = start(TRAINER, tmp_path, "killed", 1, 500, 0.1, 300)
    mirror = int(trainer.stdout.readline())
    journal = tmp_path / "laptop" / "runs" / "energy" / "killed" / "seeds" / "0" / "journal.jsonl"
    wait_for(lambda: journal.exists() and '"epoch":' in journal.read_text())
    trainer.kill()
    trainer.wait()
    wait_for(lambda: is_gone(mirror))
    assert recorded(tmp_path, "killed", 0)[0] == "KILLED"


def test_a_deleted_store_is_made_again(tmp_path, start):
    # Each step in a process of its own, as in a workflow: MLflow keeps an opened file for the life of a process.
    folder = tmp_path / "laptop"
    write_json(folder / "tracking.json", {"enabled": True, "uri": f"sqlite:///{tmp_path}/mlflow.db"})
    trainer = start(TRAINER, tmp_path, "healed", 1, 2, 0.1)
    mirror = int(trainer.stdout.readline())
    wait_for(lambda: is_gone(mirror))
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        count = "select count(*) from metrics where key = 'loss'"
        assert database.execute(count).fetchone() == (2,)
    (tmp_path / "mlflow.db").unlink()
    write_csv(folder / "studies" / "plan.csv", [{"run": "healed", "seeds": "0"}])
    replay_arguments = [
        "--spec",
        json.dumps({"name": "laptop", "study": "energy", "failed_attempts": 0, "anns": {}}),
        "--tracking",
        folder / "tracking.json",
        "--runs",
        folder / "runs",
        "--study",
        "energy",
        "--study-dir",
        folder / "studies",
    ]
    replay_arguments += ["--output", folder / "marker.json"]
    stage = "from spikeinit.stages import sync_tracking; sync_tracking.main()"
    assert start(stage, *replay_arguments).wait(timeout=240) == 0
    assert json.loads((folder / "marker.json").read_text())["synced"]
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert database.execute(count).fetchone() == (2,)
        names = database.execute("select name from experiments where name like 'spikeinit/%'").fetchall()
    assert names == [("spikeinit/energy",)]


def test_eight_processes_make_one_store(tmp_path, start):
    work = f"""
    from pathlib import Path
    from spikeinit.tracking.store import Store
    store = Store("sqlite:///{tmp_path}/mlflow.db", Path("{tmp_path}"))
    found = f"{{store.experiment('energy')}} {{store.parent('energy', 'laptop')}}"
    os.write(1, f"{{found}}\\n".encode())  # in one piece
    """
    process = start(AT_ONCE.format(work=work.strip(), count=8))
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    assert len(output.split("\n")) == 9
    assert len(set(output.split())) == 2  # all found the same experiment and the same parent run
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert database.execute("select count(*) from runs").fetchone() == (1,)
        assert database.execute("select count(*) from experiments where name = 'spikeinit/energy'").fetchone() == (1,)
    assert not list(tmp_path.glob(".mlflow.db*"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """The URI of a database without MLflow's tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/mlflow.db"
        return
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed")
    with postgresql.server(programs) as uri:
        yield uri


def test_fifty_runs_logged_at_once_are_all_there(database, tmp_path, start):
    work = f"""
    from pathlib import Path
    from spikeinit.tracking.journal import Journal, read
    from spikeinit.tracking.state import states
    from spikeinit.tracking.store import Store
    store = Store("{database}", Path("{tmp_path}"))
    for seed in range(10):
        journal = Journal(Path("{tmp_path}") / str(number) / str(seed) / "journal.jsonl")
        journal.start(run=f"run{{number}}", study="energy", name="laptop", seed=seed, spec={{"a": {{"b": seed}}}},
                      spec_digest="a" * 64, labels={{}}, dataset={{"name": "digits", "sha256": "b" * 64}})
        for epoch in range(1, 9):
            journal.epoch(epoch, {{f"metric_{{index}}": index / epoch for index in range(5)}})
            if epoch % 4 == 0:
                store.push(states(read(journal.path), unfinished="RUNNING")[-1])
        journal.end("FINISHED", outcome="trained")
        store.push(states(read(journal.path), unfinished="RUNNING")[-1])
    """
    assert start(AT_ONCE.format(work=work.strip(), count=5)).wait(timeout=240) == 0
    engine = sqlalchemy.create_engine(database)
    with engine.connect() as connection:

        def count(of):
            return connection.execute(sqlalchemy.text(f"select count(*) from {of}")).scalar()

        assert count("runs where status = 'FINISHED'") == 50
        assert count("metrics") == 50 * 8 * 5
        assert count("runs") == 51  # and one parent
    engine.dispose()
