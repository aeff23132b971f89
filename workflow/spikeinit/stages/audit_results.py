"""Compare results/ with what the configuration plans: each run's spec digest, without Snakemake's metadata.

For use after a checkout, a copied results folder or lost workflow metadata. Says of every planned training whether its
files are current, stale or missing; exit status 1 unless all are current.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from spikeinit.errors import run_stage
from spikeinit.io import read_json
from spikeinit.jobs.runs import Run
from spikeinit.plan import load_config, runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", nargs="+", type=Path, default=[], help="merged over config.yaml, in this order")
    parser.add_argument("--results", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    config = load_config(["config.yaml", *arguments.configfile])
    states = []
    for study in config.studies:
        for run in (run for run in runs(config, study) if run.stage == "train_snn"):
            states.append(state_of(run, arguments.results / config.name / "runs" / study / run.name))
            print(f"{states[-1]:<8} {study}/{run.name}")
    print(", ".join(f"{states.count(state)} {state}" for state in ("current", "stale", "missing")))
    if set(states) != {"current"}:
        sys.exit(1)


def state_of(run: Run, folder: Path) -> str:
    """ "current" if the folder's metrics and recorded spec are the planned ones, else "stale" or "missing"."""
    if not (folder / "metrics.csv").exists() or not (folder / "spec.json").exists():
        return "missing"
    record = read_json(folder / "spec.json")
    same = record["digest"] == run.spec.seed_digest() and tuple(record["spec"]["seeds"]) == run.spec.seeds
    return "current" if same else "stale"


if __name__ == "__main__":
    run_stage(main)
