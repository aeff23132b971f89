"""How many positions a convolution has: read while planning too, so nothing is imported here."""

from __future__ import annotations


def windows_along(size: int, kernel: int, stride: int, padding: int) -> int:
    """Output positions of a convolution along one axis of an image of `size`."""
    return (size + 2 * padding - kernel) // stride + 1
