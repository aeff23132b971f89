"""From a journal to what MLflow should hold: one pure function, used by the live mirror and by the replay.

A state says what the store should agree with; nothing in it depends on what the store already has.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikeinit.io import digest, file_digest

LONGEST_PARAM = 6000  # characters, MLflow's limit for a param's value
LONGEST_DATASET_DIGEST = 36  # characters, MLflow's limit


@dataclass(frozen=True)
class Point:
    """One value of one metric; `time` in milliseconds since 1970."""

    key: str
    step: int
    value: float
    time: int


@dataclass(frozen=True)
class RunState:
    """What MLflow should hold about one MLflow run.

    `key` and `spec` identify it. `current` says that no later training has taken its place, `planned` that the
    configuration still asks for it. `status` None leaves the status as it is. `texts` and `files` are artifacts, by
    their path in MLflow. Times are milliseconds since 1970.
    """

    key: str
    spec: str
    title: str
    study: str
    name: str
    seed: int | None = None
    current: bool = True
    planned: bool = True
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    dataset: tuple[str, str] | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    status: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    process: Mapping[str, Any] | None = None

    def digest(self) -> str:
        """SHA-256 (hex) of the content, times left out: equal states need no second look at the store."""
        return digest(
            {
                "params": dict(self.params),
                "tags": dict(self.tags),
                "points": sorted([point.key, point.step, repr(point.value)] for point in self.points),
                "dataset": self.dataset,
                "texts": dict(self.texts),
                "files": {name: file_digest(path) for name, path in self.files.items()},
                "status": self.status,
                "current": self.current,
                "planned": self.planned,
            }
        )


def run_key(name: str, study: str, run: str | None = None, seed: int | None = None) -> str:
    """The value of the tag `spikeinit.run`: of one seed's run, or of the parent run of a study."""
    return f"{name}/{study}" if run is None else f"{name}/{study}/{run}/seed{seed}"


def states(events: Iterable[Mapping[str, Any]], *, unfinished: str | None) -> list[RunState]:
    """The states a journal asks for: one per spec digest in it, the last one started being the current one.

    `unfinished` is the status of a current run without an "end". Of a value logged twice (an epoch repeated after
    a resume) the later one counts.
    """
    attempts: dict[str, list[Mapping[str, Any]]] = {}
    attempt: list[Mapping[str, Any]] | None = None
    for event in events:
        if event["event"] == "start":
            # Popped and set again: the last key is the spec that was started last.
            attempt = attempts.pop(event["spec_digest"], [])
            if event["resumed_from"] is None:
                attempt.clear()
            attempts[event["spec_digest"]] = attempt
        if attempt is not None:
            attempt.append(event)
    last = next(reversed(attempts), None)
    return [
        _state(attempt, current=key == last, unfinished=unfinished if key == last else "KILLED")
        for key, attempt in attempts.items()
    ]


def _state(events: list[Mapping[str, Any]], *, current: bool, unfinished: str | None) -> RunState:
    starts = [event for event in events if event["event"] == "start"]
    first, start = starts[0], starts[-1]
    dataset = start["dataset"]
    points: dict[tuple[str, int], Point] = {}
    texts: dict[str, str] = {}
    tags = {key: _text(value) for key, value in start["labels"].items()}
    tags |= {"spikeinit.study": start["study"], "spikeinit.name": start["name"]}
    if start["resumed_from"] is not None:
        tags["spikeinit.resumed_from"] = str(start["resumed_from"])
    status, end_time = unfinished, None

    def add(prefix: str, metrics: Mapping[str, Any], step: int) -> None:
        for key, value in metrics.items():
            points[prefix + key, step] = Point(prefix + key, step, storable(value), _milliseconds(event))

    for event in events:
        match event["event"]:
            case "start":
                status, end_time = unfinished, None
            case "epoch":
                add("", event["metrics"], event["epoch"])
            case "profile":
                add("profile/", _numeric_leaves(event["profile"]), 0)
                tags |= {f"version.{key}": value for key, value in event["profile"].get("versions", {}).items()}
                texts["profile.json"] = json.dumps(event["profile"], indent=2, sort_keys=True) + "\n"
            case "end":
                add("final/", event["metrics"], 0)
                status, end_time = event["status"], _milliseconds(event)
                tags["outcome"] = _text(event["outcome"])
    if status == "KILLED" and end_time is None:
        end_time = _milliseconds(events[-1])
    return RunState(
        key=run_key(start["name"], start["study"], start["run"], start["seed"]),
        spec=start["spec_digest"],
        title=f"{start['run']} seed {start['seed']}",
        study=start["study"],
        name=start["name"],
        seed=start["seed"],
        current=current,
        params=_params(start["spec"], start["seed"]),
        tags=tags,
        points=tuple(points.values()),
        dataset=dataset and (dataset["name"], dataset["sha256"][:LONGEST_DATASET_DIGEST]),
        texts=texts,
        status=status,
        start_time=_milliseconds(first),
        end_time=end_time,
        process=start.get("process"),
    )


def leaves(tree: Mapping[str, Any], prefix: str = "", separator: str = ".") -> dict[str, Any]:
    """The leaves of nested mappings by their path: {"a": {"b": 1}} gives {"a.b": 1}; lists are leaves."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            found |= leaves(value, f"{prefix}{key}{separator}", separator)
        else:
            found[prefix + key] = value
    return found


def storable(value: Any) -> float:
    """`value` as the number that MLflow gives back: it keeps NaN, and makes of an infinity the largest number."""
    number = float(value)
    return number if math.isnan(number) else min(max(number, -sys.float_info.max), sys.float_info.max)


def _params(spec: Mapping[str, Any], seed: int) -> dict[str, str]:
    # The list of all seeds is no property of one of them: it may grow without changing this run.
    of_this_seed = {key: value for key, value in spec.items() if key != "seeds"} | {"seed": seed}
    return {key: _text(value)[:LONGEST_PARAM] for key, value in leaves(of_this_seed).items()}


def _numeric_leaves(profile: Mapping[str, Any]) -> dict[str, float]:
    return {
        key: value
        for key, value in leaves(profile, separator="/").items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _milliseconds(event: Mapping[str, Any]) -> int:
    return int(event["time"] * 1000)
