"""Recycled memory for the large arrays of the CPU kernel.

A fresh array of tens of megabytes comes from the operating system page by page, which costs several times as much as
filling it. Training asks for the same few sizes over and over; so blocks of finished tensors are kept and handed out
again. A block returns when the last tensor that looks at it is gone, whoever holds it.
"""

from __future__ import annotations

import threading
import weakref
from collections import defaultdict

import numpy as np
import torch

ALIGNMENT = 64
SMALLEST = 1 << 20
"""Bytes from which a block is recycled; smaller ones are quick to get."""
LARGEST_IDLE = 1 << 30
"""Bytes that may lie idle; a block that comes back beyond this is released."""


class Recycler:
    """Hands out uninitialised tensors, and takes their memory back when they are gone."""

    def __init__(self, largest_idle: int = LARGEST_IDLE) -> None:
        self.largest_idle = largest_idle
        self.idle_bytes = 0
        self._idle: dict[int, list[np.ndarray]] = defaultdict(list)
        self._lock = threading.RLock()  # a block can come back while its own thread is inside `empty`

    def empty(self, shape: torch.Size, stride: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """A CPU tensor of uninitialised memory; `stride` must be dense (no holes, no overlap)."""
        size = shape.numel() * dtype.itemsize
        if size < SMALLEST:
            return torch.empty_strided(shape, stride, dtype=dtype)
        with self._lock:
            blocks = self._idle.get(size)
            block = blocks.pop() if blocks else None
            if block is not None:
                self.idle_bytes -= size
        if block is None:
            block = np.empty(size + ALIGNMENT, np.uint8)
        start = -block.ctypes.data % ALIGNMENT
        lent = block[start : start + size]
        weakref.finalize(lent, self._take_back, block, size).atexit = False
        return torch.from_numpy(lent).view(dtype).as_strided(shape, stride)

    def _take_back(self, block: np.ndarray, size: int) -> None:
        with self._lock:
            if self.idle_bytes + size <= self.largest_idle:
                self._idle[size].append(block)
                self.idle_bytes += size


RECYCLER = Recycler()
