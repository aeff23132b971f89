"""Without numba: what runs in place of compiled loops, and what it gives."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import library
import pytest
import torch
from torch import nn

from spikeinit.errors import UserError
from spikeinit.kernels import compiler, native
from spikeinit.kernels.convolution import dense, routing, windows
from spikeinit.kernels.convolution.geometry import Geometry
from spikeinit.names.neurons import KERNELS
from spikeinit.neurons import integrate_and_fire, model
from spikeinit.training import compiled

MODULES = (model, routing, compiled)
"""Those that choose between compiled loops and something else."""


@pytest.fixture
def no_compiler(monkeypatch):
    for module in MODULES:
        monkeypatch.setattr(module, "compiler_works", lambda: False)


def test_numba_is_found_here():
    assert compiler.compiler_works()
    assert native.threads() >= 1


def test_numba_that_is_not_installed_is_no_compiler(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert not compiler.compiler_works.__wrapped__()


def test_numba_that_cannot_be_imported_is_no_compiler_and_the_reason_is_told(monkeypatch):
    def fail(name):
        raise ImportError("Numba needs NumPy 2.3 or less. Got NumPy 2.4.")

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.warns(UserWarning, match="nothing is compiled for the processor: Numba needs NumPy 2.3 or less"):
        assert not compiler.compiler_works.__wrapped__()


@pytest.mark.usefixtures("no_compiler")
def test_neurons_fall_back_to_the_reference():
    current = torch.rand(6, 2, 3, generator=torch.Generator().manual_seed(0))
    options = {"decay": 0.5, "threshold": 0.6}
    assert model._choose_kernel("auto", current, "subtract") == "reference"
    assert torch.equal(
        integrate_and_fire(current, **options), integrate_and_fire(current, kernel="reference", **options)
    )


@pytest.mark.usefixtures("no_compiler")
def test_the_compiled_kernel_by_name_is_an_error_with_the_remedy():
    with pytest.raises(UserError, match=r'kernel="cpu" needs the package numba.*pip install numba, or use "auto"'):
        integrate_and_fire(torch.ones(2, 1, 1), decay=0.5, threshold=1.0, kernel="cpu")
    assert "cpu" in KERNELS


@pytest.mark.usefixtures("no_compiler")
@pytest.mark.parametrize(("size", "stride", "channels"), [(8, 1, 32), (8, 2, 16), (8, 2, 64), (2, 2, 32)])
def test_convolutions_fall_back_to_those_of_pytorch(size, stride, channels):
    """Of sparse images and of strided convolutions, which compiled routines take otherwise."""
    operation = nn.Conv2d(channels, 4, 3, stride, 1)
    image = torch.zeros(2, channels, size, size).to(memory_format=torch.channels_last)
    image[0, 0, 0, 0] = 1.0
    chosen = routing._routines(image.permute(0, 2, 3, 1), Geometry.of(operation, image))
    assert set(chosen) == {dense if size > 2 else windows}
    torch.testing.assert_close(routing.convolve(operation, image), operation(image))


THRESHOLDS = """
import json, sys
import numpy as np
if sys.argv[1] == "hidden":
    sys.modules["numba"] = None
sys.path.insert(0, sys.argv[2])
from spikeinit.conversion.thresholds import channel_thresholds, conversion_error, optimal_threshold
from spikeinit.kernels.compiler import compiler_works
found = []
for dtype in (np.float32, np.float64):
    for count in (1, 2, 77, 5000):
        values = np.random.default_rng(count).exponential(size=count).astype(dtype)
        for timesteps in (1, 2, 5, 16):
            for norm in (1, 2):
                for search in ("samples", "global"):
                    best = optimal_threshold(values, timesteps, norm=norm, search=search)
                    found += [best.threshold, best.error, conversion_error(values, timesteps, 0.7, 0.1, norm=norm)]
channels = np.random.default_rng(0).normal(size=(3, 500)).astype(np.float32)
found += channel_thresholds(channels, 4).threshold.tolist()
best = optimal_threshold(np.float32([1, 3]), 1)
found += [best.threshold, best.error]
print(json.dumps([compiler_works(), found]))
"""


def thresholds(numba: str) -> list:
    command = [sys.executable, "-W", "error", "-c", THRESHOLDS, numba, str(library.ROOT)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_the_threshold_search_in_plain_python_gives_the_same_bits():
    compiled_works, expected = thresholds("there")
    hidden_works, found = thresholds("hidden")
    assert (compiled_works, hidden_works) == (True, False)
    assert len(found) == 2 * 4 * 4 * 2 * 2 * 3 + 3 + 2
    assert found == expected
    # by hand: the threshold 3 sends 1 to 0 and 3 to itself, (1 + 0) / 2; the threshold 1 sends 3 to 1, (0 + 2) / 2
    assert found[-2:] == [3.0, 0.5]
