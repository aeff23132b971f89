"""Earlier conversions of the same networks: what they change in threshold, initial potential or neuron.

max         V is the largest activation, v[0] = 0 (Diehl et al. 2015, with the soft reset of Rueckauer et al. 2017)
percentile  V is the 99.9th percentile of the positive activations, v[0] = 0 (Rueckauer et al. 2017)
mse_grid    V from a grid of fractions of the maximum, by mean square error at this T; the bias is raised by V/(2T),
            v[0] = 0 (Li et al. 2021)
opt         the bias of every layer is raised by V/(2T), v[0] = 0; V is the bound of the clipped ReLU, or the maximum
            where the network has plain ReLU (Deng & Gu 2021)
qcfs        V is what the quantised activation learned, v[0] = V/2 (Bu et al. 2022)
snm         V is the largest activation, v[0] = 0, on signed neurons with memory (Wang et al. 2022); snm_neuron: of each
            neuron, as the authors do it
..._half    the same thresholds with v[0] = V/2: what of a difference to other methods is the potential's

`optimal_signed` has optimal thresholds on neurons that take a spike back at once. A neuron that is silent in the
analogue network fires early where the positive part of its input comes first, and without negative spikes it cannot
make up for it. This unevenness error (Bu et al. 2022) is the larger part of the conversion error of deep networks. The
neuron here emits -V as soon as its potential falls below zero, and never more negative spikes than positive ones.

The bias shift amounts to V/2 after T steps: where the input is constant the neuron has then emitted as many spikes as
one that began at V/2, only later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from spikeinit.conversion.activation_functions import ClippedRelu, Qcfs
from spikeinit.conversion.convert import ConvertedNeuron, LayerThreshold, ThresholdNeuron, convert, per_channel
from spikeinit.conversion.methods import METHODS
from spikeinit.errors import UserError
from spikeinit.networks.build import FeedForward


class SignedNeuron(ThresholdNeuron):
    """Signed neurons with memory (Wang et al. 2022) over [T, B, ...] current; output V, 0 or -V.

    A neuron fires +V where its potential reaches V, and takes a spike back, -V, where the potential falls to
    -`takes_back` V and it has fired more positive than negative spikes before. With 1, as published, it is late by up
    to a whole spike. It has no gradient: such networks are not trained further.
    """

    def __init__(self, given: LayerThreshold, *, takes_back: float = 1.0) -> None:
        super().__init__(given)
        self.takes_back = takes_back

    @torch.no_grad()
    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """Signed spikes [T, B, ...] of the input current [T, B, ...]."""
        threshold = per_channel(self.threshold, current)
        scaled = current / threshold
        potential = per_channel(self.initial_fraction, current).expand(current.shape[1:])
        memory = torch.zeros_like(scaled[0])
        outputs = torch.empty_like(scaled)
        for step, arriving in enumerate(scaled):
            potential = potential + arriving
            taken_back = (potential <= -self.takes_back) & (memory > 0)
            spikes = (potential >= 1).to(scaled.dtype) - taken_back.to(scaled.dtype)
            potential = potential - spikes
            memory += spikes
            outputs[step] = spikes
        return outputs * threshold


def trained_thresholds(activations: Iterable[nn.Module], *, initial_fraction: float) -> list[LayerThreshold]:
    """Thresholds that the activation functions themselves hold: the bound of clipped ReLU, the step of QCFS.

    The initial potential is `initial_fraction` of them. UserError for activations that hold none.
    """
    found = []
    for activation in activations:
        if not isinstance(activation, ClippedRelu | Qcfs):
            raise UserError(
                f"{type(activation).__name__} has no threshold of its own; the method takes a network with the "
                "activation clipped_relu or qcfs"
            )
        threshold = torch.tensor(activation.threshold_value, dtype=torch.float64)
        found.append(LayerThreshold(threshold, initial_fraction * threshold))
    return found


def convert_by(
    name: str,
    ann: FeedForward,
    timesteps: int,
    thresholds: Mapping[str, Sequence[LayerThreshold]],
    *,
    kernel: str = "auto",
    width: float | None = None,
    fold: bool = True,
) -> FeedForward:
    """The network that the method `name` of `spikeinit.conversion.methods.METHODS` makes of `ann` for `timesteps`.

    thresholds: by kind, one for each activation in trace order, of this number of steps. width: of the surrogate
    gradient, for networks that are trained further. fold: whether batch normalisation is folded, as `convert` says.
    """
    chosen = method_thresholds(name, ann.neurons(), thresholds)
    return convert(ann, chosen, method_neurons(name, timesteps, kernel=kernel, width=width), fold=fold)


def method_thresholds(
    name: str, activations: Iterable[nn.Module], thresholds: Mapping[str, Sequence[LayerThreshold]]
) -> list[LayerThreshold]:
    """Threshold and initial potential of each activation's neurons by the method `name`.

    thresholds: by kind, one for each activation; not needed where the activations hold their own.
    """
    method = METHODS[name]
    if method.thresholds == "trained":
        return trained_thresholds(activations, initial_fraction=0.0 if method.shifted else 0.5)
    chosen = list(thresholds[method.thresholds])
    if method.half:
        return [LayerThreshold(given.threshold, 0.5 * given.threshold) for given in chosen]
    if method.shifted:  # the shift is in the place of the potential, with which the kind was searched
        return [LayerThreshold(given.threshold, torch.zeros_like(given.threshold)) for given in chosen]
    return chosen


def method_neurons(
    name: str, timesteps: int, *, kernel: str = "auto", width: float | None = None
) -> Callable[[LayerThreshold], ThresholdNeuron]:
    """What makes the neurons of the method `name` for `timesteps` steps from their thresholds.

    width: of the surrogate gradient, which signed neurons do not have.
    """
    method = METHODS[name]
    if method.takes_back is not None:
        return partial(SignedNeuron, takes_back=method.takes_back)
    options: dict[str, Any] = {"kernel": kernel, "shift": 1 / (2 * timesteps) if method.shifted else 0.0}
    if width is not None:
        options["width"] = width
    return partial(ConvertedNeuron, **options)
