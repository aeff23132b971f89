"""By which rules our runs agree with the sentences of Bojković et al. (2024), which stand in `bojkovic2024_claims.csv`.

A sentence that calls one method more accurate agrees when every pair of our runs supports it beyond chance, and
disagrees when one contradicts it. Sentences compare runs with one another, so smaller runs can point in their
direction.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from spikeinit.statistics.corrections import corrected
from spikeinit.studies.claims import Check, Checks, Claim, OurResult, judged, read_claims, rows_of
from spikeinit.studies.contrasts import decided, of_seeds
from spikeinit.studies.conversion.audit import AROUND, LOSS, contradicted
from spikeinit.studies.conversion.cells import TABLES
from spikeinit.studies.judging import Margin, all_hold, beside_printed_run
from spikeinit.studies.scorecard import Evidence, ScorecardEntry

CHECKS = Checks(__file__)

FEW_STEPS = 8
FEW_EPOCHS = 0.2
"""Share of the epochs at the smallest T that counts as a few of them: 10 of 50."""
SMALLEST = 1e-9
"""Points below which two accuracies without a sampling error (0 or 100 %) are the same."""
RANKS = 1e-3
"""Fraction of the activations to which a relation between ranks is checked."""
CLOSE = 2.0
"""Percentage points within which accuracies are "comparable"."""


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """Every claim of the paper as a line of the scorecard: sentences first, then the printed cells by table.

    Sentences that the paper's own tables contradict are marked with what `audit` finds in them.
    """
    marked = contradicted(evidence.published)
    claims = [
        replace(claim, contradicted=marked.get(claim.id, ""))
        for claim in read_claims(evidence.published["bojkovic2024_claims"], CHECKS)
    ]
    cells = [entry for table in TABLES for entry in table.judged(evidence)]
    return [*judged(claims, CHECKS, evidence), *cells]


def _more_accurate(first: str, second: str, most_steps: int) -> Check:
    """Whether `first` is more accurate than `second` in every pair of up to so many steps.

    A pair speaks for or against it where the two differ by more than two accuracies on so many images do by chance,
    after Holm's correction for the number of pairs. One network alone decides nothing.
    """

    def check(evidence: Evidence, claim: Claim) -> OurResult:
        frame = rows_of(evidence, claim, "accuracy_by_timesteps")
        frame = frame[frame["timesteps"] <= most_steps]
        pairs = _beside(frame, first, second, "accuracy")
        if pairs.empty:
            return OurResult()
        difference = (pairs["accuracy_1"] - pairs["accuracy_2"]).to_numpy()
        chance = _sampling_error(pairs["accuracy_1"], pairs["accuracy_2"], frame["images"].min()).to_numpy()
        shown = corrected(norm.sf(np.abs(difference) / np.maximum(chance, SMALLEST)) * 2) < 1 - evidence.confidence
        better, worse = int((shown & (difference > 0)).sum()), int((shown & (difference < 0)).sum())
        result = OurResult(
            f"better in {better}, worse in {worse} of {len(pairs)}",
            n=f"{len(pairs)} of {_networks(pairs)} networks",
            agrees=decided(better == len(pairs), worse > 0),
            note=f"mean difference {difference.mean():+.2f}, from {difference.min():+.2f} to {difference.max():+.2f}"
            " points",
        )
        return of_seeds(result, _networks(pairs))

    return check


CHECKS.add("optimal_above_maximum", _more_accurate("optimal", "max", FEW_STEPS))
CHECKS.add("optimal_above_maximum_half", _more_accurate("optimal", "max_half", FEW_STEPS))
CHECKS.add("optimal_above_percentile_half", _more_accurate("optimal", "percentile_half", FEW_STEPS))
CHECKS.add("optimal_above_percentile", _more_accurate("optimal", "percentile", FEW_STEPS))
CHECKS.add("optimal_above_opt", _more_accurate("optimal", "opt_clipped", 2 * FEW_STEPS))
CHECKS.add("signed_optimal_above_signed", _more_accurate("snm_optimal", "snm_neuron", FEW_STEPS))
CHECKS.add("signed_optimal_above_signed_layers", _more_accurate("snm_optimal", "snm", FEW_STEPS))
CHECKS.add("signed_above_unsigned", _more_accurate("snm_optimal", "optimal", FEW_STEPS))
CHECKS.add("channels_above_layers", _more_accurate("optimal_channel", "optimal", FEW_STEPS))


@CHECKS.check
def comparable_to_opt(evidence: Evidence, claim: Claim) -> OurResult:
    """At the largest T the two are less than two points apart."""
    frame = rows_of(evidence, claim, "accuracy_by_timesteps")
    return _close(frame[frame["timesteps"] == frame["timesteps"].max()], "optimal", "opt_clipped")


@CHECKS.check
def identical_to_qcfs(evidence: Evidence, claim: Claim) -> OurResult:
    """At every T above 1 the two are less than two points apart."""
    frame = rows_of(evidence, claim, "accuracy_by_timesteps")
    return _close(frame[frame["timesteps"] > 1], "optimal", "qcfs")


def _close(frame: pd.DataFrame, first: str, second: str) -> OurResult:
    pairs = _beside(frame, first, second, "accuracy")
    if pairs.empty:
        return OurResult()
    difference = pairs["accuracy_1"] - pairs["accuracy_2"]
    largest = difference[difference.abs().idxmax()]
    text = (
        f"largest difference {largest:+.2f} points; {(difference.abs() < CLOSE).sum()} of {len(pairs)} below {CLOSE:g}"
    )
    result = OurResult(text, n=str(len(pairs)), agrees=bool(abs(largest) < CLOSE))
    return of_seeds(result, _networks(pairs))


def _networks(frame: pd.DataFrame) -> int:
    """How many trained networks some rows are about."""
    return len(frame[["dataset", "network"]].drop_duplicates())


def _beside(frame: pd.DataFrame, first: str, second: str, value: str) -> pd.DataFrame:
    """Our values for two methods, beside one another."""
    keys = [key for key in ("dataset", "network", "timesteps", "layer") if key in frame]
    one = frame[frame["method"] == first][[*keys, value]]
    two = frame[frame["method"] == second][[*keys, value]]
    return one.merge(two, on=keys, suffixes=("_1", "_2"))


def _sampling_error(one: pd.Series, two: pd.Series, images: int) -> pd.Series:
    """Standard deviation of the difference of two accuracies in per cent that were counted on so many images each."""
    return ((one * (100 - one) + two * (100 - two)) / images) ** 0.5


@CHECKS.check
def smaller_layer_error(evidence: Evidence, claim: Claim) -> OurResult:
    """The error is smaller with optimal thresholds than with maximum ones in every layer, for T up to 8."""
    error = rows_of(evidence, claim, "layer_error")
    pairs = _beside(error[error["timesteps"] <= FEW_STEPS], "optimal", "max", "error")
    result = all_hold(pairs["error_1"] < pairs["error_2"], "smaller in {} of {} layers and T")
    return of_seeds(result, _networks(pairs))


@CHECKS.check
def median_relation(evidence: Evidence, claim: Claim) -> OurResult:
    """The relation holds in every layer at T = 1, to a thousandth of the activations; with C_2 nothing is claimed."""
    found = rows_of(evidence, claim, "optima")
    found = found[(found["timesteps"] == 1) & (found["norm"] == 1)]
    if found.empty:
        return OurResult()
    largest = float(found["median_relation"].abs().max())
    text = f"largest deviation {100 * largest:.2g} % of the activations"
    return OurResult(text, n=str(len(found)), agrees=largest <= RANKS)


@CHECKS.check
def relations_leave_several(evidence: Evidence, claim: Claim) -> OurResult:
    """In some layer more than one threshold fulfils both relations; if in none, nothing is decided."""
    found = rows_of(evidence, claim, "optima")
    found = found[found["solutions"].notna()]
    if found.empty:
        return OurResult()
    several = int((found["solutions"] > 1).sum())
    note = (
        f"at most 1 % above the least error: thresholds of {found['alike_low'].min():.2f} to "
        f"{found['alike_high'].max():.2f} times the best, in separate ranges in {(found['minima'] > 1).sum()}"
    )
    text = f"several in {several} of {len(found)} layers"
    return OurResult(text, n=str(len(found)), agrees=True if several else None, note=note)


@CHECKS.check
def within_algorithm_2(evidence: Evidence, claim: Claim) -> OurResult:
    """The best sample of every layer and T above 1 is one that Algorithm 2 tries."""
    found = rows_of(evidence, claim, "optima")
    excess = found[found["timesteps"] > 1]["algorithm2_excess"].dropna()
    result = all_hold(excess == 0, "inside in {} of {} layers and T")
    return replace(result, note=f"error at most {excess.max():.1%} above the least") if len(excess) else result


@CHECKS.check
def no_run_compares(evidence: Evidence, claim: Claim) -> OurResult:
    """The paper's own numbers decide; others' networks are not run here."""
    return OurResult()


@CHECKS.check
def accuracy_before_calibration(evidence: Evidence, claim: Claim) -> OurResult:
    """Accuracy of the converted networks before the first epoch at the smallest T."""
    return _beside_text(evidence, claim, 0)


@CHECKS.check
def accuracy_after_few_epochs(evidence: Evidence, claim: Claim) -> OurResult:
    """The best accuracy within a fifth of the epochs at the smallest T."""
    return _beside_text(evidence, claim, FEW_EPOCHS)


def _beside_text(evidence: Evidence, claim: Claim, share: float) -> OurResult:
    """Our calibrations with optimal thresholds beside an accuracy that the text prints as a whole number."""
    curves = rows_of(evidence, claim, "calibration_curves")
    first = curves[(curves["timesteps"] == curves["timesteps"].min()) & (curves["method"] == "optimal")]
    within = first["epoch"] <= share * first.groupby(["dataset", "network"])["epoch"].transform("max")
    reached = first[within].groupby(["dataset", "network"])["test_accuracy"].max()
    margin = Margin(evidence.tables.spec["margins"]["accuracy"], rounding=0.5)
    return beside_printed_run(reached, float(claim.printed), margin, evidence.confidence)


@CHECKS.check
def loss_of_two_to_three_points(evidence: Evidence, claim: Claim) -> OurResult:
    """Every calibrated network lies at most three and a half points below its analogue network."""
    table = rows_of(evidence, claim, "calibrated")
    table = table[table["method"] == "optimal"]
    lost = table["ann_accuracy"] - table["accuracy"]
    if lost.empty:
        return OurResult()
    ours = f"{lost.min():.1f} to {lost.max():.1f} points"
    result = OurResult(ours, n=str(_networks(table)), agrees=bool(lost.max() <= LOSS[1] + AROUND))
    return of_seeds(result, _networks(table))


@CHECKS.check
def calibrates_faster(evidence: Evidence, claim: Claim) -> OurResult:
    """In each network, at the smallest T, ours reach in a fifth of the epochs what the others reach in none."""
    curves = rows_of(evidence, claim, "calibration_curves")
    first = curves[curves["timesteps"] == curves["timesteps"].min()]
    verdicts, texts = [], []
    for _, group in first.groupby(["dataset", "network"]):
        if set(group["method"]) >= {"optimal", "max"}:
            ours, other = (group[group["method"] == method] for method in ("optimal", "max"))
            reached = ours[ours["epoch"] <= max(1, FEW_EPOCHS * ours["epoch"].max())]["test_accuracy"].max()
            verdicts.append(bool(other["test_accuracy"].max() < reached))
            texts.append(f"{reached:.1f}% against {other['test_accuracy'].max():.1f}%")
    if not texts:
        return OurResult()
    return of_seeds(OurResult("; ".join(texts), n=str(len(texts)), agrees=all(verdicts)), len(texts))


@CHECKS.check
def orders_of_magnitude_less_energy(evidence: Evidence, claim: Claim) -> OurResult:
    """At T = 1 every calibrated network takes less than a hundredth of the analogue network's energy."""
    energy = rows_of(evidence, claim, "energy")
    found = energy[(energy["stage"] == "calibration") & (energy["timesteps"] == 1)]
    if found.empty or "ann_energy_qiao2015" not in found:
        return OurResult()
    ratio = (found["ann_energy_qiao2015"] / found["energy_of_spikes_qiao2015"]).to_numpy()
    note = "synaptic operations alone, without the first layer's multiply-accumulates"
    return OurResult(repr(float(ratio.min())), n=str(len(ratio)), agrees=bool(ratio.min() > 100), note=note)
