"""An MLflow store that is made to agree with the states of runs: what it lacks is added, nothing is added twice.

MLflow lets nobody choose a run's id, so the tags `spikeinit.run` and `spikeinit.spec` identify a run; looking for it
and creating it happen under a lock file. A point of a curve counts as present when the latest value under its key
and step is the same. The lock belongs to the results folder, so two folders that log to one server need two names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from spikeinit.io import digest
from spikeinit.tracking.connection import artifact_folder, connect, exclusively
from spikeinit.tracking.state import RunState, run_key

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

METRICS_PER_CALL, PARAMS_PER_CALL, TAGS_PER_CALL, RUNS_PER_SEARCH = 1000, 100, 100, 1000  # MLflow's limits
SYNCED = "spikeinit.synced"
CURRENT = "spikeinit.current"

Item = TypeVar("Item")


@dataclass
class Known:
    """What the store is known to hold of one run."""

    run_id: str
    status: str
    end_time: int | None
    params: set[str]
    tags: dict[str, str]
    has_dataset: bool
    points: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


class Store:
    """One MLflow store, seen from one results folder.

    `uri` is an MLflow tracking URI; `root` is the folder that holds results/<name> of every name: the lock file lies
    there, and the artifacts unless a server keeps them. Every method may raise whatever MLflow raises when the store
    is away, and `UserError` when another process holds the lock too long.
    """

    def __init__(self, uri: str, root: Path) -> None:
        self.uri = uri
        self.artifacts = artifact_folder(uri, root)
        self._lock = root / ".mlflow.lock"
        self._connection: MlflowClient | None = None
        self._experiments: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._known: dict[tuple[str, str], Known] = {}

    @property
    def client(self) -> MlflowClient:
        """The connection, made when it is first needed."""
        if self._connection is None:
            self._connection = connect(self.uri, self.artifacts, self._lock)
        return self._connection

    def experiment(self, study: str) -> str:
        """The id of the study's experiment, which is made if there is none."""
        if study not in self._experiments:
            name = f"spikeinit/{study}"

            def find() -> str | None:
                found = self.client.get_experiment_by_name(name)
                return found.experiment_id if found else None

            def create() -> str:
                return self.client.create_experiment(name, self.artifacts and self.artifacts.resolve().as_uri())

            self._experiments[study] = self._found_or_created(find, create)
        return self._experiments[study]

    def parent(self, study: str, name: str) -> str:
        """The id of the parent run of a study under a results name, which is made if there is none."""
        key = run_key(name, study)
        if key not in self._parents:
            experiment = self.experiment(study)
            tags = {"spikeinit.run": key, "spikeinit.study": study, "spikeinit.name": name}

            def find() -> str | None:
                return next((run.info.run_id for run in self.runs(study, key)), None)

            def create() -> str:
                return self.client.create_run(experiment, tags=tags, run_name=name).info.run_id

            self._parents[key] = self._found_or_created(find, create)
        return self._parents[key]

    def runs(self, study: str, key: str) -> list[Run]:
        """All MLflow runs tagged with this `spikeinit.run`, superseded ones included."""
        return list(self.client.search_runs([self.experiment(study)], f"tags.`spikeinit.run` = '{key}'"))

    def retire(self, study: str, name: str, planned: Collection[str]) -> int:
        """Mark what a configuration no longer asks for as not current; return how many runs of a study that were.

        name: of the results folder. planned: the values of `spikeinit.run` that it asks for.
        """
        wanted = f"tags.`spikeinit.name` = '{name}' and tags.`{CURRENT}` = 'true'"
        runs = self.client.search_runs([self.experiment(study)], wanted, max_results=RUNS_PER_SEARCH)
        found = list(runs)
        while runs.token:
            runs = self.client.search_runs(
                [self.experiment(study)], wanted, max_results=RUNS_PER_SEARCH, page_token=runs.token
            )
            found += runs
        gone = [run for run in found if run.data.tags["spikeinit.run"] not in planned]
        for run in gone:
            self.client.set_tag(run.info.run_id, CURRENT, "false")
        return len(gone)

    def push(self, state: RunState, *, complete: bool = False) -> int:
        """Make the store agree with `state`; return how many things were sent, 0 when it agreed already.

        `complete` says that nothing more will come: the store then remembers the state's digest, and a later push of
        the same state is over after one look.
        """
        known = self._known.get((state.key, state.spec)) or self._open(state)
        is_current = state.current and state.planned
        becomes_current = state.seed is not None and is_current and known.tags.get(CURRENT) != "true"
        sent = self._supersede_others(state) if becomes_current else 0
        seal = state.digest() if complete and state.status else None
        if seal and known.tags.get(SYNCED) == seal and known.status == state.status:
            return sent
        sent += self._send_values(state, known)
        sent += self._send_status(state, known)
        sent += self._send_artifacts(state, known)
        if seal:
            sent += self._send_tags(known, {SYNCED: seal})
        return sent

    def _open(self, state: RunState) -> Known:
        experiment, parent = self.experiment(state.study), self.parent(state.study, state.name)
        tags = {"spikeinit.run": state.key, "spikeinit.spec": state.spec, "mlflow.parentRunId": parent}

        def find() -> Run | None:
            runs = self.runs(state.study, state.key)
            return next((run for run in runs if run.data.tags.get("spikeinit.spec") == state.spec), None)

        def create() -> Run:
            return self.client.create_run(experiment, state.start_time, tags, state.title)

        run = self.client.get_run(parent) if state.seed is None else self._found_or_created(find, create)
        known = Known(
            run_id=run.info.run_id,
            status=run.info.status,
            end_time=run.info.end_time,
            params=set(run.data.params),
            tags=dict(run.data.tags),
            has_dataset=bool(run.inputs and run.inputs.dataset_inputs),
        )
        if SYNCED not in known.tags or known.tags[SYNCED] != state.digest():
            for key in run.data.metrics:
                for metric in self.client.get_metric_history(run.info.run_id, key):
                    present = known.points.get((key, metric.step))
                    if present is None or present[0] <= metric.timestamp:
                        known.points[key, metric.step] = (metric.timestamp, repr(metric.value))
        self._known[state.key, state.spec] = known
        return known

    def _supersede_others(self, state: RunState) -> int:
        sent = 0
        for run in self.runs(state.study, state.key):
            tags = run.data.tags
            if tags.get("spikeinit.spec") == state.spec or tags.get("spikeinit.superseded") == "true":
                continue
            old = self._known.pop((state.key, tags.get("spikeinit.spec", "")), None)
            known = old or Known(run.info.run_id, run.info.status, run.info.end_time, set(), dict(tags), True)
            superseded = {"spikeinit.superseded": "true", CURRENT: "false", SYNCED: ""}
            sent += self._send_tags(known, superseded)
        return sent

    def _send_values(self, state: RunState, known: Known) -> int:
        from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

        sent = 0
        params = {key: value for key, value in state.params.items() if key not in known.params}
        for chunk in _chunks(list(params.items()), PARAMS_PER_CALL):
            self.client.log_batch(known.run_id, params=[Param(key, value) for key, value in chunk])
            known.params.update(key for key, _ in chunk)
            sent += len(chunk)
        flags = {CURRENT: str(state.current and state.planned).lower()}
        if not state.current or "spikeinit.superseded" in known.tags:
            flags["spikeinit.superseded"] = str(not state.current).lower()
        sent += self._send_tags(known, dict(state.tags) | (flags if state.seed is not None else {}))
        if state.dataset and not known.has_dataset:
            name, sha256 = state.dataset
            entity = Dataset(name, sha256, source_type="local", source="{}")
            inputs = [DatasetInput(entity, [InputTag("mlflow.data.context", "training")])]
            with exclusively(self._lock, "recording a data set"):  # two at once would both insert the same data set
                self.client.log_inputs(known.run_id, inputs)
            known.has_dataset = True
            sent += 1
        points = [
            point
            for point in state.points
            if known.points.get((point.key, point.step), (0, ""))[1] != repr(point.value)
        ]
        for chunk in _chunks(points, METRICS_PER_CALL):
            metrics = [Metric(point.key, point.value, point.time, point.step) for point in chunk]
            self.client.log_batch(known.run_id, metrics=metrics)
            known.points |= {(point.key, point.step): (point.time, repr(point.value)) for point in chunk}
            sent += len(chunk)
        return sent

    def _send_tags(self, known: Known, tags: Mapping[str, str]) -> int:
        from mlflow.entities import RunTag

        missing = {key: value for key, value in tags.items() if known.tags.get(key) != value}
        for chunk in _chunks(list(missing.items()), TAGS_PER_CALL):
            self.client.log_batch(known.run_id, tags=[RunTag(key, value) for key, value in chunk])
            known.tags |= dict(chunk)
        return len(missing)

    def _send_status(self, state: RunState, known: Known) -> int:
        wanted = (state.status, state.end_time if state.status != "RUNNING" else known.end_time)
        if state.status is None or wanted == (known.status, known.end_time):
            return 0
        if state.status == "RUNNING":
            self.client.update_run(known.run_id, "RUNNING")
        else:
            self.client.set_terminated(known.run_id, state.status, state.end_time)
        known.status, known.end_time = wanted
        return 1

    def _send_artifacts(self, state: RunState, known: Known) -> int:
        sent = 0
        for name, text in state.texts.items():
            if known.texts.get(name) != digest(text):
                self.client.log_text(known.run_id, text, name)
                known.texts[name] = digest(text)
                sent += 1
        for name, path in state.files.items():
            self.client.log_artifact(known.run_id, str(path), str(Path(name).parent) if "/" in name else None)
            sent += 1
        return sent

    def _found_or_created(self, find: Callable[[], Item | None], create: Callable[[], Item]) -> Item:
        if (found := find()) is not None:
            return found
        with exclusively(self._lock, "creating an MLflow run"):
            return found if (found := find()) is not None else create()


def _chunks(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
