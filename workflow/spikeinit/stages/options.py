"""Options of the command line that several stages take, each said once.

A stage names the ones it takes and adds its own:

    parser = stage_parser(__doc__, "of a TrainSpec", "study", "run", "data", "device")
    add_outputs(parser, "metrics", "curves")
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SHARED: dict[str, dict[str, Any]] = {
    "study": {"required": True},
    "run": {"required": True},
    "data": {"type": Path, "required": True, "help": "manifest.json of the prepared data set"},
    "tracking": {"type": Path, "required": True, "help": "tracking.json"},
    "device": {"default": "auto"},
    "kernel": {"default": "auto"},
    "user-files": {"nargs": "*", "default": [], "help": "the user's own Python files"},
    "study-files": {"nargs": "*", "default": [], "help": "packages of the user's own studies"},
}
"""Option -> what `argparse` needs to know of it."""


def stage_parser(description: str | None, spec: str, *shared: str) -> argparse.ArgumentParser:
    """A parser with --spec, whose value is canonical JSON `spec`, and with those options of `SHARED`.

    description: the stage's docstring, whose first line is shown.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--spec", type=json.loads, required=True, help=f"canonical JSON {spec}")
    for name in shared:
        parser.add_argument(f"--{name}", **SHARED[name])
    return parser


def add_outputs(parser: argparse.ArgumentParser, *names: str, optional: Iterable[str] = ()) -> None:
    """An option for the path of each file that the stage writes; those in `optional` may be left out."""
    for name in names:
        parser.add_argument(f"--{name}", type=Path, required=name not in optional, help="file to write")
