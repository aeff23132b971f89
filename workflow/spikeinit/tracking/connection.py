"""A connection to an MLflow store: quiet, quick to give up, and safe when many processes make the store at once."""

from __future__ import annotations

import importlib
import logging
import os
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from spikeinit.io import atomic_path, locked
from spikeinit.tracking.address import shown, without_secrets

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOCK_SECONDS = 60.0
DATABASE_TRIES = 3
"""How often a connection to a database is tried at once; whoever needs the store tries again later."""


def connect(uri: str, artifacts: Path | None, lock: Path) -> MlflowClient:
    """A client whose store has answered; a database without MLflow's tables gets them first, under the file `lock`.

    Raises whatever MLflow or its database library raises when the store is away.
    """
    load_mlflow()
    from mlflow import MlflowClient

    if _is_server(uri):
        client = MlflowClient(uri, uri)
        client.search_experiments(max_results=1)
        return client
    from mlflow.store.db import utils

    utils.MAX_RETRY_COUNT = DATABASE_TRIES  # MLflow's ten take 100 seconds, also for a wrong password
    with exclusively(lock, "creating the MLflow store"):
        database = _sqlite_file(uri)
        if database and artifacts and not database.exists():
            _create_sqlite(database, artifacts)
        client = MlflowClient(uri, uri)
        client.search_experiments(max_results=1)
        return client


def exclusively(lock: Path, purpose: str) -> AbstractContextManager[None]:
    """Hold the lock file between the processes of one results folder."""
    return locked(lock, timeout=LOCK_SECONDS, purpose=purpose)


def artifact_folder(uri: str, root: Path) -> Path | None:
    """Where artifacts go: beside an SQLite file, for another database in `root`; a server decides itself (None)."""
    if _is_server(uri):
        return None
    database = _sqlite_file(uri)
    return (database.parent if database else root) / "mlartifacts"


def explain(uri: str, error: Exception) -> str:
    """One line: which store, and the reason, without passwords."""
    reason = re.sub(r"\s+", " ", without_secrets(str(error), uri)).strip() or type(error).__name__
    return f"MLflow at {shown(uri)}: {reason}"[:400]


def load_mlflow() -> None:
    """Import MLflow, which takes seconds: without telemetry or chatter, and soon giving up a server that is away."""
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    for key, value in {
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
    }.items():
        os.environ.setdefault(key, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # A locked database would be logged with its whole traceback; the exception says the same to its catcher.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    importlib.import_module("mlflow")


def _is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def _sqlite_file(uri: str) -> Path | None:
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def _create_sqlite(database: Path, artifacts: Path) -> None:
    # Renamed into place when complete, so that a process killed here leaves no half-made store behind.
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with atomic_path(database) as temporary:
        made = SqlAlchemyStore(f"sqlite:///{temporary}", artifacts.resolve().as_uri())
        made.engine.dispose()
