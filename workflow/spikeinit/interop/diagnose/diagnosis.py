"""Look at a spiking network while one batch runs through it, and say what ails it.

>>> import torch, snntorch
>>> from spikeinit.interop.diagnose import diagnose
>>> network = torch.nn.Sequential(torch.nn.Linear(100, 50), snntorch.Leaky(beta=0.9, init_hidden=True))
>>> _ = torch.nn.init.zeros_(network[0].weight), torch.nn.init.zeros_(network[0].bias)
>>> diagnosis = diagnose(network, torch.randn(32, 100))
>>> diagnosis.healthy, diagnosis.findings[0].code, diagnosis.findings[0].layer
(False, 'dead_layer', '0')
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import nn

from spikeinit.errors import UserError
from spikeinit.interop.diagnose import report
from spikeinit.interop.diagnose.criteria import Finding
from spikeinit.interop.diagnose.figure import figure
from spikeinit.interop.diagnose.findings import findings
from spikeinit.interop.diagnose.measures import Measured, measure
from spikeinit.interop.diagnose.observer import Observer
from spikeinit.interop.diagnose.prediction import Prediction, predict
from spikeinit.interop.diagnose.untouched import untouched
from spikeinit.interop.dynamics import Told, told_dynamics
from spikeinit.interop.libraries import known_neurons
from spikeinit.interop.structure import Run, call, members

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Loss = Callable[..., torch.Tensor]
"""(output) -> scalar, or (output, targets) -> scalar where targets are given."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found. `print(diagnosis)` shows the table and the findings; so does a notebook.

    table has a row for each layer, and for neurons that no layer drives, in the order in which data meets them. NaN
    stands for what is not known. Its columns are

        layer, neurons      names of the modules; `layer` is that of the neurons where no layer drives them
        kind, library       class of the layer, and the library of the neurons
        steps, images       time steps and images that the neurons saw
        fan_in              inputs per neuron; fan_in of a convolution is channels times the size of the kernel
        threshold, decay, gain   means over the neurons; potential, per step, potential per current
        weight_mean, weight_variance
        law_variance        Var[w] of micheli2024 at the fan-in, threshold and gain
        needed_variance     Var[w] that gives the last potentials a variance of one with the measured input
        input_mean, input_mean_square   of all numbers that the layer receives; the rate of its inputs if it is spikes
        potential_mean, potential_variance, potential_skewness   before the reset, over neurons, images and steps
        firing_rate         spikes per neuron and step
        silent, saturated   shares of neurons that never fire, and that fire at every step for every image
        within_reach        share of potentials closer to the threshold than the threshold is to rest
        weight_gradient     Euclidean norm of d loss / d weight
        current_gradient    Euclidean norm of d loss / d input current, over neurons, images and steps
        predicted_mean, predicted_variance, predicted_firing_rate   by mean field, with the weights' own statistics

    findings: what is wrong, the most severe first. docs/diagnose.md has the criteria.
    """

    table: pd.DataFrame
    findings: tuple[Finding, ...]
    network: str

    @property
    def healthy(self) -> bool:
        """Whether there is no finding but notes."""
        return all(finding.severity == "note" for finding in self.findings)

    def figure(self) -> Figure:
        """Firing rate, mean and variance of the potential beside mean field, and gradients, over the layers."""
        return figure(self.table, self._title())

    def __str__(self) -> str:
        return report.text(self.table, self.findings, self._title())

    def _repr_html_(self) -> str:
        return report.html(self.table, self.findings, self._title())

    def _title(self) -> str:
        errors = sum(finding.severity == "error" for finding in self.findings)
        warnings = sum(finding.severity == "warning" for finding in self.findings)
        counted = [_counted(errors, "error"), _counted(warnings, "warning")]
        verdict = "healthy" if self.healthy else ", ".join(filter(None, counted))
        return f"{self.network}: {verdict}"


def diagnose(
    network: nn.Module,
    batch: Any,
    *,
    loss: Loss | None = None,
    targets: Any = None,
    run: Run | None = None,
    neurons: Mapping[str, Told] | None = None,
) -> Diagnosis:
    """Run `batch` through `network` once, from fresh potentials, and diagnose every layer.

    The network is looked at in the mode that it is in: normalisation with the batch's statistics and dropout take part
    in training mode. Afterwards it is as it was, to the bit: parameters and their gradients, buffers, states, modes and
    random numbers.

    batch: encoded data as the network takes it, with a dimension for the images. loss: `loss(output)`, or
    `loss(output, targets)` with targets, a scalar tensor; without it no gradients are looked at. run: how the batch
    runs through the network, `run(network, batch)`, if `network(batch)` is not enough, as for a network that is called
    once for every time step; what it returns is the output. neurons: what neurons do that are not read, by the name of
    their module, such as {"lif1": {"threshold": 1.0, "decay": 0.9}}.

    UserError for a network without layers that have weights or without neurons, for a batch on another device or of a
    shape that the network does not take, and for a loss that is no scalar or cannot be differentiated.
    """
    if not isinstance(network, nn.Module):
        raise UserError(f"network is a {type(network).__name__}: give a torch.nn.Module")
    if targets is not None and loss is None:
        raise UserError("targets are given without a loss: give loss, a function (output, targets) -> scalar")
    told = {module: told_dynamics(module, values) for module, values in (neurons or {}).items()}
    firing, weighted = members(network, told)
    if not firing:
        raise UserError(
            f"{type(network).__name__} has no neurons that are known to fire ({known_neurons()}): tell of them with "
            "neurons={'name of the module': {'threshold': ..., 'decay': ...}}"
        )
    with untouched(network), torch.enable_grad():
        with Observer(firing, weighted) as observer:
            output = call(network, batch, run)
        if not observer.sites:
            raise UserError(
                f"no neurons of {type(network).__name__} are called on this batch: give `run`, a function "
                "(network, batch) that calls it as in training"
            )
        measured = _measure(observer, _value(loss, output, targets) if loss is not None else None)
        predictions = predict(measured)
    found = findings(measured, [name for name in weighted if name not in observer.layers])
    rows = [_row(each, prediction) for each, prediction in zip(measured, predictions, strict=True)]
    return Diagnosis(pd.DataFrame(rows), tuple(found), type(network).__name__)


def _value(loss: Loss, output: Any, targets: Any) -> torch.Tensor:
    """The loss, checked."""
    try:
        value = loss(output) if targets is None else loss(output, targets)
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise UserError(
            f"the loss fails on the network's output ({_described(output)}): {error}. Give a function (output) or "
            "(output, targets) that returns a scalar tensor"
        ) from error
    if not isinstance(value, torch.Tensor):
        raise UserError(f"the loss returns a {type(value).__name__}: return a scalar tensor, without .item()")
    if value.numel() != 1:
        raise UserError(f"the loss has shape {list(value.shape)}: return a scalar, such as its mean")
    if not value.requires_grad:
        raise UserError(
            "the loss cannot be differentiated with respect to the network: it depends on it through no tensor with a "
            "gradient, as behind .detach(), argmax, torch.no_grad() or with all weights frozen"
        )
    return value.reshape(())


def _measure(observer: Observer, loss: torch.Tensor | None) -> list[Measured]:
    try:
        return measure(observer, loss)
    except RuntimeError as error:
        if loss is None or "modified by an inplace operation" not in str(error):
            raise
        raise UserError(
            f"the loss cannot be differentiated: {str(error).splitlines()[0]} Replace the in-place operation, such as "
            "x += y, by x = x + y"
        ) from error


def _described(output: Any) -> str:
    if isinstance(output, torch.Tensor):
        return f"shape {list(output.shape)}"
    if isinstance(output, tuple | list):
        return f"a {type(output).__name__} of {len(output)}"
    return f"a {type(output).__name__}"


def _row(each: Measured, prediction: Prediction) -> dict[str, Any]:
    dynamics, site, potentials = each.dynamics, each.site, each.potentials
    return {
        "layer": each.name,
        "kind": None if each.layer is None else type(each.layer.module).__name__,
        "neurons": None if site is None else site.neurons.name,
        "library": None if dynamics is None else dynamics.library,
        "steps": math.nan if site is None else site.steps,
        "images": math.nan if site is None else site.images,
        "fan_in": math.nan if each.fan_in is None else each.fan_in,
        "threshold": math.nan if dynamics is None else dynamics.threshold_value,
        "decay": math.nan if dynamics is None else dynamics.decay_value,
        "gain": math.nan if dynamics is None else dynamics.gain_value,
        "weight_mean": each.weight_mean,
        "weight_variance": each.weight_variance,
        "law_variance": each.law_variance,
        "needed_variance": each.needed_variance,
        "input_mean": each.input_mean,
        "input_mean_square": each.input_square,
        "potential_mean": math.nan if potentials is None else potentials.mean,
        "potential_variance": math.nan if potentials is None else potentials.variance,
        "potential_skewness": math.nan if potentials is None else potentials.skewness,
        "firing_rate": each.rate,
        "silent": each.silent,
        "saturated": each.saturated,
        "within_reach": math.nan if potentials is None else potentials.within_reach,
        "weight_gradient": each.weight_gradient,
        "current_gradient": each.current_gradient,
        "predicted_mean": prediction.mean,
        "predicted_variance": prediction.variance,
        "predicted_firing_rate": prediction.rate,
    }


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count > 1 else ''}" if count else ""
