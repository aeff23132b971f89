"""What the theory predicts for a deep network of infinitely wide layers (Micheli et al. 2024, Eq. 9)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from spikeinit.initializers import registry
from spikeinit.initializers._gaussian import tail
from spikeinit.kernels import surrogates
from spikeinit.simulation.networks import DeepNetwork, law_of

_NODES = np.linspace(-9, 9, 20001)
"""Standard normal values at which an average is taken, close enough for surrogates that are narrow."""
_WEIGHTS = np.exp(-(_NODES**2) / 2) / np.exp(-(_NODES**2) / 2).sum()


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
        rate = firing_rate(mean, variance, network.threshold)
        rows.append((mean, variance, rate))
        law = law_of(initializer, network, dict(parameters or {}), rate)
        bias, bias_variance = (0.0, 1 / (3 * network.width)) if law.bias is None else (law.bias, 0.0)
        mean, variance = current_moments(network.width, rate, rate, law.mean, law.variance, bias, bias_variance)
        mean, variance = network.gain * mean, network.gain**2 * variance
        if initializer.adjust == "unit_variance" and variance > 0:
            mean, variance = mean / math.sqrt(variance), 1.0
    return Prediction(*np.array(rows).T)


def predicted_ratio(
    name: str,
    network: DeepNetwork,
    prediction: Prediction,
    *,
    surrogate: str = "arctan",
    slope: float = 1.0,
    parameters: Mapping[str, Any] | None = None,
) -> float:
    """Decimal logarithm of the norm of the gradient with respect to the currents of layer 1, over that of the last.

    prediction: of the same networks. One time step, in layers that are infinitely wide. With weights of mean zero and
    gradients that are independent of the weights on their way back, the square of the norm changes from layer l + 1 to
    layer l by

        chi = n Var[w] gain^2 E[s'(u - threshold)^2],    u normal with the predicted mean and variance of layer l,

    s' the surrogate derivative; layer 1, whose current is the input itself, has no gain. NaN where no neuron fires,
    whose weights do not matter. Raises `UserError` as `simulate` does.
    """
    initializer, derivative = registry.get(name), surrogates.surrogate(surrogate, slope)
    total = 0.0
    for layer in range(network.depth - 1):
        rate = float(prediction.firing_rate[layer])
        law = law_of(initializer, network, dict(parameters or {}), rate)
        mean, deviation = prediction.mean[layer], math.sqrt(prediction.variance[layer])
        potential = torch.from_numpy(mean + deviation * _NODES) - network.threshold
        square = float(_WEIGHTS @ derivative.gradient(potential).numpy() ** 2)
        weights = network.width * law.variance * (network.gain if layer else 1.0) ** 2
        if initializer.adjust == "unit_variance" and rate > 0:
            weights = (1.0 if layer else 1 / network.gain**2) / rate
        chi = weights * square
        if chi == 0:
            return math.nan
        total += math.log10(chi) / 2
    return total


def current_moments(
    fan_in: int,
    input_mean: Any,
    input_square: Any,
    weight_mean: float,
    weight_variance: float,
    bias_mean: float = 0.0,
    bias_variance: float = 0.0,
) -> tuple[Any, Any]:
    """Mean and variance, over the neurons of a wide layer, of the current that a weighted sum of inputs gives.

    E[i] = n E[x] E[w] + E[b] and Var[i] = n E[x^2] Var[w] + Var[b]. input_mean, input_square: of the inputs; for spikes
    both are the firing rate. An array [T] of means over the steps and an array [T, T] of the second moments
    E[x[t] x[t']] give the means [T] and the covariances [T, T] of the currents.
    """
    return (
        fan_in * input_mean * weight_mean + bias_mean,
        fan_in * input_square * weight_variance + bias_variance,
    )


def firing_rate(mean: float, variance: float, threshold: float) -> float:
    """P(u > threshold) for a normal potential of that mean and variance."""
    if variance == 0:
        return float(mean > threshold)
    return tail((threshold - mean) / math.sqrt(variance))
