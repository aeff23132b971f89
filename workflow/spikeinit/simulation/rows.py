"""From simulations to rows of signals.csv, repeats.csv and gradients.csv: layer by layer, and network by network.

signals.csv has means and deviations over the repeats, with the prediction beside them: one row per layer and step, and
one per layer whose `step` is empty, where each repeat is first averaged over its steps. With a single step only the
latter are written. `simulation.repeats` says what repeats.csv has. gradients.csv has a row for each network through
which gradients are followed back, others than those of repeats.csv.
"""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any, NamedTuple

import numpy as np

from spikeinit.simulation.gradients import GradientNorms, gradient_norms
from spikeinit.simulation.mean_field import predict, predicted_ratio
from spikeinit.simulation.networks import DeepNetwork, Signals, simulate
from spikeinit.simulation.repeats import MEASURES as REPEAT_MEASURES
from spikeinit.simulation.repeats import repeat_rows
from spikeinit.specs import SimulateSpec, Simulation

MEASURES = ("mean", "variance", "skewness", "excess_kurtosis", "spikes")
DESCRIPTION = (
    "label",
    "initializer",
    "depth",
    "width",
    "timesteps",
    "decay",
    "threshold",
    "reset",
    "first_layer",
    "repeats",
)
COLUMNS = (
    *DESCRIPTION,
    "layer",
    "step",
    *(f"{measure}_{kind}" for measure in MEASURES for kind in ("mean", "sd")),
    "active",
    "predicted_variance",
    "predicted_spikes",
    "current_gradient_mean",
    "current_gradient_sd",
    "weight_gradient_mean",
    "weight_gradient_sd",
)
"""Columns of signals.csv.

<measure>_mean and _sd: over the repeats, moments of the potential over the neurons of a layer, and how many neurons
fire per step. active: share of the repeats in which at least one neuron fires. predicted_*: mean field for one step,
infinitely wide. *_gradient_*: of the decimal logarithm of the gradient's Euclidean norm with respect to the layer's
input current (over all steps), and to its weights.
"""
REPEAT_COLUMNS = (*DESCRIPTION, "repeat", *REPEAT_MEASURES)
"""Columns of repeats.csv."""
GRADIENT_COLUMNS = (*DESCRIPTION, "network", "current_ratio", "weight_ratio", "predicted_ratio")
"""Columns of gradients.csv.

*_ratio: decimal logarithm of the gradient's norm in the first layer, over that in the last; for weights in the first
two layers that have some. Empty where one of the two is zero. predicted_ratio: of the currents, by mean field, for one
time step.
"""


class Rows(NamedTuple):
    """What one simulation showed: rows of `COLUMNS` per layer and step, `REPEAT_COLUMNS` and `GRADIENT_COLUMNS` per
    network."""

    signals: list[dict[str, Any]]
    repeats: list[dict[str, Any]]
    gradients: list[dict[str, Any]]


def rows(simulation: Simulation, spec: SimulateSpec, *, threads: int | None = None) -> Rows:
    """Run one simulation and describe it; `UserError` as the simulation raises."""
    fields = {field.name for field in dataclasses.fields(DeepNetwork)}
    values = dataclasses.asdict(simulation)
    network = DeepNetwork(**{key: value for key, value in values.items() if key in fields})
    name, parameters = simulation.initializer, simulation.parameters
    signals = simulate(
        name,
        network,
        repeats=simulation.repeats,
        seed=spec.seed,
        weights="shortcut",
        parameters=parameters,
        threads=threads,
    )
    description = {key: values[key] for key in DESCRIPTION}
    prediction = predict(name, network, parameters=parameters)
    layers = [
        {
            **description,
            "layer": layer,
            "predicted_variance": float(variance),
            "predicted_spikes": float(rate) * network.width,
        }
        for layer, (variance, rate) in enumerate(zip(prediction.variance, prediction.firing_rate, strict=True), start=1)
    ]
    whole = _summaries({measure: _over_steps(getattr(signals, measure)) for measure in MEASURES})
    norms = _norms(simulation, network, spec)
    gradients = [{}] * network.depth if norms is None else _by_layer(norms)
    table = [
        {**layer, "step": None, **own, **extra} for layer, own, extra in zip(layers, whole, gradients, strict=True)
    ]
    if network.timesteps > 1:
        for step in range(network.timesteps):
            table += _step_rows(layers, signals, step)
    followed = [] if norms is None else _by_network(norms)
    if followed and network.timesteps == 1:
        predicted = predicted_ratio(
            name, network, prediction, surrogate=spec.surrogate, slope=spec.slope, parameters=parameters
        )
        followed = [row | {"predicted_ratio": predicted} for row in followed]
    return Rows(table, repeat_rows(description, signals, prediction), [{**description, **row} for row in followed])


def _step_rows(layers: list[dict[str, Any]], signals: Signals, step: int) -> list[dict[str, Any]]:
    own = _summaries({measure: getattr(signals, measure)[:, :, step] for measure in MEASURES})
    return [{**layer, "step": step + 1, **row} for layer, row in zip(layers, own, strict=True)]


def _summaries(measures: dict[str, np.ndarray]) -> list[dict[str, float]]:
    """One dictionary per layer from arrays [repeats, depth]; repeats without a value (NaN) are left out."""
    columns: dict[str, np.ndarray] = {}
    for measure, values in measures.items():
        columns[f"{measure}_mean"], columns[f"{measure}_sd"] = _mean_and_deviation(values)
    columns["active"] = (measures["spikes"] > 0).mean(0)
    return [{key: float(values[layer]) for key, values in columns.items()} for layer in range(len(columns["active"]))]


def _mean_and_deviation(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice|Degrees of freedom", RuntimeWarning)
        return np.nanmean(values, 0), np.nanstd(values, 0, ddof=1)


def _over_steps(values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.nanmean(values, 2)


def _norms(simulation: Simulation, network: DeepNetwork, spec: SimulateSpec) -> GradientNorms | None:
    if not simulation.gradient_repeats:
        return None
    return gradient_norms(
        simulation.initializer,
        network,
        repeats=simulation.gradient_repeats,
        seed=spec.seed,
        surrogate=spec.surrogate,
        slope=spec.slope,
        parameters=simulation.parameters,
    )


def _by_network(norms: GradientNorms) -> list[dict[str, Any]]:
    """Per network, logarithms of the norm in the first layer over that in the last; None where one is zero."""
    ratios = zip(_log_ratio(norms.current), _log_ratio(norms.weight), strict=True)
    return [
        {"network": number, "current_ratio": current, "weight_ratio": weight, "predicted_ratio": None}
        for number, (current, weight) in enumerate(ratios, start=1)
    ]


def _log_ratio(norms: np.ndarray) -> list[float | None]:
    first, last = norms[:, 0], norms[:, -1]
    return [float(np.log10(a / b)) if a > 0 and b > 0 else None for a, b in zip(first, last, strict=True)]


def _by_layer(norms: GradientNorms) -> list[dict[str, float]]:
    """Per layer, logarithms of gradient norms over the networks; a norm of zero counts as no value."""
    columns = {}
    of_weights = np.pad(norms.weight, ((0, 0), (1, 0)), constant_values=np.nan)  # layer 1 has no weights
    for measure, values in (("current", norms.current), ("weight", of_weights)):
        logarithms = np.log10(np.where(values > 0, values, np.nan))
        columns[f"{measure}_gradient_mean"], columns[f"{measure}_gradient_sd"] = _mean_and_deviation(logarithms)
    return [{key: float(values[layer]) for key, values in columns.items()} for layer in range(norms.current.shape[1])]
