"""What is constant in one call of the neuron model."""

from __future__ import annotations

from dataclasses import dataclass

from spikeinit.kernels.surrogates import Surrogate


@dataclass(frozen=True)
class Dynamics:
    """The model's constants: `subtract` is the soft reset (else to zero), `inclusive` lets u == threshold fire.

    `reset_leaks`: the soft reset comes before the leak, so that it decays with the potential. Only the reference kernel
    knows it. `spike_delay` is 0, or 1 if the potential that a step leaves fires in the step after it.
    """

    gain: float
    subtract: bool
    inclusive: bool
    detach_reset: bool
    surrogate: Surrogate
    spike_delay: int
    reset_leaks: bool = False
