"""Synaptic operations: each spike times the number of synapses it really reaches, borders respected."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from spikeinit.encoding import is_binary
from spikeinit.kernels.convolution.sizes import windows_along
from spikeinit.networks.build import FeedForward, is_repeated
from spikeinit.networks.modules import Trace
from spikeinit.specs import EncodingSpec


def fan_out(operation: nn.Conv2d | nn.Linear, input_shape: tuple[int, ...]) -> torch.Tensor:
    """Synapses that lead from each input into the layer, shape `input_shape` ([C, H, W], or [N] for a linear layer).

    A pixel at the border or between the strides of a convolution takes part in fewer windows than one inside.
    Raises NotImplementedError for grouped or dilated convolutions.
    """
    if isinstance(operation, nn.Linear):
        return torch.full(input_shape, float(operation.out_features), dtype=torch.float64)
    if operation.groups != 1 or operation.dilation != (1, 1):
        raise NotImplementedError("fan-out of grouped or dilated convolutions")
    channels, height, width = input_shape
    kernel = torch.ones(1, 1, *operation.kernel_size, dtype=torch.float64)
    image = torch.ones(1, 1, height, width, dtype=torch.float64)
    windows = nn.functional.conv2d(image, kernel, stride=operation.stride, padding=operation.padding)
    reached = nn.grad.conv2d_input(
        image.shape, kernel, torch.ones_like(windows), stride=operation.stride, padding=operation.padding
    )
    return reached[0].expand(channels, height, width) * operation.out_channels


def synapses(operation: nn.Conv2d | nn.Linear, input_shape: tuple[int, ...]) -> float:
    """All synapses of a layer: its multiply-accumulates per image and step when every input is analogue."""
    return fan_out(operation, input_shape).sum().item()


def dense_operations(operation: nn.Conv2d | nn.Linear, input_shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of a layer as FLOP are counted in print: padded zeros are multiplied like other inputs."""
    if isinstance(operation, nn.Linear):
        return operation.in_features * operation.out_features
    axes = zip(input_shape[1:], operation.kernel_size, operation.stride, operation.padding, strict=True)
    windows = math.prod(windows_along(*of_axis) for of_axis in axes)
    return windows * operation.weight.numel()


class OperationCounter:
    """Counts, per image and weighted layer, the synaptic operations of received spikes.

    A layer behind average pooling receives means; each spike in the window still crosses the synapses of its window's
    mean, so a mean over n neurons counts n-fold. A first layer whose input is analogue (and not turned into spikes by
    neurons before it) is charged all its synapses at every step as multiply-accumulates.
    """

    def __init__(self, network: FeedForward, encoding: EncodingSpec) -> None:
        self.layers = network.weighted_layers()
        self.encoding = encoding
        self.analogue = not (is_binary(encoding.name) or network.fires_first)
        self.images = 0
        self.sums: list[torch.Tensor] = []

    def update(self, trace: Trace) -> None:
        """Add what a batch's trace, made with `keep_received`, says the layers received."""
        self.add([_over_images(values) for values in trace.received], trace.received[0].shape[1])

    def add(self, received: Sequence[torch.Tensor], images: int) -> None:
        """Add how many spikes each layer received, summed over all steps of so many images."""
        self.sums = [a + b for a, b in zip(self.sums, received, strict=True)] if self.sums else list(received)
        self.images += images

    def per_image(self) -> list[tuple[float, float]]:
        """(synaptic operations, multiply-accumulates) per image: what each layer received, and a last row of zeros."""
        rows = []
        for index, (layer, total) in enumerate(zip(self.layers, self.sums, strict=True)):
            if isinstance(layer.operation, nn.Linear):
                total = total.flatten()
            if index == 0 and self.analogue:
                rows.append((0.0, synapses(layer.operation, tuple(total.shape)) * self.encoding.timesteps))
            else:
                reached = fan_out(layer.operation, tuple(total.shape)).to(total.device)
                rows.append(((total * reached).sum().item() * layer.pooled / self.images, 0.0))
        return [*rows, (0.0, 0.0)]


def _over_images(values: torch.Tensor) -> torch.Tensor:
    """The sum of [T, B, ...] over steps and images."""
    if is_repeated(values):
        return values[0].sum(0, dtype=torch.float64) * len(values)
    return values.flatten(0, 1).sum(0, dtype=torch.float64)
