"""norse: cells see single steps [B, ...], the others sequences [T, B, ...]; the reset comes before the leak.

LIF: i[t] = (1 - dt / tau_syn) i[t-1] + x[t] and v[t] = v[t-1] + dt / tau_mem (v_leak - v[t-1] + i[t]), as its forward
Euler step does. LIFBox has no synapse, and its own way to reset; IAF is v[t] = v[t-1] + x[t]. The state is handed over
by the caller, so that nothing is remembered from batch to batch.
"""

from __future__ import annotations

import torch
from torch import nn

from spikeinit.interop.dynamics import Dynamics

KINDS = ("LIFCell", "LIF", "LIFBoxCell", "LIFBox", "IAFCell", "IAF")
UNREAD = ("SNNCell", "SNN", "SNNRecurrentCell", "SNNRecurrent")


def dynamics(module: nn.Module, kind: str) -> Dynamics | None:
    """What these kinds do; None for a reset that is neither to a value nor by the threshold."""
    p, box = module.p, kind.startswith("LIFBox")
    method = p.reset_method.__name__ if box else "reset_value"
    if method not in ("reset_value", "reset_subtract"):
        return None
    threshold = torch.as_tensor(p.v_th)
    leaky = kind.startswith("LIF")
    leak = module.dt * torch.as_tensor(p.tau_mem_inv) if leaky else torch.zeros_like(threshold)
    return Dynamics(
        "norse",
        threshold=threshold,
        decay=1 - leak,
        gain=leak if leaky else torch.ones_like(threshold),
        reset="zero" if method == "reset_value" else "subtract",
        synapse_decay=1 - module.dt * torch.as_tensor(p.tau_syn_inv) if leaky and not box else None,
        rest=torch.as_tensor(p.v_leak if leaky else p.v_reset),
        rest_after=torch.as_tensor(p.v_reset),
    )


def signals(module: nn.Module, received: torch.Tensor, output: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes are the first output, the state the second."""
    spikes = output[0]
    if any(base.__name__ in ("SNNCell", "SNNRecurrentCell") for base in type(module).__mro__):
        return received.unsqueeze(0), spikes.unsqueeze(0)
    return received, spikes


def set_threshold(module: nn.Module, value: float) -> None:
    """In new parameters: they are a tuple."""
    module.p = module.p._replace(v_th=torch.full_like(torch.as_tensor(module.p.v_th), value))


def start_anew(module: nn.Module) -> None:
    """Nothing is remembered."""


def left_over(module: nn.Module) -> bool:
    """Nothing is remembered."""
    return False
