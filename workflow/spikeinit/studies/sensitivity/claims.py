"""What Peat (2024) claims, judged by our sweeps: ten statements in words, and the printed operation counts.

The report has one seed and no numbers but the operations. Each statement is turned into contrasts, numbers that are
above zero where the statement holds, computed for every seed by itself: the same seed starts every point of a sweep, so
points are compared in pairs. A statement agrees when Student's interval of each of its contrasts over the seeds lies
above zero, disagrees when that of one lies below, and stays open otherwise; with a single seed, as in the report, the
contrasts' signs decide. "Early" is the first fifth of the epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from spikeinit.statistics.intervals import mean_interval
from spikeinit.studies.scorecard import Claim, Conditions, Evidence, OurResult, ScorecardEntry, scorecard_entry
from spikeinit.studies.sensitivity.sweep_tables import levels
from spikeinit.tables import read_table

ABOUT_THREE = (2.0, 4.0)
"""Percentage points that count as "about 3"."""
STRONGLY = 2.0
"""Training time "grows strongly" where the longest run takes so many times as long as T = 10."""


@dataclass(frozen=True)
class Contrast:
    """A number per seed that is above zero where the claim holds. unit: of the shown mean."""

    text: str
    values: np.ndarray
    unit: str = ""


class Sweep:
    """One sweep over one key on the data set that stands in for the report's: measures as [seed, value]."""

    def __init__(self, evidence: Evidence, name: str, key: str) -> None:
        self.dataset = evidence.conditions.datasets["mnist"]
        self.key = key
        self._final = self._own(evidence.tables["by_seed"], name)
        self._curves = self._own(evidence.tables["curves"], name)
        self.values = levels(self._final[key]) if key in self._final else []

    def _own(self, frame: pd.DataFrame, name: str) -> pd.DataFrame:
        return frame[(frame["dataset"] == self.dataset) & (frame["sweep"] == name)]

    def final(self, measure: str) -> np.ndarray:
        """A measure after training, [seed, value]."""
        return self._matrix(self._final, measure)

    def early(self, measure: str) -> np.ndarray:
        """Mean of a measure over the first fifth of the epochs, [seed, value]."""
        last = max(1, int(self._curves["epoch"].max()) // 5)
        return self._matrix(self._curves[self._curves["epoch"] <= last], measure)

    def roughness(self, measure: str) -> np.ndarray:
        """Sum of a measure's rises from one epoch to the next, [seed, value]."""
        ordered = self._curves.sort_values("epoch")
        rises = ordered.groupby([self.key, "seed"])[measure].diff().clip(lower=0)
        totals = ordered.assign(rises=rises).groupby([self.key, "seed"], as_index=False)["rises"].sum()
        return self._matrix(totals, "rises")

    def _matrix(self, frame: pd.DataFrame, measure: str) -> np.ndarray:
        table = frame.pivot_table(index="seed", columns=self.key, values=measure, aggfunc="mean", dropna=False)
        return table[self.values].to_numpy(float)

    def at(self, value: object) -> int | None:
        """Position of a value, None where it was not run."""
        return self.values.index(value) if value in self.values else None


def rank_correlation(values: Sequence[float], measured: np.ndarray) -> np.ndarray:
    """Spearman's correlation of a measure with the swept value, for each seed [seed, value]; 0 for a constant one."""
    return np.array([0.0 if np.ptp(row) == 0 else stats.spearmanr(values, row).statistic for row in measured])


Check = Callable[[Evidence], Sequence[Contrast]]


def _beta_early(evidence: Evidence) -> list[Contrast]:
    sweep = Sweep(evidence, "beta", "neuron.decay")
    if len(sweep.values) < 2:
        return []
    loss, accuracy = sweep.early("train_loss"), sweep.early("test_accuracy")
    return [
        Contrast("early training loss falls with beta (-rank correlation)", -rank_correlation(sweep.values, loss)),
        Contrast("early accuracy rises with beta (rank correlation)", rank_correlation(sweep.values, accuracy)),
    ]


def _beta_catch_up(evidence: Evidence) -> list[Contrast]:
    sweep = Sweep(evidence, "beta", "neuron.decay")
    half = len(sweep.values) // 2
    if not half:
        return []

    def lead(measured: np.ndarray) -> np.ndarray:
        return measured[:, -half:].mean(1) - measured[:, :half].mean(1)

    shrinks = lead(sweep.early("test_accuracy")) - lead(sweep.final("test_accuracy"))
    return [Contrast("lead of the higher half of beta shrinks by", shrinks, "points")]


def _beta_near_one(evidence: Evidence) -> list[Contrast]:
    sweep = Sweep(evidence, "beta", "neuron.decay")
    if len(sweep.values) < 3:
        return []
    gains = np.diff(sweep.final("test_accuracy"), axis=1)
    text = f"the step to {sweep.values[-1]:g} gains less than the mean step before, by"
    return [Contrast(text, gains[:, :-1].mean(1) - gains[:, -1], "points")]


def _timesteps(evidence: Evidence) -> list[Contrast]:
    sweep = Sweep(evidence, "timesteps", "encoding.timesteps")
    if len(sweep.values) < 2:
        return []
    loss, accuracy = sweep.final("train_loss"), sweep.final("test_accuracy")
    return [
        Contrast("training loss falls with T (-rank correlation)", -rank_correlation(sweep.values, loss)),
        Contrast("accuracy rises with T (rank correlation)", rank_correlation(sweep.values, accuracy)),
    ]


def _surrogate_scale(evidence: Evidence) -> list[Contrast]:
    sweep = Sweep(evidence, "slope", "neuron.slope")
    if len(sweep.values) < 3:
        return []
    accuracy, rises = sweep.final("test_accuracy"), sweep.roughness("train_loss")
    middle = len(sweep.values) // 2
    z = [f"{value:g}" for value in sweep.values]
    return [
        Contrast(f"z = {z[middle]} above {z[0]} by", accuracy[:, middle] - accuracy[:, 0], "points"),
        Contrast(f"z = {z[middle]} above {z[-1]} by", accuracy[:, middle] - accuracy[:, -1], "points"),
        Contrast(
            f"training loss rises more between epochs at {z[-1]} than {z[middle]}", rises[:, -1] - rises[:, middle]
        ),
    ]


def _threshold_low(evidence: Evidence) -> list[Contrast]:
    sweep = Sweep(evidence, "threshold", "neuron.threshold")
    lowest = sweep.at(0.5)
    if lowest is None or len(sweep.values) < 2:
        return []
    accuracy = sweep.final("test_accuracy")
    others = np.delete(accuracy, lowest, axis=1)
    return [Contrast("0.5 below the worst of the others by", others.min(1) - accuracy[:, lowest], "points")]


def _threshold_rises(evidence: Evidence) -> list[Contrast]:
    sweep = Sweep(evidence, "threshold", "neuron.threshold")
    if len(sweep.values) < 2:
        return []
    return [
        Contrast(f"{text} (rank correlation)", rank_correlation(sweep.values, sweep.final(measure)))
        for text, measure in (
            ("accuracy rises with the threshold", "test_accuracy"),
            ("training loss rises", "train_loss"),
            ("test loss rises", "test_loss"),
        )
    ]


def _encoding_order(evidence: Evidence) -> list[Contrast]:
    sweep = Sweep(evidence, "encoding", "encoding.name")
    places = [sweep.at(name) for name in ("constant", "static_spikes", "rate")]
    if None in places:
        return []
    constant, static, rate = sweep.final("test_accuracy")[:, places].T
    return [
        Contrast("Bernoulli above static spikes by", rate - static, "points"),
        Contrast("static spikes above the repeated image by", static - constant, "points"),
    ]


def _ce_over_mse(evidence: Evidence) -> list[Contrast]:
    sweep = Sweep(evidence, "loss", "training.loss")
    places = [sweep.at(name) for name in ("mean_squared_error mean", "cross_entropy sum")]
    if None in places:
        return []
    squared, entropy = sweep.final("test_accuracy")[:, places].T
    early_squared, early_entropy = sweep.early("test_accuracy")[:, places].T
    return [
        Contrast("cross-entropy above MSE by", entropy - squared, "points"),
        Contrast("early on by", early_entropy - early_squared, "points"),
    ]


def _runtime(evidence: Evidence) -> list[Contrast]:
    frame = evidence.tables["training_time_measured"]
    runs = evidence.tables["by_seed"]
    member = runs[(runs["sweep"] == "timesteps") & (runs["dataset"] == evidence.conditions.datasets["mnist"])]["run"]
    own = frame[frame["run"].isin(member)]
    if "encoding.timesteps" not in own or own.empty:
        return []
    table = own.pivot_table(index="seed", columns="encoding.timesteps", values="seconds_per_epoch").dropna()
    if 10 not in table or table.columns.max() <= 10:
        return []
    longest = table.columns.max()
    ratio = (table[longest] / table[10]).to_numpy()
    text = f"T = {longest} takes {ratio.mean():.2g} times as long as T = 10; more than {STRONGLY:g}, by"
    return [Contrast(text, ratio - STRONGLY)]


CHECKS: dict[str, Check] = {
    "beta_early": _beta_early,
    "beta_catch_up": _beta_catch_up,
    "beta_near_one": _beta_near_one,
    "timesteps": _timesteps,
    "surrogate_scale": _surrogate_scale,
    "threshold_low": _threshold_low,
    "threshold_rises": _threshold_rises,
    "encoding_order": _encoding_order,
    "ce_over_mse": _ce_over_mse,
    "runtime": _runtime,
}
"""Claim of peat2024_claims.csv -> its contrasts."""

NOTES = {
    "ce_over_mse": f"about 3 points: a mean between {ABOUT_THREE[0]:g} and {ABOUT_THREE[1]:g}",
    "runtime": "measured on this machine, with other jobs beside it",
    "surrogate_scale": "the report prints no values of z; the middle and the ends of ours are compared",
}


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """The ten claims in the report's order, then its operation counts."""
    return [*_claims(evidence), *_flops(evidence)]


def _claims(evidence: Evidence) -> list[ScorecardEntry]:
    entries = []
    for record in read_table(evidence.published["peat2024_claims"]).to_dict("records"):
        name = record["claim_id"]
        claim = Claim(name, f"Sec. {record['section']}", record["claim"], "in words", ("mnist",))
        contrasts = CHECKS[name](evidence) if evidence.conditions.datasets["mnist"] else []
        result = _result(contrasts, evidence.confidence, NOTES.get(name, ""))
        if name == "ce_over_mse" and result.agrees:
            agrees = ABOUT_THREE[0] <= contrasts[0].values.mean() <= ABOUT_THREE[1]
            result = OurResult(result.ours, result.low, result.high, result.n, agrees, result.note)
        entries.append(scorecard_entry(claim, result, evidence.conditions))
    return entries


def _result(contrasts: Sequence[Contrast], confidence: float, note: str) -> OurResult:
    """All contrasts with their intervals in one text."""
    if not contrasts or any(np.isnan(contrast.values).any() for contrast in contrasts):
        return OurResult(note=note)
    seeds = len(contrasts[0].values)
    over_seeds = [mean_interval(contrast.values, confidence) for contrast in contrasts]
    intervals = [(interval.low, interval.high) for interval in over_seeds]
    ours = "; ".join(_text(contrast, *interval) for contrast, interval in zip(contrasts, intervals, strict=True))
    if seeds == 1:
        intervals = [(contrast.values[0], contrast.values[0]) for contrast in contrasts]
    if min(low for low, _ in intervals) > 0:
        agrees = True
    elif min(high for _, high in intervals) <= 0:
        agrees = False
    else:
        agrees, note = None, "; ".join(filter(None, (note, "an interval holds zero")))
    return OurResult(ours, n=f"{seeds} seed{'s' if seeds > 1 else ''}", agrees=agrees, note=note)


def _text(contrast: Contrast, low: float, high: float) -> str:
    interval = "" if math.isnan(low) else f" [{low:.2f}, {high:.2f}]"
    return f"{contrast.text} {contrast.values.mean():.2f}{interval}{f' {contrast.unit}' if contrast.unit else ''}"


def _flops(evidence: Evidence) -> list[ScorecardEntry]:
    """The printed operation counts beside the formulas; arithmetic alone, so that every scale may be judged."""
    ours = evidence.tables["published_flops"].set_index("quantity")["flops"]
    entries = []
    for record in read_table(evidence.published["peat2024_flops"]).to_dict("records"):
        value = float(ours[record["quantity"]])
        claim = Claim(
            f"flops:{record['quantity']}",
            "Sec. 9",
            f"floating-point operations, {record['quantity'].replace('_', ' ')}",
            f"{record['flops']:,.0f}",
        )
        result = OurResult(f"{value:,.0f}", n="exact", agrees=value == record["flops"])
        entries.append(scorecard_entry(claim, result, Conditions((), {})))
    return entries
