"""Stores that ask for a login: variables that hold it are enough, and no password is in anything that is written."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import postgresql
import pytest
from test_tracking_faults import environment, free_port, initialize, replay, wait_for

from spikeinit.tracking.journal import Journal

__all__ = ["environment"]

PASSWORD = "s3cr3t {x} pw"


@pytest.fixture
def trained(tmp_path):
    """A results folder with one finished training."""
    journal = Journal(tmp_path / "laptop" / "runs" / "energy" / "run" / "seeds" / "0" / "journal.jsonl")
    identity = {"run": "run", "study": "energy", "name": "laptop", "seed": 0, "labels": {}, "dataset": None}
    journal.start(**identity, spec={}, spec_digest="a" * 64)
    journal.end("FINISHED", outcome="trained")
    return tmp_path


def written(folder: Path) -> str:
    """Everything in the text files below `folder`, the database of the server left out."""
    found = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return b"\n".join(found).decode(errors="replace")


def test_a_database_takes_the_password_from_its_variable(trained, monkeypatch, capsys):
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed")
    with postgresql.server(programs, PASSWORD) as uri:
        assert initialize(monkeypatch, trained, uri)["experiments"] is None
        wrong = uri.replace("spikeinit@", "spikeinit:wr0ngpw@")
        assert initialize(monkeypatch, trained, wrong)["experiments"] is None
        assert replay(monkeypatch, trained)["synced"] is False
        said = capsys.readouterr()
        assert "password" in said.out
        assert "wr0ngpw" not in said.out + said.err + written(trained)

        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        assert initialize(monkeypatch, trained, uri)["experiments"]
        assert replay(monkeypatch, trained)["synced"] is True
        monkeypatch.delenv("PGPASSWORD")
        encoded = uri.replace("spikeinit@", f"spikeinit:{urllib.request.quote(PASSWORD)}@")
        assert initialize(monkeypatch, trained, encoded)["experiments"]
        assert replay(monkeypatch, trained)["synced"] is True
    said = capsys.readouterr()
    for form in (PASSWORD, urllib.request.quote(PASSWORD)):
        assert form not in said.out + said.err + written(trained)


class Doorkeeper(http.server.BaseHTTPRequestHandler):
    """Passes a request on to the server at `behind` if it brings the right user and password; else answers 401."""

    behind = ""
    accepted = "Basic " + base64.b64encode(f"alice:{PASSWORD}".encode()).decode()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != self.accepted:
            status, answer = 401, b"who are you?"
        else:
            kept = {key: value for key, value in self.headers.items() if key in ("Content-Type", "Accept")}
            request = urllib.request.Request(self.behind + self.path, body or None, kept, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=60) as answered:
                    status, answer = answered.status, answered.read()
            except urllib.error.HTTPError as error:
                status, answer = error.code, error.read()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST

    def log_message(self, *arguments):
        pass


@pytest.fixture
def guarded(tmp_path_factory, environment):
    """The address of an MLflow server behind a login."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", str(folder / "art")]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)

    def answers() -> bool:
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).status == 200
        return False

    try:
        wait_for(answers)
        handler = type("Guard", (Doorkeeper,), {"behind": f"http://127.0.0.1:{port}"})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as door:
            threading.Thread(target=door.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{door.server_port}"
            door.shutdown()
    finally:
        os.killpg(server.pid, 9)
        server.wait()


def test_a_server_takes_user_and_password_from_mlflows_variables(trained, guarded, monkeypatch, capsys):
    assert initialize(monkeypatch, trained, guarded)["experiments"] is None
    refused = replay(monkeypatch, trained)
    assert (refused["synced"], "401" in refused["reason"]) == (False, True)

    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "alice")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    assert initialize(monkeypatch, trained, guarded)["experiments"]
    assert replay(monkeypatch, trained)["synced"] is True
    assert json.loads((trained / "laptop" / "tracking.json").read_text())["uri"] == guarded
    said = capsys.readouterr()
    assert PASSWORD not in said.out + said.err + written(trained)
