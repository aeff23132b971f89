"""Which initialisers keep activity, and which keep gradients, through a deep network that nobody has trained.

    activity    the variance of the potential in the last tenth of the layers, by network; the input's is one
    gradients   the norm of the gradient with respect to the currents of layer 1, over that in the last layer; the
                gradient of a random loss, on its way back through as many steps as the network has

Each is kept where it lies within bounds over the networks, by intervals (`contrasts.all_within`); where a bound
falls inside an interval it is open. The bounds are ours.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from spikeinit.simulation.repeats import is_deep
from spikeinit.studies.contrasts import Within, all_within
from spikeinit.studies.propagation.tables import gradients, repeats, signals
from spikeinit.studies.table_tools import StudyRuns

COMPARED = ("initializers", "time_steps")
"""Simulations in which initialisers stand side by side: of one time step, and of many."""
VARIANCE = (0.5, 2.0)
"""Variances that are called kept."""
DECADES = 1.0
"""Gradients are called kept that change by less than so many decades over all layers."""
KEPT = {True: "yes", False: "no", None: "open"}


def initializer_reach(runs: StudyRuns) -> pd.DataFrame:
    """One row per initialiser and number of time steps, with the interval of every mean over the networks.

    deep_variance: of the potential, averaged over the steps. spikes: per deep layer and step. alive: share of the
    networks in which the last layer fires. gradient_decades: decimal logarithm of the gradients' ratio, of the
    networks in which neither end is zero; `gradient_networks` counts them, of `followed`. predicted_*: mean field, for
    one time step.
    """
    networks, followed, layers = repeats(runs), gradients(runs), signals(runs)
    confidence = runs.spec["confidence"]
    rows = []
    for key, group in networks[networks["label"].isin(COMPARED)].groupby(["label", "initializer"], sort=False):
        own = followed[(followed["label"] == key[0]) & (followed["initializer"] == key[1])]
        decades = own["current_ratio"].dropna()
        found = {
            "deep_variance": Within(group["deep_variance"].to_numpy(), *VARIANCE),
            "spikes": Within(group["deep_spikes"].to_numpy()),
            "alive": Within((group["last_active_layer"] == group["depth"]).to_numpy()),
            "gradient_decades": Within(decades.to_numpy(float), -DECADES, DECADES),
        }
        row = {"initializer": key[1], "timesteps": int(group["timesteps"].iloc[0]), "networks": len(group)}
        row |= {"followed": len(own), "gradient_networks": len(decades)}
        for name, within in found.items():
            low, high = within.interval(confidence)
            row |= {f"{name}_mean": _mean(within.values), f"{name}_low": low, f"{name}_high": high}
        row |= _predicted(layers, own, key)
        row["keeps_activity"] = KEPT[all_within(confidence, [found["deep_variance"]])]
        row["keeps_gradients"] = KEPT[_keeps_gradients(confidence, found["gradient_decades"], len(own))]
        rows.append(row)
    return pd.DataFrame(rows)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def _keeps_gradients(confidence: float, decades: Within, followed: int) -> bool | None:
    """A network whose gradient is zero at one end does not keep it."""
    if followed and not len(decades.values):
        return False
    kept = all_within(confidence, [decades])
    return kept if len(decades.values) == followed or kept is False else None


def _predicted(layers: pd.DataFrame, followed: pd.DataFrame, key: tuple[str, str]) -> dict[str, float]:
    """What mean field says of networks of one time step; it says nothing of others."""
    own = layers[(layers["label"] == key[0]) & (layers["initializer"] == key[1])].sort_values("layer")
    if own["timesteps"].iloc[0] > 1:
        return {"predicted_deep_variance": np.nan, "predicted_gradient_decades": np.nan}
    variance = own["predicted_variance"].to_numpy()
    deep = is_deep(own["layer"].to_numpy(), own["depth"].iloc[0])
    ratio = followed["predicted_ratio"].iloc[0] if len(followed) else np.nan
    return {"predicted_deep_variance": variance[deep].mean(), "predicted_gradient_decades": ratio}
