"""The examples with networks of other libraries, as a user runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from optional import library


@pytest.fixture
def printed(checkout, tmp_path):
    """What a file of examples/ prints, line by line."""
    library("snntorch")
    library("spikingjelly.activation_based")

    def run(name):
        found = subprocess.run(
            [sys.executable, checkout / "examples" / name],
            env={**os.environ, "PYTHONPATH": str(checkout / "workflow")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert found.returncode == 0, found.stderr
        return found.stdout.splitlines()

    return run


def test_a_network_of_spikingjelly_is_initialised_for_its_own_neurons(printed):
    rows = [line.split() for line in printed("initialize_spikingjelly.py")]
    variances = [float(row[rows[0].index("law_variance")]) for row in rows[1:]]
    # 1 / (fan_in P(u > threshold) gain^2), with P(u > 1) = 0.158655 and P(u > 0.5) = 0.308538 of a standard normal
    assert variances == pytest.approx(
        [1 / (9 * 0.158655), 1 / (144 * 0.308538 * 0.5**2), 1 / (128 * 0.158655)], abs=6e-5
    )


@pytest.mark.slow
def test_two_libraries_and_two_initialisers_are_compared(printed):
    lines = printed("count_and_compare.py")
    assert len(lines) == 4 * 4
    for title, columns, means, _ in zip(*[iter(lines)] * 4, strict=True):
        assert re.match(r"(snnTorch|SpikingJelly), (he|micheli2024), mean and standard deviation over 3 seeds:", title)
        found = dict(zip(columns.split(), map(float, means.split()[1:]), strict=True))
        assert found["accuracy"] > 70  # chance: 10
        assert 0 < found["spikes_per_neuron"] < 8
        joule = 0.9e-12 * found["synaptic_operations"]  # every input is a spike
        assert found["energy_horowitz2014_45nm"] == pytest.approx(joule, rel=0.01)  # three digits are printed
