"""A layer of integrate-and-fire neurons as a module: its parameters, which of them are learned, their ranges."""

from __future__ import annotations

import torch
from torch import nn

from spikeinit.neurons import integrate_and_fire
from spikeinit.specs import NeuronSpec


class IntegrateAndFire(nn.Module):
    """Integrate-and-fire neurons over [T, B, ...] input.

    `decay` and `threshold` have one value per layer, or (decay, with scope "neuron") the shape of the layer. A
    learned decay is clamped to [0, 1] where it is used, as snnTorch does; the clamp passes no gradient outside. Gain
    "one_minus_decay" multiplies the input by 1 - decay (Pärna 2025, Eq. 1), through which the decay then learns too.
    """

    def __init__(
        self, spec: NeuronSpec, shape: tuple[int, ...], *, generator: torch.Generator, kernel: str = "auto"
    ) -> None:
        super().__init__()
        self.spec = spec
        self.kernel = kernel
        size = shape if spec.decay_scope == "neuron" else ()
        if isinstance(spec.decay, tuple):
            low, high = spec.decay
            decay = torch.rand(size, generator=generator) * (high - low) + low
        else:
            decay = torch.full(size, float(spec.decay))
        self.decay = nn.Parameter(decay, requires_grad="decay" in spec.learn)
        self.threshold = nn.Parameter(torch.tensor(float(spec.threshold)), requires_grad="threshold" in spec.learn)
        self.initial_potential = nn.Parameter(torch.tensor(float(spec.initial_potential)), requires_grad=False)

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """Spikes [T, B, ...] of the input current [T, B, ...]."""
        return self._fire(current)

    def potential(self, current: torch.Tensor) -> torch.Tensor:
        """Membrane potentials u [T, B, ...], before the reset, of the input current [T, B, ...]."""
        return self._fire(current, return_potential=True)[1]

    def _fire(self, current: torch.Tensor, **options: bool) -> torch.Tensor:
        spec = self.spec
        decay = self.decay.clamp(0, 1)
        gain = spec.gain
        if gain == "one_minus_decay":
            current, gain = current * (1 - decay), 1.0
        return integrate_and_fire(
            current,
            decay=decay,
            threshold=self.threshold,
            gain=float(gain),
            reset=spec.reset,
            surrogate=spec.surrogate,
            slope=spec.slope,
            initial_potential=self.initial_potential,
            detach_reset=spec.detach_reset,
            kernel=self.kernel,
            **options,
        )

    @property
    def threshold_value(self) -> float:
        """Mean threshold of the layer."""
        return self.threshold.detach().mean().item()

    @property
    def decay_value(self) -> float:
        """Mean decay of the layer, as used (clamped)."""
        return self.decay.detach().clamp(0, 1).mean().item()

    @property
    def gain_value(self) -> float:
        """Mean gain of the layer."""
        return 1 - self.decay_value if self.spec.gain == "one_minus_decay" else float(self.spec.gain)
