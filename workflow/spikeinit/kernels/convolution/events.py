"""Convolutions of sparse signals on a processor: only what is not zero is multiplied.

Most neurons are silent at most steps, so most products of a spiking layer's convolution are with zero. Here each output
position gathers the weight rows of the spikes inside its window, and the gradient of the weights is gathered the same
way. Values may be anything, not only 0 and 1; the result is the convolution's, up to the order of summation. The
gradient of the input needs every product whatever the input was, and is left to the dense routines.

The work is cut into items, each a range of images and of output channels, by sizes alone: results are the same bits
for any number of threads.
"""

from __future__ import annotations

import numpy as np
import torch

from spikeinit.kernels.convolution.geometry import Geometry
from spikeinit.kernels.native import inlined, kernel, run
from spikeinit.kernels.vectors import LANES, add_to_rows, copy, gather_rows, nonzero_lanes, on_image, trailing_zeros

CHANNELS = 256
"""Output channels of one work item: its part of the weights stays in the caches."""
FORWARD_GROUPS = 32
GRADIENT_GROUPS = 8
"""Ranges of images at most; each has weight gradients of its own, which are added up in order at the end."""
GRADIENT_VALUES = 1 << 23
"""Values of all those weight gradients together, at most (but two ranges at least)."""


def share_of_events(pixels: torch.Tensor) -> float:
    """The share of values in `pixels` (contiguous) that are not zero."""
    return _count(pixels.view(-1).numpy()) / max(1, pixels.numel())


def forward(pixels: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """[N, H', W', M] from `pixels` [N, H, W, C], `weight` [M, C, h, w] and `bias` [M]."""
    images, features = len(pixels), len(weight)
    rows = weight.new_zeros(weight[0].numel(), _padded(features))
    rows[:, :features] = weight.permute(2, 3, 1, 0).reshape(-1, features)
    start = bias.new_zeros(rows.shape[1])
    start[:features] = bias
    output = pixels.new_empty(images, *geometry.output, features)
    groups = min(images, FORWARD_GROUPS)
    blocks = -(-features // CHANNELS)
    run(_gather_events, groups * blocks, output.numel(), groups, CHANNELS, pixels.numpy(), geometry.numbers,
        rows[None].numpy(), start.numpy(), output.numpy())  # fmt: skip
    return output


def weight_gradient(pixels: torch.Tensor, gradient: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """The gradient [M, C, h, w] of the weights, from that of the output, `gradient` [N, H', W', M]."""
    images, features, channels = len(pixels), gradient.shape[-1], pixels.shape[-1]
    size = channels * geometry.kernel[0] * geometry.kernel[1]
    groups = min(images, GRADIENT_GROUPS, max(2, GRADIENT_VALUES // (size * features)))
    blocks = -(-features // CHANNELS)
    parts = np.zeros((groups, size, _padded(features)), gradient.numpy().dtype)
    run(_scatter_events, groups * blocks, gradient.numel(), groups, CHANNELS, pixels.numpy(), geometry.numbers,
        parts, parts[0, 0], gradient.numpy())  # fmt: skip
    total = parts[0]
    for part in parts[1:]:
        total += part
    return torch.from_numpy(total)[:, :features].reshape(*geometry.kernel, channels, features).permute(3, 2, 0, 1)


def _padded(features: int) -> int:
    """The length of a weight row in whole vectors."""
    return -(-features // LANES) * LANES


@kernel
def _count(values):
    found = 0
    for n in range(values.size):
        found += np.int32(values[n] != 0)
    return found


@inlined
def _find_events(image, starts, place, value):
    """The events of `image` [H, W, C], pixel after pixel: where in its row of W * C values each is, and its value.

    Those of pixel (y, x) are [starts[y * W + x], starts[y * W + x + 1]). A vector of channels is tested at once.
    """
    height, width, channels = image.shape
    whole = channels // LANES * LANES
    found = 0
    for y in range(height):
        for x in range(width):
            starts[y * width + x] = found
            pixel = image[y, x]
            for first in range(0, whole, LANES):
                lanes = nonzero_lanes(pixel, first)
                while lanes != 0:
                    c = first + trailing_zeros(lanes)
                    lanes &= lanes - np.uint32(1)
                    place[found] = x * channels + c
                    value[found] = pixel[c]
                    found += 1
            for c in range(whole, channels):
                if pixel[c] != 0:
                    place[found] = x * channels + c
                    value[found] = pixel[c]
                    found += 1
    starts[height * width] = found


def _walk(gathering):
    """A kernel that goes over the output positions of all images, with the events under the window of each.

    gathering: the rows of the only table are gathered into `maps` [N, H', W', M], which begins as `bias`. Otherwise
    `maps` is added to the rows of the table of each group. It is known when the kernel is compiled: a choice made in
    the innermost loop costs a quarter of the speed.
    """

    @kernel
    def walk(first, last, groups, block, pixels, sizes, tables, bias, maps):
        height, width, kernel_height, kernel_width, stride_y, stride_x, padding_y, padding_x, rows, columns = sizes
        images, channels = len(pixels), pixels.shape[3]
        starts = np.empty(height * width + 1, np.int32)
        place = np.empty(height * width * channels, np.int32)
        value = np.empty(height * width * channels, pixels.dtype)
        here = np.zeros(tables.shape[2], maps.dtype)
        for item in range(first, last):
            group, begin = item % groups, item // groups * block
            end = min(begin + block, maps.shape[3])
            table = tables[0 if gathering else group]
            for n in range(group * images // groups, (group + 1) * images // groups):
                _find_events(pixels[n], starts, place, value)
                for oy in range(rows):
                    top, bottom = on_image(height, kernel_height, stride_y, padding_y, oy)
                    for ox in range(columns):
                        left, right = on_image(width, kernel_width, stride_x, padding_x, ox)
                        copy(bias if gathering else maps[n, oy, ox], begin, here, begin, end - begin)
                        for ky in range(top, bottom if left < right else top):  # else all of it lies in the padding
                            corner = (oy * stride_y - padding_y + ky) * width + ox * stride_x - padding_x
                            shift = (ky * kernel_width - ox * stride_x + padding_x) * channels
                            start, stop = starts[corner + left], starts[corner + right]
                            if gathering:
                                gather_rows(here, table, place, value, start, stop, shift, begin, end)
                            else:
                                add_to_rows(table, place, value, start, stop, shift, begin, end, here)
                        if gathering:
                            copy(here, begin, maps[n, oy, ox], begin, end - begin)

    return walk


_gather_events, _scatter_events = _walk(gathering=True), _walk(gathering=False)
