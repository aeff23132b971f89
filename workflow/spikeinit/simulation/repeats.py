"""From simulations to rows of repeats.csv: what each network showed, one row per repeat.

"Deep" is the mean over the last tenth of the layers. Each value is first averaged over the time steps.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikeinit.simulation.mean_field import Prediction
from spikeinit.simulation.networks import Signals

MEASURES = (
    "first_variance",
    "deep_variance",
    "first_spikes",
    "deep_spikes",
    "predicted_deep_spikes",
    "deep_skewness",
    "deep_excess_kurtosis",
    "last_active_layer",
    "variance_spread",
)
"""What a row says of a network.

first_*: of layer 1. deep_*: of the last tenth of the layers. predicted_deep_spikes: mean field for one step. skewness
and excess kurtosis: empty where all these layers are silent. last_active_layer: the last one that fires before the
first that does not. variance_spread: deviation of the variance over all layers and steps, relative to its mean over
them.
"""


def is_deep(layers: np.ndarray, depth: int) -> np.ndarray:
    """Which of these layers, counted from 1, are among the last tenth."""
    return layers > 0.9 * depth


def repeat_rows(description: Mapping[str, Any], signals: Signals, prediction: Prediction) -> list[dict[str, Any]]:
    """One row per repeat: `description`, `repeat` from 1, and `MEASURES`."""
    depth = signals.variance.shape[1]
    deep = is_deep(np.arange(1, depth + 1), depth)
    spread = signals.variance.std((1, 2), ddof=1) / signals.variance.mean((1, 2))
    predicted = float(prediction.firing_rate[deep].mean()) * signals.width
    columns = {
        "first_variance": signals.variance[:, 0].mean(1),
        "deep_variance": signals.variance[:, deep].mean((1, 2)),
        "first_spikes": signals.spikes[:, 0].mean(1),
        "deep_spikes": signals.spikes[:, deep].mean((1, 2)),
        "predicted_deep_spikes": np.full(len(spread), predicted),
        "deep_skewness": _mean_of_known(signals.skewness[:, deep]),
        "deep_excess_kurtosis": _mean_of_known(signals.excess_kurtosis[:, deep]),
        "last_active_layer": np.logical_and.accumulate(signals.spikes.sum(2) > 0, axis=1).sum(1),
        "variance_spread": spread,
    }
    return [
        {**description, "repeat": repeat + 1, **{name: values[repeat].item() for name, values in columns.items()}}
        for repeat in range(len(spread))
    ]


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean of [repeats, layers, steps] per repeat without NaN; NaN where there is nothing else."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.nanmean(values, (1, 2))
