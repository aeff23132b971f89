"""Whether results/ holds what a configuration plans, judged by the files alone and without Snakemake's metadata."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spikeinit.io import read_json
from spikeinit.jobs.runs import Run
from spikeinit.plan import Config, runs

TRAINING = "train_snn"


def states(config: Config, results: Path) -> Iterator[tuple[str, str, str]]:
    """(study, run, state) of every planned training; the state is "current", "stale" or "missing"."""
    for study in config.studies:
        for run in runs(config, study):
            if run.stage == TRAINING:
                yield study, run.name, state_of(run, results / config.name / "runs" / study / run.name)


def state_of(run: Run, folder: Path) -> str:
    """ "current" if the folder's metrics and recorded spec are the planned ones, else "stale" or "missing"."""
    if not (folder / "metrics.csv").exists() or not (folder / "spec.json").exists():
        return "missing"
    record = read_json(folder / "spec.json")
    same = record["digest"] == run.spec.seed_digest() and tuple(record["spec"]["seeds"]) == run.spec.seeds
    return "current" if same else "stale"
