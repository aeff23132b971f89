"""The journal of one seed: an append-only file of JSON lines, the truth from which MLflow is mirrored.

    {"event": "start", "time", "run", "study", "name", "seed", "spec", "spec_digest", "labels", "dataset",
     "resumed_from", "process"}
    {"event": "epoch", "time", "epoch", "metrics"}
    {"event": "profile", "time", "profile"}
    {"event": "end", "time", "status", "outcome", "metrics"}

A resumed or repeated training appends to the same file and begins with another "start". Each line reaches the
operating system at once, so that it survives a `kill -9`; "start" and "end" also reach the disk. JSON knows no
NaN: such values are written as the strings "NaN", "Infinity" and "-Infinity", which `float` reads.
"""

from __future__ import annotations

import json
import math
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikeinit.errors import UserError

STATUSES = ("FINISHED", "KILLED", "FAILED")
OUTCOMES = ("trained", "dead", "diverged", None)


class Journal:
    """Writes one seed's journal; its folder is made, and a half-written last line is removed.

    Every method raises `UserError` when the file cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _drop_half_line(self.path)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def start(
        self,
        *,
        run: str,
        study: str,
        name: str,
        seed: int,
        spec: Mapping[str, Any],
        spec_digest: str,
        labels: Mapping[str, Any],
        dataset: Mapping[str, str] | None,
        resumed_from: int | None = None,
    ) -> None:
        """Training begins, or goes on after epoch `resumed_from`.

        `spec` is the tree that `spec_digest` is the digest of, without the list of seeds; `labels` are the readable
        names of the combination; `dataset` holds "name" and "sha256", and is None where no images are used.
        """
        self._append(
            {
                "event": "start",
                "run": run,
                "study": study,
                "name": name,
                "seed": seed,
                "spec": spec,
                "spec_digest": spec_digest,
                "labels": labels,
                "dataset": dataset,
                "resumed_from": resumed_from,
                "process": _this_process(),
            },
            durable=True,
        )

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Epoch `epoch` (from 1) is done, with these numbers."""
        self._append({"event": "epoch", "epoch": epoch, "metrics": _numbers(metrics)})

    def profile(self, profile: Mapping[str, Any]) -> None:
        """What the machine did meanwhile, as `Profiler.result` gives it."""
        self._append({"event": "profile", "profile": profile})

    def end(self, status: str, *, outcome: str | None = None, metrics: Mapping[str, float] | None = None) -> None:
        """Training is over: `status` as in MLflow, `outcome` of a finished one, and the final numbers."""
        if status not in STATUSES or outcome not in OUTCOMES:
            raise ValueError(f"status={status!r}, outcome={outcome!r}: expected one of {STATUSES} and of {OUTCOMES}")
        self._append(
            {"event": "end", "status": status, "outcome": outcome, "metrics": _numbers(metrics or {})}, durable=True
        )

    def _append(self, event: dict[str, Any], *, durable: bool = False) -> None:
        line = json.dumps(_finite({"time": time.time()} | event), allow_nan=False).encode() + b"\n"
        try:
            with self.path.open("ab", buffering=0) as file:
                file.write(line)
                if durable:
                    os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error


def read(path: str | Path) -> list[dict[str, Any]]:
    """All events of a journal, in order; none when the file does not exist.

    A last line without its line end (the writer was killed, or is writing it now) is left out. `UserError` names
    the first line that is not an event.
    """
    path = Path(path)
    try:
        *lines, _unfinished = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{path}: the journal cannot be read ({error.strerror})") from error
    events = []
    for number, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
            whole = isinstance(event, dict) and event.keys() >= {"event", "time"}
        except ValueError:
            whole = False
        if not whole:
            raise UserError(f"{path}: line {number} is not a journal event; delete that line and run again")
        events.append(event)
    return events


def is_running(process: Mapping[str, Any]) -> bool | None:
    """Whether the process that wrote a "start" still lives; None when it ran on another machine."""
    import psutil

    if process["host"] != socket.gethostname():
        return None
    try:
        writer = psutil.Process(process["pid"])
        return writer.status() != psutil.STATUS_ZOMBIE and abs(writer.create_time() - process["started"]) < 1
    except psutil.NoSuchProcess:
        return False


def _this_process() -> dict[str, Any]:
    import psutil

    # The time tells a later process with the same number apart.
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": psutil.Process().create_time()}


def _numbers(metrics: Mapping[str, float]) -> dict[str, float]:
    return {key: float(value) for key, value in metrics.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _drop_half_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(
        f"{path}: the journal cannot be written ({error.strerror}); check free space and the folder's permissions"
    )
