"""Compare results/ with what the configuration plans: each run's spec digest, without Snakemake's metadata.

For use after a checkout, a copied results folder or lost workflow metadata. Says of every planned run whether its
files are current, stale or missing; exit status 1 unless all are current.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from spikeinit.errors import run_stage
from spikeinit.plan import load_config
from spikeinit.plan.finished import states


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", nargs="+", type=Path, default=[], help="merged over config.yaml, in this order")
    parser.add_argument("--results", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    config = load_config(["config.yaml", *arguments.configfile])
    found = []
    for study, run, state in states(config, arguments.results):
        found.append(state)
        print(f"{state:<8} {study}/{run}")
    print(", ".join(f"{found.count(state)} {state}" for state in ("current", "stale", "missing")))
    if set(found) != {"current"}:
        sys.exit(1)


if __name__ == "__main__":
    run_stage(main)
