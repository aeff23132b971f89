"""By which rules our simulations and trainings agree with the claims of Micheli et al. (2024).

The claims stand in `micheli2024_claims.csv`, and each names its check here. The paper states few numbers and no tests,
so every rule names a tolerance. Conditions are per part: simulations at full size earn verdicts although the trainings
beside them are scaled down.

Untrained networks (figures 2 to 7): "deep" is the mean over the last tenth of the layers, and over the repeats. A
variance is kept where deep it lies within 10 % of one and every repeat still fires in the last layer.

Trained networks (figures 8 to 10) are judged by means over the seeds, of which one decides nothing. "Similar" and "all
perform well" are taken as: all within 5 percentage points of the best. A training that died or diverged counts with the
accuracy it ended with.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from spikeinit.studies.claims import Checks, Claim, OurResult, judged, read_claims
from spikeinit.studies.judging import of_seeds
from spikeinit.studies.propagation.conditions import FINITE_SIZE_LIMIT
from spikeinit.studies.scorecard import Evidence, ScorecardEntry

CHECKS = Checks(__file__)

TOLERANCE = 0.1
ABOUT_FIVE_LAYERS = 7
"""Activity that ends by this layer ended after "approximately 5 layers"."""
APPROXIMATELY = 2.0
"""A variance is approximately kept where deep it differs from layer 1's by at most this factor."""
HALF = 0.5
CARRYING = ("micheli2024", "rossbroich2022")
BASELINES = ("rossbroich2022", "ding2022", "lee2016", "bellec2018", "zenke_vogels2021", "he", "glorot")
SIMILAR_POINTS = 5.0


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """Every claim as a line of the scorecard, in the order of the figures."""
    return judged(read_claims(evidence.published["micheli2024_claims"], CHECKS), CHECKS, evidence)


@CHECKS.check
def kept_at_all_thresholds(evidence: Evidence, claim: Claim) -> OurResult:
    """Kept at every threshold in layers of the main width; the paper shows 1000 neurons as the only width above 600."""
    frame = _of(evidence, "thresholds", "micheli2024")
    deep = {threshold: deep_value(own, "variance_mean") for threshold, own in frame.groupby("threshold")}
    active = {threshold: own.set_index("layer")["active"].iloc[-1] for threshold, own in frame.groupby("threshold")}
    agrees = all(abs(value - 1) <= TOLERANCE for value in deep.values()) and all(
        share == 1 for share in active.values()
    )
    last = frame[frame["layer"] == frame["layer"].max()]
    low, high = last["variance_sd"].min(), last["variance_sd"].max()
    note = f"deviation over the repeats in the last layer {low:.2g} to {high:.2g}"
    return OurResult(f"deep variance {_by_threshold(deep)}", n=_repeats(frame), agrees=agrees, note=note)


@CHECKS.check
def kaiming_dissipates(evidence: Evidence, claim: Claim) -> OurResult:
    """With he: kept at threshold 0 alone, and the lower the higher the threshold."""
    frame = _of(evidence, "thresholds", "he")
    deep = {threshold: deep_value(own, "variance_mean") for threshold, own in frame.groupby("threshold")}
    values = [deep[threshold] for threshold in sorted(deep)]
    falls = all(later <= earlier for earlier, later in pairwise(values))
    only_zero = abs(deep.get(0.0, np.nan) - 1) <= TOLERANCE and all(
        value < 1 - TOLERANCE for threshold, value in deep.items() if threshold > 0
    )
    return OurResult(f"deep variance {_by_threshold(deep)}", n=_repeats(frame), agrees=bool(falls and only_zero))


@CHECKS.check
def others_die(evidence: Evidence, claim: Claim) -> OurResult:
    """Published baselines but rossbroich2022 stop firing (in most repeats) by layer 7, and that one does not."""
    survival = evidence.tables["survival"]
    own = survival[survival["label"] == "initializers"].set_index("initializer")
    last, depth = own["last_active_layer"], own["depth"].max()
    published = [name for name in BASELINES if name in last.index]
    if "rossbroich2022" not in published or len(published) < 2:
        return OurResult(note="rossbroich2022 and another baseline are needed")
    dying = [name for name in published if name != "rossbroich2022"]
    agrees = all(last[name] <= ABOUT_FIVE_LAYERS for name in dying) and last["rossbroich2022"] == depth
    ours = "last layer that fires: " + ", ".join(f"{name} {last[name]:.0f}" for name in published)
    return OurResult(ours, n=f"{own['repeats'].max():.0f}", agrees=bool(agrees))


@CHECKS.check
def finite_size_100(evidence: Evidence, claim: Claim) -> OurResult:
    """With 100 neurons deep spikes fall below half of the predicted ones above threshold 0.85, and not up to there."""
    share, repeats = _kept_share(evidence, 100)
    if not share:
        return OurResult(note="no layers of 100 neurons")
    agrees = all((value < HALF) == (threshold > FINITE_SIZE_LIMIT) for threshold, value in share.items())
    return OurResult(f"share of spikes kept {_by_threshold(share)}", n=repeats, agrees=agrees)


@CHECKS.check
def finite_size_600(evidence: Evidence, claim: Claim) -> OurResult:
    """With 600 neurons the loss is smaller than with 100 at every threshold above 0.85, and largest at 1."""
    wide, repeats = _kept_share(evidence, 600)
    narrow, _repeats_narrow = _kept_share(evidence, 100)
    if not wide or not narrow:
        return OurResult(note="layers of 100 and 600 neurons are needed")
    high = [threshold for threshold in wide if threshold > FINITE_SIZE_LIMIT]
    smaller = all(wide[threshold] > narrow[threshold] for threshold in high)
    at_one = wide.get(1.0, np.nan) <= min(wide.values())
    return OurResult(f"share of spikes kept {_by_threshold(wide)}", n=repeats, agrees=bool(smaller and at_one))


def _kept_share(evidence: Evidence, width: int) -> tuple[dict[float, float], str]:
    """Deep spikes as a share of the predicted ones, by threshold."""
    frame = _of(evidence, "finite_size", "micheli2024")
    frame = frame[frame["width"] == width]
    share = {
        threshold: deep_value(own, "spikes_mean") / deep_value(own, "predicted_spikes")
        for threshold, own in frame.groupby("threshold")
    }
    return share, _repeats(frame) if share else ""


@CHECKS.check
def conserved_over_time(evidence: Evidence, claim: Claim) -> OurResult:
    """The deep variance lies within a factor of two of layer 1's."""
    frame = _of(evidence, "time_steps", "micheli2024")
    if frame.empty:
        return OurResult(note="the proposed initialisation is needed")
    first, deep = _first_and_deep(frame, "variance_mean")
    kept = 1 / APPROXIMATELY <= deep / first <= APPROXIMATELY
    note = "" if kept else f"not kept within a factor of {APPROXIMATELY:g}"
    clamped = _of(evidence, "clamped_input", "micheli2024")
    if len(clamped):
        start, end = _first_and_deep(clamped, "variance_mean")
        note = "; ".join(filter(None, [note, f"input as the potential itself: variance {start:.3g} to {end:.3g}"]))
    return OurResult(f"variance {first:.3g} in layer 1, {deep:.3g} deep", n=_repeats(frame), agrees=kept, note=note)


@CHECKS.check
def spikes_fall_slowly(evidence: Evidence, claim: Claim) -> OurResult:
    """Deep spikes are fewer than in layer 1, and do not end."""
    frame = _of(evidence, "time_steps", "micheli2024")
    if frame.empty:
        return OurResult(note="the proposed initialisation is needed")
    first, deep = _first_and_deep(frame, "spikes_mean")
    return OurResult(f"spikes {first:.3g} to {deep:.3g}", n=_repeats(frame), agrees=bool(0 < deep < first))


@CHECKS.check
def kaiming_dies_over_time(evidence: Evidence, claim: Claim) -> OurResult:
    """Kaiming's last layer that fires is the seventh or an earlier one."""
    survival = evidence.tables["survival"]
    own = survival[(survival["label"] == "time_steps") & (survival["initializer"] == "he")]
    if own.empty:
        return OurResult(note="Kaiming is needed")
    last = int(own["last_active_layer"].iloc[0])
    return OurResult(f"fires up to layer {last}", n=f"{own['repeats'].max():.0f}", agrees=last <= ABOUT_FIVE_LAYERS)


@CHECKS.check
def high_decay(evidence: Evidence, claim: Claim) -> OurResult:
    """Negative skewness and positive excess kurtosis deep, and a variance that spreads more over layers and steps.

    The spread is relative to the mean variance, since the variance itself is many times as large at the high decay.
    """
    frame, reference = _of(evidence, "high_decay", "micheli2024"), _of(evidence, "time_steps", "micheli2024")
    if frame.empty or reference.empty:
        return OurResult(note="the proposed initialisation is needed at both decays")
    skewness, kurtosis = deep_value(frame, "skewness_mean"), deep_value(frame, "excess_kurtosis_mean")
    steps = evidence.tables["signals_over_steps"]
    own = steps[steps["label"] == "high_decay"]["variance_mean"]
    other = steps[(steps["label"] == "time_steps") & (steps["initializer"] == "micheli2024")]["variance_mean"]
    spread, usual = own.std() / own.mean(), other.std() / other.mean()
    first, deep = _first_and_deep(frame, "variance_mean")
    ours = f"skewness {skewness:.2g}, excess kurtosis {kurtosis:.2g}; variance {first:.3g} in layer 1, {deep:.3g} deep"
    note = (
        f"deviation of the variance over layers and steps, relative to its mean: {spread:.2f};"
        f" at decay {reference['decay'].iloc[0]:g}: {usual:.2f}"
    )
    agrees = skewness < 0 < kurtosis and spread > usual
    return OurResult(ours, n=_repeats(frame), agrees=bool(agrees), note=note)


def _of(evidence: Evidence, label: str, initializer: str) -> pd.DataFrame:
    frame = evidence.tables["signals"]
    return frame[(frame["label"] == label) & (frame["initializer"] == initializer)]


def deep_value(frame: pd.DataFrame, column: str) -> float:
    """Mean of a column over the last tenth of the layers."""
    depth = frame["layer"].max()
    return float(frame.loc[frame["layer"] > 0.9 * depth, column].mean())


def _first_and_deep(frame: pd.DataFrame, column: str) -> tuple[float, float]:
    return float(frame.loc[frame["layer"] == 1, column].iloc[0]), deep_value(frame, column)


def _by_threshold(values: dict[float, float]) -> str:
    return ", ".join(f"{values[threshold]:.2g} (θ {threshold:g})" for threshold in sorted(values))


def _repeats(frame: pd.DataFrame) -> str:
    return f"{frame['repeats'].max():.0f}"


@CHECKS.check_on_datasets
def only_two_train_above_90(evidence: Evidence, claim: Claim, dataset: str) -> OurResult:
    """Training accuracy above 90 % for the proposed and for rossbroich2022, and for no other."""
    return _only_two_exceed(evidence, claim, "train_accuracy_mean", {dataset: 90.0})


@CHECKS.check_on_datasets
def only_two_train_above_70(evidence: Evidence, claim: Claim, dataset: str) -> OurResult:
    """The same at 70 %, and the proposed initialisation is not below rossbroich2022."""
    result = _only_two_exceed(evidence, claim, "train_accuracy_mean", {dataset: 70.0})
    if result.agrees is None:
        return result
    means = _means(evidence, claim, dataset, "train_accuracy_mean")
    return replace(result, agrees=bool(result.agrees and means["micheli2024"] >= means["rossbroich2022"]))


@CHECKS.check_on_datasets
def only_two_test_above(evidence: Evidence, claim: Claim, mnist: str, fashion_mnist: str) -> OurResult:
    """Test accuracy above 90 % (MNIST) and 68 % (Fashion-MNIST) for those two alone."""
    return _only_two_exceed(evidence, claim, "test_accuracy_mean", {mnist: 90.0, fashion_mnist: 68.0})


def _only_two_exceed(evidence: Evidence, claim: Claim, measure: str, levels: dict[str, float]) -> OurResult:
    texts, agrees = [], True
    for dataset, level in levels.items():
        means = _means(evidence, claim, dataset, measure)
        if not set(CARRYING) < set(means.index):
            return OurResult(note=f"{' and '.join(CARRYING)} and another initialiser are needed")
        agrees &= all((mean > level) == (name in CARRYING) for name, mean in means.items())
        texts.append(_listed(means))
    result = OurResult("; ".join(texts), n=_seeds(evidence, claim, *levels), agrees=bool(agrees))
    return of_seeds(result, _fewest(evidence, claim, *levels))


@CHECKS.check_on_datasets
def all_similar(evidence: Evidence, claim: Claim, dataset: str) -> OurResult:
    """Training and test accuracies of all within 5 points of the best."""
    agrees, texts = True, []
    for measure in ("train_accuracy_mean", "test_accuracy_mean"):
        means = _means(evidence, claim, dataset, measure)
        agrees &= means.max() - means.min() <= SIMILAR_POINTS
        texts.append(f"{measure.partition('_')[0]} {means.min():.1f} to {means.max():.1f} %")
    result = OurResult(", ".join(texts), n=_seeds(evidence, claim, dataset), agrees=bool(agrees))
    return of_seeds(result, _fewest(evidence, claim, dataset))


@CHECKS.check_on_datasets
def proposed_is_best(evidence: Evidence, claim: Claim, dataset: str) -> OurResult:
    """The proposed initialisation has the highest training and test accuracy."""
    best = [_means(evidence, claim, dataset, f"{kind}_accuracy_mean") for kind in ("train", "test")]
    agrees = all(means.idxmax() == "micheli2024" for means in best)
    result = OurResult(_listed(best[1]), n=_seeds(evidence, claim, dataset), agrees=agrees)
    return of_seeds(result, _fewest(evidence, claim, dataset))


@CHECKS.check_on_datasets
def robust(evidence: Evidence, claim: Claim, dataset: str) -> OurResult:
    """At no value is the proposed one below Kaiming, and over the values of each sweep it spreads less."""
    frame = evidence.tables["robustness"]
    frame = frame[frame["dataset"] == dataset]
    wide = frame.pivot_table(index=["parameter", "value"], columns="initializer", values="train_accuracy_mean")
    if wide.empty or not {"micheli2024", "he"} <= set(wide.columns):
        return OurResult(note="the proposed initialisation and Kaiming are needed")
    better = wide["micheli2024"] >= wide["he"]
    groups = wide.groupby("parameter")
    spread = (groups.max() - groups.min())[["micheli2024", "he"]]
    agrees = bool(better.all() and (spread["micheli2024"] < spread["he"]).all())
    ours = ", ".join(f"{name}: {row['micheli2024']:.1f} against {row['he']:.1f}" for name, row in spread.iterrows())
    note = f"better than Kaiming at {better.sum()} of {len(better)} values"
    result = OurResult(f"range of training accuracy over {ours}", n=str(frame["runs"].max()), agrees=agrees, note=note)
    return of_seeds(result, frame["runs"].min())


def _means(evidence: Evidence, claim: Claim, dataset: str, measure: str) -> pd.Series:
    """By initialiser, for the network that is the claim's part of the study."""
    frame = evidence.tables["accuracy"]
    own = frame[(frame["network"] == claim.part) & (frame["dataset"] == dataset)]
    return own.set_index("initializer")[measure]


def _seeds(evidence: Evidence, claim: Claim, *datasets: str) -> str:
    frame = evidence.tables["accuracy"]
    own = frame[(frame["network"] == claim.part) & frame["dataset"].isin(datasets)]
    return ", ".join(sorted({str(count) for count in own["runs"]}))


def _fewest(evidence: Evidence, claim: Claim, *datasets: str) -> int:
    """How many seeds the training with the fewest has."""
    frame = evidence.tables["accuracy"]
    return int(frame.loc[(frame["network"] == claim.part) & frame["dataset"].isin(datasets), "runs"].min())


def _listed(means: pd.Series) -> str:
    return ", ".join(f"{name} {mean:.1f}" for name, mean in means.items()) + " %"
