"""spikeinit: initialisation of spiking neural networks, as a library and as five published studies on shared stages.

>>> import spikeinit
>>> spikeinit.law("he", fan_in=50).variance
0.04

Importing the package imports nothing else. What a public name stands for is loaded when the name is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikeinit.errors import UserError as UserError
    from spikeinit.initializers import Law as Law
    from spikeinit.initializers import law as law
    from spikeinit.initializers import register as register
    from spikeinit.interop.initialize import initialize as initialize

__version__ = "0.1.0"

PUBLIC = {
    "Law": "spikeinit.initializers:Law",
    "UserError": "spikeinit.errors:UserError",
    "initialize": "spikeinit.interop.initialize:initialize",
    "law": "spikeinit.initializers:law",
    "register": "spikeinit.initializers:register",
}
"""Public name -> module:attribute. A type checker reads the same names above."""

__all__ = ["__version__", *PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = PUBLIC[name].partition(":")
    globals()[name] = getattr(importlib.import_module(module), attribute)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *PUBLIC})
