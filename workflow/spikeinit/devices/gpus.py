"""The GPUs of this machine that a job may use, as `nvidia-smi` lists them, and their memory.

A GPU that is split by MIG is replaced by its instances, since CUDA computes on those alone. Numbers in
CUDA_VISIBLE_DEVICES are read as `nvidia-smi` shows them.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable that names the GPUs which CUDA shows to a process."""

SECONDS = 60
"""How long `nvidia-smi` may take. Without its persistence daemon it wakes up every GPU of the machine first."""

_MIB, _GB = 1 << 20, 10**9
_QUERY = "--query-gpu=uuid,memory.total,memory.free,compute_mode"
_WHOLE = re.compile(r"GPU (\d+): (.*) \(UUID: (\S+)\)")
_PART = re.compile(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (\S+)\)")
_PART_MEMORY = re.compile(r"\.(\d+)gb")


class Unlisted(Exception):
    """Which GPUs there are cannot be told; the text says why."""


@dataclass(frozen=True)
class Gpu:
    """A GPU, or a MIG instance of one.

    name: what CUDA_VISIBLE_DEVICES takes for it, its UUID where that is known. model: for the reader. number: its place
    in `nvidia-smi`'s list; an instance has that of its GPU. total, free: memory in bytes, None where it is not known.
    exclusive: whether only one process at a time can use it (compute mode Exclusive_Process). whole: of an instance,
    the UUID of its GPU.
    """

    name: str
    model: str = "GPU"
    number: int | None = None
    total: int | None = None
    free: int | None = None
    exclusive: bool = False
    whole: str = ""


def usable() -> list[Gpu]:
    """The GPUs that this process may use: all, or those that CUDA_VISIBLE_DEVICES names, in its order.

    Like CUDA, it takes the entries of the variable up to the first that names no GPU. Without `nvidia-smi` the entries
    are taken as they are. Raises `Unlisted` where there is neither a list nor the variable.
    """
    named = os.environ.get(VISIBLE)
    try:
        known = _listed()
    except Unlisted:
        if named is None:
            raise
        return list(_chosen(named, []))
    return with_memory(known if named is None else list(_chosen(named, known)))


def with_memory(gpus: list[Gpu]) -> list[Gpu]:
    """The same GPUs with the memory that is free now; as they are where `nvidia-smi` does not tell it."""
    try:
        told = _memory(_nvidia_smi(_QUERY, "--format=csv,noheader,nounits")) if gpus else {}
    except Unlisted:
        return gpus
    return [replace(gpu, **told.get(gpu.name, {})) for gpu in gpus]


def _listed() -> list[Gpu]:
    """All GPUs of the machine; `Unlisted` if there is none."""
    found: list[Gpu] = []
    for line in _nvidia_smi("-L").splitlines():
        if whole := _WHOLE.fullmatch(line.rstrip()):
            found.append(Gpu(whole[3], whole[2], int(whole[1])))
        elif (part := _PART.fullmatch(line.rstrip())) and found:
            above = found[-1]
            if not above.whole:
                found.pop()
            size = _PART_MEMORY.search(part[1])
            total = int(size[1]) * _GB if size else None
            model = f"{above.model.partition(' MIG ')[0]} MIG {part[1]}"
            found.append(Gpu(part[2], model, above.number, total, total, whole=above.whole or above.name))
    if not found:
        raise Unlisted("nvidia-smi lists no GPU")
    return found


def _chosen(named: str, known: list[Gpu]) -> Iterable[Gpu]:
    """The GPUs that the entries of CUDA_VISIBLE_DEVICES name, each once."""
    taken = set()
    for entry in named.split(","):
        matching = _matching(entry.strip(), known)
        if not matching:
            return
        for gpu in matching:
            if gpu.name not in taken:
                taken.add(gpu.name)
                yield gpu


def _matching(entry: str, known: list[Gpu]) -> list[Gpu]:
    """The GPU, or the instances of a split GPU, that one entry names: a number, a UUID or the beginning of one."""
    if entry.isdecimal():
        return [gpu for gpu in known if gpu.number == int(entry)] if known else [Gpu(entry)]
    if not entry.startswith(("GPU-", "MIG-")):
        return []
    names = {name for gpu in known for name in (gpu.name, gpu.whole) if name.startswith(entry)}
    if len(names) > 1 and entry not in names:
        return []
    name = entry if entry in names else next(iter(names), entry)
    return [gpu for gpu in known if name in (gpu.name, gpu.whole)] or [Gpu(name)]


def _memory(text: str) -> Mapping[str, Mapping[str, int | bool]]:
    """UUID -> total and free memory in bytes, and whether one process has the GPU to itself."""
    found = {}
    for line in text.splitlines():
        values = [value.strip() for value in line.split(",")]
        if len(values) == 4 and values[1].isdecimal() and values[2].isdecimal():
            total, free = (int(value) * _MIB for value in values[1:3])
            found[values[0]] = {"total": total, "free": free, "exclusive": values[3] == "Exclusive_Process"}
    return found


def _nvidia_smi(*arguments: str) -> str:
    command = ["nvidia-smi", *arguments]
    try:
        finished = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Unlisted(f"nvidia-smi does not answer within {SECONDS} s") from None
    except OSError as error:
        raise Unlisted(f"nvidia-smi cannot be run ({error.strerror})") from None
    if finished.returncode:
        said = (finished.stdout + finished.stderr).strip().partition("\n")[0]
        raise Unlisted(f"nvidia-smi failed ({said[:200]})")
    return finished.stdout
