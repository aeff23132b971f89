"""The thesis's sentences and conclusions as data, each with the check of our runs (Pärna 2025, Sec. 3 to 5).

Ids of the sentences are those of `audit.prose`, which searches the printed tables for counterexamples; the checks
here make the same search among our means and deviations.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from spikeinit.statistics.two_samples import t_test
from spikeinit.studies.claims import OurResult
from spikeinit.studies.energy.audit.prose import HIDDEN_LAYERS
from spikeinit.studies.energy.audit.published_tables import BETAS, LAYERS, MEANS, Row
from spikeinit.studies.energy.samples import COMBINATIONS, Samples
from spikeinit.studies.looks import dataset_name
from spikeinit.studies.scorecard import Evidence

BOTH = ("mnist", "fashion_mnist")
Check = Callable[[Samples, Evidence], OurResult]


@dataclass(frozen=True)
class SentenceCheck:
    """Data sets a sentence speaks of, and what our runs say to it."""

    datasets: tuple[str, ...]
    check: Check


@dataclass(frozen=True)
class Conclusion:
    """A conclusion drawn from several tests: `comparisons` (data set, row, row, measure), or a check of its own."""

    claim: str
    place: str
    statement: str
    datasets: tuple[str, ...]
    comparisons: tuple[tuple[str, Row, Row, str], ...] = ()
    check: Check | None = None


def _ordered(pairs: Iterable[tuple[np.ndarray, np.ndarray]], of: Callable[[np.ndarray], float], what: str) -> OurResult:
    """Whether `of` the first sample lies below `of` the second in every pair; pairs not run are left out."""
    pairs = [(a, b) for a, b in pairs if min(len(a), len(b)) > (1 if of is _deviation else 0)]
    if not pairs:
        return OurResult()
    holds = sum(of(a) < of(b) for a, b in pairs)
    sizes = sorted({len(sample) for pair in pairs for sample in pair})
    return OurResult(
        f"{holds} of {len(pairs)} {what}",
        n=" to ".join(map(str, (sizes[0], sizes[-1]))) if len(sizes) > 1 else str(sizes[0]),
        agrees=holds == len(pairs),
    )


def _deviation(values: np.ndarray) -> float:
    return float(values.std(ddof=1))


def _untestable(samples: Samples, evidence: Evidence) -> OurResult:
    return OurResult(note="a matter of wording, which runs cannot test")


def _largest_deviation_at_high_mean(dataset: str, layers: tuple[int, ...]) -> Check:
    def check(samples: Samples, evidence: Evidence) -> OurResult:
        *lower, high = MEANS
        pairs = (
            (samples.spikes(dataset, mean, layer), samples.spikes(dataset, high, layer))
            for layer in layers
            for mean in lower
        )
        return _ordered(pairs, _deviation, "deviations are larger at the high mean")

    return check


def _more_predictable(samples: Samples, evidence: Evidence) -> OurResult:
    pairs = (
        (measure(lower), measure(higher))
        for dataset in BOTH
        for measure in _measures(samples, dataset)
        for lower, higher in itertools.combinations(MEANS, 2)
    )
    return _ordered(pairs, _deviation, "deviations are smaller at the lower mean")


def _measures(samples: Samples, dataset: str) -> list[Callable[[Row], np.ndarray]]:
    layers = [lambda row, layer=layer: samples.spikes(dataset, row, layer) for layer in LAYERS]
    return [*layers, lambda row: samples.accuracy(dataset, row)]


def _fewer_at_lower_mean(samples: Samples, evidence: Evidence) -> OurResult:
    pairs = (
        (samples.spikes(dataset, lower, layer), samples.spikes(dataset, higher, layer))
        for dataset in BOTH
        for layer in HIDDEN_LAYERS
        for lower, higher in itertools.combinations(MEANS, 2)
    )
    return _ordered(pairs, np.mean, "layer means are lower at the lower mean weight")


def _increase_with_layer(samples: Samples, evidence: Evidence) -> OurResult:
    pairs = (
        (samples.spikes(dataset, row, before), samples.spikes(dataset, row, after))
        for dataset in BOTH
        for row in COMBINATIONS
        for before, after in itertools.pairwise(HIDDEN_LAYERS)
    )
    return _ordered(pairs, np.mean, "steps from a layer to the next go up")


def _last_layer_unaffected(samples: Samples, evidence: Evidence) -> OurResult:
    margin = evidence.tables.spec["equivalence_margin"]
    within, total, sizes = 0, 0, set()
    for dataset in BOTH:
        values = [samples.spikes(dataset, row, LAYERS[-1]) for row in COMBINATIONS]
        means = np.array([sample.mean() for sample in values if len(sample)])
        sizes |= {len(sample) for sample in values if len(sample)}
        total += len(means)
        within += int((np.abs(means - means.mean()) <= margin * means.mean()).sum()) if len(means) else 0
    if not total:
        return OurResult()
    ours = f"{within} of {total} combinations are within {margin:.0%} of the mean of all"
    return OurResult(ours, n=" to ".join(map(str, sorted({min(sizes), max(sizes)}))), agrees=within == total)


def _more_on_fashion(samples: Samples, evidence: Evidence) -> OurResult:
    pairs = (
        (samples.spikes("mnist", row, layer), samples.spikes("fashion_mnist", row, layer))
        for row in COMBINATIONS
        for layer in LAYERS
    )
    return _ordered(pairs, np.mean, "layer means are higher on Fashion-MNIST")


SENTENCES = {
    "sigma-is-minus-0.01": SentenceCheck((), _untestable),
    "null-hypothesis-low-not-higher": SentenceCheck((), _untestable),
    "largest-deviation-at-high-mean:mnist": SentenceCheck(
        ("mnist",), _largest_deviation_at_high_mean("mnist", HIDDEN_LAYERS)
    ),
    "largest-deviation-layers-1-and-5-at-high-mean:mnist": SentenceCheck(
        ("mnist",), _largest_deviation_at_high_mean("mnist", (1, 5))
    ),
    "largest-deviation-layers-1-and-5-at-high-mean:fashion_mnist": SentenceCheck(
        ("fashion_mnist",), _largest_deviation_at_high_mean("fashion_mnist", (1, 5))
    ),
    "more-predictable-at-lower-mean": SentenceCheck(BOTH, _more_predictable),
    "fewer-spikes-at-lower-mean": SentenceCheck(BOTH, _fewer_at_lower_mean),
    "spikes-increase-with-layer": SentenceCheck(BOTH, _increase_with_layer),
    "last-layer-unaffected": SentenceCheck(BOTH, _last_layer_unaffected),
    "more-spikes-on-fashion-mnist": SentenceCheck(BOTH, _more_on_fashion),
}


def _lower_mean_most_efficient(dataset: str) -> Check:
    def check(samples: Samples, evidence: Evidence) -> OurResult:
        low, *higher = (samples.spikes_per_image(dataset, mean) for mean in MEANS)
        made = [other for other in higher if min(len(low), len(other)) > 1]
        if not made:
            return OurResult()
        p = [t_test(low, other, welch=False).p["less"] for other in made]
        means = ", ".join(f"{sample.mean():.4g}" for sample in (low, *made))
        ours = f"{means} spikes per image from the lowest mean weight upwards"
        agrees = None if np.isnan(p).any() else bool(max(p) < 1 - evidence.confidence)
        tests = ", ".join(f"{value:.2g}" for value in p)
        return OurResult(
            ours,
            n=" + ".join(str(len(s)) for s in (low, *made)),
            agrees=agrees,
            note=f"Student, one-sided: p = {tests}",
        )

    return check


def _conclusions() -> tuple[Conclusion, ...]:
    layers = tuple(f"layer {layer}" for layer in LAYERS)
    (low, medium, high), (beta_low, beta_medium, beta_high) = MEANS, BETAS
    found = []
    for dataset in BOTH:
        found += [
            Conclusion(
                f"lower-mean-needs-fewest-spikes:{dataset}",
                "Sec. 5",
                f"{dataset_name(dataset)}: lower initial weights make the model significantly more energy-efficient",
                (dataset,),
                check=_lower_mean_most_efficient(dataset),
            ),
            Conclusion(
                f"beta-has-no-effect:{dataset}",
                "Sec. 5",
                f"{dataset_name(dataset)}: the initial time constants do not change the number of spikes",
                (dataset,),
                tuple((dataset, beta_medium, beta, layer) for beta in (beta_low, beta_high) for layer in layers),
            ),
            Conclusion(
                f"similar-accuracy:{dataset}",
                "Sec. 4.0.2",
                f"{dataset_name(dataset)}: neither weight nor time-constant initialisation changes the accuracy",
                (dataset,),
                (
                    *((dataset, low, mean, "accuracy") for mean in (medium, high)),
                    *((dataset, beta_high, beta, "accuracy") for beta in (beta_low, beta_medium)),
                ),
            ),
        ]
    return tuple(found)


CONCLUSIONS = _conclusions()
