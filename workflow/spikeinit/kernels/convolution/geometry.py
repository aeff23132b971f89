"""The sizes of a convolution."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from spikeinit.kernels.convolution.sizes import windows_along


@dataclass(frozen=True)
class Geometry:
    """A convolution's sizes, (rows, columns) each."""

    image: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    @classmethod
    def of(cls, operation: nn.Conv2d, image: torch.Tensor) -> Geometry:
        """That of `operation` on `image` [N, C, H, W]."""
        height, width = image.shape[2:]
        return cls((height, width), operation.kernel_size, operation.stride, operation.padding)

    @property
    def output(self) -> tuple[int, int]:
        sizes = zip(self.image, self.kernel, self.stride, self.padding, strict=True)
        rows, columns = [windows_along(*of_axis) for of_axis in sizes]
        return rows, columns

    @property
    def numbers(self) -> tuple[int, ...]:
        """All sizes, those of the output last."""
        return (*self.image, *self.kernel, *self.stride, *self.padding, *self.output)
