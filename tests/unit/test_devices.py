"""Which GPUs a job may use, and how it takes its place on one: with a pretended `nvidia-smi` and a pretended CUDA."""

from __future__ import annotations

import os
import threading

import pytest
import torch
from pretended_gpus import GIB, listed, measured, nvidia_smi

from spikeinit.devices import choice, gpus, slots
from spikeinit.devices.choice import choose_device
from spikeinit.errors import UserError

SPLIT = """GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-a0)
  MIG 3g.40gb     Device  0: (UUID: MIG-x)
  MIG 1g.10gb+me  Device  1: (UUID: MIG-y)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-b1)
GPU 2: NVIDIA T4 (UUID: GPU-b2)
"""
"""As the program prints it: its first GPU is split into two instances."""

MEMORY = """GPU-a0, 81559, 40000, Default
GPU-b1, 81559, 81000, Exclusive_Process
GPU-b2, [N/A], [N/A], [N/A]
"""


@pytest.fixture
def smi(tmp_path, monkeypatch):
    """Puts a pretended `nvidia-smi` first on PATH, and the locks into a folder of the test's own."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(slots, "shared_folder", lambda: tmp_path / "locks")
    monkeypatch.setattr(slots, "GRACE", 0.0)

    def put(*arguments, **options):
        nvidia_smi(tmp_path / "bin", *arguments, **options)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")

    monkeypatch.setenv("PATH", str(tmp_path))  # without one, none is found
    return put


def names():
    return [gpu.name for gpu in gpus.usable()]


def test_a_split_gpu_is_its_instances(smi):
    smi(SPLIT, MEMORY)
    x, y, b1, b2 = gpus.usable()
    assert (x.name, x.model, x.total, x.free) == ("MIG-x", "NVIDIA H100 80GB HBM3 MIG 3g.40gb", 40e9, 40e9)
    assert (y.name, y.model, y.free) == ("MIG-y", "NVIDIA H100 80GB HBM3 MIG 1g.10gb+me", 10e9)
    assert (b1.name, b1.total, b1.free, b1.exclusive) == ("GPU-b1", 81559 << 20, 81000 << 20, True)
    assert (b2.name, b2.total, b2.free, b2.exclusive) == ("GPU-b2", None, None, False)


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("1", ["GPU-b1"]),
        ("2,1", ["GPU-b2", "GPU-b1"]),
        (" 2 , 1 ", ["GPU-b2", "GPU-b1"]),
        ("0", ["MIG-x", "MIG-y"]),
        ("GPU-a0", ["MIG-x", "MIG-y"]),
        ("MIG-y", ["MIG-y"]),
        ("MIG-y,GPU-b2", ["MIG-y", "GPU-b2"]),
        ("GPU-b2,2,GPU-b2", ["GPU-b2"]),
        ("GPU-a", ["MIG-x", "MIG-y"]),  # the beginning of a UUID is enough
        ("GPU-b", []),  # unless two have it
        ("1,-1,2", ["GPU-b1"]),  # up to the first that names none
        ("1,9,2", ["GPU-b1"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("MIG-GPU-old/1/0", ["MIG-GPU-old/1/0"]),  # unknown to the program, perhaps not to CUDA
    ],
)
def test_the_variable_says_which(smi, monkeypatch, visible, expected):
    smi(SPLIT, MEMORY)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert names() == expected


def test_without_a_list_the_variable_is_taken_as_it_is(smi, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,MIG-x,GPU-a")
    assert names() == ["3", "MIG-x", "GPU-a"]


@pytest.mark.parametrize(
    ("begins", "listing", "reason"),
    [
        (None, "", "nvidia-smi cannot be run (No such file or directory)"),
        ("exec sleep 60", "", "nvidia-smi does not answer within 0.2 s"),
        ("", "\0\xff GPU rubbish\n\n", "nvidia-smi lists no GPU"),
        ("", "", "nvidia-smi lists no GPU"),
        ("echo NVIDIA-SMI has failed; echo more; exit 9", "", "nvidia-smi failed (NVIDIA-SMI has failed)"),
    ],
)
def test_why_there_is_no_list_is_told_in_one_line(smi, monkeypatch, begins, listing, reason):
    monkeypatch.setattr(gpus, "SECONDS", 0.2 if begins == "exec sleep 60" else 60)
    if begins is not None:
        smi(listing, begins=begins)
    with pytest.raises(gpus.Unlisted) as raised:
        gpus.usable()
    assert str(raised.value) == reason


def test_memory_that_is_rubbish_is_unknown(smi):
    smi(listed("a"), "what?\nGPU-a, many, few, Default\n,,,\n")
    assert [(gpu.name, gpu.total, gpu.free) for gpu in gpus.usable()] == [("GPU-a", None, None)]


# choosing


@pytest.fixture
def cuda(monkeypatch):
    """A CUDA that works, as far as `choose_device` can tell; `used` is what it was shown when it was first used."""

    class Cuda:
        works = True
        used = None

        def available(self):
            self.used = os.environ.get("CUDA_VISIBLE_DEVICES")
            return self.works

    pretended = Cuda()
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", pretended.available)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Pretended")
    monkeypatch.setattr(torch, "zeros", lambda *_, **__: torch.ones(1))
    return pretended


@pytest.fixture
def held(monkeypatch):
    """The slots that this process takes, each like a job of its own; they are given back after the test."""
    found = []
    take = slots.take

    def taking(*arguments, **options):
        found.append(take(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(slots, "take", taking)
    yield found
    for slot in found:
        slot.release()


def test_each_job_is_shown_one_gpu_before_cuda_is_used(smi, monkeypatch, cuda, held, capsys):
    smi(listed("a", "b"), measured(1024, "a", "b"))
    for name, said in (("GPU-a", "no other job"), ("GPU-b", "no other job"), ("GPU-a", "1 other job")):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        assert choose_device("auto", gpu_jobs=3) == "cuda"
        assert cuda.used == os.environ["CUDA_VISIBLE_DEVICES"] == name
        assert capsys.readouterr().out == f"device: cuda (Pretended, {name}, beside {said})\n"
    assert len(held) == 3


def test_a_cluster_that_gives_one_gpu_gets_that_one(smi, monkeypatch, cuda, held):
    smi(listed(*"abcd"), measured(1024, *"abcd"))
    for _ in range(2):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
        assert choose_device("cuda", gpu_jobs=2) == "cuda"
        assert cuda.used == "GPU-c"


def test_a_job_says_once_that_it_waits(smi, monkeypatch, cuda, held, capsys):
    smi(listed("a"), measured(80 * 1024, "a"))
    choose_device("auto", gpu_bytes=50 * GIB)
    capsys.readouterr()
    tell = choice._tell_waiting

    def told(*arguments):
        tell(*arguments)
        threading.Timer(0.5, held.pop().release).start()

    monkeypatch.setattr(choice, "_tell_waiting", told)
    monkeypatch.setattr(slots, "PAUSE", 0.05)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert choose_device("auto", gpu_bytes=50 * GIB) == "cuda"
    assert capsys.readouterr().out.splitlines() == [
        "device: waiting for a place on the GPU, which other jobs hold (gpu_jobs: auto)",
        "device: cuda (Pretended, GPU-a, beside no other job)",
    ]


def test_without_a_list_every_job_takes_the_first_and_says_so(smi, cuda, held, capsys):
    assert choose_device("auto") == "cuda"
    assert cuda.used is None
    assert held == []
    assert capsys.readouterr().out.splitlines() == [
        "device: cuda (Pretended)",
        "device: nvidia-smi cannot be run (No such file or directory), so GPUs are not shared out: every job takes the"
        " first",
    ]


def test_a_gpu_that_does_not_work_is_left_to_others(smi, monkeypatch, cuda, tmp_path, capsys):
    smi(listed("a", "b"), measured(1024, "a", "b"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    cuda.works = False
    for _ in range(3):  # each finds the slot that the one before it left
        assert choose_device("auto", gpu_jobs=1) == "cpu"
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "1,0"
    assert capsys.readouterr().out == "device: cpu (no usable GPU or driver was found)\n" * 3
    with pytest.raises(UserError, match="cuda was asked for, but no usable GPU"):
        choose_device("cuda", gpu_jobs=1)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1,0"


def test_no_gpu_is_shown_where_the_variable_hides_all(smi, monkeypatch, cuda, held):
    smi(listed("a"), measured(1024, "a"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    cuda.works = False
    assert choose_device("auto") == "cpu"
    assert (cuda.used, held) == ("", [])


def test_a_folder_without_locks_stops_no_job(smi, monkeypatch, cuda, tmp_path, capsys):
    smi(listed("a", "b"), measured(1024, "a", "b"))
    (tmp_path / "locks").write_text("a file")
    for number in (10, 11):
        monkeypatch.setattr(os, "getpid", lambda number=number: number)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        assert choose_device("auto") == "cuda"
        assert cuda.used == ("GPU-a", "GPU-b")[number % 2]
        assert capsys.readouterr().out.splitlines() == [
            "device: cuda (Pretended)",
            f"device: {tmp_path}/locks cannot hold locks (Not a directory), so this job took {cuda.used} whoever else"
            " is on it",
        ]


@pytest.mark.parametrize("named", [None, "0"])
def test_on_the_processor_no_gpu_and_no_lock_is_looked_at(smi, monkeypatch, cuda, held, tmp_path, named):
    smi(listed("a"), begins=f"touch {tmp_path}/asked")
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert choose_device("cpu") == "cpu"
    assert not (tmp_path / "asked").exists()
    assert not (tmp_path / "locks").exists()
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == named
    assert choose_device("auto") == "cuda"  # and with a GPU both are
    assert (tmp_path / "asked").exists()
    assert (tmp_path / "locks").exists()
