"""A diagnosis as one figure: firing rate, potentials and gradients through depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THEORY = "mean field"
PANELS = (
    ("firing rate", "spikes per neuron, step", {"firing_rate": "measured", "predicted_firing_rate": THEORY}),
    ("mean of the potential", "E[u]", {"potential_mean": "measured", "predicted_mean": THEORY}),
    ("variance of the potential", "Var[u]", {"potential_variance": "measured", "predicted_variance": THEORY}),
    ("gradient", "Euclidean norm", {"current_gradient": "of the currents", "weight_gradient": "of the weights"}),
)
"""Panels: title, label of the y-axis, and columns of the table with their names in the legend."""

LABELS = 7
"""Labels of a logarithmic axis, at most."""


def figure(table: pd.DataFrame, title: str = "") -> Figure:
    """Four panels over the layers, which are numbered from 1 in the order of data."""
    import matplotlib

    from spikeinit.drawing.figure_style import STYLE, panels, scale_axis
    from spikeinit.drawing.looks import BLUE, GREY, ORANGE

    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE}):
        drawn, axes = panels(2, 2, height=2.3, legend=0.3)
        drawn.suptitle(title, fontsize=10)
        depth = np.arange(1, len(table) + 1)
        for panel, (name, label, columns) in zip(axes.flat, PANELS, strict=True):
            second = (ORANGE, "s", "-") if name == "gradient" else (GREY, "", "--")
            values = []
            for (column, series), (color, marker, line) in zip(
                columns.items(), ((BLUE, "o", "-"), second), strict=True
            ):
                known = table[column].astype(float).to_numpy()
                if np.isfinite(known).any():
                    panel.plot(depth, known, color=color, marker=marker, linestyle=line, markersize=4, label=series)
                    values.extend(known[np.isfinite(known)])
            _finish(panel, name, label, len(table))
            if not values:
                panel.text(0.5, 0.5, _nothing(name), transform=panel.transAxes, ha="center", va="center", color=GREY)
                panel.set_yticks([])
                continue
            if name == "firing rate":
                panel.set_ylim(-0.03, max(1.03, 1.05 * max(values)))
            elif name != "mean of the potential":
                scale_axis(panel, "y", values)
                _make_room(panel, max(values))
            panel.legend(loc="best")
    return drawn


def _finish(panel: Axes, name: str, label: str, layers: int) -> None:
    from matplotlib.ticker import MaxNLocator

    panel.set(title=name, ylabel=label, xlabel="layer", xlim=(0.5, layers + 0.5))
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _make_room(panel: Axes, largest: float) -> None:
    """On a logarithmic axis: space above the largest value, and few enough labels to be read."""
    if panel.get_yscale() != "linear":
        panel.set_ylim(top=2 * largest)
        panel.yaxis.get_major_locator().set_params(numticks=LABELS)


def _nothing(name: str) -> str:
    return "no loss was given" if name == "gradient" else "not known"
