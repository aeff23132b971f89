"""Loops compiled for the processor, and the threads that run them.

Compiled functions run without the interpreter's lock, so that plain threads share their work. Importing this module
imports numba, which takes a while: import it where it is used.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numba
import torch

OPTIONS = {"nogil": True, "error_model": "numpy"}
SERIAL = 1 << 16
"""Values of a call up to which waking other threads costs more than they save."""

inlined = numba.njit(**OPTIONS)
"""Compiled into the kernels that call it."""


def kernel(function: Callable | None = None, **options: object) -> Callable:
    """Compile with numba at first use, kept on disk where a folder for that is writable; `options` are numba's."""
    if function is None:
        return lambda decorated: kernel(decorated, **options)
    try:
        return numba.njit(cache=True, **OPTIONS, **options)(function)
    except RuntimeError:  # numba's only complaint at this point: no folder to keep it in
        return numba.njit(**OPTIONS, **options)(function)


def run(function: Callable, items: int, values: int, *arguments: object) -> None:
    """Run all work items by `function(first, last, *arguments)` on as many threads as torch uses.

    `values` says how much work that is. Results must not depend on which thread runs an item.
    """
    threads = 1 if values <= SERIAL else min(torch.get_num_threads(), items)
    bounds = [items * index // threads for index in range(threads + 1)]
    waiting = [
        _pool(threads - 1).submit(function, first, last, *arguments) for first, last in itertools.pairwise(bounds[1:])
    ]
    try:
        function(0, bounds[1], *arguments)
    finally:
        for future in waiting:
            future.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads beside the calling one."""
    return ThreadPoolExecutor(threads, thread_name_prefix="native")


if hasattr(os, "register_at_fork"):  # a forked process inherits the pool but not its threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
