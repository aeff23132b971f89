"""This package's own neurons, which see sequences [T, B, ...]."""

from __future__ import annotations

import torch
from torch import nn

from spikeinit.interop.dynamics import Dynamics

KINDS = ("IntegrateAndFire", "ConvertedNeuron")
UNREAD = ("ThresholdNeuron",)


def dynamics(module: nn.Module, kind: str) -> Dynamics | None:
    """What they do; None where spikes are delayed or where potentials start at random."""
    if kind == "ConvertedNeuron":
        return _converted(module)
    spec = module.spec
    if spec.spike_delay or module.starts_at_random:
        return None
    decay = module.decay.detach().clamp(0, 1)
    return Dynamics(
        "spikeinit",
        threshold=module.threshold,
        decay=decay,
        gain=1 - decay if spec.gain == "one_minus_decay" else torch.full_like(decay, float(spec.gain)),
        reset="zero" if spec.reset == "zero" else "subtract",
        leak_first=spec.reset == "subtract",
        start=module.initial_potential,
    )


def _converted(module: nn.Module) -> Dynamics | None:
    """In units of its current; None for thresholds of channels, which have no place in the shape of an image."""
    if module.threshold.dim() == 1 or module.shift:
        return None
    one = torch.ones((), device=module.threshold.device)
    return Dynamics(
        "spikeinit",
        threshold=module.threshold,
        decay=one,
        gain=one,
        reset="subtract",
        inclusive=True,
        start=module.initial_fraction * module.threshold,
    )


def signals(module: nn.Module, received: torch.Tensor, output: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes of whatever height count as one."""
    return received, (output != 0).to(output.dtype)


def set_threshold(module: nn.Module, value: float) -> None:
    """In place."""
    module.threshold.data.fill_(value)


def start_anew(module: nn.Module) -> None:
    """Nothing is remembered."""


def left_over(module: nn.Module) -> bool:
    """Nothing is remembered."""
    return False
