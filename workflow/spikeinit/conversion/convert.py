"""From a trained ReLU network to a spiking one: batch normalisation folded, activations replaced by neurons.

Weights and biases are copied; where batch normalisation follows a layer it is folded into them,

    W' = g W / sqrt(var + eps),    b' = g (b - mean) / sqrt(var + eps) + shift,

in float64. In the place of every activation comes an integrate-and-fire neuron without leak, with soft reset, whose
spikes have the height V of its threshold (Bojković et al. 2024, Eq. 1). It fires where the potential reaches V
(inclusive), so that a constant input a gives, over T steps from the initial potential V/2, exactly
Q(a) = V/T clip(floor(a T/V + 1/2), 0, T). In a residual block the neuron follows the addition. The input image is
repeated at every step without encoding, and the last layer does not spike: its outputs are averaged over the steps.

The neuron works in units of its threshold, current / V with the threshold 1. That is the same spike train, and its
surrogate gradient 1[|v - V| < a V] / V passes on current as ReLU does, whatever the scale of a layer's weights.

Every neuron starts `FIRING_TOLERANCE` of its threshold higher, and so fires where its potential comes that close to V.
Optimal thresholds are activations themselves. A constant background then ends within rounding of V, and whether it
fires would be decided by the last bit, layer after layer.

The study's networks have average pooling, which commutes with the mean over steps; the paper's authors put it in the
place of maximum pooling, in torchvision's VGG16 too. Where a network keeps maximum pooling, it acts on the spikes of
each step, and does not commute with the mean.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from spikeinit.conversion.activation_functions import ClippedRelu, Qcfs, Relu
from spikeinit.errors import UserError
from spikeinit.networks.build import FeedForward
from spikeinit.networks.modules import DropoutMask, Part, Pooling, ResidualBlock, WeightedLayer
from spikeinit.neurons import integrate_and_fire

ACTIVATIONS = (Relu, ClippedRelu, Qcfs)
NORMALIZATIONS = (nn.BatchNorm1d, nn.BatchNorm2d)
OPERATIONS = (nn.Conv2d, nn.Linear)
PARTS = (WeightedLayer, ResidualBlock, Pooling, DropoutMask)
SUPPORTED = (
    "Conv2d and Linear layers, BatchNorm behind them, average and maximum pooling, dropout, residual blocks, "
    "and the activations relu, clipped_relu and qcfs"
)

DEFAULT_SURROGATE_WIDTH = 0.5
FIRING_TOLERANCE = 1e-5
"""In units of the threshold: far above the rounding of float32 sums, far below what moves an accuracy."""


@dataclass(frozen=True)
class LayerThreshold:
    """Threshold and initial potential of a layer's neurons: float64 [], one per channel [channels], or one per neuron
    [channels, height, width]."""

    threshold: torch.Tensor
    initial_potential: torch.Tensor


class ThresholdNeuron(nn.Module):
    """Neurons with given thresholds and initial potentials, which are kept in units of the threshold.

    `initial_fraction` is the initial potential in thresholds, with the firing tolerance in it. `shift` is added to the
    current at every step, in units of the threshold.

    ValueError unless thresholds are positive and finite, and potentials finite.
    """

    shift: float = 0.0

    def __init__(self, given: LayerThreshold) -> None:
        super().__init__()
        threshold, potential = torch.broadcast_tensors(given.threshold, given.initial_potential)
        if not bool((threshold.isfinite() & (threshold > 0) & potential.isfinite()).all()):
            lowest = threshold.min().item()
            raise ValueError(f"lowest threshold {lowest}: thresholds are positive numbers, potentials finite ones")
        self.threshold = nn.Parameter(threshold.to(torch.float32, copy=True), requires_grad=False)
        fraction = potential / threshold + FIRING_TOLERANCE
        self.initial_fraction = nn.Parameter(fraction.to(torch.float32), requires_grad=False)


class ConvertedNeuron(ThresholdNeuron):
    """Integrate-and-fire neurons over [T, B, ...] current, without leak, with spikes of the height of the threshold.

    `width` is a of the surrogate gradient, in units of the threshold.
    """

    def __init__(
        self, given: LayerThreshold, *, kernel: str = "auto", width: float = DEFAULT_SURROGATE_WIDTH, shift: float = 0.0
    ) -> None:
        super().__init__(given)
        self.kernel = kernel
        self.width = width
        self.shift = shift

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """Spikes [T, B, ...], 0 or the threshold, of the input current [T, B, ...]."""
        threshold = per_channel(self.threshold, current)
        return integrate_and_fire(
            (current + self.shift * threshold if self.shift else current) / threshold,
            decay=1.0,
            threshold=1.0,
            initial_potential=per_channel(self.initial_fraction, current),
            surrogate="rectangular",
            slope=self.width,
            amplitude=threshold,
            kernel=self.kernel,
            inclusive=True,
        )


class QuantizedActivation(nn.Module):
    """What a converted neuron emits per step when its whole input is there at every step: Q(a), without any timing.

    Q(a) = V/T clip(floor(a T/V + v[0]/V), 0, T) of the current a [1, B, ...]; a bias shift counts T-fold.
    """

    def __init__(self, neuron: ThresholdNeuron, timesteps: int) -> None:
        super().__init__()
        self.threshold = neuron.threshold
        self.start = neuron.initial_fraction + timesteps * neuron.shift
        self.timesteps = timesteps

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        threshold = per_channel(self.threshold, current)
        spikes = (current / threshold * self.timesteps + per_channel(self.start, current)).floor()
        return spikes.clamp(0, self.timesteps) * threshold / self.timesteps


def quantized(network: FeedForward, timesteps: int) -> FeedForward:
    """The converted `network` without time: one step, every neuron replaced by the Q of `timesteps` steps.

    What it differs by from the analogue network is quantisation; what `network` differs by from it is timing. It shares
    the weights of `network`, and is in evaluation mode.
    """
    copied = copy.deepcopy(network, {id(shared): shared for shared in (*network.parameters(), *network.buffers())})
    for part in copied.parts:
        for holder in part.firing():
            holder.neuron = QuantizedActivation(holder.neuron, timesteps)
    return copied.eval()


def per_channel(values: torch.Tensor, current: torch.Tensor) -> torch.Tensor:
    """Values [], [channels] or [channels, ...] in a shape that broadcasts to `current` [T, B, channels, ...]."""
    return values if values.dim() != 1 else values.reshape(-1, *[1] * (current.dim() - 3))


MakeNeuron = Callable[[LayerThreshold], nn.Module]


def convert(
    ann: FeedForward,
    thresholds: Sequence[LayerThreshold],
    make_neuron: MakeNeuron = ConvertedNeuron,
    *,
    fold: bool = True,
) -> FeedForward:
    """The spiking copy of `ann`, in evaluation mode, with `make_neuron(threshold)` for its activations in trace order.

    fold: whether batch normalisation is folded into the weights. A network that is trained further keeps it, and
    `folded` folds it afterwards; in evaluation mode both are the same function.

    `ann` stays as it is. UserError names the modules of `ann` that are not supported, and a count of thresholds that
    is not that of its activations.
    """
    check(ann)
    count = len(ann.neurons())
    if count != len(thresholds):
        raise UserError(
            f"{len(thresholds)} thresholds for {count} activations; thresholds and network belong to different jobs, "
            "so run the threshold search on this network again"
        )
    network = copy.deepcopy(ann).eval().requires_grad_(False)
    remaining = iter(thresholds)
    for part in network.parts:
        for holder in part.firing():
            holder.neuron = make_neuron(next(remaining))
    for layer in network.weighted_layers():
        if fold:
            fold_normalization(layer)
        layer.operation.requires_grad_(True)
        if layer.normalization is not None:
            layer.normalization.requires_grad_(True)
    return network


def folded(network: FeedForward) -> FeedForward:
    """A copy of `network` in evaluation mode, with its batch normalisation folded into weights and biases."""
    copied = copy.deepcopy(network).eval()
    for layer in copied.weighted_layers():
        fold_normalization(layer)
    return copied


def check(ann: nn.Module) -> None:
    """UserError that names the modules of `ann` which conversion does not support."""
    if not isinstance(ann, FeedForward):
        raise UserError(f"{type(ann).__name__} cannot be converted; build networks with spikeinit.conversion.ann")
    wrong = []
    for part in ann.parts:
        if not isinstance(part, PARTS):
            wrong.append(part)
        for layer in part.weighted_layers() if isinstance(part, Part) else []:
            wrong += [layer.operation] * (not isinstance(layer.operation, OPERATIONS))
            if layer.normalization is not None and not isinstance(layer.normalization, NORMALIZATIONS):
                wrong.append(layer.normalization)
        neurons = part.neurons() if isinstance(part, Part) else []
        wrong += [neuron for neuron in neurons if not isinstance(neuron, ACTIVATIONS)]
    if wrong:
        names = ", ".join(sorted({type(module).__name__ for module in wrong}))
        raise UserError(f"conversion does not support {names}; it supports {SUPPORTED}")


def fold_normalization(layer: WeightedLayer) -> None:
    """Put a layer's batch normalisation, as it acts in evaluation mode, into its weights and biases."""
    normalization = layer.normalization
    if normalization is None:
        return
    fold_into(layer.operation, normalization)
    layer.normalization = None


def fold_into(operation: nn.Module, normalization: nn.Module) -> None:
    """Put a batch normalisation, as it acts in evaluation mode, into the weights and biases of the layer before it.

    operation: a convolution or a fully connected layer, whose outputs are the channels that are normalised.
    """
    scale, shift = normalization_scale(normalization)
    weight = operation.weight.detach().double()
    if operation.bias is not None:
        shift = shift + operation.bias.detach().double() * scale
    folded = weight * scale.reshape(-1, *[1] * (weight.dim() - 1))
    operation.weight = nn.Parameter(folded.to(operation.weight), requires_grad=False)
    operation.bias = nn.Parameter(shift.to(operation.weight), requires_grad=False)


def normalization_scale(normalization: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale and shift, float64 [channels], by which a batch normalisation in evaluation mode makes x scale + shift."""
    mean, variance = normalization.running_mean.double(), normalization.running_var.double()
    scale = (variance + normalization.eps).rsqrt()
    shift = torch.zeros_like(mean)
    if normalization.affine:
        scale, shift = scale * normalization.weight.detach().double(), normalization.bias.detach().double()
    return scale, shift - mean * scale
