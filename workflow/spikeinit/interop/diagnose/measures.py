"""From what was observed to numbers: one `Measured` for every layer, or for neurons that no layer drives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from spikeinit.initializers import law, sampling
from spikeinit.interop.diagnose.observer import LayerRecord, Observer, Site
from spikeinit.interop.dynamics import Dynamics

DIFFERENT_SPIKES = 0.05
"""Share of its spikes by which a module may differ from the equation that stands for it.

A potential within rounding of the threshold differs now and then, and its reset then moves later spikes. More than one
spike in twenty means that the module does something else: its potentials are then not known.
"""

LONG_MEMORY = 2.0
"""Steps' worth of variance in the potential from which micheli2024, which is for one step, makes it too large.

Its variance then lies above 2, where activity is no longer called kept.
"""


@dataclass(frozen=True)
class Potentials:
    """Moments of the potential before the reset, over neurons, images and steps.

    within_reach: share of the potentials that lie closer to the threshold than the threshold lies to rest.
    """

    mean: float
    variance: float
    skewness: float
    within_reach: float


@dataclass(frozen=True)
class Measured:
    """What one layer and the neurons behind it do on the batch; None or NaN for what there is not.

    needed_variance: the variance of a weight that gives the last potentials a variance of one. law_variance: that of
    micheli2024. memory: variance of the last potential in units of that after one step, for a current that is
    independent from step to step. different_spikes: share of the spikes by which the module differs from its equation;
    above DIFFERENT_SPIKES there are no potentials. rate: spikes per neuron and step. silent, saturated: shares of the
    neurons. weight_gradient, current_gradient: Euclidean norms; NaN without a loss.
    """

    layer: LayerRecord | None
    site: Site | None
    weight_mean: float = math.nan
    weight_variance: float = math.nan
    fan_in: int | None = None
    law_variance: float = math.nan
    needed_variance: float = math.nan
    memory: float = math.nan
    input_mean: float = math.nan
    input_square: float = math.nan
    current_finite: bool = True
    potentials: Potentials | None = None
    different_spikes: float = math.nan
    rate: float = math.nan
    silent: float = math.nan
    saturated: float = math.nan
    weight_gradient: float = math.nan
    current_gradient: float = math.nan

    @property
    def name(self) -> str:
        return self.layer.name if self.layer is not None else self.site.neurons.name

    @property
    def dynamics(self) -> Dynamics | None:
        return None if self.site is None else self.site.dynamics

    @property
    def neurons(self) -> int:
        """How many neurons there are."""
        return self.site.spikes.numel()

    @property
    def initializer(self) -> str:
        """The initialiser to advise: micheli2024, or the law that counts steps where the potential gathers many."""
        return "rossbroich2022" if self.memory > LONG_MEMORY else "micheli2024"

    @property
    def looks(self) -> int:
        """How often each neuron was looked at: steps times images."""
        return self.site.steps * self.site.images


def measure(observer: Observer, loss: torch.Tensor | None) -> list[Measured]:
    """Layers and neurons in the order of data; with the gradients of `loss`."""
    pairs = _pairs(observer)
    gradients = [(math.nan, math.nan)] * len(pairs) if loss is None else _gradients(pairs, loss)
    return [_measured(layer, site, *norms) for (layer, site), norms in zip(pairs, gradients, strict=True)]


def memory(dynamics: Dynamics, steps: int) -> float:
    """Sum of the squares of the potential that one unit of current leaves over `steps` steps, without a reset.

    gain^2 for one step; gain^2 / (1 - decay^2) for many and no synapse. The variance of the last potential is this
    times the variance of a current that is independent from step to step.
    """
    unit = torch.zeros(steps, 1, 1)
    unit[0] = 1
    out_of_reach = torch.tensor(torch.finfo(torch.float32).max)
    free = replace(mean_neuron(dynamics), threshold=out_of_reach, rest=None, start=None)
    return free.run(unit)[0].double().square().sum().item()


def mean_neuron(dynamics: Dynamics) -> Dynamics:
    """One neuron with the mean constants of the module."""

    def mean(values: torch.Tensor | None) -> torch.Tensor | None:
        return None if values is None else values.detach().double().mean().float().cpu()

    tensors = ("threshold", "decay", "gain", "synapse_decay", "rest", "rest_after", "start")
    return replace(dynamics, **{name: mean(getattr(dynamics, name)) for name in tensors})


def _pairs(observer: Observer) -> list[tuple[LayerRecord | None, Site | None]]:
    """Layers with the neurons behind them, by their first calls; neurons that no layer drives stand where they come."""
    pairs: list[tuple[LayerRecord | None, Site | None]] = []
    for record in observer.order:
        if isinstance(record, Site):
            if not record.layers:
                pairs.append((None, record))
            continue
        behind = [site for site in observer.sites.values() if record in site.layers]
        pairs += [(record, site) for site in behind] or [(record, None)]
    return pairs


def _gradients(
    pairs: Sequence[tuple[LayerRecord | None, Site | None]], loss: torch.Tensor
) -> list[tuple[float, float]]:
    """Norms with respect to the weights and to the currents; NaN for what needs no gradient."""
    groups = []
    for layer, site in pairs:
        of_its_own = layer is not None and isinstance(layer.module.weight, nn.Parameter)  # not computed by weight_norm
        groups.append([layer.module.weight] if of_its_own else [])
        groups.append(layer.outputs if site is None else site.received)
    wanted = list({id(tensor): tensor for group in groups for tensor in group if tensor.requires_grad}.values())
    found = torch.autograd.grad(loss, wanted, allow_unused=True)
    by_tensor = {id(tensor): gradient for tensor, gradient in zip(wanted, found, strict=True)}
    norms = [_norm([by_tensor[id(tensor)] for tensor in group if id(tensor) in by_tensor]) for group in groups]
    return list(zip(norms[::2], norms[1::2], strict=True))


def _norm(gradients: list[torch.Tensor | None]) -> float:
    """Euclidean norm of all together; what the loss does not depend on has none, and counts as zero."""
    if not gradients:
        return math.nan
    known = [torch.linalg.vector_norm(each, dtype=torch.float64) for each in gradients if each is not None]
    return torch.stack(known).square().sum().sqrt().item() if known else 0.0


def _measured(
    layer: LayerRecord | None, site: Site | None, weight_gradient: float, current_gradient: float
) -> Measured:
    values: dict[str, object] = {"weight_gradient": weight_gradient, "current_gradient": current_gradient}
    dynamics = None if site is None else site.dynamics
    if layer is not None:
        weight = layer.module.weight.detach().double()
        fan_in, _ = sampling.fans(weight)
        values |= {
            "fan_in": fan_in,
            "weight_mean": weight.mean().item(),
            "weight_variance": weight.var(correction=0).item(),
            "input_mean": layer.input_mean,
            "input_square": layer.input_square,
        }
        if dynamics is not None:
            values["memory"] = memory(dynamics, site.steps) / dynamics.gain_value**2
            values["law_variance"] = _law_variance(fan_in, dynamics)
            values["needed_variance"] = _needed_variance(fan_in, layer.input_square, dynamics, site.steps)
    if site is not None:
        values |= _firing(site)
    return Measured(layer, site, **values)


def _law_variance(fan_in: int, dynamics: Dynamics) -> float:
    try:
        return law("micheli2024", fan_in=fan_in, threshold=dynamics.threshold_value, gain=dynamics.gain_value).variance
    except ValueError:  # no such law: one input, or a threshold out of reach
        return math.nan


def _needed_variance(fan_in: int, square: float, dynamics: Dynamics, steps: int) -> float:
    """The law of `rossbroich2022`: micheli2024 with measured input and the neurons' memory; NaN for no input."""
    try:
        return law(
            "rossbroich2022",
            fan_in=fan_in,
            input_rate=square,
            threshold=1.0,
            threshold_distance=1.0,
            gain=math.sqrt(memory(dynamics, steps)),
        ).variance
    except ValueError:
        return math.nan


def _firing(site: Site) -> dict[str, object]:
    current = site.current
    neurons = site.spikes.numel()
    potentials, different, finite = None, math.nan, bool(torch.isfinite(current).all())
    if site.dynamics is not None and finite:
        potentials, different = _potentials(site, current)
    return {
        "current_finite": finite,
        "potentials": potentials,
        "different_spikes": different,
        "rate": site.spikes.sum().item() / (neurons * site.steps * site.images),
        "silent": (site.spikes == 0).double().mean().item(),
        "saturated": site.always.double().mean().item(),
    }


def _potentials(site: Site, current: torch.Tensor) -> tuple[Potentials | None, float]:
    dynamics = site.dynamics
    potential, spikes = dynamics.run(current)
    different = (spikes.sum((0, 1), dtype=torch.float64) - site.spikes).abs().sum() / site.spikes.sum().clamp(min=1)
    if different > DIFFERENT_SPIKES:
        return None, different.item()
    rest = 0.0 if dynamics.rest is None else dynamics.rest
    near = ((potential - dynamics.threshold).abs() < (dynamics.threshold - rest).abs()).double().mean().item()
    mean = potential.mean(dtype=torch.float64)
    centred = potential - mean.to(potential.dtype)
    square = centred.square()
    variance = square.mean(dtype=torch.float64).item()
    third = (square * centred).mean(dtype=torch.float64).item()
    skewness = third / variance**1.5 if variance > 0 else math.nan
    return Potentials(mean.item(), variance, skewness, near), different.item()
