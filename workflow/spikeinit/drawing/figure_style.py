"""The page's style of every figure: sizes, scales, legends, and what several figures draw alike.

Equal data give equal bytes. Names and colours stand in `looks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from spikeinit.drawing.looks import GREY
from spikeinit.io import atomic_path

PAGE_WIDTH = 7.2
"""Width of a figure in inch: two columns of a journal page."""

FORMATS: Mapping[str, Mapping[str, Any]] = {
    "svg": {"metadata": {"Date": None}},
    "png": {"dpi": 150, "metadata": {"Software": None}},
}

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "spikeinit",
    "svg.fonttype": "path",
}

LOG_FROM = 10.0
"""A scale is logarithmic where its largest value is at least this many times its smallest."""
MANY_DECADES = {"x": 100.0, "y": 1000.0}
"""From here on a logarithmic scale labels only powers of ten; labels beside one another need more room."""
LETTER_WIDTH, MARKER_WIDTH = 0.064, 0.45
"""Width of a letter of a legend on average, and of a marker with the space around it, in inch."""
NANO = 1e9
"""Joules are drawn in nanojoules."""


def render(draw: Callable[..., Figure], folder: str | Path, name: str, *arguments: Any) -> list[Path]:
    """Call `draw` in this style and write <folder>/<name>.svg and .png atomically; equal data give equal bytes."""
    written = []
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE, "backend": "agg"}):
        figure = draw(*arguments)
        for kind, options in FORMATS.items():
            path = Path(folder) / f"{name}.{kind}"
            with atomic_path(path) as temporary:
                figure.savefig(temporary, format=kind, **options)
            written.append(path)
    return written


def panels(
    rows: int, columns: int, *, height: float = 2.6, legend: float = 0.5, **options: Any
) -> tuple[Figure, np.ndarray]:
    """A figure of page width: `rows` x `columns` axes, `height` inch per row and `legend` inch for what is below."""
    figure = Figure(figsize=(PAGE_WIDTH, rows * height + legend))
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def grid_of(count: int, widest: int = 2) -> tuple[int, int]:
    """(rows, columns) for `count` panels, at most `widest` beside each other."""
    columns = min(widest, max(count, 1))
    return -(-max(count, 1) // columns), columns


def hide_unused(axes: np.ndarray, used: int) -> None:
    """Hide the panels of a grid beyond the first `used`."""
    for panel in list(axes.flat)[used:]:
        panel.set_visible(False)


def legend_below(figure: Figure, handles: Mapping[str, Any], columns: int = 4, title: str | None = None) -> None:
    """One legend for all panels, below them, where it covers no data; fewer columns where so many are too wide."""
    if handles:
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="outside lower center",
            ncols=_fitting_columns(list(handles), columns),
            title=title,
        )


def _fitting_columns(labels: Sequence[str], most: int) -> int:
    """The largest number of columns, filled downwards, whose texts fit the width of the page."""
    for columns in range(min(most, len(labels)), 1, -1):
        rows = -(-len(labels) // columns)
        longest = [max(map(len, labels[start : start + rows])) for start in range(0, len(labels), rows)]
        if sum(LETTER_WIDTH * letters + MARKER_WIDTH for letters in longest) <= PAGE_WIDTH:
            return columns
    return 1


def scale_axis(axes: Axes, which: str, values: Iterable[float]) -> None:
    """A logarithmic scale where the values' range asks for one; zeros then get a linear strip at its foot."""
    known = np.asarray([value for value in values if np.isfinite(value) and value >= 0], dtype=float)
    positive = known[known > 0]
    axis = getattr(axes, f"{which}axis")
    if not len(positive):
        getattr(axes, f"set_{which}lim")(0, 1)
        return
    if positive.max() < LOG_FROM * positive.min():
        axis.set_major_locator(MaxNLocator(5))
        return
    set_scale = getattr(axes, f"set_{which}scale")
    if len(positive) < len(known):
        set_scale("symlog", linthresh=10.0 ** np.floor(np.log10(positive.min())), linscale=0.5)
        getattr(axes, f"set_{which}lim")(**{"bottom" if which == "y" else "left": 0})
    else:
        set_scale("log")
        few = positive.max() < MANY_DECADES[which] * positive.min()
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axis.set_major_formatter(FuncFormatter(plain_number))
    axis.set_minor_formatter(NullFormatter())


def plain_number(value: float, _: int | None = None) -> str:
    """A tick's label without powers where it is short: 0.1, 20, 5,000."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:,.10g}"
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")


def error_bar(mean: float, sd: float) -> list[list[float]]:
    """Error bar of one standard deviation each way that does not reach below zero, as matplotlib wants it."""
    return [[min(sd, mean)], [sd]]


def mean_and_band(
    axes: Axes, x: Iterable[float], mean: Any, low: Any, high: Any, *, floor: float | None = None, **line: Any
) -> Line2D:
    """A line of means and a translucent band from `low` to `high` around it; returns the line.

    `x`, `mean`, `low` and `high` have one value for each point. With `floor`, points whose mean lies below it are not
    drawn, and the band ends there: for logarithmic axes, and for measures that cannot be negative. `line`: options of
    `Axes.plot`, "color" among them.
    """
    mean, low, high = (np.asarray(values, dtype=float) for values in (mean, low, high))
    if floor is not None:
        shown = mean >= floor
        mean, low, high = np.where(shown, mean, np.nan), np.maximum(low, floor), np.where(shown, high, np.nan)
    axes.fill_between(x, low, high, color=line["color"], alpha=0.15, linewidth=0)
    return axes.plot(x, mean, **line)[0]


def shades(count: int) -> list[tuple[float, ...]]:
    """Colours for the values of a quantity, dark to bright as it rises; the palest end is left out."""
    return list(map(tuple, colormaps["viridis"](np.linspace(0, 0.88, count))))


def side_by_side(count: int, width: float) -> np.ndarray:
    """Offsets at which `count` series share a place on an axis, together as wide as `width`."""
    return width * ((np.arange(count) + 0.5) / max(count, 1) - 0.5)


def single_runs(axes: Axes, x: float, values: Sequence[float], color: str, width: float = 0.0) -> None:
    """Single runs as small translucent dots around `x`, spread evenly so that equal values show side by side."""
    spread = np.linspace(-width / 2, width / 2, len(values)) if len(values) > 1 else np.zeros(len(values))
    axes.plot(x + spread, values, linestyle="", marker=".", markersize=3.5, color=color, alpha=0.35, markeredgewidth=0)


def say_empty(axes: Axes, text: str = "no runs") -> None:
    """Say in the panel that there is nothing to draw."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)


def empty_figure(text: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure, axes = panels(1, 1)
    say_empty(axes[0, 0], text)
    axes[0, 0].set_axis_off()
    return figure
