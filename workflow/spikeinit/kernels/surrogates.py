"""Surrogate gradients: what stands in for the derivative of the spike's step function in the backward pass.

With x = u - threshold (membrane potential minus threshold) and slope a > 0:

    arctan          a / (1 + (pi a x)^2)                        Fang et al. 2021; Ding et al. 2022
    arctan_over_pi  (1 / pi) / (1 + (pi a x)^2)                 Pärna 2025, Eq. 5 as printed (alpha = 2 a)
    sigmoid         a s (1 - s),  s = 1 / (1 + exp(-a x))       Ding et al. 2022
    overflowing_sigmoid   the same as a exp(-a x) / (1 + exp(-a x))^2, see below
    tanh            (a / 2) (1 - tanh(a x)^2)                   Ding et al. 2022
    hardtanh        a [|x| < 1 / (2 a)]                         Ding et al. 2022
    rectangular     [|x| < a]                                   calibration of converted networks

Arctan, sigmoid, tanh and hardtanh integrate to 1, as the step's own derivative does; arctan_over_pi integrates to
1 / (pi a) and rectangular, whose a is a half width, to 2 a. snnTorch's and SpikingJelly's ATan(alpha) is arctan with
a = alpha / 2.

Sigmoid and tanh are computed from exp(-2 |z|), which lies in (0, 1]: they are finite at every x and slope, and far out
they go to 0. The overflowing sigmoid is the same function as the code published with Peat (2024) computes it. In
float32 it is infinity / infinity = NaN below a x = -88.7: with a slope of 10 that is a potential 9 below the threshold.
One such potential makes the weights of its neuron NaN, and the neuron is silent from then on.

All seven are one of four profiles, stretched and scaled: height * profile(scale * x). The kernels know only profiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spikeinit.names.neurons import SURROGATES

if TYPE_CHECKING:
    import torch

RATIONAL, WINDOW, LOGISTIC, OVERFLOWING = range(4)
"""Profiles: 1 / (1 + z^2), [|z| < 1], sech(z)^2 = 4 s (1 - s) with s = 1 / (1 + exp(-2 z)), the same by exp(-2 z)."""


@dataclass(frozen=True)
class Surrogate:
    """Gradient height * profile(scale * x)."""

    profile: int
    height: float
    scale: float

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        """Surrogate derivative of the spike at `x`, the potential minus the threshold, any shape and float type."""
        scaled = self.scale * x
        if self.profile == RATIONAL:
            return self.height / (1 + scaled * scaled)
        if self.profile == WINDOW:
            return self.height * (scaled.abs() < 1).to(x.dtype)
        if self.profile == OVERFLOWING:
            growing = (-2 * scaled).exp()
            return self.height * 4 * growing / (1 + growing) ** 2
        # sech^2 through exp of a negative number: neither overflows nor cancels, as 1 - tanh^2 does far out
        decreasing = (-2 * scaled.abs()).exp()
        return self.height * 4 * decreasing / (1 + decreasing) ** 2


_FORMS: dict[str, Callable[[float], Surrogate]] = {
    "arctan": lambda slope: Surrogate(RATIONAL, height=slope, scale=math.pi * slope),
    "arctan_over_pi": lambda slope: Surrogate(RATIONAL, height=1 / math.pi, scale=math.pi * slope),
    "sigmoid": lambda slope: Surrogate(LOGISTIC, height=slope / 4, scale=slope / 2),
    "overflowing_sigmoid": lambda slope: Surrogate(OVERFLOWING, height=slope / 4, scale=slope / 2),
    "tanh": lambda slope: Surrogate(LOGISTIC, height=slope / 2, scale=slope),
    "hardtanh": lambda slope: Surrogate(WINDOW, height=slope, scale=2 * slope),
    "rectangular": lambda slope: Surrogate(WINDOW, height=1.0, scale=1 / slope),
}


def surrogate(name: str, slope: float = 1.0) -> Surrogate:
    """The surrogate called `name` with slope a (half width for "rectangular"), in units of 1 / potential.

    Raises ValueError for an unknown name or a slope that is not positive and finite.
    """
    if name not in _FORMS:
        raise ValueError(f"surrogate={name!r}: unknown; use one of {', '.join(SURROGATES)}")
    slope = float(slope)
    if not (math.isfinite(slope) and slope > 0):
        raise ValueError(f"slope={slope}: a surrogate's slope is positive and finite; 1.0 is the usual choice")
    return _FORMS[name](slope)


def gradient(name: str, x: torch.Tensor, slope: float = 1.0) -> torch.Tensor:
    """Surrogate derivative of the spike at `x` = potential - threshold, any shape; see `surrogate` for the rest."""
    return surrogate(name, slope).gradient(x)
