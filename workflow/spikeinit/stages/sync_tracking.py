"""Complete the MLflow record of a study from its files.

A store that is away does not fail the workflow: the marker then says `"synced": false` with the reason, and counts
the failure in `failed_attempts`. The rule puts `spikeinit.tracking.sync.failed_attempts(marker)` into its spec as
"failed_attempts"; a failure thereby changes the spec, and the next `snakemake` tries again by itself, while a success
leaves the count and the spec as they were. `snakemake --forcerun sync_tracking` replays at any time.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from spikeinit.errors import run_stage
from spikeinit.io import read_csv, write_json
from spikeinit.tracking.settings import read_settings
from spikeinit.tracking.sync import OFF, Report, sync


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON, see rule_specs.sync_spec")
    parser.add_argument("--tracking", type=Path, required=True, help="results/<name>/tracking.json")
    parser.add_argument("--runs", type=Path, required=True, help="results/<name>/runs")
    parser.add_argument("--study", required=True)
    parser.add_argument("--study-dir", type=Path, required=True, help="results/<name>/studies/<study>")
    parser.add_argument("--output", type=Path, required=True, help="the marker")
    arguments = parser.parse_args()

    settings = read_settings(arguments.tracking)
    failures = arguments.spec["failed_attempts"]
    if settings.uri is None:
        report = Report(reason=OFF)
    else:
        report = sync(
            settings,
            name=arguments.spec["name"],
            study=arguments.study,
            runs=arguments.runs / arguments.study,
            study_folder=arguments.study_dir,
            planned=_planned(arguments.study_dir / "plan.csv", arguments.spec["anns"]),
        )
        failures += not report.synced
        _tell(report)
    marker = dataclasses.asdict(report) | {"synced": report.synced, "failed_attempts": failures}
    write_json(arguments.output, marker)


def _planned(plan: Path, anns: Mapping[str, list[int]]) -> set[tuple[str, int]]:
    """(run, seed) of the runs in a study's plan.csv, and of its analogue networks, whose seeds `anns` has by name."""
    trained = {(row["run"], int(seed)) for row in read_csv(plan) for seed in row["seeds"].split(";")}
    return trained | {(run, seed) for run, seeds in anns.items() for seed in seeds}


def _tell(report: Report) -> None:
    for problem in report.problems:
        print(f"not recorded: {problem}")
    if report.reason:
        print(f"not synced: {report.reason}; the next `snakemake` tries again")
    else:
        print(
            f"{report.runs} runs recorded, {report.sent} values sent, {report.superseded} superseded,"
            f" {report.dropped} no longer asked for"
        )


if __name__ == "__main__":
    run_stage(main)
