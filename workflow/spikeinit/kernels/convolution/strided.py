"""The image's gradient of strided convolutions with 16 or 32 channels, on a processor.

There the general routine runs at a third of the processor's speed. Each output position adds its gradient times the
weights to the pixels under its window; pixels and weights lie so that one row of the kernel is one run of memory.
Work items are ranges of images, so results are the same bits for any number of threads.
"""

from __future__ import annotations

import numpy as np
import torch

from spikeinit.kernels.convolution.geometry import Geometry
from spikeinit.kernels.native import kernel, run
from spikeinit.kernels.vectors import multiply_rows, on_image

GROUPS = 32


def image_gradient(gradient: torch.Tensor, weight: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """The gradient [N, H, W, C] of the image, from that of the output, `gradient` [N, H', W', M]."""
    images, channels = len(gradient), weight.shape[1]
    image = gradient.new_empty(images, *geometry.image, channels)
    table = weight.permute(2, 0, 3, 1).contiguous().view(geometry.kernel[0], -1)
    groups = min(images, GROUPS)
    run(_image_gradient, groups, image.numel(), groups, gradient.view(images, -1).numpy(), table.numpy(), channels,
        geometry.numbers, image.view(images, -1).numpy())  # fmt: skip
    return image


@kernel
def _image_gradient(first, last, groups, gradient, weight, channels, sizes, image):
    height, width, kernel_height, kernel_width, stride_y, stride_x, padding_y, padding_x, rows, columns = sizes
    images, length = len(image), kernel_width * channels
    features = weight.shape[1] // length
    nowhere = np.empty(length, image.dtype)
    for item in range(first, last):
        for n in range(item * images // groups, (item + 1) * images // groups):
            pixels, arriving = image[n], gradient[n]
            pixels[:] = 0
            for oy in range(rows):
                top, bottom = on_image(height, kernel_height, stride_y, padding_y, oy)
                for ky in range(top, bottom):
                    y = oy * stride_y - padding_y + ky
                    ox = 0
                    while ox < columns:
                        left, right = on_image(width, kernel_width, stride_x, padding_x, ox)
                        here = (y * width + ox * stride_x - padding_x + left) * channels
                        factors = (oy * columns + ox) * features
                        start, size = left * channels, (right - left) * channels
                        if ox + 1 < columns and (left, right) == on_image(
                            width, kernel_width, stride_x, padding_x, ox + 1
                        ):
                            multiply_rows(pixels, here, pixels, here + stride_x * channels, weight[ky], start, length,
                                          arriving, factors, factors + features, features, size)  # fmt: skip
                            ox += 2
                        else:
                            multiply_rows(pixels, here, nowhere, 0, weight[ky], start, length,
                                          arriving, factors, factors, features, size)  # fmt: skip
                            ox += 1
