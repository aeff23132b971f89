"""The reference kernel: the model's equations in plain torch, one step at a time, for any device and float type."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from spikeinit.kernels.neurons.dynamics import Dynamics
from spikeinit.kernels.surrogates import Surrogate


class _Spike(torch.autograd.Function):
    """The step function of x = u - threshold, with a surrogate for its derivative."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, inclusive: bool, surrogate: Surrogate) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.surrogate = surrogate
        return (x >= 0 if inclusive else x > 0).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_spikes: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return ctx.surrogate.gradient(x) * grad_spikes, None, None


def run(
    current: torch.Tensor,
    decay: torch.Tensor,
    threshold: torch.Tensor,
    initial_potential: torch.Tensor,
    amplitude: torch.Tensor,
    dynamics: Dynamics,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Output and membrane potential u, both [T, B, ...], of `current` [T, B, ...].

    The parameters have no dimension or those of the neurons, `current.shape[2:]`; the initial potential may also have
    those of a step, `current.shape[1:]`.
    """
    nothing = torch.zeros_like(threshold)

    def fire(potential: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Spikes of a potential, and what the next step finds of it: what is left to decay, and what is taken away."""
        spikes = _Spike.apply(potential - threshold, dynamics.inclusive, dynamics.surrogate)
        resetting = spikes.detach() if dynamics.detach_reset else spikes
        if dynamics.subtract:
            taken = decay * threshold if dynamics.reset_leaks else threshold
            return spikes, potential, taken * resetting
        return spikes, potential * (1 - resetting), nothing

    potential = initial_potential.expand(current.shape[1:])
    memory, reset = initial_potential, nothing  # m[t-1], r[t-1]
    outputs, potentials = [], []
    for step in current:
        if dynamics.spike_delay:
            spikes, memory, reset = fire(potential)
        potential = decay * memory + dynamics.gain * step - reset
        if not dynamics.spike_delay:
            spikes, memory, reset = fire(potential)
        outputs.append(spikes * amplitude)
        potentials.append(potential)
    return torch.stack(outputs), torch.stack(potentials)
