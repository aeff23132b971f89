"""Synaptic operations: each spike times the number of synapses it really reaches, borders respected."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from spikeinit.encoding import is_binary
from spikeinit.kernels.convolution.sizes import windows_along
from spikeinit.networks.build import FeedForward, is_repeated
from spikeinit.networks.modules import Trace
from spikeinit.specs import EncodingSpec

_CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


Weighted = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d


def fan_out(operation: Weighted, input_shape: tuple[int, ...]) -> torch.Tensor:
    """Synapses that lead from each input into the layer, float64 of shape `input_shape` ([C, ...], or [N] if linear).

    A pixel at the border or between the strides of a convolution takes part in fewer windows than one inside. With
    another padding than zeros it also takes part through its copies outside the border.
    """
    if isinstance(operation, nn.Linear):
        return torch.full(input_shape, float(operation.out_features), dtype=torch.float64)
    channels, *size = input_shape
    windows = _windows_of_each_pixel(
        tuple(size),
        operation.kernel_size,
        operation.stride,
        operation.padding,
        operation.dilation,
        operation.padding_mode,
    )
    return windows.expand(channels, *size) * (operation.out_channels // operation.groups)


@functools.lru_cache(maxsize=256)
def _windows_of_each_pixel(size: tuple[int, ...], kernel: tuple[int, ...], *geometry: Any) -> torch.Tensor:
    """In how many windows of a convolution each pixel of a map of `size` lies.

    geometry: stride, padding, dilation and padding mode.
    """
    stride, padding, dilation, mode = geometry
    with torch.inference_mode(False), torch.enable_grad():  # the gradient of the windows' sum counts them
        convolution = nn.utils.skip_init(
            _CONVOLUTIONS[len(size)],
            1,
            1,
            kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            bias=False,
            padding_mode=mode,
            device="cpu",
            dtype=torch.float64,
        )
        nn.init.ones_(convolution.weight)
        image = torch.ones(1, 1, *size, dtype=torch.float64, device="cpu", requires_grad=True)
        (windows,) = torch.autograd.grad(convolution(image).sum(), image)
    return windows[0]


def spike_operations(operation: Weighted, spikes: torch.Tensor) -> torch.Tensor:
    """Synaptic operations, [], of spikes: how many arrive at each input of the layer, [C, ...], or any shape if linear.

    They are summed in float64, in which whole numbers are exact.
    """
    if isinstance(operation, nn.Linear):
        spikes = spikes.flatten()
    reached = fan_out(operation, tuple(spikes.shape)).to(spikes.device)
    return (spikes * reached).sum()


def synapses(operation: Weighted, input_shape: tuple[int, ...]) -> float:
    """All synapses of a layer: its multiply-accumulates per image and step when every input is analogue."""
    return fan_out(operation, input_shape).sum().item()


def dense_operations(operation: Weighted, input_shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of a layer as FLOP are counted in print: padded zeros are multiplied like other inputs."""
    if isinstance(operation, nn.Linear):
        return operation.in_features * operation.out_features
    if operation.padding == "same":  # the map keeps its size
        return math.prod(input_shape[1:]) * operation.weight.numel()
    padding = (0,) * len(operation.kernel_size) if operation.padding == "valid" else operation.padding
    reach = (
        spread * (length - 1) + 1 for length, spread in zip(operation.kernel_size, operation.dilation, strict=True)
    )
    axes = zip(input_shape[1:], reach, operation.stride, padding, strict=True)
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
            if index == 0 and self.analogue:
                rows.append((0.0, synapses(layer.operation, tuple(total.shape)) * self.encoding.timesteps))
            else:
                operations = spike_operations(layer.operation, total).item()
                rows.append((operations * layer.pooled / self.images, 0.0))
        return [*rows, (0.0, 0.0)]


def _over_images(values: torch.Tensor) -> torch.Tensor:
    """The sum of [T, B, ...] over steps and images."""
    if is_repeated(values):
        return values[0].sum(0, dtype=torch.float64) * len(values)
    return values.flatten(0, 1).sum(0, dtype=torch.float64)
