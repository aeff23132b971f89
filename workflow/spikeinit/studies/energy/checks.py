"""By which rules our runs agree with what Pärna (2025) says in words; the claims stand in `paerna2025_claims.csv`.

- An order of means or of deviations (Sec. 3 and 4) agrees where every pair is significant in the claimed direction, and
  disagrees where one is in the other (`judging.lower`, `judging.less_spread`). The audit searches the printed tables
  for the same orders (`audit.prose`).
- A conclusion ("similar", "no effect"; Sec. 4 and 5) agrees where equivalence is shown for all pairs of levels, and
  disagrees where a pair, or the analysis of variance, differs significantly and equivalence is not shown
  (`judging.equivalent`).

The printed numbers have rules of their own: see `cells` and `outcomes`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from spikeinit.drawing.looks import dataset_name
from spikeinit.studies.claims import Checks, Claim, OurResult, judged, read_claims
from spikeinit.studies.energy.audit.prose import HIDDEN_LAYERS
from spikeinit.studies.energy.audit.published_tables import BETAS, LAYERS, MEANS, Row
from spikeinit.studies.energy.cells import printed_cells
from spikeinit.studies.energy.contradictions import contradicted_claims
from spikeinit.studies.energy.open_choice_lines import open_choice_lines
from spikeinit.studies.energy.outcomes import Test, find_test, printed_outcomes
from spikeinit.studies.energy.samples import COMBINATIONS, Samples
from spikeinit.studies.judging import Pair, alike, equivalent, less_spread, lower
from spikeinit.studies.scorecard import Evidence, ScorecardEntry

CHECKS = Checks(__file__)


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """What the thesis says in words, what hangs on its open choices, the outcomes of its tests, its printed cells."""
    marked = contradicted_claims(evidence.audit)
    claims = [
        replace(claim, statement=_named(claim), contradicted=marked.get(claim.id, ""))
        for claim in read_claims(evidence.published["paerna2025_claims"], CHECKS)
    ]
    return [
        *judged(claims, CHECKS, evidence),
        *open_choice_lines(evidence),
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
CHECKS.add("outcomes_at_all_runs", _untestable)


def _margin(evidence: Evidence) -> float:
    """Of similar spike counts, as a fraction of their mean."""
    return evidence.tables.spec["margins"]["equivalence"]


def _level(evidence: Evidence) -> float:
    return 1 - evidence.confidence


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
    return less_spread(pairs, significance=_level(evidence), text="{} of {} deviations are larger at the high mean")


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
    return less_spread(pairs, significance=_level(evidence), text="{} of {} deviations are smaller at the lower mean")


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
    return _lower(evidence, pairs, "{} of {} layer means are lower at the lower mean weight")


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
    return _lower(evidence, pairs, "{} of {} steps from a layer to the next go up")


@CHECKS.check
def little_variance_in_accuracy(evidence: Evidence, claim: Claim) -> OurResult:
    """The sample deviations of the rows of Tables 1 and 2; nothing says what is too much."""
    samples = Samples.of(evidence)
    rows = [samples.accuracy(dataset, row) for dataset in claim.datasets for row in MEANS]
    deviations = [row.std(ddof=1) for row in rows if len(row) > 1]
    if not deviations:
        return OurResult()
    ours = f"deviations of the mean weights' rows from {min(deviations):.2f} to {max(deviations):.2f} points"
    return OurResult(ours, n=" to ".join(dict.fromkeys(str(size) for size in sorted({len(row) for row in rows}))))


@CHECKS.check
def last_layer_unaffected(evidence: Evidence, claim: Claim) -> OurResult:
    """The output layers of every two combinations are alike."""
    samples = Samples.of(evidence)
    pairs = (
        pair
        for dataset in claim.datasets
        for pair in itertools.combinations((samples.spikes(dataset, row, LAYERS[-1]) for row in COMBINATIONS), 2)
    )
    return alike(pairs, significance=_level(evidence), margin=_margin(evidence))


@CHECKS.check
def more_spikes_on_fashion_mnist(evidence: Evidence, claim: Claim) -> OurResult:
    """In every combination and layer."""
    samples = Samples.of(evidence)
    pairs = (
        (samples.spikes("mnist", row, layer), samples.spikes("fashion_mnist", row, layer))
        for row in COMBINATIONS
        for layer in LAYERS
    )
    return _lower(evidence, pairs, "{} of {} layer means are higher on Fashion-MNIST")


def _lower(evidence: Evidence, pairs: Iterable[Pair], text: str) -> OurResult:
    return lower(pairs, significance=_level(evidence), text=text, margin=_margin(evidence))


@CHECKS.check
def lower_mean_needs_fewest_spikes(evidence: Evidence, claim: Claim) -> OurResult:
    """The lowest mean weight takes significantly fewer spikes per image than each higher one."""
    samples, (dataset,) = Samples.of(evidence), claim.datasets
    low, *higher = (samples.spikes_per_image(dataset, mean) for mean in MEANS)
    result = _lower(evidence, ((low, other) for other in higher), "the first is lower than {} of {} others")
    means = ", ".join(f"{sample.mean():.4g}" for sample in (low, *higher) if len(sample))
    ours = f"{means} spikes per image from the lowest mean weight upwards; {result.ours}"
    return replace(result, ours=ours) if result.ours else result


@CHECKS.check
def beta_has_no_effect(evidence: Evidence, claim: Claim) -> OurResult:
    """The spikes of every layer are alike at every two ranges of decay rates."""
    measures = tuple(f"layer {layer}" for layer in LAYERS)
    return _no_effect(evidence, claim, {"beta_range": BETAS}, measures)


@CHECKS.check
def similar_accuracy(evidence: Evidence, claim: Claim) -> OurResult:
    """Accuracies are alike at every two mean weights and at every two ranges of decay rates."""
    return _no_effect(evidence, claim, {"weight_mean": MEANS, "beta_range": BETAS}, ("accuracy",))


def _no_effect(
    evidence: Evidence, claim: Claim, factors: Mapping[str, tuple[Row, ...]], measures: tuple[str, ...]
) -> OurResult:
    """All pairs of levels of each factor, and what the analysis of variance says of it."""
    dataset, level = evidence.conditions.datasets.get(*claim.datasets), _level(evidence)
    asked = [
        (factor, a, b, measure)
        for factor, levels in factors.items()
        for a, b in itertools.combinations(levels, 2)
        for measure in measures
    ]
    tests = [_either_way(evidence, dataset, a, b, measure) for _, a, b, measure in asked]
    result = equivalent(tests, level)
    if not result.ours:
        return result
    unlike = {
        (factor, measure)
        for (factor, *_, measure), test in zip(asked, tests, strict=True)
        if test is None or not test["tost_p"] < level
    }
    effects = evidence.anova
    effects = effects[
        (effects["dataset"] == dataset) & effects["term"].isin(factors) & effects["measure"].isin(measures)
    ]
    found = effects[effects["p_holm"] < level]
    against = [key for key in zip(found["term"], found["measure"], strict=True) if key in unlike]
    note = f"analysis of variance: {len(found)} of {len(effects)} effects significant (Holm)"
    agrees = False if against and result.agrees is None else result.agrees
    return replace(result, agrees=agrees, note="; ".join(part for part in (note, result.note) if part))


def _either_way(evidence: Evidence, dataset: str | None, a: Row, b: Row, measure: str) -> Test | None:
    """The two-sided test of two levels, whichever stands first in the table."""
    for pair in ((a, b), (b, a)):
        if (test := find_test(evidence.statistics, dataset, *pair, measure, "two-sided")) is not None:
            return test
    return None
