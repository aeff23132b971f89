"""Claims about untrained networks (Micheli et al. 2024, figures 2 to 7).

"Deep" is the mean over the last tenth of the layers, and over the repeats. A variance is kept where deep it lies within
10 % of one and every repeat still fires in the last layer.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd

from spikeinit.studies.propagation.conditions import FINITE_SIZE_LIMIT
from spikeinit.studies.scorecard import OurResult
from spikeinit.studies.table_tools import StudyTables

Check = Callable[..., OurResult]
"""(tables, the data sets that stand in for the claim's published ones) -> what our runs say."""

TOLERANCE = 0.1
ABOUT_FIVE_LAYERS = 7
"""Activity that ends by this layer ended after "approximately 5 layers"."""
APPROXIMATELY = 2.0
"""A variance is approximately kept where deep it differs from layer 1's by at most this factor."""
HALF = 0.5


def variance_kept(tables: StudyTables, *_: str) -> OurResult:
    """Kept at every threshold in layers of the main width."""
    return _kept_at_all_thresholds(_of(tables, "thresholds", "micheli2024"))


def holds_above_600(tables: StudyTables, *_: str) -> OurResult:
    """The same; the paper shows 1000 neurons as the only width above 600."""
    return _kept_at_all_thresholds(_of(tables, "thresholds", "micheli2024"))


def _kept_at_all_thresholds(frame: pd.DataFrame) -> OurResult:
    deep = {threshold: deep_value(own, "variance_mean") for threshold, own in frame.groupby("threshold")}
    active = {threshold: own.set_index("layer")["active"].iloc[-1] for threshold, own in frame.groupby("threshold")}
    agrees = all(abs(value - 1) <= TOLERANCE for value in deep.values()) and all(
        share == 1 for share in active.values()
    )
    last = frame[frame["layer"] == frame["layer"].max()]
    low, high = last["variance_sd"].min(), last["variance_sd"].max()
    note = f"deviation over the repeats in the last layer {low:.2g} to {high:.2g}"
    return OurResult(f"deep variance {_by_threshold(deep)}", n=_repeats(frame), agrees=agrees, note=note)


def kaiming_dissipates(tables: StudyTables, *_: str) -> OurResult:
    """With he: kept at threshold 0 alone, and the lower the higher the threshold."""
    frame = _of(tables, "thresholds", "he")
    deep = {threshold: deep_value(own, "variance_mean") for threshold, own in frame.groupby("threshold")}
    values = [deep[threshold] for threshold in sorted(deep)]
    falls = all(later <= earlier for earlier, later in pairwise(values))
    only_zero = abs(deep.get(0.0, np.nan) - 1) <= TOLERANCE and all(
        value < 1 - TOLERANCE for threshold, value in deep.items() if threshold > 0
    )
    return OurResult(f"deep variance {_by_threshold(deep)}", n=_repeats(frame), agrees=bool(falls and only_zero))


def others_die(tables: StudyTables, *_: str) -> OurResult:
    """Published baselines but rossbroich2022 stop firing (in most repeats) by layer 7, and that one does not."""
    survival = tables["survival"]
    own = survival[survival["label"] == "initializers"].set_index("initializer")
    last, depth = own["last_active_layer"], own["depth"].max()
    published = [name for name in BASELINES if name in last.index]
    if "rossbroich2022" not in published or len(published) < 2:
        return OurResult(note="rossbroich2022 and another baseline are needed")
    dying = [name for name in published if name != "rossbroich2022"]
    agrees = all(last[name] <= ABOUT_FIVE_LAYERS for name in dying) and last["rossbroich2022"] == depth
    ours = "last layer that fires: " + ", ".join(f"{name} {last[name]:.0f}" for name in published)
    return OurResult(ours, n=f"{own['repeats'].max():.0f}", agrees=bool(agrees))


BASELINES = ("rossbroich2022", "ding2022", "lee2016", "bellec2018", "zenke_vogels2021", "he", "glorot")


def finite_size_100(tables: StudyTables, *_: str) -> OurResult:
    """With 100 neurons deep spikes fall below half of the predicted ones above threshold 0.85, and not up to there."""
    share, repeats = _kept_share(tables, 100)
    if not share:
        return OurResult(note="no layers of 100 neurons")
    agrees = all((value < HALF) == (threshold > FINITE_SIZE_LIMIT) for threshold, value in share.items())
    return OurResult(f"share of spikes kept {_by_threshold(share)}", n=repeats, agrees=agrees)


def finite_size_600(tables: StudyTables, *_: str) -> OurResult:
    """With 600 neurons the loss is smaller than with 100 at every threshold above 0.85, and largest at 1."""
    wide, repeats = _kept_share(tables, 600)
    narrow, _repeats_narrow = _kept_share(tables, 100)
    if not wide or not narrow:
        return OurResult(note="layers of 100 and 600 neurons are needed")
    high = [threshold for threshold in wide if threshold > FINITE_SIZE_LIMIT]
    smaller = all(wide[threshold] > narrow[threshold] for threshold in high)
    at_one = wide.get(1.0, np.nan) <= min(wide.values())
    return OurResult(f"share of spikes kept {_by_threshold(wide)}", n=repeats, agrees=bool(smaller and at_one))


def _kept_share(tables: StudyTables, width: int) -> tuple[dict[float, float], str]:
    """Deep spikes as a share of the predicted ones, by threshold."""
    frame = _of(tables, "finite_size", "micheli2024")
    frame = frame[frame["width"] == width]
    share = {
        threshold: deep_value(own, "spikes_mean") / deep_value(own, "predicted_spikes")
        for threshold, own in frame.groupby("threshold")
    }
    return share, _repeats(frame) if share else ""


def time_steps(tables: StudyTables, *_: str) -> OurResult:
    """Deep variance within a factor of two of layer 1's, spikes fall but do not end, Kaiming ends by layer 7."""
    frame = _of(tables, "time_steps", "micheli2024")
    survival = tables["survival"]
    kaiming = survival[(survival["label"] == "time_steps") & (survival["initializer"] == "he")]["last_active_layer"]
    if frame.empty or kaiming.empty:
        return OurResult(note="the proposed initialisation and Kaiming are needed")
    first, deep = _first_and_deep(frame, "variance_mean")
    spikes_first, spikes_deep = _first_and_deep(frame, "spikes_mean")
    last = int(kaiming.iloc[0])
    kept = 1 / APPROXIMATELY <= deep / first <= APPROXIMATELY
    agrees = bool(kept and 0 < spikes_deep < spikes_first and last <= ABOUT_FIVE_LAYERS)
    clamped = _of(tables, "clamped_input", "micheli2024")
    note = "" if kept else f"variance is not kept within a factor of {APPROXIMATELY:g}"
    if len(clamped):
        start, end = _first_and_deep(clamped, "variance_mean")
        note = "; ".join(filter(None, [note, f"input as the potential itself: variance {start:.3g} to {end:.3g}"]))
    ours = (
        f"variance {first:.3g} in layer 1, {deep:.3g} deep; spikes {spikes_first:.3g} to {spikes_deep:.3g};"
        f" Kaiming fires up to layer {last}"
    )
    return OurResult(ours, n=_repeats(frame), agrees=agrees, note=note)


def high_decay(tables: StudyTables, *_: str) -> OurResult:
    """Negative skewness and positive excess kurtosis deep, and a variance that spreads more over layers and steps."""
    frame, reference = _of(tables, "high_decay", "micheli2024"), _of(tables, "time_steps", "micheli2024")
    if frame.empty or reference.empty:
        return OurResult(note="the proposed initialisation is needed at both decays")
    skewness, kurtosis = deep_value(frame, "skewness_mean"), deep_value(frame, "excess_kurtosis_mean")
    steps = tables["signals_over_steps"]
    own = steps[steps["label"] == "high_decay"]["variance_mean"]
    other = steps[(steps["label"] == "time_steps") & (steps["initializer"] == "micheli2024")]["variance_mean"]
    spread, usual = own.std() / own.mean(), other.std() / other.mean()
    first, deep = _first_and_deep(frame, "variance_mean")
    ours = f"skewness {skewness:.2g}, excess kurtosis {kurtosis:.2g}; variance {first:.3g} in layer 1, {deep:.3g} deep"
    note = (
        f"deviation of the variance over layers and steps {own.std():.2g}, relative to its mean {spread:.2f};"
        f" at decay {reference['decay'].iloc[0]:g}: {other.std():.2g}, {usual:.2f}"
    )
    agrees = skewness < 0 < kurtosis and own.std() > other.std()
    return OurResult(ours, n=_repeats(frame), agrees=bool(agrees), note=note)


def _of(tables: StudyTables, label: str, initializer: str) -> pd.DataFrame:
    frame = tables["signals"]
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
