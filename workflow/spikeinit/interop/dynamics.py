"""Neurons of any library in one equation, and their potentials.

With the input current x, every neuron that is read here is

    i[t] = synapse_decay i[t-1] + x[t]                       (i = x without a synapse)
    u[t] = decay v[t-1] + (1 - decay) rest + gain i[t]
    s[t] = 1 if u[t] > threshold, or >= where it is `inclusive`; with `many`, floor(u / threshold) for positive u
    v[t] = u[t] - s[t] threshold   or   rest_after where s[t] > 0   or   u[t]      (reset: subtract, zero, none)

where the reset comes before the leak. snnTorch subtracts the threshold behind the leak, at the next step:
`leak_first` is u[t] = decay u[t-1] - s[t-1] threshold + ... instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch

from spikeinit.errors import UserError

Reset = Literal["subtract", "zero", "none"]

TOLD_KEYS = ("threshold", "decay", "gain", "reset")
Told = Mapping[str, float | str]
"""What a user says of neurons that are not read, such as {"threshold": 1.0, "decay": 0.9}."""


@dataclass(frozen=True)
class Dynamics:
    """What the neurons of one module do, as above.

    All tensors are float, [] or of a shape that broadcasts to the neurons [...]. start: the potential before the first
    step, `rest` unless given. library: where the module comes from.
    """

    library: str
    threshold: torch.Tensor
    decay: torch.Tensor
    gain: torch.Tensor
    reset: Reset
    leak_first: bool = False
    inclusive: bool = False
    many: bool = False
    synapse_decay: torch.Tensor | None = None
    rest: torch.Tensor | None = None
    rest_after: torch.Tensor | None = None
    start: torch.Tensor | None = None

    @property
    def threshold_value(self) -> float:
        """Mean threshold."""
        return _mean(self.threshold)

    @property
    def decay_value(self) -> float:
        """Mean decay of the potential, per step."""
        return _mean(self.decay)

    @property
    def gain_value(self) -> float:
        """Mean factor on the input current."""
        return _mean(self.gain)

    @property
    def synapse_decay_value(self) -> float | None:
        """Mean decay of the synaptic current, per step; None without one."""
        return None if self.synapse_decay is None else _mean(self.synapse_decay)

    @torch.no_grad()
    def run(self, current: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Potentials before the reset and spikes, both [T, B, ...], of the input current [T, B, ...]."""
        rest = torch.zeros((), dtype=current.dtype, device=current.device) if self.rest is None else self.rest
        after = rest if self.rest_after is None else self.rest_after
        kept = (rest if self.start is None else self.start).expand(current.shape[1:])
        synaptic = torch.zeros_like(current[0])
        potentials, spikes = [], []
        for received in current:
            synaptic = received if self.synapse_decay is None else self.synapse_decay * synaptic + received
            potential = self.decay * kept + (1 - self.decay) * rest + self.gain * synaptic
            if self.leak_first and self.reset == "subtract" and spikes:
                potential = potential - spikes[-1] * self.threshold
            fired = self._spikes(potential)
            potentials.append(potential)
            spikes.append(fired)
            if self.reset == "zero":
                kept = torch.where(fired > 0, after, potential)
            elif self.reset == "subtract" and not self.leak_first:
                kept = potential - fired * self.threshold
            else:
                kept = potential
        return torch.stack(potentials), torch.stack(spikes)

    def _spikes(self, potential: torch.Tensor) -> torch.Tensor:
        if self.many:
            return (potential / self.threshold).trunc().clamp(min=0)
        over = potential >= self.threshold if self.inclusive else potential > self.threshold
        return over.to(potential.dtype)


def told_dynamics(name: str, values: Told) -> Dynamics:
    """The dynamics that a user tells of the module `name`; UserError for unknown keys and resets."""
    wrong = sorted(set(values) - set(TOLD_KEYS))
    if wrong:
        raise UserError(f"neurons[{name!r}]: unknown {', '.join(wrong)}; give {', '.join(TOLD_KEYS)}")
    reset = values.get("reset", "subtract")
    if reset not in ("subtract", "zero", "none"):
        raise UserError(f"neurons[{name!r}]: reset = {reset!r}; give subtract, zero or none")
    threshold, decay, gain = (torch.tensor(float(values.get(key, 1.0))) for key in TOLD_KEYS[:3])
    return Dynamics("told", threshold=threshold, decay=decay, gain=gain, reset=reset)


def _mean(values: torch.Tensor) -> float:
    return values.detach().double().mean().item()
