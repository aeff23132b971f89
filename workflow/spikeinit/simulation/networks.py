"""How far activity travels through a deep spiking network that nobody has trained (Micheli et al. 2024, Sec. IV).

Equal fully connected layers of leaky integrate-and-fire neurons,

    u_l[t] = decay u_l[t-1] + gain (W_l s_{l-1}[t] + b_l) - threshold s_l[t-1],    s = [u > threshold]    (Eq. 13),

see an input I ~ N(0, 1), one value per neuron of layer 1, the same at every step. Layer 1 has no weights: the input is
the current of its neurons, so that u_1[0] = I. Layers count from 1; a network of depth 100 has 99 weight matrices,
drawn once and kept over the steps. The potential is looked at before the reset of its own step.

The paper says that the input is fed "to the membrane potentials of the initial LIF layer at every time step"; taken as
a current it is integrated and reset like any other (`first_layer` "integrate"), taken as the potential itself layer 1
repeats the same spikes at every step ("clamp"). With one time step, as in figures 2 to 4, both are the same.

`mean_field` predicts the same quantities, `gradients` follows gradients the other way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch

from spikeinit.errors import UserError
from spikeinit.initializers import registry
from spikeinit.initializers.law import Law
from spikeinit.initializers.sampling import UNIT_VARIANCE_ATTEMPTS, UNIT_VARIANCE_TOLERANCE
from spikeinit.names.neurons import RESETS
from spikeinit.neurons import integrate_and_fire
from spikeinit.randomness import stream
from spikeinit.simulation import currents


@dataclass(frozen=True)
class DeepNetwork:
    """`depth` layers of `width` neurons with the same constants, over `timesteps` steps; ValueError if impossible."""

    depth: int = 100
    width: int = 1000
    timesteps: int = 1
    decay: float = 0.5
    threshold: float = 1.0
    gain: float = 1.0
    reset: Literal["subtract", "subtract_before_leak", "zero"] = "subtract"
    first_layer: Literal["integrate", "clamp"] = "integrate"

    def __post_init__(self) -> None:
        for name, least in (("depth", 1), ("width", 2), ("timesteps", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} = {getattr(self, name)}: give at least {least}")
        if not 0 <= self.decay <= 1:
            raise ValueError(f"decay = {self.decay}: give a number from 0 to 1")
        for name, allowed in (("reset", RESETS), ("first_layer", ("integrate", "clamp"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} = {getattr(self, name)!r}: give one of {', '.join(allowed)}")

    def fire(self, current: torch.Tensor, **surrogate: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Spikes and potentials [T, repeats, width] of a layer's input current of that shape."""
        return integrate_and_fire(
            current,
            decay=self.decay,
            threshold=self.threshold,
            gain=self.gain,
            reset=self.reset,
            kernel="reference",
            return_potential=True,
            **surrogate,
        )

    def encode(self, current: torch.Tensor, **surrogate: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Spikes and potentials [T, repeats, width] of layer 1, whose current is the input at every step."""
        if self.first_layer == "clamp":  # without memory the potential is the input
            return replace(self, decay=0.0, gain=1.0, reset="zero").fire(current, **surrogate)
        return replace(self, gain=1.0).fire(current, **surrogate)

    def input(self, generators: Sequence[torch.Generator]) -> torch.Tensor:
        """A standard normal input per generator, repeated over the steps: [T, repeats, width]."""
        image = torch.stack([torch.randn(self.width, generator=generator) for generator in generators])
        return image.repeat(self.timesteps, 1, 1)


@dataclass(frozen=True)
class Signals:
    """What the simulation records, arrays [repeats, depth, timesteps]; each value is over the neurons of one layer.

    mean, variance (unbiased), skewness and excess kurtosis (third and fourth standardised moment, NaN for a layer whose
    potentials are all the same) of the potential before the reset; spikes: how many neurons fire.
    """

    mean: np.ndarray
    variance: np.ndarray
    skewness: np.ndarray
    excess_kurtosis: np.ndarray
    spikes: np.ndarray
    width: int

    @property
    def firing_rate(self) -> np.ndarray:
        """Spikes per neuron and step."""
        return self.spikes / self.width


def simulate(
    name: str,
    network: DeepNetwork,
    *,
    repeats: int,
    seed: int,
    weights: Literal["drawn", "shortcut"] = "drawn",
    parameters: Mapping[str, Any] | None = None,
    threads: int | None = None,
) -> Signals:
    """Run untrained networks, `repeats` times with fresh weights and input, and record every layer and step.

    weights: "drawn" multiplies spikes with matrices of independent weights, of which the columns that no spike
    touches are left undrawn; "shortcut" draws the currents of normal laws from their exact joint distribution instead,
    and treats other laws as "drawn" does (see `propagation_currents`). Both follow the same distribution.
    parameters: of the initialiser; threshold, decay and gain are otherwise the network's, input rates are measured in
    every repeat. threads: how many repeats at once (default: PyTorch's number). A repeat's result depends on `seed` and
    its number alone. `UserError` for an unknown initialiser, one that has no such law, or an unknown `weights`.
    """
    if weights not in ("drawn", "shortcut"):
        raise UserError(f"weights = {weights!r}: give 'drawn' or 'shortcut'")
    if repeats < 1:
        raise UserError(f"repeats = {repeats}: give at least 1")
    initializer = registry.get(name)
    given = dict(parameters or {})
    generators = [stream(seed, f"propagation/{repeat}") for repeat in range(repeats)]
    record = np.empty((5, repeats, network.depth, network.timesteps))
    with torch.no_grad(), ThreadPoolExecutor(threads or torch.get_num_threads()) as pool:
        spikes, potential = network.encode(network.input(generators))
        record[:, :, 0] = _statistics(potential, spikes)
        for layer in range(1, network.depth):
            laws = layer_laws(initializer, network, given, spikes)
            current = currents.draw(initializer, laws, spikes, generators, shortcut=weights == "shortcut", pool=pool)
            spikes, potential = network.fire(current * scale_of(initializer, network, current))
            record[:, :, layer] = _statistics(potential, spikes)
    return Signals(*record, width=network.width)


def layer_laws(
    initializer: registry.Initializer, network: DeepNetwork, given: Mapping[str, Any], spikes: torch.Tensor
) -> list[Law]:
    """Law of a layer that receives `spikes` [T, repeats, width], in every repeat."""
    if not initializer.measured(given):
        return [law_of(initializer, network, given)] * spikes.shape[1]
    return [law_of(initializer, network, given, rate) for rate in spikes.mean((0, 2), dtype=torch.float64).tolist()]


def law_of(
    initializer: registry.Initializer, network: DeepNetwork, given: Mapping[str, Any], rate: float | None = None
) -> Law:
    """Law of a layer inside `network` whose inputs fire at `rate`; without any spike the weights are of no effect."""
    values = {key: getattr(network, key) for key in registry.NEURON_PARAMETERS if key in initializer.parameters}
    if initializer.measured(given):
        if rate == 0:
            return Law.normal(variance=0.0)
        values["input_rate"] = rate
    unknown = sorted(set(given) - set(initializer.parameters))
    if unknown:
        raise UserError(f"{initializer.name} takes no parameter {', '.join(unknown)}")
    try:
        law = initializer.law(network.width, network.width, **{**values, **given})
    except ValueError as error:
        raise UserError(f"{initializer.name}, layers of {network.width} neurons: {error}") from error
    if law.threshold is not None:
        raise UserError(f"{initializer.name} would set the threshold {law.threshold:g}: give it to the network instead")
    return law


@torch.no_grad()
def scale_of(initializer: registry.Initializer, network: DeepNetwork, current: torch.Tensor) -> torch.Tensor | float:
    """Factor on drawn weights: 1, for lsuv [1, repeats, 1] that gives each repeat's potentials variance one."""
    if initializer.adjust is None:
        return 1.0
    if initializer.adjust != "unit_variance":
        raise UserError(f"{initializer.name}: the simulation knows no adjustment {initializer.adjust!r}")
    scale = torch.ones(1, current.shape[1], 1)
    for _ in range(UNIT_VARIANCE_ATTEMPTS):
        variance = network.fire(current * scale)[1].var((0, 2), keepdim=True)
        if ((variance - 1).abs() <= UNIT_VARIANCE_TOLERANCE).logical_or(variance == 0).all():
            break
        scale /= torch.where(variance > 0, variance, 1).sqrt()
    return scale


def _statistics(potential: torch.Tensor, spikes: torch.Tensor) -> np.ndarray:
    """Mean, variance, skewness, excess kurtosis, spikes of [T, repeats, width] over neurons: [5, repeats, T]."""
    potential = potential.double()
    mean = potential.mean(-1, keepdim=True)
    centered = potential - mean
    constant = potential.amin(-1) == potential.amax(-1)
    square = centered.square()
    second = square.mean(-1).masked_fill(constant, 0)
    third = (square * centered).mean(-1)
    fourth = square.square_().mean(-1)
    width = potential.shape[-1]
    rows = (
        mean.squeeze(-1),
        second * width / (width - 1),
        third / second**1.5,
        fourth / second**2 - 3,
        spikes.sum(-1, dtype=torch.float64),
    )
    statistics = torch.stack(rows)
    statistics[2:4, constant] = torch.nan
    return statistics.transpose(1, 2).numpy()
