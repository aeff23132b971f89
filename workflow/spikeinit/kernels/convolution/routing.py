"""Convolutions, each by the routine that does the least work: which one depends on the sizes and on how many values of
the image are zero, never on the machine or the number of threads.

On a processor, images with few non-zero values (spikes) go to `events`, very small maps to `windows`, the image's
gradient of strided convolutions with few channels to `strided`, and the weights' gradient of strided 1x1 convolutions
with fewer to `pointwise`; all else, and everything on a GPU, is PyTorch's own convolution. `events` and `strided` are
compiled, and left out where there is no compiler.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from spikeinit.kernels.compiler import compiler_works
from spikeinit.kernels.convolution import dense, pointwise, windows
from spikeinit.kernels.convolution.geometry import Geometry

SMALL_MAP = 4
"""Output positions up to which window products are faster than the convolution."""
FEWEST_CHANNELS = 32
LARGEST_SHARE = 0.25
"""From so many channels, and up to this share of non-zero values, gathering events is faster than the convolution,
forward and for the weights' gradient, from 32 to 1024 channels (measured; with 16 channels it is below 0.05 only)."""
STRIDED_CHANNELS = (16, 32)
"""Channels of strided convolutions for which the image's gradient has a routine of its own: one or two vectors."""
POINTWISE_CHANNELS = 15
POINTWISE_MAP = 26 * 26
"""Up to so many channels, and above so many output positions, PyTorch's own weights' gradient of a strided 1x1
convolution destroys memory (measured, see `pointwise`)."""


def convolve(operation: nn.Conv2d, image: torch.Tensor) -> torch.Tensor:
    """The convolution of `image` [N, C, H, W], [N, M, H', W'] in channels-last memory."""
    plain = operation.groups == 1 and operation.dilation == (1, 1) and operation.padding_mode == "zeros"
    if image.device.type != "cpu" or image.dtype not in (torch.float32, torch.float64) or not plain:
        return nn.Conv2d.forward(operation, image)
    geometry = Geometry.of(operation, image)
    by_weights, by_image = _routines(image.detach().permute(0, 2, 3, 1), geometry)
    if by_weights is by_image is dense:
        return nn.Conv2d.forward(operation, image)
    bias = operation.weight.new_zeros(operation.out_channels) if operation.bias is None else operation.bias
    return _Convolution.apply(image, operation.weight, bias, geometry, by_weights, by_image)


def _routines(pixels: torch.Tensor, geometry: Geometry) -> tuple[ModuleType, ModuleType]:
    """The modules for output and weights' gradient, and for the image's gradient, of `pixels` [N, H, W, C]."""
    channels = pixels.shape[-1]
    small = math.prod(geometry.output) <= SMALL_MAP
    by_weights = by_image = windows if small else dense
    if channels >= FEWEST_CHANNELS and pixels.is_contiguous() and compiler_works():
        from spikeinit.kernels.convolution import events  # needs the compiler, so it is imported where it is used

        if events.share_of_events(pixels) <= LARGEST_SHARE:
            by_weights = events
    if channels <= POINTWISE_CHANNELS and _is_pointwise(geometry) and math.prod(geometry.output) > POINTWISE_MAP:
        by_weights = pointwise
    if not small and max(geometry.stride) > 1 and channels in STRIDED_CHANNELS and compiler_works():
        from spikeinit.kernels.convolution import strided as by_image
    return by_weights, by_image


def _is_pointwise(geometry: Geometry) -> bool:
    return geometry.kernel == (1, 1) and geometry.padding == (0, 0) and max(geometry.stride) > 1


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        image: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        geometry: Geometry,
        by_weights: ModuleType,
        by_image: ModuleType,
    ) -> torch.Tensor:
        ctx.save_for_backward(image, weight)
        ctx.geometry, ctx.by_weights, ctx.by_image = geometry, by_weights, by_image
        return by_weights.forward(image.permute(0, 2, 3, 1), weight, bias, geometry).permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, arriving: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        needs_image, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        image, weight = ctx.saved_tensors
        gradient = arriving.permute(0, 2, 3, 1).contiguous()
        by_image = by_weight = by_bias = None
        if needs_image:
            by_image = ctx.by_image.image_gradient(gradient, weight, ctx.geometry).permute(0, 3, 1, 2)
        if needs_weight:
            by_weight = ctx.by_weights.weight_gradient(image.permute(0, 2, 3, 1), gradient, ctx.geometry)
        if needs_bias:
            by_bias = gradient.sum((0, 1, 2))
        return by_image, by_weight, by_bias, None, None, None
