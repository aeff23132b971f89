"""A PostgreSQL server of a test's own, on loopback."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
"""Where distributions put the server's programs, besides the PATH."""


def programs() -> Path | None:
    """The folder of initdb and pg_ctl; None where no PostgreSQL server is installed."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    folders = [path for pattern in FOLDERS for path in Path("/").glob(pattern.removeprefix("/"))]
    return max((path for path in folders if (path / "initdb").exists()), default=None)


@contextlib.contextmanager
def server(programs: Path, password: str | None = None) -> Iterator[str]:
    """Start an empty server and yield the URI of a database in it, without a password; stopped and removed afterwards.

    password: what it asks for, nothing by default. The server refuses to run as root, so root starts it as the user
    that the distribution made for it.
    """
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="spikeinit-postgresql-"))
    if user:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def call(program: str, *arguments: str) -> None:
        command = [*user, str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120)

    try:
        login = ["--auth=trust"]
        if password is not None:
            (folder / "password").write_text(password)
            login = ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
        call("initdb", *login, "--username=spikeinit", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        call("pg_ctl", "--log", str(folder / "log"), "--wait", "--options", options, "start")
        try:
            yield f"postgresql://spikeinit@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "--mode=immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
