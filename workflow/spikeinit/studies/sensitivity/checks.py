"""By which rules our sweeps agree with the statements of Peat (2024), and the printed operation counts.

The report has one seed and no numbers but the operations. Each statement of `peat2024_claims.csv` is turned into
contrasts, numbers that are above zero where the statement holds, computed for every seed by itself. The same seed
starts every point of a sweep, so points are compared in pairs (`judging.above_zero`). "Early" is the first fifth of the
epochs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spikeinit.studies.claims import Checks, Claim, OurResult, PrintedTable, Row, judged, read_claims
from spikeinit.studies.judging import Contrast, above_zero
from spikeinit.studies.scorecard import Evidence, ScorecardEntry
from spikeinit.studies.sensitivity.sweep_measures import Sweep, rank_correlation

CHECKS = Checks(__file__)

ABOUT_THREE = (2.0, 4.0)
"""Percentage points that count as "about 3"."""
STRONGLY = 2.0
"""Training time "grows strongly" where the longest run takes so many times as long as T = 10."""


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """The ten claims in the report's order, then its operation counts."""
    claims = read_claims(evidence.published["peat2024_claims"], CHECKS)
    return [*judged(claims, CHECKS, evidence), *OPERATIONS.judged(evidence)]


@CHECKS.check
def beta_early(evidence: Evidence, claim: Claim) -> OurResult:
    """Early in training the loss falls and the accuracy rises with beta."""
    sweep = Sweep(evidence, "beta", "neuron.decay")
    if len(sweep.values) < 2:
        return OurResult()
    loss, accuracy = sweep.early("train_loss"), sweep.early("test_accuracy")
    return above_zero(
        evidence.confidence,
        Contrast("early training loss falls with beta (-rank correlation)", -rank_correlation(sweep.values, loss)),
        Contrast("early accuracy rises with beta (rank correlation)", rank_correlation(sweep.values, accuracy)),
    )


@CHECKS.check
def beta_catch_up(evidence: Evidence, claim: Claim) -> OurResult:
    """From early in training to its end the lead of the higher half of the betas shrinks."""
    sweep = Sweep(evidence, "beta", "neuron.decay")
    half = len(sweep.values) // 2
    if not half:
        return OurResult()

    def lead(measured: np.ndarray) -> np.ndarray:
        return measured[:, -half:].mean(1) - measured[:, :half].mean(1)

    shrinks = lead(sweep.early("test_accuracy")) - lead(sweep.final("test_accuracy"))
    return above_zero(evidence.confidence, Contrast("lead of the higher half of beta shrinks by", shrinks, "points"))


@CHECKS.check
def beta_near_one(evidence: Evidence, claim: Claim) -> OurResult:
    """The last step of beta gains less than the steps before it."""
    sweep = Sweep(evidence, "beta", "neuron.decay")
    if len(sweep.values) < 3:
        return OurResult()
    gains = np.diff(sweep.final("test_accuracy"), axis=1)
    text = f"the step to {sweep.values[-1]:g} gains less than the mean step before, by"
    return above_zero(evidence.confidence, Contrast(text, gains[:, :-1].mean(1) - gains[:, -1], "points"))


@CHECKS.check
def timesteps(evidence: Evidence, claim: Claim) -> OurResult:
    """After training the loss falls and the accuracy rises with T."""
    sweep = Sweep(evidence, "timesteps", "encoding.timesteps")
    if len(sweep.values) < 2:
        return OurResult()
    loss, accuracy = sweep.final("train_loss"), sweep.final("test_accuracy")
    return above_zero(
        evidence.confidence,
        Contrast("training loss falls with T (-rank correlation)", -rank_correlation(sweep.values, loss)),
        Contrast("accuracy rises with T (rank correlation)", rank_correlation(sweep.values, accuracy)),
    )


@CHECKS.check
def surrogate_scale(evidence: Evidence, claim: Claim) -> OurResult:
    """The middle z is above both ends, and at the largest the training loss is rougher."""
    sweep = Sweep(evidence, "slope", "neuron.slope")
    if len(sweep.values) < 3:
        return OurResult()
    accuracy, rises = sweep.final("test_accuracy"), sweep.roughness("train_loss")
    middle = len(sweep.values) // 2
    z = [f"{value:g}" for value in sweep.values]
    return above_zero(
        evidence.confidence,
        Contrast(f"z = {z[middle]} above {z[0]} by", accuracy[:, middle] - accuracy[:, 0], "points"),
        Contrast(f"z = {z[middle]} above {z[-1]} by", accuracy[:, middle] - accuracy[:, -1], "points"),
        Contrast(
            f"training loss rises more between epochs at {z[-1]} than {z[middle]}", rises[:, -1] - rises[:, middle]
        ),
    )


@CHECKS.check
def threshold_low(evidence: Evidence, claim: Claim) -> OurResult:
    """0.5 is below every other threshold."""
    sweep = Sweep(evidence, "threshold", "neuron.threshold")
    lowest = sweep.at(0.5)
    if lowest is None or len(sweep.values) < 2:
        return OurResult()
    accuracy = sweep.final("test_accuracy")
    others = np.delete(accuracy, lowest, axis=1)
    contrast = Contrast("0.5 below the worst of the others by", others.min(1) - accuracy[:, lowest], "points")
    return above_zero(evidence.confidence, contrast)


@CHECKS.check
def threshold_rises(evidence: Evidence, claim: Claim) -> OurResult:
    """Accuracy, training loss and test loss rise with the threshold."""
    sweep = Sweep(evidence, "threshold", "neuron.threshold")
    if len(sweep.values) < 2:
        return OurResult()
    return above_zero(
        evidence.confidence,
        *(
            Contrast(f"{text} (rank correlation)", rank_correlation(sweep.values, sweep.final(measure)))
            for text, measure in (
                ("accuracy rises with the threshold", "test_accuracy"),
                ("training loss rises", "train_loss"),
                ("test loss rises", "test_loss"),
            )
        ),
    )


@CHECKS.check
def encoding_order(evidence: Evidence, claim: Claim) -> OurResult:
    """Bernoulli is above static spikes, and these are above the repeated image."""
    sweep = Sweep(evidence, "encoding", "encoding.name")
    places = [sweep.at(name) for name in ("constant", "static_spikes", "rate")]
    if None in places:
        return OurResult()
    constant, static, rate = sweep.final("test_accuracy")[:, places].T
    return above_zero(
        evidence.confidence,
        Contrast("Bernoulli above static spikes by", rate - static, "points"),
        Contrast("static spikes above the repeated image by", static - constant, "points"),
    )


@CHECKS.check
def ce_over_mse(evidence: Evidence, claim: Claim) -> OurResult:
    """Cross-entropy is above MSE, by about three points, and early on."""
    sweep = Sweep(evidence, "loss", "training.loss")
    places = [sweep.at(name) for name in ("mean_squared_error mean", "cross_entropy sum")]
    if None in places:
        return OurResult()
    squared, entropy = sweep.final("test_accuracy")[:, places].T
    early_squared, early_entropy = sweep.early("test_accuracy")[:, places].T
    result = above_zero(
        evidence.confidence,
        Contrast("cross-entropy above MSE by", entropy - squared, "points"),
        Contrast("early on by", early_entropy - early_squared, "points"),
    )
    about_three = ABOUT_THREE[0] <= (entropy - squared).mean() <= ABOUT_THREE[1]
    return replace(result, agrees=bool(about_three)) if result.agrees else result


@CHECKS.check
def runtime(evidence: Evidence, claim: Claim) -> OurResult:
    """The longest run takes more than twice as long as T = 10."""
    frame = evidence.tables["training_time_measured"]
    runs = evidence.tables["by_seed"]
    member = runs[(runs["sweep"] == "timesteps") & (runs["dataset"] == evidence.conditions.datasets["mnist"])]["run"]
    own = frame[frame["run"].isin(member)]
    if "encoding.timesteps" not in own or own.empty:
        return OurResult()
    table = own.pivot_table(index="seed", columns="encoding.timesteps", values="seconds_per_epoch").dropna()
    if 10 not in table or table.columns.max() <= 10:
        return OurResult()
    longest = table.columns.max()
    ratio = (table[longest] / table[10]).to_numpy()
    text = f"T = {longest} takes {ratio.mean():.2g} times as long as T = 10; more than {STRONGLY:g}, by"
    return above_zero(evidence.confidence, Contrast(text, ratio - STRONGLY))


def _operations_claim(row: Row) -> Claim:
    quantity = row["quantity"]
    text = f"floating-point operations, {quantity.replace('_', ' ')}"
    return Claim(f"flops:{quantity}", "Sec. 9", text, f"{row['flops']:,.0f}")


def _operations(evidence: Evidence, row: Row) -> list[float]:
    ours = evidence.tables["published_flops"].set_index("quantity")["flops"]
    return [float(ours[row["quantity"]])]


def _equal(ours: list[float], row: Row, evidence: Evidence, cells: int) -> OurResult:
    (value,) = ours
    return OurResult(f"{value:,.0f}", n="exact", agrees=value == row["flops"])


OPERATIONS = PrintedTable("peat2024_flops", _operations_claim, _operations, _equal, needs_runs=False)
"""The printed operation counts beside the formulas; arithmetic alone, so that every scale may be judged."""
