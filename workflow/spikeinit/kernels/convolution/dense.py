"""Convolutions by PyTorch, one result at a time.

Images are [N, H, W, C], outputs [N, H', W', M], weights [M, C, h, w].
"""

from __future__ import annotations

import torch

from spikeinit.kernels.convolution.geometry import Geometry


def forward(pixels: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """The convolution of `pixels`."""
    image = pixels.permute(0, 3, 1, 2)
    return torch.conv2d(image, weight, bias, geometry.stride, geometry.padding).permute(0, 2, 3, 1)


def image_gradient(gradient: torch.Tensor, weight: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """The gradient of the image, from that of the output."""
    pixels = gradient.new_empty(len(gradient), *geometry.image, weight.shape[1])
    return _backward(pixels, gradient, weight, geometry, 0).permute(0, 2, 3, 1)


def weight_gradient(pixels: torch.Tensor, gradient: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """The gradient of the weights, from the image and the gradient of the output."""
    weight = gradient.new_empty(gradient.shape[-1], *geometry.kernel, pixels.shape[-1]).permute(0, 3, 1, 2)
    return _backward(pixels, gradient, weight, geometry, 1)


def _backward(
    pixels: torch.Tensor, gradient: torch.Tensor, weight: torch.Tensor, geometry: Geometry, wanted: int
) -> torch.Tensor:
    return torch.ops.aten.convolution_backward(
        gradient.permute(0, 3, 1, 2), pixels.permute(0, 3, 1, 2), weight, None, geometry.stride, geometry.padding,
        (1, 1), False, (0, 0), 1, (wanted == 0, wanted == 1, False),
    )[wanted]  # fmt: skip
