"""A GPU that is too small. The message is torch's own, as it writes it; the memory cannot be filled where no GPU is."""

from __future__ import annotations

import pytest
import torch

from spikeinit.errors import run_stage

MESSAGE = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 15.77 GiB of which 14.90 GiB is"
    " free. Including non-PyTorch memory, this process has 886.00 MiB memory in use. Of the allocated memory 512.00 MiB"
    " is allocated by PyTorch. See documentation for Memory Management (...)"
)


def test_need_and_have_are_named_in_one_line(capsys):
    def stage():
        raise torch.OutOfMemoryError(MESSAGE)

    with pytest.raises(SystemExit) as ended:
        run_stage(stage)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.count("\n") == 1
    for part in ("Tried to allocate 20.00 GiB", "14.90 GiB is free", "batch_size", "device: cpu"):
        assert part in said


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_full_gpu_says_so(capsys):
    def stage():
        torch.empty(1 << 50, dtype=torch.uint8, device="cuda")

    with pytest.raises(SystemExit):
        run_stage(stage)
    assert "Tried to allocate" in capsys.readouterr().err


def test_other_errors_keep_their_traceback():
    def stage():
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        run_stage(stage)
