"""SpikingJelly: single steps [B, ...] or, with step_mode "m", sequences [T, B, ...]; the reset comes before the leak.

LIFNode: H[t] = V[t-1] - (V[t-1] - V_reset) / tau + X[t] / tau, without the last division unless `decay_input`;
ParametricLIFNode has sigmoid(w) in the place of 1 / tau; IFNode: H[t] = V[t-1] + X[t]. They fire where H >= threshold.
A soft reset (v_reset None) rests at zero.
"""

from __future__ import annotations

import torch
from torch import nn

from spikeinit.interop.dynamics import Dynamics

KINDS = ("IFNode", "LIFNode", "ParametricLIFNode")
UNREAD = ("BaseNode", "SimpleBaseNode")


def dynamics(module: nn.Module, kind: str) -> Dynamics:
    """What these three kinds do."""
    device = next((tensor.device for tensor in module.parameters()), torch.device("cpu"))

    def value(number: float) -> torch.Tensor:
        return torch.as_tensor(float(number), device=device)

    if kind == "IFNode":
        decay, gain = value(1), value(1)
    else:
        leak = module.w.detach().sigmoid() if kind == "ParametricLIFNode" else value(1 / module.tau)
        decay, gain = 1 - leak, leak if module.decay_input else value(1)
    soft = module.v_reset is None
    return Dynamics(
        "spikingjelly",
        threshold=value(module.v_threshold),
        decay=decay,
        gain=gain,
        reset="subtract" if soft else "zero",
        inclusive=True,
        rest=None if soft else value(module.v_reset),
    )


def signals(module: nn.Module, received: torch.Tensor, output: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences as they are, single steps with a step in front."""
    if module.step_mode == "m":
        return received, output
    return received.unsqueeze(0), output.unsqueeze(0)


def set_threshold(module: nn.Module, value: float) -> None:
    """A plain number."""
    module.v_threshold = value


def start_anew(module: nn.Module) -> None:
    """As `spikingjelly.activation_based.functional.reset_net` does."""
    module.reset()


def left_over(module: nn.Module) -> bool:
    """A reset puts the values in which the states began, numbers or tensors, in their place."""
    return any(not _equal(state, module._memories_rv[name]) for name, state in module._memories.items())


def _equal(state: object, fresh: object) -> bool:
    if isinstance(state, torch.Tensor):
        return bool((state == fresh).all())
    return state == fresh
