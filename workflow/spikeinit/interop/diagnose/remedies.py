"""What would mend a layer, tried out on the currents that it was measured to receive."""

from __future__ import annotations

from dataclasses import replace

import torch

from spikeinit.initializers._gaussian import tail
from spikeinit.interop.diagnose.measures import Measured


def rate_with(
    each: Measured,
    *,
    scale: float = 1.0,
    threshold: float | None = None,
    decay: float | None = None,
) -> float:
    """Firing rate of a layer's neurons on the measured currents, times `scale`, with another threshold or decay."""
    current = each.site.current * scale
    changes = {"threshold": threshold, "decay": decay}
    tensors = {name: current.new_tensor(value) for name, value in changes.items() if value is not None}
    return replace(each.dynamics, **tensors).run(current)[1].double().mean().item()


def usual_rate(each: Measured) -> float:
    """Firing rate of a normal potential of variance one at the neurons' threshold, which micheli2024 aims at."""
    return tail(each.dynamics.threshold_value)


def threshold_for(each: Measured, rate: float) -> tuple[float, float] | None:
    """The threshold that a share `rate` of the measured potentials exceeds, and the rate at which neurons fire with it.

    The second number is lower where resets take potentials away. None where that threshold is not positive.
    """
    potential = each.dynamics.run(each.site.current)[0].flatten()
    place = round((1 - rate) * (len(potential) - 1)) + 1
    threshold = potential.kthvalue(place).values.item()
    if threshold <= 0:
        return None
    threshold = float(f"{threshold:.2g}")
    return threshold, rate_with(each, threshold=threshold)


def share_that_would_reach(each: Measured) -> float:
    """Share of neurons and images whose potential would reach the threshold if its mean current went on for ever.

    Without a reset it then settles at rest + gain i / (1 - decay); a synapse multiplies i by 1 / (1 - its decay).
    """
    settled, dynamics = _settled(each), each.dynamics
    return (settled > dynamics.threshold).double().mean().item()


def steps_to_reach(each: Measured, share: float) -> int:
    """After how many steps of the mean current a share of neurons and images would have reached the threshold.

    The potential comes as near to where it settles as decay^steps; the synapse is taken to have settled.
    """
    settled = _settled(each).flatten()
    reached = settled.kthvalue(round((1 - share) * (len(settled) - 1)) + 1).values.item()
    missing = 1 - each.dynamics.threshold_value / reached
    decay = torch.tensor(each.dynamics.decay_value, dtype=torch.float64)
    return max(1, int(torch.ceil(torch.log(torch.tensor(missing, dtype=torch.float64)) / torch.log(decay)).item()))


def _settled(each: Measured) -> torch.Tensor:
    dynamics = each.dynamics
    current = each.site.current.mean(0)
    if dynamics.synapse_decay is not None:
        current = current / (1 - dynamics.synapse_decay)
    rest = 0.0 if dynamics.rest is None else dynamics.rest
    return rest + dynamics.gain * current / (1 - dynamics.decay)
