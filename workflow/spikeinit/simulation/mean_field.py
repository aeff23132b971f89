"""What the theory predicts for a deep network of infinitely wide layers (Micheli et al. 2024, Eq. 9)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeinit.initializers import registry
from spikeinit.initializers._gaussian import tail
from spikeinit.simulation.networks import DeepNetwork, law_of


@dataclass(frozen=True)
class Prediction:
    """Mean and variance of the potential and firing rate of every layer, arrays [depth]."""

    mean: np.ndarray
    variance: np.ndarray
    firing_rate: np.ndarray

    def silent_from(self, width: int) -> int | None:
        """First layer (from 1) expected to emit less than one spike from `width` neurons, or None."""
        silent = np.flatnonzero(self.firing_rate * width < 1)
        return int(silent[0]) + 1 if silent.size else None


def predict(name: str, network: DeepNetwork, *, parameters: Mapping[str, Any] | None = None) -> Prediction:
    """Iterate the mean-field map of one time step from a standard normal input.

    With p the firing rate of a layer whose potential is normal, the next layer has

        E[u] = gain (n p E[w] + E[b]),    Var[u] = gain^2 (n p Var[w] + Var[b]),    p = P(u > threshold).

    Var[u] is the variance over the neurons of a layer, to which E[w] does not add: all of them see the same spikes.
    The network's time steps are not used. Raises `UserError` as `simulate` does.
    """
    initializer = registry.get(name)
    mean, variance = 0.0, 1.0
    rows = []
    for _ in range(network.depth):
        rate = _firing_rate(mean, variance, network.threshold)
        rows.append((mean, variance, rate))
        law = law_of(initializer, network, dict(parameters or {}), rate)
        bias, bias_variance = (0.0, 1 / (3 * network.width)) if law.bias is None else (law.bias, 0.0)
        mean = network.gain * (network.width * rate * law.mean + bias)
        variance = network.gain**2 * (network.width * rate * law.variance + bias_variance)
        if initializer.adjust == "unit_variance" and variance > 0:
            mean, variance = mean / math.sqrt(variance), 1.0
    return Prediction(*np.array(rows).T)


def _firing_rate(mean: float, variance: float, threshold: float) -> float:
    if variance == 0:
        return float(mean > threshold)
    return tail((threshold - mean) / math.sqrt(variance))
