"""A program `nvidia-smi` that pretends, and processes that take slots on the GPUs it lists."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from spikeinit.devices.gpus import Gpu

GIB = 1 << 30

HOLD = """
import sys
from spikeinit.devices import slots
from spikeinit.devices.gpus import usable

jobs = None if sys.argv[1] == "auto" else int(sys.argv[1])
slot = slots.take(
    usable(), jobs, int(sys.argv[2]), folder=slots.shared_folder(), on_wait=lambda: print("waits", flush=True)
)
print(slot.gpu.name, slot.beside, flush=True)
sys.stdin.read()
"""
"""A job that takes a slot on a GPU, says which, and ends with its input."""


def gpu(letter: str, free: int | None = 80 * GIB, **changed) -> Gpu:
    """One of 80 GiB, called after a letter."""
    return Gpu(f"GPU-{letter}", "Pretended", "abcdefgh".index(letter), 80 * GIB, free, **changed)


def nvidia_smi(folder: Path, listing: str, memory: str = "", *, begins: str = "") -> Path:
    """Put a program `nvidia-smi` into `folder`: what it prints for -L and for a query, after the shell's `begins`."""
    folder.mkdir(exist_ok=True)
    (folder / "listing").write_text(listing)
    (folder / "memory").write_text(memory)
    program = folder / "nvidia-smi"
    program.write_text(
        f'#!/bin/sh\n{begins}\nif [ "$1" = -L ]; then cat {folder}/listing; else cat {folder}/memory; fi\n'
    )
    program.chmod(0o755)
    return folder


def listed(*letters: str) -> str:
    """What `nvidia-smi -L` prints of GPUs called after letters."""
    return "".join(f"GPU {n}: Pretended (UUID: GPU-{letter})\n" for n, letter in enumerate(letters))


def measured(free_mib: int, *letters: str, mode: str = "Default") -> str:
    """What the query for memory prints: of 81,920 MiB each so many are free."""
    return "".join(f"GPU-{letter}, 81920, {free_mib}, {mode}\n" for letter in letters)


class Job:
    """A process that holds a slot until `end` or `kill`."""

    def __init__(self, programs: Path, temporary: Path, jobs: int | str, need: int = GIB, **environment: str) -> None:
        package = Path(__file__).parents[1] / "workflow"
        inherited = {key: value for key, value in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(jobs), str(need)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=inherited
            | {"PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(temporary), "PYTHONPATH": str(package)}
            | environment,
        )

    def says(self) -> str:
        """Its next line: "waits", or the name of its GPU and how many jobs were there; it waits for that."""
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)
