"""What mean field predicts of every layer, from the statistics of its own weights, beside what was measured.

In a wide layer the currents of the neurons are a Gaussian process over the steps, with the means and covariances of
`simulation.mean_field.current_moments`. One step of plain neurons gives a normal potential. For more steps,
trajectories are drawn from the process and run through the neurons' own equation, reset and synapse included. The means
and second moments of their spikes over the steps are what the next layer receives.

The prediction goes on from layer to layer as long as spikes reach the next layer as they are. It starts anew from what
a layer was measured to receive where it receives data, where something stands in between, such as pooling, and behind
layers without a prediction. There is none where something stands between a layer and its neurons, such as
normalisation or the sum of two branches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from spikeinit.interop.diagnose.measures import Measured, mean_neuron
from spikeinit.interop.diagnose.observer import LayerRecord, Site
from spikeinit.interop.dynamics import Dynamics
from spikeinit.simulation.mean_field import current_moments, firing_rate

TRAJECTORIES = 2048
"""Trajectories that are drawn for a layer; the firing rate of one step is then known to 0.01 (one deviation)."""


@dataclass(frozen=True)
class Prediction:
    """Mean and variance of the potential before the reset, over steps and neurons, and firing rate; NaN for none."""

    mean: float = math.nan
    variance: float = math.nan
    rate: float = math.nan


@dataclass(frozen=True)
class _Spikes:
    """Means [T] and second moments [T, T] of what a layer receives."""

    mean: torch.Tensor
    square: torch.Tensor


def predict(measured: Sequence[Measured]) -> list[Prediction]:
    """One prediction for each of `measured`, which stand in the order of data. The same network gives the same."""
    generator = torch.Generator().manual_seed(0)
    sent: dict[Site | None, _Spikes] = {}
    predictions = []
    for each in measured:
        received = None
        if each.layer is not None and each.site is not None and each.site.direct and each.dynamics is not None:
            received = sent[each.layer.driver] if each.layer.driver in sent else _received(each)
        if received is None:
            predictions.append(Prediction())
            continue
        mean, covariance = _current(each, received)
        if not torch.isfinite(covariance).all():
            predictions.append(Prediction())
            continue
        prediction, sent[each.site] = _through(mean_neuron(each.dynamics), mean, covariance, generator)
        predictions.append(prediction)
    return predictions


def _current(each: Measured, received: _Spikes) -> tuple[torch.Tensor, torch.Tensor]:
    """Means [T] and covariances [T, T] of the layer's currents."""
    bias = each.layer.module.bias
    bias = torch.zeros(1) if bias is None else bias.detach().double()
    return current_moments(
        each.fan_in,
        received.mean,
        received.square,
        each.weight_mean,
        each.weight_variance,
        bias.mean().item(),
        bias.var(correction=0).item(),
    )


def _through(
    dynamics: Dynamics, mean: torch.Tensor, covariance: torch.Tensor, generator: torch.Generator
) -> tuple[Prediction, _Spikes]:
    """What neurons do that receive such currents, and what the next layer receives of them."""
    if len(mean) == 1 and _plain(dynamics):
        mean, variance = (dynamics.gain * mean).item(), (dynamics.gain**2 * covariance).item()
        rate = torch.tensor([firing_rate(mean, variance, dynamics.threshold_value)], dtype=torch.float64)
        return Prediction(mean, variance, rate.item()), _Spikes(rate, rate.unsqueeze(1))
    potential, spikes = dynamics.run(_trajectories(mean, covariance, generator).float())
    spikes = spikes.flatten(1).double()
    sent = _Spikes(spikes.mean(1), spikes @ spikes.T / spikes.shape[1])
    potential = potential.double()
    return Prediction(potential.mean().item(), potential.var(correction=0).item(), spikes.mean().item()), sent


def _plain(dynamics: Dynamics) -> bool:
    """Whether one step gives the potential gain * current, and one spike or none."""
    at_rest = all(value is None or not value.any() for value in (dynamics.rest, dynamics.start))
    return at_rest and not dynamics.many


def _trajectories(mean: torch.Tensor, covariance: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Currents [T, trajectories, 1] of a Gaussian process; each has its mirror image, so that means are exact."""
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors * values.clamp(min=0).sqrt()
    normal = torch.randn(len(mean), TRAJECTORIES // 2, generator=generator, dtype=torch.float64)
    deviations = root @ normal
    return (mean.unsqueeze(1) + torch.cat([deviations, -deviations], 1)).unsqueeze(2)


def _received(each: Measured) -> _Spikes | None:
    """What the layer was measured to receive; None where steps and images cannot be told apart."""
    steps = _over_steps(each.layer, each.site)
    if steps is None:
        return None
    steps = steps.double()
    return _Spikes(steps.mean(1).cpu(), (steps @ steps.T / steps.shape[1]).cpu())


def _over_steps(layer: LayerRecord, site: Site) -> torch.Tensor | None:
    """What a layer received as [T, all else]."""
    steps, images = site.steps, site.images
    if len(layer.inputs) == steps:  # a call for every step
        return torch.stack(layer.inputs).flatten(1)
    if len(layer.inputs) > 1:
        return None
    (received,) = layer.inputs
    images_first = site.neurons.dynamics.library == "sinabs"
    if len(received) == steps * images:
        sizes = (images, steps) if images_first else (steps, images)
        received = received.unflatten(0, sizes)
    if images_first:
        received = received.transpose(0, 1)
    return received.flatten(1) if received.shape[:2] == (steps, images) else None
