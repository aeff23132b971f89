"""Choosing the device, and where there are GPUs one of them."""

from __future__ import annotations

import os

import torch

from spikeinit.devices import slots
from spikeinit.devices.gpus import VISIBLE, Gpu, Unlisted, usable
from spikeinit.errors import UserError


def choose_device(name: str, *, gpu_jobs: int | None = None, gpu_bytes: int = 0) -> str:
    """ "cpu" or "cuda" for auto, cpu or cuda.

    auto takes a GPU if one works and says in one line what it took; cuda raises `UserError` with the reason if none
    does. Of several GPUs it is the one with the fewest jobs. If all have as many jobs as they take, it waits. A GPU
    takes `gpu_jobs` jobs, or where that is None as many as fit into its memory, of which this job needs `gpu_bytes`.

    Call it before anything else uses CUDA: it sets CUDA_VISIBLE_DEVICES, so that the process sees that one GPU alone. A
    job keeps its place there until its process ends. For cpu, no GPU is looked at.
    """
    if name == "cpu":
        return "cpu"
    outer = os.environ.get(VISIBLE)
    slot, note = _slot(gpu_jobs, gpu_bytes) if torch.version.cuda else (None, "")
    reason = _cuda_problem()
    if reason is None:
        print(f"device: cuda ({torch.cuda.get_device_name()}{_place(slot)})", flush=True)
        if note:
            print(f"device: {note}", flush=True)
        return "cuda"
    if slot:
        slot.release()
    _show(outer)
    if name == "cuda":
        raise UserError(f"device: cuda was asked for, but {reason}; set device: auto or cpu in the configuration")
    print(f"device: cpu ({reason})", flush=True)
    return "cpu"


def _slot(jobs: int | None, need: int) -> tuple[slots.Slot | None, str]:
    """A slot on a GPU, which CUDA shows alone from now on. Without one, a note says why, if there is a GPU."""
    try:
        gpus = usable()
    except Unlisted as error:
        return None, f"{error}, so GPUs are not shared out: every job takes the first"
    if not gpus:
        return None, ""
    folder = slots.shared_folder()
    try:
        slot = slots.take(gpus, jobs, need, folder=folder, on_wait=lambda: _tell_waiting(gpus, jobs))
    except OSError as error:
        gpu = gpus[os.getpid() % len(gpus)]  # jobs that start together have different numbers
        _show(gpu.name)
        return None, f"{folder} cannot hold locks ({error.strerror}), so this job took {gpu.name} whoever else is on it"
    _show(slot.gpu.name)
    return slot, ""


def _tell_waiting(gpus: list[Gpu], jobs: int | None) -> None:
    where = "the GPU" if len(gpus) == 1 else f"one of {len(gpus)} GPUs"
    how = "auto" if jobs is None else jobs
    print(f"device: waiting for a place on {where}, which other jobs hold (gpu_jobs: {how})", flush=True)


def _place(slot: slots.Slot | None) -> str:
    if slot is None:
        return ""
    others = f"{slot.beside} other job{'' if slot.beside == 1 else 's'}" if slot.beside else "no other job"
    return f", {slot.gpu.name}, beside {others}"


def _show(visible: str | None) -> None:
    """Let CUDA show these GPUs to this process and its children; None for all."""
    if visible is None:
        os.environ.pop(VISIBLE, None)
    else:
        os.environ[VISIBLE] = visible


def _cuda_problem() -> str | None:
    if torch.version.cuda is None:
        return "this build of PyTorch has no CUDA"
    if not torch.cuda.is_available():
        return "no usable GPU or driver was found"
    try:
        torch.zeros(1, device="cuda").add_(1).item()
    except RuntimeError as error:
        return f"the GPU does not run a first operation ({error})"
    return None
