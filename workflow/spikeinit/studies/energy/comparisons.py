"""Which groups of runs the energy study compares, as Pärna (2025, Sec. 4) does."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from spikeinit.statistics.comparisons import Comparison


def weight_and_decay_comparisons(weight_means: Sequence[float], beta_ranges: Sequence[str]) -> tuple[Comparison, ...]:
    """The comparisons of Pärna (2025, Sec. 4): lowest mean weight against each higher, middle beta range against each.

    Spikes: does the lowest mean weight, and does the middle beta range, give fewer? Accuracy: is the lowest mean
    weight different from the others, and the last (highest) beta range from the others? `beta_ranges` are names from
    low to high. A factor with one level gives no comparison. The pairs that the thesis leaves out are compared too,
    without a direction: its conclusions are about all levels.
    """
    normal = {"initializer": "normal"}
    lowest, *higher = sorted(weight_means)
    middle, last = beta_ranges[len(beta_ranges) // 2], beta_ranges[-1]

    def fewer_spikes(factor: str, a: str | float, b: str | float) -> Comparison:
        return Comparison(f"fewer-spikes:{factor}:{a}:{b}", factor, a, b, "less", ("spikes",), normal)

    def similar_accuracy(factor: str, a: str | float, b: str | float) -> Comparison:
        return Comparison(f"similar-accuracy:{factor}:{a}:{b}", factor, a, b, "two-sided", ("accuracy",), normal)

    def different(measure: str, factor: str, a: str | float, b: str | float) -> Comparison:
        name = f"different-{measure}:{factor}:{a}:{b}"
        return Comparison(name, factor, a, b, "two-sided", (measure,), normal)

    weights, ranges = sorted(weight_means), list(beta_ranges)
    return (
        *(fewer_spikes("weight_mean", lowest, mean) for mean in higher),
        *(fewer_spikes("beta_range", middle, other) for other in beta_ranges if other != middle),
        *(similar_accuracy("weight_mean", lowest, mean) for mean in higher),
        *(similar_accuracy("beta_range", last, other) for other in beta_ranges if other != last),
        *(
            different(measure, "weight_mean", *pair)
            for measure in ("spikes", "accuracy")
            for pair in itertools.combinations(weights, 2)
            if lowest not in pair
        ),
        *(different("spikes", "beta_range", *pair) for pair in itertools.combinations(ranges, 2) if middle not in pair),
        *(different("accuracy", "beta_range", *pair) for pair in itertools.combinations(ranges, 2) if last not in pair),
    )
