"""Convolutions onto very small maps, on a processor: one matrix product per output position.

With padding 1 a 3x3 window on a 2x2 or 4x4 map is mostly padding, which a convolution multiplies all the same. Cutting
every window to the pixels that exist leaves, for a stride-2 convolution, 4/9 of the products where the output is 1x1
and 25/36 where it is 2x2, and hands them to the matrix product, which also runs nearer to the processor's peak than the
backward pass of the convolution does. The result is the convolution's, up to the order of summation.

Images are [N, H, W, C], outputs [N, H', W', M], weights [M, C, h, w].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from spikeinit.kernels.convolution.geometry import Geometry


@dataclass(frozen=True)
class Window:
    """One output position: the rows and columns of the image it sees, and those of the kernel that fall on them."""

    row: int
    column: int
    rows: slice
    columns: slice
    kernel_rows: slice
    kernel_columns: slice


def forward(pixels: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """The convolution of `pixels`."""
    output = pixels.new_empty(len(pixels), *geometry.output, len(weight))
    for window in _windows(geometry):
        seen = pixels[:, window.rows, window.columns].flatten(1)
        output[:, window.row, window.column] = torch.addmm(bias, seen, _taps(weight, window).T)
    return output


def image_gradient(gradient: torch.Tensor, weight: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """The gradient of the image, from that of the output."""
    image = gradient.new_zeros(len(gradient), *geometry.image, weight.shape[1])
    for window in _windows(geometry):
        part = image[:, window.rows, window.columns]
        part += (gradient[:, window.row, window.column] @ _taps(weight, window)).view(part.shape)
    return image


def weight_gradient(pixels: torch.Tensor, gradient: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """The gradient of the weights, from the image and the gradient of the output."""
    features, channels = gradient.shape[-1], pixels.shape[-1]
    weight = gradient.new_zeros(features, *geometry.kernel, channels)
    for window in _windows(geometry):
        part = weight[:, window.kernel_rows, window.kernel_columns]
        seen = pixels[:, window.rows, window.columns].flatten(1)
        part += (gradient[:, window.row, window.column].T @ seen).view(part.shape)
    return weight.permute(0, 3, 1, 2)


def _taps(weight: torch.Tensor, window: Window) -> torch.Tensor:
    """The weights that fall on the image, [M, pixels * C]."""
    return weight.permute(0, 2, 3, 1)[:, window.kernel_rows, window.kernel_columns].flatten(1)


def _windows(geometry: Geometry) -> Iterator[Window]:
    height, width = geometry.output
    for row in range(height):
        for column in range(width):
            rows, kernel_rows = _overlap(geometry, 0, row)
            columns, kernel_columns = _overlap(geometry, 1, column)
            yield Window(row, column, rows, columns, kernel_rows, kernel_columns)


def _overlap(geometry: Geometry, axis: int, position: int) -> tuple[slice, slice]:
    """Along one axis: the pixels under the window at `position`, and the part of the kernel above them.

    Both are empty where the whole window lies in the padding.
    """
    start = position * geometry.stride[axis] - geometry.padding[axis]
    first, last = max(0, -start), min(geometry.kernel[axis], geometry.image[axis] - start)
    return (slice(start + first, start + last), slice(first, last)) if first < last else (slice(0), slice(0))
