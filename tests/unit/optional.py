"""Optional libraries of spiking networks; a test that needs one which is not installed is skipped."""

from __future__ import annotations

import warnings
from types import ModuleType

import pytest


def library(name: str) -> ModuleType:
    """The module of this name; its import may warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)
