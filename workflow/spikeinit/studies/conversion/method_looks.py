"""How methods of conversion are called and look in every figure."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from spikeinit.drawing.looks import BLACK, BLUE, GREEN, GREY, ORANGE, PINK, SKY, VERMILION, YELLOW

ANN = ["dataset", "network"]
NAMES = {
    "max": "maximum",
    "max_half": "maximum, v[0] = V/2",
    "percentile": "99.9th percentile",
    "percentile_half": "99.9th percentile, v[0] = V/2",
    "mse_grid": "MSE grid",
    "opt": "bias shift (Opt)",
    "opt_clipped": "bias shift (Opt)",
    "qcfs": "QCFS",
    "snm": "signed neurons (SNM)",
    "snm_neuron": "SNM, by neuron",
    "optimal": "optimal",
    "optimal_global": "optimal, all reals",
    "optimal_channel": "optimal, by channel",
    "snm_optimal": "SNM + optimal",
    "optimal_signed": "optimal, taking spikes back",
}
"""How methods are called in legends."""
LOOKS = {
    "maximum": (GREY, "s"),
    "maximum, v[0] = V/2": (GREY, "1"),
    "99.9th percentile": (SKY, "v"),
    "99.9th percentile, v[0] = V/2": (SKY, "2"),
    "MSE grid": (GREEN, "D"),
    "bias shift (Opt)": (PINK, "P"),
    "QCFS": (YELLOW, "h"),
    "signed neurons (SNM)": (BLACK, "X"),
    "SNM, by neuron": (BLACK, "+"),
    "optimal": (VERMILION, "o"),
    "optimal, all reals": (ORANGE, "^"),
    "optimal, by channel": (BLUE, "*"),
    "SNM + optimal": ("#8B4513", "<"),
    "optimal, taking spikes back": (VERMILION, "x"),
}


def line_of(axes: Axes, x: pd.Series, y: pd.Series, name: str) -> Any:
    """Draw a method's line in its look, and return it for the legend."""
    color, marker = LOOKS[name]
    (line,) = axes.plot(x, y, color=color, marker=marker, markersize=4)
    return line


def ordered(handles: dict[str, Any]) -> dict[str, Any]:
    """Entries of a legend, with the methods in one order everywhere."""
    known = [name for name in LOOKS if name in handles]
    return {name: handles[name] for name in [*known, *(name for name in handles if name not in known)]}
