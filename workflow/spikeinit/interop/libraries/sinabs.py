"""sinabs: sequences [B, T, ...], or [B * T, ...] in layers that squeeze; the reset before the leak.

LIF: i[t] = alpha_syn (i[t-1] + x[t]) where it has a synapse, v[t] = alpha_mem v[t-1] + (1 - alpha_mem) i[t], without
the factor (1 - alpha_mem) unless `norm_input`; IAF has alpha_mem = 1 and no factor. By default a neuron emits as many
spikes in a step as thresholds fit into its potential.
"""

from __future__ import annotations

import torch
from torch import nn

from spikeinit.interop.dynamics import Dynamics

KINDS = ("LIF", "IAF")
UNREAD = ("LIFRecurrent", "IAFRecurrent", "ALIF", "ALIFRecurrent")

MANY = {"MultiSpike": True, "SingleSpike": False}
RESETS = {"MembraneSubtract": "subtract", "MembraneReset": "zero"}


def dynamics(module: nn.Module, kind: str) -> Dynamics | None:
    """What LIF and IAF do; None for other ways to fire or to reset, and for potentials with a lower bound."""
    fires, resets = _name(module.spike_fn), _name(module.reset_fn)
    if fires not in MANY or resets not in RESETS or module.min_v_mem is not None:
        return None
    if getattr(module.reset_fn, "subtract_value", None) is not None:
        return None
    decay = module.alpha_mem_calculated.detach()
    synapse = module.alpha_syn_calculated
    gain = 1 - decay if module.norm_input else torch.ones_like(decay)
    if synapse is not None:
        synapse = synapse.detach()
        gain = gain * synapse
    return Dynamics(
        "sinabs",
        threshold=module.spike_threshold,
        decay=decay,
        gain=gain,
        reset=RESETS[resets],
        inclusive=True,
        many=MANY[fires],
        synapse_decay=synapse,
        rest_after=torch.as_tensor(float(getattr(module.reset_fn, "reset_value", 0.0))),
    )


def signals(module: nn.Module, received: torch.Tensor, output: object) -> tuple[torch.Tensor, torch.Tensor]:
    """The time is the second dimension, or in the first one together with the images."""
    if type(module).__name__.endswith("Squeeze"):
        steps = module.num_timesteps if module.num_timesteps > 0 else len(received) // module.batch_size
        received, output = (tensor.unflatten(0, (-1, steps)) for tensor in (received, output))
    return received.transpose(0, 1), output.transpose(0, 1)


def set_threshold(module: nn.Module, value: float) -> None:
    """In the same parameter, but in a tensor of its own: layers of the default threshold share one."""
    module.spike_threshold.data = torch.full_like(module.spike_threshold, value)


def start_anew(module: nn.Module) -> None:
    """As `sinabs.reset_states` does."""
    module.reset_states()


def left_over(module: nn.Module) -> bool:
    """All of its buffers are states, and zero after a reset."""
    return any(bool(state.any()) for state in module.buffers(recurse=False))


def _name(function: object) -> str:
    return function.__name__ if isinstance(function, type) else type(function).__name__
