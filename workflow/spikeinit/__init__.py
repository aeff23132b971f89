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
    from spikeinit.interop.convert import convert as convert
    from spikeinit.interop.count import count as count
    from spikeinit.interop.diagnose import diagnose as diagnose
    from spikeinit.interop.initialize import initialize as initialize
    from spikeinit.interop.nir import to_nir as to_nir

__version__ = "0.1.0"

PUBLIC = {
    "Law": "spikeinit.initializers:Law",
    "UserError": "spikeinit.errors:UserError",
    "convert": "spikeinit.interop.convert:convert",
    "count": "spikeinit.interop.count:count",
    "diagnose": "spikeinit.interop.diagnose:diagnose",
    "initialize": "spikeinit.interop.initialize:initialize",
    "law": "spikeinit.initializers:law",
    "register": "spikeinit.initializers:register",
    "to_nir": "spikeinit.interop.nir:to_nir",
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
