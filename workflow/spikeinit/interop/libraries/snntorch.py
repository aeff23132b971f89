"""snnTorch: every call is one time step; the reset is subtracted behind the leak, at the next step.

Leaky: U[t] = beta U[t-1] + X[t] - R threshold. Synaptic has I[t] = alpha I[t-1] + X[t] in the place of X, and loses
the input of a step in which it is reset to zero: such a neuron is not read.
"""

from __future__ import annotations

import torch
from torch import nn

from spikeinit.interop.dynamics import Dynamics

KINDS = ("Leaky", "Synaptic")
UNREAD = ("SpikingNeuron",)


def dynamics(module: nn.Module, kind: str) -> Dynamics | None:
    """What `Leaky` and `Synaptic` do; None for what those equations do not say (inhibition, quantised states)."""
    reset = module.reset_mechanism
    if module.inhibition or module.state_quant or (kind == "Synaptic" and reset == "zero"):
        return None
    return Dynamics(
        "snntorch",
        threshold=module.threshold,
        decay=module.beta.clamp(0, 1),
        gain=torch.ones((), device=module.beta.device),
        reset=reset,
        leak_first=module.reset_delay,
        synapse_decay=module.alpha.clamp(0, 1) if kind == "Synaptic" else None,
    )


def signals(module: nn.Module, received: torch.Tensor, output: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes are the first output; graded ones are divided by their factor."""
    spikes = output[0] if isinstance(output, tuple) else output
    return received.unsqueeze(0), (spikes / module.graded_spikes_factor).unsqueeze(0)


def set_threshold(module: nn.Module, value: float) -> None:
    """In place."""
    module.threshold.data.fill_(value)


def start_anew(module: nn.Module) -> None:
    """As `snntorch.utils.reset` does."""
    if hasattr(module, "reset_mem"):
        module.reset_mem()


def left_over(module: nn.Module) -> bool:
    """Its potentials and currents are buffers that are not saved."""
    saved = module.state_dict(keep_vars=True)
    return any(bool(state.any()) for name, state in module.named_buffers(recurse=False) if name not in saved)
