"""Strided 1x1 convolutions of few channels on large maps, on a processor: a residual block's shortcut.

For the gradient of their weights oneDNN, which PyTorch calls, writes beyond its memory on processors with AVX-512
(PyTorch 2.14, fewer than 16 channels, 784 output positions and more): the process dies, sooner or later. Here it is one
matrix product with the pixels that the stride leaves. All else is PyTorch's own convolution.

Images are [N, H, W, C], outputs [N, H', W', M], weights [M, C, 1, 1].
"""

from __future__ import annotations

import torch

from spikeinit.kernels.convolution.dense import forward
from spikeinit.kernels.convolution.geometry import Geometry

__all__ = ["forward", "weight_gradient"]


def weight_gradient(pixels: torch.Tensor, gradient: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """The gradient of the weights, from the image and the gradient of the output, of a convolution without padding."""
    down, across = geometry.stride
    seen = pixels[:, ::down, ::across].flatten(0, 2)
    return (gradient.flatten(0, 2).T @ seen)[:, :, None, None]
