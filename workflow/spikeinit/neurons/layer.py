"""A layer of integrate-and-fire neurons as a module: its parameters, which of them are learned, their ranges."""

from __future__ import annotations

import math

import torch
from torch import nn

from spikeinit.names.neurons import KAIMING_UNIFORM
from spikeinit.neurons import integrate_and_fire
from spikeinit.specs import NeuronSpec


class IntegrateAndFire(nn.Module):
    """Integrate-and-fire neurons over [T, B, ...] input.

    `decay` and `threshold` have one value per layer, or (decay, with scope "neuron") the shape of the layer. A
    learned decay is clamped to [0, 1] where it is used, as snnTorch does; the clamp passes no gradient outside. Gain
    "one_minus_decay" multiplies the input by 1 - decay (Pärna 2025, Eq. 1), through which the decay then learns too.

    With the initial potential "kaiming_uniform" every forward pass draws one for each image and each of the layer's n
    neurons, uniform on [-sqrt(6 / n), sqrt(6 / n)], from `generator`, which must be set before. That is PyTorch's
    `kaiming_uniform_` on a tensor [B, n], as in the code published with Peat (2024). ValueError for another name.
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
        self.generator: torch.Generator | None = None
        self.drawn_start: torch.Tensor | None = None  # [B, ...], of the last forward pass
        if self.starts_at_random:
            self.register_parameter("initial_potential", None)
        elif isinstance(spec.initial_potential, str):
            raise ValueError(f"initial_potential = {spec.initial_potential!r}: give a number or {KAIMING_UNIFORM}")
        else:
            self.initial_potential = nn.Parameter(torch.tensor(float(spec.initial_potential)), requires_grad=False)

    @property
    def starts_at_random(self) -> bool:
        """Whether every forward pass draws the initial potentials."""
        return self.spec.initial_potential == KAIMING_UNIFORM

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """Spikes [T, B, ...] of the input current [T, B, ...]; ValueError for a random start without generator."""
        if self.starts_at_random:
            self.drawn_start = self.draw_start(current.shape[1:], current.device)
        return self._fire(current)

    def potential(self, current: torch.Tensor) -> torch.Tensor:
        """Membrane potentials u [T, B, ...], before the reset, of the input current [T, B, ...].

        At random they start where the last forward pass did, whose potentials these are then: nothing is drawn.
        ValueError if there was none, or one of another shape.
        """
        if self.starts_at_random and (self.drawn_start is None or self.drawn_start.shape != current.shape[1:]):
            raise ValueError(
                "initial potentials are drawn by a forward pass: let the network run on the batch before you ask for "
                "the potentials of its neurons"
            )
        return self._fire(current, return_potential=True)[1]

    def draw_start(self, shape: torch.Size, device: torch.device) -> torch.Tensor:
        """Random initial potentials of `shape` [B, ...]; drawn in single precision, whatever the network's."""
        if self.generator is None:
            raise ValueError(
                f"initial_potential = {KAIMING_UNIFORM}: call network.set_generators(initial_potential=generator) "
                "first, with a generator on the network's device"
            )
        bound = math.sqrt(6 / shape[1:].numel())
        uniform = torch.rand(shape, generator=self.generator, device=device)
        return (uniform * 2 - 1) * bound

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
            initial_potential=self.drawn_start if self.starts_at_random else self.initial_potential,
            spike_delay=spec.spike_delay,
            detach_reset=spec.detach_reset,
            kernel=self.kernel,
            **options,
        )

    @torch.no_grad()
    def set_threshold(self, value: float) -> None:
        """Give all neurons of the layer this threshold."""
        self.threshold.fill_(value)

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
