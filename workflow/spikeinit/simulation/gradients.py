"""How far gradients travel back through a deep network that nobody has trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from spikeinit.errors import UserError
from spikeinit.initializers import registry, sampling
from spikeinit.randomness import stream
from spikeinit.simulation.currents import bias
from spikeinit.simulation.networks import DeepNetwork, layer_laws, scale_of


@dataclass(frozen=True)
class GradientNorms:
    """Euclidean norms of the gradient of a random loss.

    current [repeats, depth]: with respect to the input currents of a layer, over its neurons and all steps.
    weight [repeats, depth - 1]: with respect to the weight matrix of layers 2 to depth.
    """

    current: np.ndarray
    weight: np.ndarray


def gradient_norms(
    name: str,
    network: DeepNetwork,
    *,
    repeats: int,
    seed: int,
    surrogate: str = "arctan",
    slope: float = 1.0,
    parameters: Mapping[str, Any] | None = None,
) -> GradientNorms:
    """Send standard normal gradients of the last layer's spikes back through the surrogate gradient and real weights.

    The reset is detached, as in training. Parameters and errors as in `propagation.simulate`.
    """
    if repeats < 1:
        raise UserError(f"repeats = {repeats}: give at least 1")
    norms = [
        _norms_of(name, network, stream(seed, f"gradients/{repeat}"), dict(parameters or {}), surrogate, slope)
        for repeat in range(repeats)
    ]
    current, weight = zip(*norms, strict=True)
    return GradientNorms(np.stack(current), np.stack(weight))


def _norms_of(
    name: str,
    network: DeepNetwork,
    generator: torch.Generator,
    given: Mapping[str, Any],
    surrogate: str,
    slope: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Norms [depth] and [depth - 1] for one network; tensors are [T, 1, width]."""
    initializer = registry.get(name)
    shape = torch.Size((network.width, network.width))
    options = {"surrogate": surrogate, "slope": slope}
    currents = [network.input([generator]).requires_grad_()]
    activity = [network.encode(currents[0], **options)[0]]
    for _ in range(1, network.depth):
        (law,) = layer_laws(initializer, network, given, activity[-1].detach())
        weight = sampling.DRAWS[initializer.draw](shape, law, generator)
        current = activity[-1] @ weight.T + bias(law, network.width, generator)
        currents.append(current * scale_of(initializer, network, current))
        activity.append(network.fire(currents[-1], **options)[0])
    output = torch.randn(activity[-1].shape, generator=generator)
    gradients = [gradient.squeeze(1).double() for gradient in torch.autograd.grad(activity[-1], currents, output)]
    trains = [spikes.detach().squeeze(1).double() for spikes in activity[:-1]]
    of_weights = [
        # the gradient is the sum over steps of gradient[t] spikes[t]^T; its norm follows from two small Gram matrices
        ((gradient @ gradient.T) * (train @ train.T)).sum().clamp(min=0).sqrt().item()
        for gradient, train in zip(gradients[1:], trains, strict=True)
    ]
    return np.array([gradient.norm().item() for gradient in gradients]), np.array(of_weights)
