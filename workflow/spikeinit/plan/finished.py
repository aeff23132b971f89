"""Whether results/ holds what a configuration plans, judged by the files alone and without Snakemake's metadata."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spikeinit.io import digest, read_json
from spikeinit.jobs.runs import Run
from spikeinit.plan import Config, runs
from spikeinit.specs import to_dict
from spikeinit.tracking.journal import read

TRAINING = "train_snn"


def states(config: Config, results: Path) -> Iterator[tuple[str, str, str]]:
    """(study, run, state) of every planned run; the state is "current", "stale" or "missing"."""
    for study in config.studies:
        for run in runs(config, study):
            yield study, run.name, state_of(run, results / config.name / "runs" / study / run.name)


def state_of(run: Run, folder: Path) -> str:
    """ "current" if the folder's tables and recorded spec are the planned ones, else "stale" or "missing"."""
    if not all((folder / f"{table}.csv").exists() for table in run.tables):
        return "missing"
    if run.stage == TRAINING:
        return _state_of_training(run, folder)
    planned = digest(to_dict(run.spec))
    ended = (_last(journal) for journal in folder.glob("seeds/*/journal.jsonl"))
    return "current" if (planned, "FINISHED") in ended else "stale"


def _last(journal: Path) -> tuple[str, str]:
    """Digest of the spec that a journal was last started with, and how that ended; "" where it did not."""
    spec_digest = status = ""
    for event in read(journal):
        if event["event"] == "start":
            spec_digest, status = event["spec_digest"], ""
        elif event["event"] == "end":
            status = event["status"]
    return spec_digest, status


def _state_of_training(run: Run, folder: Path) -> str:
    if not (folder / "spec.json").exists():
        return "missing"
    record = read_json(folder / "spec.json")
    same = record["digest"] == run.spec.seed_digest() and tuple(record["spec"]["seeds"]) == run.spec.seeds
    return "current" if same else "stale"
