"""A layer of integrate-and-fire neurons as a module: its parameters, which of them are learned, their ranges."""

from __future__ import annotations

import math

import torch
from torch import nn

from spikeinit.names.neurons import INITIAL_POTENTIALS, KAIMING_UNIFORM, RUNNING_MEAN
from spikeinit.neurons import integrate_and_fire
from spikeinit.specs import NeuronSpec


class IntegrateAndFire(nn.Module):
    """Integrate-and-fire neurons over [T, B, ...] input.

    `decay` and `threshold` have one value per layer, or (decay, with scope "neuron") the shape of the layer. A
    learned decay is clamped to [0, 1] where it is used, as snnTorch does; the clamp passes no gradient outside. Gain
    "one_minus_decay" multiplies the input by 1 - decay (Pärna 2025, Eq. 1), through which the decay then learns too.

    With the initial potential "kaiming_uniform" every forward pass draws one for each image and each of the layer's n
    neurons, uniform on [-sqrt(6 / n), sqrt(6 / n)], from `generator`, which must be set before. That is PyTorch's
    `kaiming_uniform_` on a tensor [B, n], as in the code published with Peat (2024).

    With "running_mean" the layer has one initial potential mu for all its neurons (MP-Init: Kook et al. 2025, arXiv
    2511.08708). It begins at 0. Each forward pass in training mode first runs from mu, and then moves it:

        mu <- (1 - momentum) mu + momentum * mean of v[T] over the active neurons

    v[T] is the potential that the last step's reset leaves. A neuron is active for an image if it spikes in one of the
    T steps; where none does, the mean counts as 0. momentum is `spec.initial_potential_momentum`, 0.1 in the authors'
    code. No gradient goes through mu. In evaluation mode mu stays as it is, like the running mean of a batch
    normalisation, and it is stored with the weights. A mean that is infinite or not a number moves nothing.
    The authors' neurons take the threshold away before they leak ("subtract_before_leak"). For them, for "zero", and
    with a spike delay, a neuron that starts at v[T] goes on as if it had never stopped. With "subtract" the same
    v[T] = u[T] - threshold s[T] is used, although the threshold itself does not leak there; the paper has no such
    neuron.

    ValueError for another name of an initial potential, and for a momentum that is not above 0 and at most 1.
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
        self.last_start: torch.Tensor | None = None  # of the last forward pass: [B, ...] at random, [] of a mean
        if self.starts_at_random:
            self.register_parameter("initial_potential", None)
        elif self.starts_at_mean:
            if not 0 < spec.initial_potential_momentum <= 1:
                raise ValueError(
                    f"initial_potential_momentum = {spec.initial_potential_momentum}: give a number above 0, up to 1"
                )
            self.register_buffer("initial_potential", torch.zeros(()))
        elif isinstance(spec.initial_potential, str):
            raise ValueError(
                f"initial_potential = {spec.initial_potential!r}: give a number or one of "
                f"{', '.join(INITIAL_POTENTIALS)}"
            )
        else:
            self.initial_potential = nn.Parameter(torch.tensor(float(spec.initial_potential)), requires_grad=False)

    @property
    def starts_at_random(self) -> bool:
        """Whether every forward pass draws the initial potentials."""
        return self.spec.initial_potential == KAIMING_UNIFORM

    @property
    def starts_at_mean(self) -> bool:
        """Whether the initial potential follows those that training batches end with."""
        return self.spec.initial_potential == RUNNING_MEAN

    @property
    def start_changes(self) -> bool:
        """Whether the initial potential is no given number, so that a forward pass decides it."""
        return self.starts_at_random or self.starts_at_mean

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """Spikes [T, B, ...] of the input current [T, B, ...]; ValueError for a random start without generator."""
        if self.starts_at_random:
            self.last_start = self.draw_start(current.shape[1:], current.device)
        elif self.starts_at_mean:
            self.last_start = self.initial_potential.clone()
            if self.training:
                spikes, potential = self._fire(current, return_potential=True)
                self._move_mean(spikes, potential[-1])
                return spikes
        return self._fire(current)

    def potential(self, current: torch.Tensor) -> torch.Tensor:
        """Membrane potentials u [T, B, ...], before the reset, of the input current [T, B, ...].

        At random, and at a running mean, they start where the last forward pass did, whose potentials these are then:
        nothing is drawn, and no mean moves. ValueError if there was none, or one that drew another shape.
        """
        start = self._start()
        if start is None or (self.starts_at_random and start.shape != current.shape[1:]):
            raise ValueError(
                "initial potentials are set by a forward pass: let the network run on the batch before you ask for "
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

    @torch.no_grad()
    def _move_mean(self, spikes: torch.Tensor, last: torch.Tensor) -> None:
        """Let the initial potential follow a batch: its spikes [T, B, ...] and the potentials u[T] [B, ...]."""
        spec = self.spec
        if spec.spike_delay:
            left = last  # what it spikes and resets by comes in the step behind the last
        elif spec.reset == "zero":
            left = last * (1 - spikes[-1])
        else:
            left = last - self.threshold * spikes[-1]
        active = spikes.amax(0) > 0
        mean = torch.where(active, left, 0).sum(dtype=torch.float64) / active.sum().clamp(min=1)
        moved = torch.lerp(self.initial_potential.double(), mean, spec.initial_potential_momentum)
        self.initial_potential.copy_(torch.where(moved.isfinite(), moved, self.initial_potential))

    def _start(self) -> torch.Tensor | None:
        """Where the neurons start, or did in the last forward pass; None before the first one if that decides it."""
        return self.last_start if self.start_changes else self.initial_potential

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
            initial_potential=self._start(),
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
