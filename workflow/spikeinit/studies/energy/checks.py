"""By which rules our runs agree with what Pärna (2025) says in words; the claims stand in `paerna2025_claims.csv`.

- A sentence (Sec. 3 and 4) agrees where there is no counterexample, by the same search among our means and deviations
  that the audit makes in the printed tables (`audit.prose`).
- A conclusion ("similar", "no effect"; Sec. 4 and 5) agrees where no difference is significant and all are shown
  equivalent (`judging.equivalent`).

The printed numbers have rules of their own: see `cells` and `outcomes`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from spikeinit.statistics.two_samples import t_test
from spikeinit.studies.claims import Checks, Claim, OurResult, judged, read_claims
from spikeinit.studies.energy.audit.prose import HIDDEN_LAYERS
from spikeinit.studies.energy.audit.published_tables import BETAS, LAYERS, MEANS, Row
from spikeinit.studies.energy.cells import printed_cells
from spikeinit.studies.energy.contradictions import contradicted_claims
from spikeinit.studies.energy.outcomes import find_test, printed_outcomes
from spikeinit.studies.energy.samples import COMBINATIONS, Samples
from spikeinit.studies.judging import equivalent, ordered
from spikeinit.studies.looks import dataset_name
from spikeinit.studies.scorecard import Evidence, ScorecardEntry

CHECKS = Checks(__file__)


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """What the thesis says in words, then the outcomes of its tests, then its printed cells."""
    marked = contradicted_claims(evidence.audit)
    claims = [
        replace(claim, statement=_named(claim), contradicted=marked.get(claim.id, ""))
        for claim in read_claims(evidence.published["paerna2025_claims"], CHECKS)
    ]
    return [
        *judged(claims, CHECKS, evidence),
        *printed_outcomes(evidence).judged(evidence),
        *printed_cells(evidence).judged(evidence),
    ]


def _named(claim: Claim) -> str:
    """The statement, with the data set in front where it is about one."""
    return f"{dataset_name(*claim.datasets)}: {claim.statement}" if len(claim.datasets) == 1 else claim.statement


def _untestable(evidence: Evidence, claim: Claim) -> OurResult:
    return OurResult(note="a matter of wording, which runs cannot test")


CHECKS.add("negative_deviation", _untestable)
CHECKS.add("wording_of_null_hypothesis", _untestable)


def _deviation(values: np.ndarray) -> float:
    return float(values.std(ddof=1))


def _smaller_deviation(pairs: Iterable[tuple[np.ndarray, np.ndarray]], text: str) -> OurResult:
    return ordered(pairs, _deviation, text, least=2)


@CHECKS.check
def largest_deviation_at_high_mean(evidence: Evidence, claim: Claim) -> OurResult:
    """In every hidden layer the deviation at the high mean is above that at each lower one."""
    return _largest_deviation_at_high_mean(evidence, claim, HIDDEN_LAYERS)


@CHECKS.check
def largest_deviation_of_layers_1_and_5(evidence: Evidence, claim: Claim) -> OurResult:
    """The same in layers 1 and 5."""
    return _largest_deviation_at_high_mean(evidence, claim, (1, 5))


def _largest_deviation_at_high_mean(evidence: Evidence, claim: Claim, layers: tuple[int, ...]) -> OurResult:
    samples, (dataset,), (*lower, high) = Samples.of(evidence), claim.datasets, MEANS
    pairs = (
        (samples.spikes(dataset, mean, layer), samples.spikes(dataset, high, layer))
        for layer in layers
        for mean in lower
    )
    return _smaller_deviation(pairs, "{} of {} deviations are larger at the high mean")


@CHECKS.check
def smaller_deviation_at_lower_mean(evidence: Evidence, claim: Claim) -> OurResult:
    """For every two mean weights, in spikes of every layer and in accuracy."""
    samples = Samples.of(evidence)
    pairs = (
        (measure(lower), measure(higher))
        for dataset in claim.datasets
        for measure in _measures(samples, dataset)
        for lower, higher in itertools.combinations(MEANS, 2)
    )
    return _smaller_deviation(pairs, "{} of {} deviations are smaller at the lower mean")


def _measures(samples: Samples, dataset: str) -> list[Callable[[Row], np.ndarray]]:
    layers = [lambda row, layer=layer: samples.spikes(dataset, row, layer) for layer in LAYERS]
    return [*layers, lambda row: samples.accuracy(dataset, row)]


@CHECKS.check
def fewer_spikes_at_lower_mean(evidence: Evidence, claim: Claim) -> OurResult:
    """For every two mean weights, in every hidden layer."""
    samples = Samples.of(evidence)
    pairs = (
        (samples.spikes(dataset, lower, layer), samples.spikes(dataset, higher, layer))
        for dataset in claim.datasets
        for layer in HIDDEN_LAYERS
        for lower, higher in itertools.combinations(MEANS, 2)
    )
    return ordered(pairs, np.mean, "{} of {} layer means are lower at the lower mean weight")


@CHECKS.check
def spikes_increase_with_layer(evidence: Evidence, claim: Claim) -> OurResult:
    """In every combination, from each hidden layer to the next."""
    samples = Samples.of(evidence)
    pairs = (
        (samples.spikes(dataset, row, before), samples.spikes(dataset, row, after))
        for dataset in claim.datasets
        for row in COMBINATIONS
        for before, after in itertools.pairwise(HIDDEN_LAYERS)
    )
    return ordered(pairs, np.mean, "{} of {} steps from a layer to the next go up")


@CHECKS.check
def last_layer_unaffected(evidence: Evidence, claim: Claim) -> OurResult:
    """In every combination the output layer's mean is within the margin of equivalence of the mean of all."""
    margin = evidence.tables.spec["equivalence_margin"]
    samples, within, total, sizes = Samples.of(evidence), 0, 0, set()
    for dataset in claim.datasets:
        values = [samples.spikes(dataset, row, LAYERS[-1]) for row in COMBINATIONS]
        means = np.array([sample.mean() for sample in values if len(sample)])
        sizes |= {len(sample) for sample in values if len(sample)}
        total += len(means)
        within += int((np.abs(means - means.mean()) <= margin * means.mean()).sum()) if len(means) else 0
    if not total:
        return OurResult()
    ours = f"{within} of {total} combinations are within {margin:.0%} of the mean of all"
    return OurResult(ours, n=" to ".join(map(str, sorted({min(sizes), max(sizes)}))), agrees=within == total)


@CHECKS.check
def more_spikes_on_fashion_mnist(evidence: Evidence, claim: Claim) -> OurResult:
    """In every combination and layer."""
    samples = Samples.of(evidence)
    pairs = (
        (samples.spikes("mnist", row, layer), samples.spikes("fashion_mnist", row, layer))
        for row in COMBINATIONS
        for layer in LAYERS
    )
    return ordered(pairs, np.mean, "{} of {} layer means are higher on Fashion-MNIST")


@CHECKS.check
def lower_mean_needs_fewest_spikes(evidence: Evidence, claim: Claim) -> OurResult:
    """The lowest mean weight takes significantly fewer spikes per image than each higher one."""
    samples, (dataset,) = Samples.of(evidence), claim.datasets
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


@CHECKS.check
def beta_has_no_effect(evidence: Evidence, claim: Claim) -> OurResult:
    """The spikes of every layer are alike at the medium range of decay rates and at each other one."""
    low, medium, high = BETAS
    pairs = [(medium, beta, f"layer {layer}") for beta in (low, high) for layer in LAYERS]
    return _alike(evidence, claim, pairs)


@CHECKS.check
def similar_accuracy(evidence: Evidence, claim: Claim) -> OurResult:
    """Accuracies are alike at the low mean weight and each higher one, and at the high decay rates and each lower."""
    (low, *higher), (*lower, high) = MEANS, BETAS
    pairs = [*((low, mean, "accuracy") for mean in higher), *((high, beta, "accuracy") for beta in lower)]
    return _alike(evidence, claim, pairs)


def _alike(evidence: Evidence, claim: Claim, pairs: Iterable[tuple[Row, Row, str]]) -> OurResult:
    """pairs: row, row, measure."""
    dataset = evidence.conditions.datasets.get(*claim.datasets)
    tests = [find_test(evidence.statistics, dataset, a, b, measure, "two-sided") for a, b, measure in pairs]
    return equivalent(tests, 1 - evidence.confidence)
