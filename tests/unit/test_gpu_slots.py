"""Jobs share out the GPUs of a machine: with pretended GPUs, real processes and real locks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from pretended_gpus import GIB, Job, gpu, listed, measured, nvidia_smi

from spikeinit.devices import slots

NOBODY = 65534
RUBBISH = b'{"need": Infinity, "room": 1}'


@pytest.fixture
def start(tmp_path):
    """Starts a job on four pretended GPUs; all jobs are ended after the test."""
    programs = nvidia_smi(tmp_path / "bin", listed(*"abcd"), measured(80 * 1024, *"abcd"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    jobs = []

    def begin(number, need=GIB, **environment):
        jobs.append(Job(programs, temporary, number, need, **environment))
        return jobs[-1]

    yield begin
    for job in jobs:
        job.kill()


class Full(Exception):
    """There is no slot now."""


def refuse():
    raise Full


@pytest.fixture
def take(tmp_path, monkeypatch):
    """Takes a slot for this process, where each slot counts as a job of its own; `Full` where a job would wait."""
    monkeypatch.setattr(slots, "GRACE", 0.0)
    held = []

    def one(gpus, jobs, need=GIB, folder=tmp_path / "locks"):
        held.append(slots.take(gpus, jobs, need, folder=folder, on_wait=refuse))
        return held[-1]

    def give_back(slot):
        held.remove(slot)
        slot.release()

    one.give_back = give_back
    yield one
    for slot in held:
        slot.release()


def test_eight_jobs_on_four_gpus_are_two_and_two_and_a_ninth_waits(start):
    first = [start(2) for _ in range(8)]
    placed = [job.says().split() for job in first]
    assert Counter(name for name, _ in placed) == dict.fromkeys(("GPU-a", "GPU-b", "GPU-c", "GPU-d"), 2)
    assert Counter(beside for _, beside in placed) == {"0": 4, "1": 4}
    ninth = start(2)
    assert ninth.says() == "waits"
    first[5].end()
    assert ninth.says() == f"{placed[5][0]} 1"


def test_a_killed_job_leaves_its_slot_and_the_first_that_waits_gets_it(start):
    holder = start(1, CUDA_VISIBLE_DEVICES="2")
    assert holder.says() == "GPU-c 0"
    waiting = []
    for _ in range(2):
        waiting.append(start(1, CUDA_VISIBLE_DEVICES="2"))
        assert waiting[-1].says() == "waits"
    holder.kill()
    assert waiting[0].says() == "GPU-c 0"
    waiting[0].kill()
    assert waiting[1].says() == "GPU-c 0"


def test_a_job_that_waits_keeps_no_job_from_other_gpus(start):
    assert start(1, CUDA_VISIBLE_DEVICES="GPU-a").says() == "GPU-a 0"
    assert start(1, CUDA_VISIBLE_DEVICES="GPU-a").says() == "waits"
    assert start(1, CUDA_VISIBLE_DEVICES="GPU-b").says() == "GPU-b 0"
    assert start(2, CUDA_VISIBLE_DEVICES="GPU-a").says() == "GPU-a 1"


def test_files_that_nobody_has_locked_say_nothing(take, tmp_path):
    folder = tmp_path / "locks"
    assert take([gpu("a")], 1).gpu.name == "GPU-a"
    (folder / "GPU-b.0.lock").write_text('{"need": 1, "room": 1}')
    (folder / "GPU-b.7.lock").write_text("")
    for path in folder.glob("GPU-b.*"):
        os.utime(path, (0, 0))
    slot = take([gpu("a"), gpu("b")], 1)
    assert (slot.gpu.name, slot.beside) == ("GPU-b", 0)
    with pytest.raises(Full):
        take([gpu("a"), gpu("b")], 1)
    take.give_back(slot)
    assert take([gpu("a"), gpu("b")], 1).gpu.name == "GPU-b"


def test_the_gpu_with_the_fewest_jobs_then_with_the_most_free_memory_comes_first(take):
    gpus = [gpu("a", 40 * GIB), gpu("b", 60 * GIB), gpu("c", 60 * GIB), gpu("d", GIB)]
    assert [take(gpus, 2, 2 * GIB).gpu.name for _ in range(6)] == [f"GPU-{letter}" for letter in "bcabca"]
    assert take(gpus, 2, 2 * GIB).gpu.name == "GPU-d"  # it has too little memory, so it comes last


@pytest.mark.parametrize(("need", "jobs"), [(18, 4), (18.1, 3), (24, 3), (36.1, 1), (100, 1)])
def test_as_many_jobs_as_nine_tenths_of_the_free_memory_hold_and_at_least_one(take, need, jobs):
    """0.9 x 80 GiB = 72 GiB."""
    for _ in range(jobs):
        take([gpu("a")], None, int(need * GIB))
    with pytest.raises(Full):
        take([gpu("a")], None, int(need * GIB))


def test_memory_that_jobs_have_allocated_is_not_counted_twice(take):
    """The room is what was free before the first job; what is free now need only hold the next one."""
    take([gpu("a", 80 * GIB)], None, 30 * GIB)
    take([gpu("a", 50 * GIB)], None, 30 * GIB)
    with pytest.raises(Full):
        take([gpu("a", 20 * GIB)], None, 12 * GIB + 1)
    take([gpu("a", 20 * GIB)], None, 12 * GIB)


def test_memory_that_others_have_allocated_meanwhile_is_not_given_out(take):
    take([gpu("a", 80 * GIB)], None, 2 * GIB)
    with pytest.raises(Full):
        take([gpu("a", 5 * GIB)], None, 6 * GIB)
    take([gpu("a", 7 * GIB)], None, 6 * GIB)


def test_unknown_memory_and_a_gpu_for_one_process_take_one_job(take):
    take([gpu("a", None)], None)
    take([gpu("b", exclusive=True)], 5)
    for gpus, jobs in (([gpu("a", None)], None), ([gpu("a")], None), ([gpu("b", exclusive=True)], 5)):
        with pytest.raises(Full):
            take(gpus, jobs)
    assert take([gpu("a", None)], 2).beside == 1


def test_a_lock_file_with_rubbish_leaves_no_room_by_memory(take, tmp_path):
    held = take([gpu("a")], None)
    for text in (b"", b"{}", b"[1]", b'{"need": "much", "room": 3}', b"\xff" * 5000, RUBBISH, b"[" * 5000):
        os.ftruncate(held.descriptor, 0)
        os.pwrite(held.descriptor, text, 0)
        with pytest.raises(Full):
            take([gpu("a")], None)


def test_a_link_in_the_place_of_a_lock_is_not_followed(take, tmp_path):
    folder, target = tmp_path / "locks", tmp_path / "target"
    folder.mkdir()
    target.write_text("mine")
    (folder / "GPU-a.0.lock").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        take([gpu("a")], 1)
    assert target.read_text() == "mine"


@pytest.fixture
def everybodys(monkeypatch):
    """A folder that every user can reach, and a way to act as another user."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    mask = os.umask(0o077)
    yield folder
    os.seteuid(0)
    os.umask(mask)
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_two_users_know_of_each_other(take, everybodys):
    assert take([gpu("a"), gpu("b")], 1, folder=everybodys / "locks").gpu.name == "GPU-a"
    os.seteuid(NOBODY)
    assert take([gpu("a"), gpu("b")], 1, folder=everybodys / "locks").gpu.name == "GPU-b"
    with pytest.raises(Full):
        take([gpu("a"), gpu("b")], 1, folder=everybodys / "locks")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_a_folder_that_cannot_be_written_to_is_an_error_of_the_system(take, everybodys):
    (everybodys / "locks").mkdir(mode=0o755)
    (everybodys / "locks").chmod(0o755)
    os.seteuid(NOBODY)
    with pytest.raises(PermissionError):
        take([gpu("a")], 1, folder=everybodys / "locks")
