"""Audit the published tables of Pärna (2025): what its printed numbers say about one another, as audit.csv."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from spikeinit.errors import run_stage
from spikeinit.io import write_csv
from spikeinit.studies.energy.audit.published_tables import load_published
from spikeinit.studies.energy.audit.table import COLUMNS, audit


def main() -> None:
    """Parse the command line, compute, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec", required=True, type=json.loads, help="canonical JSON: the digest of this code; nothing in it is read"
    )
    parser.add_argument("--published", required=True, type=Path, help="workflow/published/paerna2025_spikes.csv")
    parser.add_argument("--audit", required=True, type=Path)
    arguments = parser.parse_args()
    write_csv(arguments.audit, audit(load_published(arguments.published)), COLUMNS)


if __name__ == "__main__":
    run_stage(main)
