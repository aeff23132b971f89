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


def _number_or_auto(text: str) -> int | None:
    return None if text == "auto" else int(text)


SHARED: dict[str, dict[str, Any]] = {
    "study": {"required": True},
    "run": {"required": True},
    "data": {"type": Path, "required": True, "help": "manifest.json of the prepared data set"},
    "tracking": {"type": Path, "required": True, "help": "tracking.json"},
    "device": {"default": "auto"},
    "gpu-jobs": {"type": _number_or_auto, "default": "auto", "help": "jobs that share a GPU; auto: by their memory"},
    "gpu-mb": {"type": int, "default": 4000, "help": "megabytes of a GPU's memory that this job needs"},
    "kernel": {"default": "auto"},
    "user-files": {"nargs": "*", "default": [], "help": "the user's own Python files"},
    "study-files": {"nargs": "*", "default": [], "help": "packages of the user's own studies"},
}
"""Option -> what `argparse` needs to know of it."""

TOGETHER = {"device": ("device", "gpu-jobs", "gpu-mb")}
"""Option -> all options that a stage has which names it."""


def stage_parser(description: str | None, spec: str, *shared: str) -> argparse.ArgumentParser:
    """A parser with --spec, whose value is canonical JSON `spec`, and with those options of `SHARED`.

    description: the stage's docstring, whose first line is shown.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--spec", type=json.loads, required=True, help=f"canonical JSON {spec}")
    for name in (option for named in shared for option in TOGETHER.get(named, (named,))):
        parser.add_argument(f"--{name}", **SHARED[name])
    return parser


def device_of(arguments: argparse.Namespace) -> str:
    """ "cpu" or "cuda", as the options of `device` say. On a GPU the stage has a place then, for which it may wait.

    A stage asks for it first of all: no other code may use CUDA before, not even the user's own files.
    """
    from spikeinit.devices.choice import choose_device

    return choose_device(arguments.device, gpu_jobs=arguments.gpu_jobs, gpu_bytes=arguments.gpu_mb * 10**6)


def add_outputs(parser: argparse.ArgumentParser, *names: str, optional: Iterable[str] = ()) -> None:
    """An option for the path of each file that the stage writes; those in `optional` may be left out."""
    for name in names:
        parser.add_argument(f"--{name}", type=Path, required=name not in optional, help="file to write")
