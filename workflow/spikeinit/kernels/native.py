"""Loops compiled for the processor, and the threads that run them.

Compiled functions run without the interpreter's lock, so that plain threads share their work. Importing this module
imports numba, which takes a while: import it where it is used. Where there is no numba, `kernel` and `inlined` leave a
function as it is. Those of the threshold search then run as plain Python, with the same results; what also needs
`run` or `spikeinit.kernels.vectors` is left alone by its callers.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch

from spikeinit.kernels.compiler import compiler_works

if compiler_works():
    import numba

OPTIONS = {"nogil": True, "error_model": "numpy"}
SERIAL = 1 << 16
"""Values of a call up to which waking other threads costs more than they save."""


def inlined(function: Callable) -> Callable:
    """Compile into the kernels that call it."""
    return numba.njit(**OPTIONS)(function) if compiler_works() else function


def kernel(function: Callable | None = None, **options: object) -> Callable:
    """Compile with numba at first use, kept on disk where a folder for that is writable; `options` are numba's."""
    if function is None:
        return lambda decorated: kernel(decorated, **options)
    if not compiler_works():
        return function
    try:
        return numba.njit(cache=True, **OPTIONS, **options)(function)
    except RuntimeError:  # numba's only complaint at this point: no folder to keep it in
        return numba.njit(**OPTIONS, **options)(function)


def threads() -> int:
    """Threads that calls of one compiled function are shared out over: numba's number.

    Plain Python gains nothing from threads, so that it is one without the compiler.
    """
    return numba.get_num_threads() if compiler_works() else 1


def run(function: Callable, items: int, values: int, *arguments: object) -> None:
    """Run all work items by `function(first, last, *arguments)` on as many threads as torch uses.

    `values` says how much work that is. Results must not depend on which thread runs an item.
    """
    shares = 1 if values <= SERIAL else min(torch.get_num_threads(), items)
    bounds = [items * index // shares for index in range(shares + 1)]
    waiting = [
        _pool(shares - 1).submit(function, first, last, *arguments) for first, last in itertools.pairwise(bounds[1:])
    ]
    try:
        function(0, bounds[1], *arguments)
    finally:
        for future in waiting:
            future.result()


@cache
def _pool(number: int) -> ThreadPoolExecutor:
    """Threads beside the calling one."""
    return ThreadPoolExecutor(number, thread_name_prefix="native")


if hasattr(os, "register_at_fork"):  # a forked process inherits the pool but not its threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
