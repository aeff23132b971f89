"""By which rules untrained networks agree with the claims of figures 2 to 7.

Every rule is about means over the repeats, each a network with an input of its own, or about shares of them. "Deep" is
the mean over the last tenth of the layers. Values of two settings are compared network by network, since repeats with
the same number share their random numbers.

A variance is kept where deep it lies within 10 % of one, and at least 19 of 20 networks still fire in the last layer:
the paper shows 20 networks. Activity ends or goes on where it does so in more than half of the networks.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from spikeinit.studies.claims import Checks, Claim, OurResult
from spikeinit.studies.contrasts import Within, all_within, with_interval
from spikeinit.studies.propagation.conditions import FINITE_SIZE_LIMIT
from spikeinit.studies.scorecard import Evidence

CHECKS = Checks(__file__)

TOLERANCE = 0.1
ALIVE = 0.95
"""The share of networks that must fire in their last layer."""
ABOUT_FIVE_LAYERS = 7
"""Activity that ends by this layer ended after "approximately 5 layers"."""
APPROXIMATELY = 2.0
"""A variance is approximately kept where deep it differs from layer 1's by at most this factor."""
HALF = 0.5
GONE = 1e-6
"""A variance that has fallen by more is gone."""
NARROW, WIDE = 100, 600
BASELINES = ("rossbroich2022", "ding2022", "lee2016", "bellec2018", "zenke_vogels2021", "he", "glorot")


@CHECKS.check
def kept_at_all_thresholds(evidence: Evidence, claim: Claim) -> OurResult:
    """Kept at every threshold in layers of the main width."""
    return _kept(_of(evidence, "thresholds", "micheli2024"), evidence.confidence)


@CHECKS.check
def kept_just_above_600(evidence: Evidence, claim: Claim) -> OurResult:
    """Kept at every threshold in the narrowest simulated layers of more than 600 neurons."""
    frame = _of(evidence, "finite_size", "micheli2024")
    wider = frame[frame["width"] > WIDE]
    return _kept(wider[wider["width"] == wider["width"].min()], evidence.confidence)


def _kept(frame: pd.DataFrame, confidence: float) -> OurResult:
    if frame.empty:
        return OurResult(note="no layers of such a width")
    deep = _by_threshold(frame, "deep_variance")
    alive = {threshold: _alive(own) for threshold, own in frame.groupby("threshold")}
    needed = [Within(values, 1 - TOLERANCE, 1 + TOLERANCE) for values in deep.values()]
    needed += [Within(values, low=ALIVE) for values in alive.values()]
    least = min(alive, key=lambda threshold: alive[threshold].mean())
    note = f"share that fires in the last layer, least at θ {least:g}: {with_interval(alive[least], confidence, '.3g')}"
    return OurResult(
        f"{frame['width'].iloc[0]} neurons, deep variance {_listed(deep, confidence)}",
        n=_networks(frame),
        agrees=all_within(confidence, needed),
        note=note,
    )


@CHECKS.check
def kaiming_dissipates(evidence: Evidence, claim: Claim) -> OurResult:
    """With he: within 10 % of one at threshold 0 alone, and never higher at a higher threshold."""
    frame = _of(evidence, "thresholds", "he")
    deep = _by_threshold(frame, "deep_variance")
    if 0.0 not in deep or len(deep) < 2:
        return OurResult(note="Kaiming at threshold 0 and above is needed")
    needed = [Within(earlier - later, low=0) for earlier, later in pairwise(deep.values())]
    needed += [
        Within(values, high=1 - TOLERANCE) if threshold > 0 else Within(values, 1 - TOLERANCE, 1 + TOLERANCE)
        for threshold, values in deep.items()
    ]
    ours = f"deep variance {_listed(deep, evidence.confidence)}"
    return OurResult(ours, n=_networks(frame), agrees=all_within(evidence.confidence, needed))


@CHECKS.check
def others_die(evidence: Evidence, claim: Claim) -> OurResult:
    """Published baselines but rossbroich2022 stop firing by layer 7, and that one fires in the last layer."""
    frame = evidence.tables["repeats"]
    frame = frame[frame["label"] == "initializers"]
    last = {name: frame[frame["initializer"] == name] for name in BASELINES if (frame["initializer"] == name).any()}
    if "rossbroich2022" not in last or len(last) < 2:
        return OurResult(note="rossbroich2022 and another baseline are needed")
    needed = [Within(_alive(own) if name == "rossbroich2022" else _ended(own), low=HALF) for name, own in last.items()]
    ours = ", ".join(f"{name} {own['last_active_layer'].median():.0f}" for name, own in last.items())
    return OurResult(
        f"last layer that fires, median: {ours}", n=_networks(frame), agrees=all_within(evidence.confidence, needed)
    )


@CHECKS.check
def finite_size_100(evidence: Evidence, claim: Claim) -> OurResult:
    """With 100 neurons deep spikes fall below half of the predicted ones above threshold 0.85, and not up to there."""
    share, networks = _kept_share(evidence, NARROW)
    if not share:
        return OurResult(note=f"no layers of {NARROW} neurons")
    needed = [
        Within(values, high=HALF) if threshold > FINITE_SIZE_LIMIT else Within(values, low=HALF)
        for threshold, values in share.items()
    ]
    ours = f"share of spikes kept {_listed(share, evidence.confidence)}"
    return OurResult(ours, n=networks, agrees=all_within(evidence.confidence, needed))


@CHECKS.check
def finite_size_600(evidence: Evidence, claim: Claim) -> OurResult:
    """With 600 neurons the loss is smaller than with 100 at every threshold above 0.85, and largest at 1."""
    wide, networks = _kept_share(evidence, WIDE)
    narrow, _ = _kept_share(evidence, NARROW)
    if not narrow or 1.0 not in wide:
        return OurResult(note=f"layers of {NARROW} and {WIDE} neurons are needed, at threshold 1 too")
    differences = [wide[threshold] - narrow[threshold] for threshold in wide if threshold > FINITE_SIZE_LIMIT]
    differences += [values - wide[1.0] for threshold, values in wide.items() if threshold != 1]
    agrees = all_within(evidence.confidence, [Within(values, low=0) for values in differences])
    return OurResult(f"share of spikes kept {_listed(wide, evidence.confidence)}", n=networks, agrees=agrees)


def _kept_share(evidence: Evidence, width: int) -> tuple[dict[float, np.ndarray], str]:
    """Deep spikes of each network as a share of the predicted ones, by threshold."""
    frame = _of(evidence, "finite_size", "micheli2024")
    frame = frame[frame["width"] == width]
    frame = frame.assign(share=frame["deep_spikes"] / frame["predicted_deep_spikes"])
    return _by_threshold(frame, "share"), _networks(frame)


@CHECKS.check
def conserved_over_time(evidence: Evidence, claim: Claim) -> OurResult:
    """The deep variance lies within a factor of two of layer 1's."""
    frame, confidence = _of(evidence, "time_steps", "micheli2024"), evidence.confidence
    if frame.empty:
        return OurResult(note="the proposed initialisation is needed")
    ratio = _ratio(frame)
    first, deep = (with_interval(frame[f"{place}_variance"].to_numpy(), confidence) for place in ("first", "deep"))
    note = f"deep, as a share of layer 1's: {with_interval(ratio, confidence)}"
    clamped = _of(evidence, "clamped_input", "micheli2024")
    if len(clamped):
        note += f"; input as the potential itself: {with_interval(_ratio(clamped), confidence)}"
    agrees = all_within(confidence, [Within(ratio, 1 / APPROXIMATELY, APPROXIMATELY)])
    return OurResult(f"variance {first} in layer 1, {deep} deep", n=_networks(frame), agrees=agrees, note=note)


@CHECKS.check
def whatever_comes_first(evidence: Evidence, claim: Claim) -> OurResult:
    """Judged as `conserved_over_time`, the same is found with the reset after the leak and before it."""
    orders = {
        "after": _of(evidence, "time_steps", "micheli2024"),
        "before": _of(evidence, "reset_before_leak", "micheli2024"),
    }
    if any(frame.empty for frame in orders.values()):
        return OurResult(note="simulations of both orders are needed")
    confidence = evidence.confidence
    ratios = {name: _ratio(frame) for name, frame in orders.items()}
    answers = [all_within(confidence, [Within(ratio, 1 / APPROXIMATELY, APPROXIMATELY)]) for ratio in ratios.values()]
    said = ", ".join(f"{with_interval(ratio, confidence)} {name} the leak" for name, ratio in ratios.items())
    spikes = ", ".join(f"{frame['deep_spikes'].mean():.3g} {name}" for name, frame in orders.items())
    return OurResult(
        f"deep variance as a share of layer 1's, with the reset: {said}",
        n=_networks(orders["before"]),
        agrees=None if None in answers else answers[0] == answers[1],
        note=f"spikes per deep layer and step: {spikes}",
    )


def _ratio(frame: pd.DataFrame) -> np.ndarray:
    return (frame["deep_variance"] / frame["first_variance"]).to_numpy()


@CHECKS.check
def unlike_the_others(evidence: Evidence, claim: Claim) -> OurResult:
    """The deep variance is nearer to layer 1's than with each of the paper's other initialisers, network by network.

    The distance is the logarithm of their ratio, and a network that has died is as far as a millionth.
    """
    proposed = _of(evidence, "time_steps", "micheli2024")
    others = {name: own for name in BASELINES if len(own := _of(evidence, "time_steps", name))}
    if proposed.empty or not others:
        return OurResult(note="the proposed initialisation and another one are needed")
    confidence = evidence.confidence
    needed = [Within(_distance(own) - _distance(proposed), low=0) for own in others.values()]
    ratios = {"micheli2024": _ratio(proposed)} | {name: _ratio(own) for name, own in others.items()}
    ours = ", ".join(f"{name} {with_interval(values, confidence)}" for name, values in ratios.items())
    spikes = ", ".join(
        f"{name} {own['deep_spikes'].mean():.3g}" for name, own in [("micheli2024", proposed), *others.items()]
    )
    agrees = all_within(confidence, needed)
    note = f"spikes per deep layer and step: {spikes}"
    return OurResult(f"deep variance as a share of layer 1's: {ours}", n=_networks(proposed), agrees=agrees, note=note)


def _distance(frame: pd.DataFrame) -> np.ndarray:
    ratio = frame.sort_values("repeat")["deep_variance"] / frame.sort_values("repeat")["first_variance"]
    return np.abs(np.log10(np.maximum(ratio.to_numpy(float), GONE)))


@CHECKS.check
def spikes_fall_slowly(evidence: Evidence, claim: Claim) -> OurResult:
    """Deep spikes are fewer than in layer 1, and the last layer fires."""
    frame, confidence = _of(evidence, "time_steps", "micheli2024"), evidence.confidence
    if frame.empty:
        return OurResult(note="the proposed initialisation is needed")
    first, deep = (frame[f"{place}_spikes"].to_numpy() for place in ("first", "deep"))
    agrees = all_within(confidence, [Within(first - deep, low=0), Within(_alive(frame), low=HALF)])
    ours = f"spikes {with_interval(first, confidence, '.3g')} to {with_interval(deep, confidence, '.3g')}"
    return OurResult(ours, n=_networks(frame), agrees=agrees)


@CHECKS.check
def kaiming_dies_over_time(evidence: Evidence, claim: Claim) -> OurResult:
    """Kaiming's last layer that fires is the seventh or an earlier one."""
    frame = _of(evidence, "time_steps", "he")
    if frame.empty:
        return OurResult(note="Kaiming is needed")
    agrees = all_within(evidence.confidence, [Within(_ended(frame), low=HALF)])
    ours = f"fires up to layer {frame['last_active_layer'].median():.0f} (median)"
    return OurResult(ours, n=_networks(frame), agrees=agrees)


@CHECKS.check
def high_decay_shape(evidence: Evidence, claim: Claim) -> OurResult:
    """Negative skewness and positive excess kurtosis in the deep layers."""
    frame, confidence = _of(evidence, "high_decay", "micheli2024"), evidence.confidence
    if frame.empty:
        return OurResult(note="the proposed initialisation is needed")
    skewness, kurtosis = (frame[name].to_numpy() for name in ("deep_skewness", "deep_excess_kurtosis"))
    ours = f"skewness {with_interval(skewness, confidence)}, excess kurtosis {with_interval(kurtosis, confidence)}"
    agrees = all_within(confidence, [Within(skewness, high=0), Within(kurtosis, low=0)])
    return OurResult(ours, n=_networks(frame), agrees=agrees)


@CHECKS.check
def high_decay_less_stable(evidence: Evidence, claim: Claim) -> OurResult:
    """The variance spreads more than at the usual decay.

    The spread is the deviation of a network's variance over all its layers and steps, relative to its mean over them,
    since the variance itself is many times as large at the high decay.
    """
    frame, usual = _of(evidence, "high_decay", "micheli2024"), _of(evidence, "time_steps", "micheli2024")
    if frame.empty or usual.empty:
        return OurResult(note="the proposed initialisation is needed at both decays")
    spread, other = (one["variance_spread"].to_numpy() for one in (frame, usual))
    shown, shown_other = (with_interval(values, evidence.confidence, ".3g") for values in (spread, other))
    ours = f"relative deviation {shown}, at decay {usual['decay'].iloc[0]:g} {shown_other}"
    agrees = all_within(evidence.confidence, [Within(spread - other, low=0)])
    note = "deviation of a network's variance over layers and steps, relative to its mean"
    return OurResult(ours, n=_networks(frame), agrees=agrees, note=note)


def _of(evidence: Evidence, label: str, initializer: str) -> pd.DataFrame:
    frame = evidence.tables["repeats"]
    return frame[(frame["label"] == label) & (frame["initializer"] == initializer)]


def _by_threshold(frame: pd.DataFrame, column: str) -> dict[float, np.ndarray]:
    """A column's values in the order of the repeats, by rising threshold."""
    return {
        threshold: own.sort_values("repeat")[column].to_numpy(float) for threshold, own in frame.groupby("threshold")
    }


def _alive(frame: pd.DataFrame) -> np.ndarray:
    """Whether each network fires in its last layer."""
    return (frame["last_active_layer"] == frame["depth"]).to_numpy(bool)


def _ended(frame: pd.DataFrame) -> np.ndarray:
    """Whether each network stopped firing after about five layers."""
    return (frame["last_active_layer"] <= ABOUT_FIVE_LAYERS).to_numpy(bool)


def _networks(frame: pd.DataFrame) -> str:
    return str(frame["repeat"].nunique())


def _listed(values: dict[float, np.ndarray], confidence: float) -> str:
    return ", ".join(f"{with_interval(own, confidence)} (θ {threshold:g})" for threshold, own in values.items())
