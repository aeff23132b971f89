"""Which groups of runs the energy study compares, as Pärna (2025, Sec. 4) does."""

from __future__ import annotations

from collections.abc import Sequence

from spikeinit.statistics.comparisons import Comparison


def weight_and_decay_comparisons(weight_means: Sequence[float], beta_ranges: Sequence[str]) -> tuple[Comparison, ...]:
    """The comparisons of Pärna (2025, Sec. 4): lowest mean weight against each higher, middle beta range against each.

    Spikes: does the lowest mean weight, and does the middle beta range, give fewer? Accuracy: is the lowest mean
    weight different from the others, and the last (highest) beta range from the others? `beta_ranges` are names from
    low to high. A factor with one level gives no comparison.
    """
    normal = {"initializer": "normal"}
    lowest, *higher = sorted(weight_means)
    middle, last = beta_ranges[len(beta_ranges) // 2], beta_ranges[-1]

    def fewer_spikes(factor: str, a: str | float, b: str | float) -> Comparison:
        return Comparison(f"fewer-spikes:{factor}:{a}:{b}", factor, a, b, "less", ("spikes",), normal)

    def similar_accuracy(factor: str, a: str | float, b: str | float) -> Comparison:
        return Comparison(f"similar-accuracy:{factor}:{a}:{b}", factor, a, b, "two-sided", ("accuracy",), normal)

    return (
        *(fewer_spikes("weight_mean", lowest, mean) for mean in higher),
        *(fewer_spikes("beta_range", middle, other) for other in beta_ranges if other != middle),
        *(similar_accuracy("weight_mean", lowest, mean) for mean in higher),
        *(similar_accuracy("beta_range", last, other) for other in beta_ranges if other != last),
    )
