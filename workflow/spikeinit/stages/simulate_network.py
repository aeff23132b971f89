"""Run a group of simulations of untrained networks and write what every layer, step and network showed."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from spikeinit import user_files
from spikeinit.errors import run_stage
from spikeinit.io import digest, write_csv
from spikeinit.simulation.rows import COLUMNS, GRADIENT_COLUMNS, REPEAT_COLUMNS, rows
from spikeinit.specs import SimulateSpec, from_dict, to_dict
from spikeinit.tracking.journal import Journal
from spikeinit.tracking.mirror import spawn

RECORDED = {"variance": "variance_mean", "spikes": "spikes_mean"}
"""Metric in MLflow, whose step is the layer -> column of signals.csv."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="canonical JSON of a SimulateSpec")
    parser.add_argument("--study", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--tracking", type=Path, required=True, help="tracking.json")
    parser.add_argument("--user-files", nargs="*", default=[], help="the user's own Python files")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--signals", type=Path, required=True, help="CSV to write: every layer and step")
    parser.add_argument("--repeats", type=Path, required=True, help="CSV to write: every network")
    parser.add_argument("--gradients", type=Path, required=True, help="CSV to write: every network followed back")
    arguments = parser.parse_args()

    spec = from_dict(SimulateSpec, arguments.spec)
    user_files.load_all(arguments.user_files)
    folder = arguments.signals.parent
    journal = Journal(folder / "seeds" / str(spec.seed) / "journal.jsonl")
    spawn([journal.path], arguments.tracking)
    journal.start(
        run=arguments.run,
        study=arguments.study,
        name=folder.parents[2].name,
        seed=spec.seed,
        spec=to_dict(spec),
        spec_digest=digest(to_dict(spec)),
        labels={"stage": "simulation"},
        dataset=None,
    )
    signals: list[dict[str, Any]] = []
    repeats: list[dict[str, Any]] = []
    gradients: list[dict[str, Any]] = []
    try:
        for simulation in spec.simulations:
            start = time.monotonic()
            found = rows(simulation, spec, threads=arguments.threads)
            signals += found.signals
            repeats += found.repeats
            gradients += found.gradients
            name = f"{simulation.label}  {simulation.initializer}"
            print(f"{name}  threshold {simulation.threshold:g}  {time.monotonic() - start:.1f} s", flush=True)
    except BaseException:
        journal.end("FAILED")
        raise
    for layer, metrics in _by_layer(signals).items():
        journal.epoch(layer, metrics)
    journal.end("FINISHED")
    write_csv(arguments.repeats, repeats, REPEAT_COLUMNS)
    write_csv(arguments.gradients, gradients, GRADIENT_COLUMNS)
    write_csv(arguments.signals, signals, COLUMNS)


def _by_layer(written: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, float]]:
    """Layer -> the recorded means over steps and repeats of every simulation."""
    found: dict[int, dict[str, float]] = {}
    for row in written:
        if row["step"] is None:
            name = f"{row['label']}/{row['initializer']}/n{row['width']}_theta{row['threshold']:g}"
            metrics = {f"{metric}/{name}": row[column] for metric, column in RECORDED.items()}
            found.setdefault(row["layer"], {}).update(metrics)
    return found


if __name__ == "__main__":
    run_stage(main)
