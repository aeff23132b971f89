"""The live mirror: a process of low priority that copies growing journals to MLflow while training goes on.

Training spawns it and forgets it. It reads the journals about twice a second, imports MLflow only when there is
something to send, and leaves when every journal has ended, or when its parent is gone: a run without an "end" is
then marked KILLED. A store that is away costs only the mirror time: after each failure it waits longer before
trying again, and it gives up half a minute after training is over. What is lost then, `sync_tracking` replays.

The configured store stands in the environment (`address.VARIABLE`), empty when tracking is off. No job that computes
waits for `init_tracking`: the mirror itself waits until tracking.json is there and names that store.

A job that ends within its first minute is left to `sync_tracking`: MLflow's import takes longer than a look at such a
job could last.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spikeinit.errors import UserError, run_stage
from spikeinit.tracking import address
from spikeinit.tracking.connection import explain, load_mlflow
from spikeinit.tracking.journal import read
from spikeinit.tracking.settings import Settings, read_settings
from spikeinit.tracking.state import RunState, states

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 4.0  # seconds between two looks at the journals
LONGEST_BREAK = 60.0  # seconds between two tries of a store that is away
PATIENCE = 180.0  # seconds before anything is sent: importing MLflow takes ten seconds of a processor

_spawned: list[subprocess.Popen[bytes]] = []  # kept: a forgotten Popen warns when it is collected


def spawn(
    journals: Iterable[Path], tracking: Path, *, log: Path | None = None, patience: float = PATIENCE
) -> subprocess.Popen[bytes] | None:
    """Start the mirror of one training job for the journals of all its seeds, which need not exist yet.

    `tracking` is the results folder's tracking.json, which `init_tracking` may still have to write. `log` defaults to
    mirror.log in the run's folder. A job that ends within `patience` seconds is not mirrored, unless it is killed.
    Returns the process, which nobody needs to wait for, or None when tracking is off or the mirror cannot start: one
    line says why, and training goes on.
    """
    journals = list(journals)
    try:
        if _is_off(tracking):
            return None
        log = log or journals[0].parents[2] / "mirror.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "spikeinit.tracking.mirror", "--tracking", str(tracking)]
        command += ["--parent", str(os.getpid()), "--since", repr(time.time()), "--patience", str(patience)]
        command += ["--journals", *map(str, journals)]
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": _python_path()},
            )
    except (OSError, UserError) as error:
        print(f"tracking: no live record of this job ({error}); sync_tracking makes up for it", file=sys.stderr)
        return None
    _spawned.append(process)
    return process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journals", nargs="+", type=Path, required=True)
    parser.add_argument("--tracking", type=Path, required=True)
    parser.add_argument("--parent", type=int, required=True, help="process whose end is the end of training")
    parser.add_argument("--since", type=float, required=True, help="unix time; an earlier end does not count")
    parser.add_argument("--patience", type=float, default=0.0, help="seconds from then before anything is sent")
    parser.add_argument("--drain", type=float, default=30.0, help="seconds of further tries when training is over")
    arguments = parser.parse_args()
    os.nice(10)
    settings = _when_ready(arguments.tracking, arguments.parent)
    if settings is None:
        return
    mirror_until_training_ends(
        [GrowingJournal(path, arguments.since) for path in arguments.journals],
        settings,
        arguments.parent,
        arguments.drain,
        arguments.since + arguments.patience,
    )


def _is_off(tracking: Path) -> bool:
    configured = os.environ.get(address.VARIABLE)
    return read_settings(tracking).uri is None if configured is None else not configured


def _when_ready(tracking: Path, parent: int) -> Settings | None:
    """The settings in tracking.json once they name the configured store; None if training is over before."""
    while True:
        settings = read_settings(tracking) if tracking.exists() else None
        if settings and settings.uri is not None and settings.uri == os.environ.get(address.VARIABLE, settings.uri):
            return settings
        if os.getppid() != parent:
            return None
        time.sleep(SHORTEST_PAUSE)


class GrowingJournal:
    """One journal that grows: what it asks for now, and whether that has been sent."""

    def __init__(self, path: Path, since: float) -> None:
        self.path = path
        self.state: RunState | None = None
        self.ended = False
        self.pending = False
        self._since = since
        self._size = -1

    def look(self, *, orphaned: bool) -> bool:
        """Read the journal if it has changed; return whether there is something new to send."""
        size = self.path.stat().st_size if self.path.exists() else -1
        before = self.state
        if size != self._size or orphaned:
            events = self._events()
            asked_for = states(events, unfinished="KILLED" if orphaned else "RUNNING")
            self.state = asked_for[-1] if asked_for else None
            self.ended = bool(events) and events[-1]["event"] == "end" and events[-1]["time"] >= self._since
            self._size = size
        news = self.state is not None and self.state != before
        self.pending |= news
        return news

    def _events(self) -> list[dict[str, Any]]:
        try:
            return read(self.path)
        except UserError as error:
            print(error, flush=True)
            return []


class Breaker:
    """Counts failures in a row, and says from when on another try is worth its time."""

    def __init__(self) -> None:
        self.failures = 0
        self._open_until = 0.0

    def allows(self) -> bool:
        """Whether the store may be tried now."""
        return time.monotonic() >= self._open_until

    def failed(self, *, longest: float) -> None:
        """Wait 1, 2, 4, ... seconds, `longest` at most, before the next try."""
        self.failures += 1
        self._open_until = time.monotonic() + min(2.0 ** (self.failures - 1), longest)

    def succeeded(self) -> None:
        """Forget earlier failures."""
        self.failures = 0


def mirror_until_training_ends(
    journals: list[GrowingJournal], settings: Settings, parent: int, drain: float, quiet_until: float
) -> None:
    """Mirror until the journals have ended or the parent is gone; give up what is left `drain` seconds later.

    Before the time `quiet_until` nothing is sent, nor ever if the journals end by then; only a parent that is gone
    without ending them breaks the quiet.
    """
    store = settings.store()
    breaker = Breaker()
    pause = SHORTEST_PAUSE
    leaving: threading.Timer | None = None
    while True:
        # Asked before reading: whatever a parent that is gone now has written is then read below.
        orphaned = os.getppid() != parent
        news = [journal.look(orphaned=orphaned) for journal in journals]
        pause = SHORTEST_PAUSE if any(news) else min(pause * 1.5, LONGEST_PAUSE)
        ended = all(journal.ended for journal in journals)
        if time.time() < quiet_until and not leaving:
            if ended:
                return
            if not orphaned:
                time.sleep(SHORTEST_PAUSE)
                continue
        if not leaving and (orphaned or ended):
            if any(journal.pending for journal in journals):
                load_mlflow()  # on a busy machine this alone may take longer than the store is given
            leaving = _leave_within(drain)
        if any(journal.pending for journal in journals) and breaker.allows():
            try:
                for journal in journals:
                    if journal.pending and journal.state:
                        store.push(journal.state)
                        journal.pending = False
                        if leaving:  # slow, but it works
                            leaving.cancel()
                            leaving = _leave_within(drain)
                breaker.succeeded()
            except Exception as error:  # whatever MLflow raises, training must not notice
                _report(settings, error, first=breaker.failures == 0)
                breaker.failed(longest=LONGEST_PAUSE if leaving else LONGEST_BREAK)
                store = settings.store()  # the store may come back empty: nothing known of it holds any longer
        if leaving and not any(journal.pending for journal in journals):
            return
        time.sleep(SHORTEST_PAUSE if leaving else pause)


def _leave_within(seconds: float) -> threading.Timer:
    # A thread, because a call that hangs in the database's or the network's code hears no exception.
    def leave() -> None:
        print("gave up; sync_tracking replays the rest", flush=True)
        os._exit(0)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
    return timer


def _report(settings: Settings, error: Exception, *, first: bool) -> None:
    if first:
        print(f"{explain(settings.uri or '', error)}; training goes on, trying again", flush=True)


def _python_path() -> str:
    package_root = str(Path(__file__).parents[2])
    return os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))


if __name__ == "__main__":
    run_stage(main)
