"""The compiler of loops for the processor: numba, a package that one may do without.

Without it the neurons run by the reference kernel, convolutions by PyTorch's own, and the threshold search as plain
Python. The results are the same.
"""

from __future__ import annotations

import functools
import importlib.util
import warnings

REMEDY = "pip install numba"
"""What brings the compiler."""


@functools.cache
def compiler_works() -> bool:
    """Whether numba is there and can be imported. Importing it takes a while: ask where it would be used.

    Warns where it is installed and cannot be imported, for instance because it does not know the installed numpy yet.
    """
    if importlib.util.find_spec("numba") is None:
        return False
    try:
        importlib.import_module("numba")
    except (ImportError, OSError) as error:
        warnings.warn(f"numba cannot be imported, so nothing is compiled for the processor: {error}", stacklevel=2)
        return False
    return True
