"""What each claim of Peat (2024) about a sweep means in numbers: contrasts that are above zero where it holds.

A rule takes a sweep and gives its contrasts, one number per seed each. It is applied to our runs, to the same sweeps
with other neurons, and to the curves that the report prints. Margins are stated here: a claim of "notably worse" or
"caught up" means nothing without one. Accuracies are in percentage points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spikeinit.studies.contrasts import Contrast
from spikeinit.studies.sensitivity.sweep_measures import Sweep, rank_correlation

NOTABLE = 1.0
"""Points by which something is notably worse, or a training unstable."""
CAUGHT_UP = 0.5
"""Points of a lead that is left where something has caught up, or is as good."""
THREE_POINTS = (2.5, 3.5)
"""Points that are 3 as a whole number."""
NEAR_ONE = 3
"""So many of the largest betas lie near 1: 0.9, 0.95, 0.99."""
AS_FAST = 0.5
"""Beyond the middle a linear rise is at least so much of the rise before it."""
MODERATE, LARGE = (1.0, 2.0), (5.0, 10.0)
"""Values of the surrogate's scale z."""

Contrasts = Callable[[Sweep], list[Contrast]]


@dataclass(frozen=True)
class Rule:
    """How a claim is judged.

    sweep, key: what the claim is about. contrasts_of: from a sweep with at least one value to its contrasts. hedged:
    whether the report says that something may happen, so that one contrast above its bound is enough for it.
    """

    sweep: str
    key: str
    contrasts_of: Contrasts
    hedged: bool = False

    def contrasts(self, sweep: Sweep) -> list[Contrast]:
        """Those of a sweep; none for one that was not run, or that lacks a value which they need."""
        return self.contrasts_of(sweep) if sweep.values else []


RULES: dict[str, Rule] = {}
"""By the name of the check."""


def _rule(sweep: str, key: str, *, hedged: bool = False) -> Callable[[Contrasts], Contrasts]:
    def register(function: Contrasts) -> Contrasts:
        RULES[function.__name__] = Rule(sweep, key, function, hedged)
        return function

    return register


def _trend(sweep: Sweep, measured: np.ndarray, text: str, sign: int = 1) -> list[Contrast]:
    """Spearman's correlation of a measure with the swept value, times the sign; none for a single value."""
    if len(sweep.values) < 2:
        return []
    shown = f"{text} ({'-' if sign < 0 else ''}rank correlation)"
    return [Contrast(shown, sign * rank_correlation(sweep.values, measured))]


@_rule("beta", "neuron.decay")
def beta_early_loss(sweep: Sweep) -> list[Contrast]:
    return _trend(sweep, sweep.early("train_loss"), "early training loss falls with beta", -1)


@_rule("beta", "neuron.decay")
def beta_early_accuracy(sweep: Sweep) -> list[Contrast]:
    return _trend(sweep, sweep.early("test_accuracy"), "early accuracy rises with beta")


@_rule("beta", "neuron.decay")
def beta_catch_up(sweep: Sweep) -> list[Contrast]:
    """Who never led cannot be caught up with."""
    half = len(sweep.values) // 2
    if not half:
        return []

    def lead(measured: np.ndarray) -> np.ndarray:
        return measured[:, -half:].mean(1) - measured[:, :half].mean(1)

    early, final = lead(sweep.early("test_accuracy")), lead(sweep.final("test_accuracy"))
    return [
        Contrast("the higher half of beta leads early by", early, "points"),
        Contrast("its lead shrinks by", early - final, "points"),
        Contrast("at the end it leads by", final, "points", below=CAUGHT_UP),
    ]


@_rule("beta", "neuron.decay")
def beta_near_one(sweep: Sweep) -> list[Contrast]:
    """Gains per unit of beta, whose values lie ever closer: on a straight line returns do not diminish."""
    if len(sweep.values) < 4:
        return []
    accuracy = sweep.final("test_accuracy")
    first, near, last = sweep.values[0], sweep.values[-NEAR_ONE], sweep.values[-1]
    rise = (accuracy[:, -NEAR_ONE] - accuracy[:, 0]) / (near - first)
    end = (accuracy[:, -1] - accuracy[:, -NEAR_ONE]) / (last - near)
    text = f"from {near:g} to {last:g} accuracy gains less per 0.01 of beta than from {first:g} to {near:g}, by"
    return [Contrast(text, (rise - end) / 100, "points")]


@_rule("timesteps", "encoding.timesteps")
def timesteps_loss(sweep: Sweep) -> list[Contrast]:
    return _trend(sweep, sweep.final("train_loss"), "training loss falls with T", -1)


@_rule("timesteps", "encoding.timesteps")
def timesteps_accuracy(sweep: Sweep) -> list[Contrast]:
    trend = _trend(sweep, sweep.final("test_accuracy"), "accuracy rises with T")
    if not trend:
        return []
    accuracy = sweep.final("test_accuracy")
    text = f"T = {sweep.values[-1]} above {sweep.values[0]} by"
    return [*trend, Contrast(text, accuracy[:, -1] - accuracy[:, 0], "points")]


def _moderate_and_others(sweep: Sweep, measured: np.ndarray) -> tuple[np.ndarray, dict[float, np.ndarray]]:
    """The mean at the moderate values of z, and the measure at each other one."""
    moderate = measured[:, sweep.at(*MODERATE)].mean(1)
    others = {value: measured[:, place] for place, value in enumerate(sweep.values) if value not in MODERATE}
    return moderate, others


@_rule("slope", "neuron.slope")
def scale_moderate_best(sweep: Sweep) -> list[Contrast]:
    if not sweep.at(*MODERATE):
        return []
    moderate, others = _moderate_and_others(sweep, sweep.final("test_accuracy"))
    return [Contrast(f"z = 1 and 2 above {z:g} by", moderate - own, "points") for z, own in others.items()]


@_rule("slope", "neuron.slope")
def scale_large_unstable(sweep: Sweep) -> list[Contrast]:
    if not sweep.at(*MODERATE, *LARGE):
        return []
    moderate, others = _moderate_and_others(sweep, sweep.final("test_accuracy"))
    calm, rises = _moderate_and_others(sweep, sweep.roughness("train_loss"))
    worse = [Contrast(f"z = {z:g} worse than 1 and 2 by", moderate - others[z], "points", above=NOTABLE) for z in LARGE]
    larger = np.mean([rises[z] for z in LARGE], axis=0)
    text = "training loss rises more from epoch to epoch at z = 5 and 10, by"
    rougher = Contrast(text, 1000 * (larger - calm), "thousandths")
    return [*worse, rougher]


@_rule("slope", "neuron.slope", hedged=True)
def scale_moderate_slower(sweep: Sweep) -> list[Contrast]:
    """All z start from the same network and therefore from the same loss, so that the first epoch tells the speed."""
    if not sweep.at(*MODERATE, *LARGE):
        return []
    moderate, others = _moderate_and_others(sweep, sweep.at_epoch("train_loss", 1))
    text = "training loss of the first epoch higher at z = 1 and 2 than at"
    return [Contrast(f"{text} {z:g}, by", 1000 * (moderate - others[z]), "thousandths") for z in LARGE]


@_rule("threshold", "neuron.threshold")
def threshold_balance(sweep: Sweep) -> list[Contrast]:
    places = sweep.at(0.5, 1.0, 1.5)
    if not places:
        return []
    low, middle, high = sweep.final("test_accuracy")[:, places].T
    return [
        Contrast("threshold 1 above 0.5 by", middle - low, "points"),
        Contrast("threshold 1 below 1.5 by", high - middle, "points", below=CAUGHT_UP),
    ]


@_rule("threshold", "neuron.threshold")
def threshold_low(sweep: Sweep) -> list[Contrast]:
    if not sweep.at(0.5) or len(sweep.values) < 2:
        return []
    (lowest,) = sweep.at(0.5)
    accuracy = sweep.final("test_accuracy")
    worst = np.delete(accuracy, lowest, axis=1).min(1)
    return [Contrast("0.5 below the worst of the others by", worst - accuracy[:, lowest], "points", above=NOTABLE)]


@_rule("threshold", "neuron.threshold")
def threshold_linear(sweep: Sweep) -> list[Contrast]:
    places = sweep.at(0.5, 1.0, 1.5)
    if not places:
        return []
    low, middle, high = sweep.final("test_accuracy")[:, places].T
    text = f"rise from 1 to 1.5 above {AS_FAST:g} of that from 0.5 to 1, by"
    return [
        Contrast("accuracy rises from 0.5 to 1 by", middle - low, "points"),
        Contrast(text, (high - middle) - AS_FAST * (middle - low), "points"),
    ]


@_rule("threshold_wide", "neuron.threshold")
def threshold_wide_accuracy(sweep: Sweep) -> list[Contrast]:
    accuracy = sweep.final("test_accuracy")
    trend = _trend(sweep, accuracy, "accuracy rises with the threshold")
    if not trend:
        return []
    text = f"threshold {sweep.values[-1]:g} above {sweep.values[0]:g} by"
    return [*trend, Contrast(text, accuracy[:, -1] - accuracy[:, 0], "points")]


@_rule("threshold_wide", "neuron.threshold")
def threshold_wide_losses(sweep: Sweep) -> list[Contrast]:
    return [
        *_trend(sweep, sweep.final("train_loss"), "training loss rises with the threshold"),
        *_trend(sweep, sweep.final("test_loss"), "test loss rises"),
    ]


@_rule("threshold_wide", "neuron.threshold")
def threshold_wide_spikes(sweep: Sweep) -> list[Contrast]:
    return _trend(sweep, sweep.final("spikes_per_image"), "spikes of the network fall with the threshold", -1)


@_rule("threshold_wide", "neuron.threshold")
def threshold_wide_generalization(sweep: Sweep) -> list[Contrast]:
    gap = sweep.final("test_loss") - sweep.final("train_loss")
    return _trend(sweep, gap, "test loss less training loss falls with the threshold", -1)


@_rule("encoding", "encoding.name")
def encoding_bernoulli_best(sweep: Sweep) -> list[Contrast]:
    places = sweep.at("constant", "static_spikes", "rate")
    if not places:
        return []
    image, static, bernoulli = sweep.final("test_accuracy")[:, places].T
    return [
        Contrast("Bernoulli above static spikes by", bernoulli - static, "points"),
        Contrast("Bernoulli above the repeated image by", bernoulli - image, "points"),
    ]


@_rule("encoding", "encoding.name")
def encoding_image_worst(sweep: Sweep) -> list[Contrast]:
    places = sweep.at("constant", "static_spikes", "rate")
    if not places:
        return []
    image, static, bernoulli = sweep.final("test_accuracy")[:, places].T
    return [
        Contrast("the repeated image below static spikes by", static - image, "points"),
        Contrast("the repeated image below Bernoulli by", bernoulli - image, "points"),
    ]


@_rule("encoding", "encoding.name")
def encoding_static_success(sweep: Sweep) -> list[Contrast]:
    places = sweep.at("constant", "static_spikes")
    if not places:
        return []
    image, static = sweep.final("test_accuracy")[:, places].T
    return [Contrast("static spikes above the repeated image by", static - image, "points")]


def _losses(sweep: Sweep, measured: Callable[[Sweep], np.ndarray]) -> tuple[np.ndarray, np.ndarray] | None:
    """A measure with MSE and with cross-entropy; None where one was not run."""
    places = sweep.at("mean_squared_error mean", "cross_entropy sum")
    if not places:
        return None
    squared, entropy = measured(sweep)[:, places].T
    return squared, entropy


def _final_accuracy(sweep: Sweep) -> np.ndarray:
    return sweep.final("test_accuracy")


@_rule("loss", "training.loss")
def ce_higher(sweep: Sweep) -> list[Contrast]:
    found = _losses(sweep, _final_accuracy)
    return [Contrast("cross-entropy above MSE by", found[1] - found[0], "points")] if found else []


@_rule("loss", "training.loss")
def ce_three_points(sweep: Sweep) -> list[Contrast]:
    found = _losses(sweep, _final_accuracy)
    if found is None:
        return []
    lead = found[1] - found[0]
    low, high = THREE_POINTS
    return [
        Contrast("cross-entropy above MSE by", lead, "points", above=low),
        Contrast("which is", lead, "points", below=high),
    ]


@_rule("loss", "training.loss")
def ce_faster(sweep: Sweep) -> list[Contrast]:
    found = _losses(sweep, lambda sweep: sweep.way_gone("train_loss", 2))
    text = "at epoch 2 the training loss has gone a larger share of its way, by"
    return [Contrast(text, found[1] - found[0])] if found else []
