"""By which rules trained networks agree with the claims of figures 8 to 10.

Every rule is about means over the seeds, of which one decides nothing, and initialisations are compared seed by seed.
"Similar" and "all perform well" are taken as: of every two, the means differ by at most 5 percentage points. A training
that died or diverged counts with the accuracy it ended with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from spikeinit.studies.claims import Checks, Claim, OurResult
from spikeinit.studies.contrasts import ONE_SEED, Within, all_within, with_interval
from spikeinit.studies.scorecard import Evidence

CHECKS = Checks(__file__)

CARRYING = ("micheli2024", "rossbroich2022")
SIMILAR_POINTS = 5.0
MEASURES = ("train_accuracy", "test_accuracy")


def _only_two_exceed(measure: str, level: float, *, ahead: bool = False) -> Callable[..., OurResult]:
    """The measure is above the level for the proposed initialisation and rossbroich2022, and for no other.

    ahead: and the proposed initialisation is ahead of rossbroich2022.
    """

    def check(evidence: Evidence, claim: Claim, dataset: str) -> OurResult:
        values = _by_seed(evidence, claim, dataset, measure)
        if values.empty:
            return OurResult()
        if not set(CARRYING) < set(values.columns):
            return OurResult(note=f"{' and '.join(CARRYING)} and another initialiser are needed")
        needed = [
            Within(own.to_numpy(), **({"low": level} if name in CARRYING else {"high": level}))
            for name, own in values.items()
        ]
        if ahead:
            needed.append(Within((values["micheli2024"] - values["rossbroich2022"]).to_numpy(), low=0))
        return _result(_listed(values, evidence.confidence), needed, evidence)

    return check


CHECKS.add_on_datasets("only_two_train_above_90", _only_two_exceed("train_accuracy", 90.0))
CHECKS.add_on_datasets("only_two_train_above_70", _only_two_exceed("train_accuracy", 70.0, ahead=True))
CHECKS.add_on_datasets("only_two_test_above_90", _only_two_exceed("test_accuracy", 90.0))
CHECKS.add_on_datasets("only_two_test_above_68", _only_two_exceed("test_accuracy", 68.0))


@CHECKS.check_on_datasets
def all_similar(evidence: Evidence, claim: Claim, dataset: str) -> OurResult:
    """Training and test accuracies of every two initialisations within 5 points of each other."""
    needed, texts = [], []
    for measure in MEASURES:
        values = _by_seed(evidence, claim, dataset, measure)
        for one, other in combinations(values.columns, 2):
            difference = (values[one] - values[other]).to_numpy()
            needed.append(Within(difference, -SIMILAR_POINTS, SIMILAR_POINTS))
        means = values.mean()
        texts.append(f"{measure.partition('_')[0]} {means.min():.1f} to {means.max():.1f} %")
    return _result(", ".join(texts), needed, evidence)


@CHECKS.check_on_datasets
def proposed_is_best(evidence: Evidence, claim: Claim, dataset: str) -> OurResult:
    """The proposed initialisation has a higher training and test accuracy than each other one."""
    needed, text = [], ""
    for measure in MEASURES:
        values = _by_seed(evidence, claim, dataset, measure)
        if "micheli2024" not in values:
            return OurResult(note="the proposed initialisation is needed")
        others = values.drop(columns="micheli2024")
        needed += [Within((values["micheli2024"] - own).to_numpy(), low=0) for _, own in others.items()]
        text = _listed(values, evidence.confidence)
    return _result(text, needed, evidence)


@CHECKS.check_on_datasets
def converges_fastest(evidence: Evidence, claim: Claim, dataset: str) -> OurResult:
    """The proposed initialisation reaches the lowest of the accuracy levels in fewer iterations than each other one.

    A training that does not reach it counts with its last iteration; where all of two end there, neither is faster.
    """
    values = _by_seed(evidence, claim, dataset, "iterations_to_level")
    if "micheli2024" not in values or len(values.columns) < 2:
        return OurResult(note="the proposed initialisation and another one are needed")
    own = values["micheli2024"]
    needed = [Within((other - own).to_numpy(), low=1) for name, other in values.items() if name != "micheli2024"]
    level = evidence.tables["trainings"]["level"].iloc[0]
    texts = (f"{name} {with_interval(own.to_numpy(), evidence.confidence, '.0f')}" for name, own in values.items())
    result = _result("iterations " + ", ".join(texts), needed, evidence)
    note = f"iterations to a training accuracy of {level:g} %"
    return replace(result, note="; ".join(filter(None, [result.note, note])))


@CHECKS.check
def latency(evidence: Evidence, claim: Claim) -> OurResult:
    """Nothing to compare: neither the paper nor this study runs its trainings for several numbers of steps."""
    return OurResult()


@CHECKS.check_on_datasets
def robust(evidence: Evidence, claim: Claim, dataset: str) -> OurResult:
    """Over the values of each sweep Kaiming is slower, worse and more variable than the proposed initialisation.

    Slower: more iterations until the training accuracy reaches the lowest of the accuracy levels, on average over the
    values; a training that does not reach it counts with its last iteration. Worse: a lower training accuracy, on
    average. Variable: a larger range of training accuracies over the values.
    """
    frame = evidence.tables["trainings"]
    frame = frame[frame["dataset"] == dataset]
    texts, contrasts = [], []
    for parameter in [name for name in frame["experiment"].unique() if name not in ("comparison", "base")]:
        swept = frame[frame["experiment"].isin([parameter, "base"])]
        if not {"micheli2024", "he"} <= set(swept["initializer"]):
            return OurResult(note="the proposed initialisation and Kaiming are needed")
        own = swept.groupby(["seed", "initializer"])
        accuracy, iterations = (own[name].mean().unstack() for name in ("train_accuracy", "iterations_to_level"))
        spread = (own["train_accuracy"].max() - own["train_accuracy"].min()).unstack()
        differences = [
            (accuracy["micheli2024"] - accuracy["he"]).to_numpy(),
            *((kaiming["he"] - kaiming["micheli2024"]).to_numpy() for kaiming in (iterations, spread)),
        ]
        contrasts += [Within(values, low=0) for values in differences]
        more, slower, wider = (with_interval(values, evidence.confidence) for values in differences)
        texts.append(f"{parameter}: {more} points, {slower} iterations, {wider} points of range")
    if not contrasts:
        return OurResult(note="no parameter was varied")
    note = f"iterations to a training accuracy of {frame['level'].iloc[0]:g} %"
    result = _result("ahead of Kaiming by " + "; ".join(texts), contrasts, evidence)
    return replace(result, note="; ".join(filter(None, [result.note, note])))


def _by_seed(evidence: Evidence, claim: Claim, dataset: str, measure: str) -> pd.DataFrame:
    """A measure of the network that is the claim's part of the study: a row per seed, a column per initialiser."""
    frame = evidence.tables["trainings"]
    own = frame[
        (frame["experiment"] == "comparison") & (frame["network"] == claim.part) & (frame["dataset"] == dataset)
    ]
    return own.pivot(index="seed", columns="initializer", values=measure)[list(own["initializer"].unique())]


def _result(ours: str, needed: Iterable[Within], evidence: Evidence) -> OurResult:
    found = list(needed)
    seeds = sorted({int(np.isfinite(own.values).sum()) for own in found})
    agrees = all_within(evidence.confidence, found)
    note = ONE_SEED if seeds and seeds[-1] == 1 else "a bound lies within an interval" if agrees is None else ""
    return OurResult(ours, n=", ".join(map(str, seeds)), agrees=agrees, note=note)


def _listed(values: pd.DataFrame, confidence: float) -> str:
    texts = (f"{name} {with_interval(own.to_numpy(), confidence, '.1f')}" for name, own in values.items())
    return ", ".join(texts) + " %"
