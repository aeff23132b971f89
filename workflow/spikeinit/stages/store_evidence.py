"""Keep the scorecards, tables and figures of a finished run in docs/evidence/, with machine, versions and date."""

from __future__ import annotations

import argparse
from pathlib import Path

from spikeinit.errors import run_stage
from spikeinit.plan import evidence, load_config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", nargs="+", type=Path, default=[], help="merged over config.yaml, in this order")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--evidence", type=Path, default=Path("docs/evidence"), help="folder to keep it in")
    parser.add_argument("--machine", help="where the results were made, in words; without it this machine")
    arguments = parser.parse_args()

    config = load_config(["config.yaml", *arguments.configfile])
    words = ["snakemake", *config.studies, "--cores all"]
    if arguments.configfile:
        words += ["--configfile", *map(readable, arguments.configfile)]
    kept = evidence.store(config, arguments.results, arguments.evidence, " ".join(words), arguments.machine)
    print(f"kept in {kept}")


def readable(path: Path) -> str:
    """A path below this folder as it is from here, and the bare name of another file."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name


if __name__ == "__main__":
    run_stage(main)
