"""The replay: make the MLflow record of a study complete from its files, as often as one likes.

Runs, points and ends that the live mirror could not send come from the journals; the evaluation's numbers from each
run's tables; tables, figures and scorecard go to the study's parent run. A second replay changes nothing.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from spikeinit.errors import UserError
from spikeinit.io import read_csv
from spikeinit.tracking.connection import explain
from spikeinit.tracking.journal import is_running, read
from spikeinit.tracking.settings import Settings
from spikeinit.tracking.state import Point, RunState, run_key, states, storable

PAUSES = (1.0, 5.0)  # seconds before the second and the third try
REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INVALID_STATE", "RESOURCE_DOES_NOT_EXIST")
OFF = "tracking is disabled"
"""The reason in the marker of a study that is not to be recorded."""

STUDY_FILES = ("*.csv", "*.md", "tables/**/*", "figures/**/*")

Result = TypeVar("Result")


@dataclass
class Report:
    """What a replay found: `reason` is None when the store now holds everything."""

    runs: int = 0
    sent: int = 0
    superseded: int = 0
    dropped: int = 0
    reason: str | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def synced(self) -> bool:
        """Whether nothing is missing any longer."""
        return self.reason is None and not self.problems


def sync(
    settings: Settings, *, name: str, study: str, runs: Path, study_folder: Path, planned: Collection[tuple[str, int]]
) -> Report:
    """Replay one study: `runs` holds a folder per run, `study_folder` its tables and figures.

    planned: (run, seed) of everything that the configuration asks for; other runs are recorded as not current.

    A store that is away, or goes away, ends the replay with a `reason`; a single run that cannot be recorded is
    noted among the `problems` and the others go on.
    """
    report = Report()
    store = settings.store()
    try:
        _patiently(lambda: store.parent(study, name))
    except Exception as error:  # whatever MLflow raises: results do not depend on it
        report.reason = explain(settings.uri or "", error)
        return report
    for folder in sorted(path for path in runs.glob("*") if path.is_dir()):
        for journal in sorted(folder.glob("seeds/*/journal.jsonl")):
            try:
                asked_for = (folder.name, int(journal.parent.name)) in planned
                wanted = [dataclasses.replace(state, planned=asked_for) for state in _complete_states(folder, journal)]
            except (UserError, OSError, KeyError, ValueError) as error:
                report.problems.append(f"{journal}: {error}")
                continue
            try:
                for state in wanted:
                    report.sent += _patiently(lambda state=state: store.push(state, complete=True))
                    report.runs += state.current and state.planned
                    report.superseded += not state.current
                    report.dropped += state.current and not state.planned
            except Exception as error:
                if not _is_refusal(error):
                    report.reason = explain(settings.uri or "", error)
                    return report
                report.problems.append(f"{journal}: {error}")
    try:
        keys = {run_key(name, study, run, seed) for run, seed in planned}
        report.sent += _patiently(lambda: store.retire(study, name, keys))
        report.sent += _patiently(lambda: store.push(_study_state(name, study, study_folder), complete=True))
    except Exception as error:
        report.reason = explain(settings.uri or "", error)
    return report


def failed_attempts(marker: Path) -> int:
    """How often a replay has failed, from the marker it left; 0 without one.

    As part of the rule's parameters it makes Snakemake try again.
    """
    try:
        return int(json.loads(marker.read_text())["failed_attempts"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def unrecorded(markers: Iterable[Path]) -> str:
    """What to tell a user of the studies that their `markers` say are not recorded; "" if all are, or none was tried.

    A marker is the tracking.json in a study's folder.
    """
    reasons: dict[str, list[str]] = defaultdict(list)
    for marker in markers:
        try:
            found = json.loads(marker.read_text())
            if not found["synced"]:
                reasons[found["reason"] or "; ".join(found["problems"])].append(marker.parent.name)
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return "\n".join(
        f"tracking: the runs of {', '.join(studies)} are not all recorded in MLflow. {reason}\n"
        "  The results themselves are complete. Mend the store, or tracking.uri, then: make sync"
        " (snakemake --cores 1 --forcerun sync_tracking)"
        for reason, studies in reasons.items()
        if reason != OFF
    )


def _patiently(action: Callable[[], Result]) -> Result:
    for pause in PAUSES:
        try:
            return action()
        except Exception as error:
            if isinstance(error, UserError) or _is_refusal(error):
                raise
            time.sleep(pause)
    return action()


def _is_refusal(error: Exception) -> bool:
    """Whether the store works and does not want this one run."""
    return getattr(error, "error_code", None) in REFUSALS


def _complete_states(folder: Path, journal: Path) -> list[RunState]:
    events = read(journal)
    result = states(events, unfinished=None)
    if not result:
        return []
    *superseded, current = result
    if current.status is None and current.process and is_running(current.process) is False:
        current = states(events, unfinished="KILLED")[-1]
    if current.end_time is not None:
        current = dataclasses.replace(
            current,
            points=(*current.points, *_evaluation(folder, current)),
            files={path.name: path for path in _run_files(folder, current)},
        )
    return [*superseded, current]


def _run_files(folder: Path, state: RunState) -> Iterator[Path]:
    run, study, results = folder.name, folder.parent.name, folder.parents[2]
    for path in (folder / "spec.json", results / "logs" / "train_snn" / study / f"{run}.log"):
        if _is_later(path, state):
            yield path


def _evaluation(folder: Path, state: RunState) -> Iterator[Point]:
    """The seed's numbers in accuracy.csv, spikes.csv and energy.csv, the latter summed over the layers."""
    totals: dict[str, float] = defaultdict(float)
    times: dict[str, int] = {}
    for table, names in {
        "accuracy.csv": lambda row: {f"test/{key}": row[key] for key in ("accuracy", "loss")},
        "spikes.csv": lambda row: {
            f"spikes/layer_{row['layer']}": row["spikes_per_neuron"],
            f"silent_fraction/layer_{row['layer']}": row["silent_fraction"],
        },
        "energy.csv": lambda row: {f"energy/{key}": row[key] for key in row if key not in ("seed", "layer")},
    }.items():
        path = folder / table
        if not _is_later(path, state):
            continue
        for row in read_csv(path):
            if row["seed"] == str(state.seed):
                for key, value in names(row).items():
                    totals[key] += float(value) if value else math.nan
                    times[key] = int(path.stat().st_mtime * 1000)
    return (Point(key, 0, storable(value), times[key]) for key, value in totals.items())


def _is_later(path: Path, state: RunState) -> bool:
    # A table of an earlier training may still lie there while its successor is not evaluated yet.
    return path.exists() and path.stat().st_mtime * 1000 >= (state.end_time or 0)


def _study_state(name: str, study: str, folder: Path) -> RunState:
    paths = {path for pattern in STUDY_FILES for path in folder.glob(pattern) if path.is_file()}
    return RunState(
        key=run_key(name, study),
        spec="",
        title=name,
        study=study,
        name=name,
        files={str(path.relative_to(folder)): path for path in sorted(paths) if not path.name.startswith(".")},
        status="FINISHED",
        end_time=max((int(path.stat().st_mtime * 1000) for path in paths), default=None),
    )
