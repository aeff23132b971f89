"""The law of one weight: what an initialiser promises, apart from how it is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

Distribution = Literal["normal", "uniform"]


@dataclass(frozen=True)
class Law:
    """Distribution of the independent weights of one layer, and the constant its biases start at.

    mean, variance: of one weight; variance >= 0.
    bias: the value of every bias; None leaves PyTorch's default, uniform on +-1/sqrt(fan_in).
    distribution: "normal", or "uniform" on mean +- sqrt(3 * variance).
    threshold: firing threshold that the method gives the layer's neurons; None leaves theirs.
    """

    mean: float
    variance: float
    bias: float | None = 0.0
    distribution: Distribution = "normal"
    threshold: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.variance) and self.variance >= 0):
            raise ValueError(f"mean {self.mean}, variance {self.variance}: must be finite, the variance not negative")

    @property
    def standard_deviation(self) -> float:
        return math.sqrt(self.variance)

    def for_fan_in(self, fan_in: int, *, published: int) -> Law:
        """The law that gives a neuron of `fan_in` inputs what this one gives a neuron of `published` inputs.

        The sum of n independent weights has mean n mean and variance n variance. Both stay the same where the mean and
        the variance of a weight are multiplied by published / fan_in. Where the two are equal nothing changes.
        """
        ratio = published / fan_in
        return replace(self, mean=self.mean * ratio, variance=self.variance * ratio)

    @classmethod
    def normal(cls, *, variance: float, mean: float = 0.0, bias: float | None = 0.0) -> Law:
        """N(mean, variance)."""
        return cls(mean, variance, bias, "normal")

    @classmethod
    def uniform(
        cls, *, bound: float, mean: float = 0.0, bias: float | None = 0.0, threshold: float | None = None
    ) -> Law:
        """U(mean - bound, mean + bound), whose variance is bound^2 / 3."""
        return cls(mean, bound**2 / 3, bias, "uniform", threshold)

    @classmethod
    def of_variance(cls, variance: float, distribution: Distribution, *, bias: float | None = 0.0) -> Law:
        """Mean zero and the given variance, normal or uniform; ValueError for another distribution."""
        if distribution not in ("normal", "uniform"):
            raise ValueError(f"distribution = {distribution!r}: give 'normal' or 'uniform'")
        return cls(0.0, variance, bias, distribution)
