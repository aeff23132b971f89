"""Activations as they come, a numpy array or a torch tensor: made one flat array, checked and sorted."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from spikeinit.kernels.compiler import compiler_works
from spikeinit.kernels.native import kernel

RADIX_FROM = 4096
"""Fewer values than this are sorted by numpy, and all where nothing is compiled."""
DIGIT_BITS = 11


def is_tensor(values: Any) -> bool:
    """Whether `values` is a torch tensor. Torch is not imported for it: where there is a tensor, it was."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def flat_values(values: Any) -> np.ndarray:
    """Every value in a one-dimensional float32 or float64 array, without a copy where there need be none.

    `values` is a numpy array or a torch tensor (any device, detached here) of any shape. Half precision becomes
    float32, integers and booleans float64; the order of bytes is free. Of a masked array the values that are not masked
    count. ValueError for other types and, with their number, for NaN and infinity.
    """
    if is_tensor(values):
        values = values.detach()
        if values.is_sparse or values.is_complex():
            raise ValueError(
                f"activations of type {values.dtype}, {values.layout}; give a dense tensor of real numbers"
            )
        if not values.is_floating_point():
            values = values.double()
        elif values.element_size() < 4:
            values = values.float()
        values = values.cpu().numpy()
    array = np.ma.compressed(values) if isinstance(values, np.ma.MaskedArray) else np.asarray(values).reshape(-1)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    elif array.dtype == np.float16:
        array = array.astype(np.float32)
    elif array.dtype not in (np.float32, np.float64):
        raise ValueError(f"activations of type {array.dtype}; give float32 or float64 values")
    finite = np.isfinite(array)
    if not finite.all():
        missing = array.size - np.count_nonzero(finite)
        raise ValueError(
            f"{missing} of {array.size} activations are NaN or infinite; the network that produced them has diverged"
        )
    return array


def positive_values(values: Any) -> np.ndarray:
    """A new array with the positive ones among `values` (as in `flat_values`), in their order."""
    array = flat_values(values)
    return array[array > 0]


def sort_positive(values: np.ndarray) -> np.ndarray:
    """Positive `values` (one-dimensional, contiguous, overwritten) in ascending order.

    The bits of positive floating-point numbers are in the order of the numbers, so many values are sorted digit by
    digit, in linear time and with the memory of the values once more. Values already in order are returned as they are.
    """
    compiled = compiler_works()
    if compiled and _ascending(values):
        return values
    if not compiled or values.size < RADIX_FROM:
        values.sort()
        return values
    keys = values.view(f"u{values.itemsize}")
    passes = -(-8 * values.itemsize // DIGIT_BITS)
    return _radix_sorted(keys, np.empty_like(keys), passes).view(values.dtype)


@kernel
def _ascending(values: np.ndarray) -> bool:
    for index in range(1, values.size):  # noqa: SIM110 (numba compiles no generator expression)
        if values[index] < values[index - 1]:
            return False
    return True


@kernel
def _radix_sorted(keys: np.ndarray, scratch: np.ndarray, passes: int) -> np.ndarray:
    """Unsigned `keys` in order, least significant digit first; one of the two arrays, both overwritten."""
    mask = (1 << DIGIT_BITS) - 1
    starts_of = np.zeros((passes, mask + 1), np.int64)
    for index in range(keys.size):
        for digit in range(passes):
            starts_of[digit, np.int64(keys[index] >> (digit * DIGIT_BITS)) & mask] += 1
    for digit in range(passes):
        shift = digit * DIGIT_BITS
        starts = starts_of[digit]
        start = 0
        most = 0
        for value in range(mask + 1):
            count = starts[value]
            starts[value] = start
            start += count
            most = max(most, count)
        if most == keys.size:  # all have the same digit here
            continue
        for index in range(keys.size):
            value = np.int64(keys[index] >> shift) & mask
            scratch[starts[value]] = keys[index]
            starts[value] += 1
        keys, scratch = scratch, keys
    return keys
