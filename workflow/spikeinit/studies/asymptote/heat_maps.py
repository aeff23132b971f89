"""Heat maps of the asymptote study: accuracy or speed where training works, and a colour of its own where it fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import VERMILION, look_of, looks_of
from spikeinit.studies.asymptote.printed import PRINTED_NAMES, neuron_text, neurons
from spikeinit.studies.asymptote.tables import FAILED
from spikeinit.studies.table_tools import StudyTables

BOUND = {"ha": "center", "va": "center", "bbox": {"facecolor": "white", "pad": 1, "linewidth": 0}}
FAILURE_COLOR = "#B0B0B0"
UNDEFINED_COLOR = "#FFFFFF"


def grid_accuracy(tables: StudyTables) -> Figure:
    """Figure A9: test accuracy over leak and gain for every initialiser."""
    return _grid(tables["grid"], "accuracy_mean", "test accuracy (%)", "viridis", "failed")


def grid_iterations(tables: StudyTables) -> Figure:
    """Figure A8: iterations until a training batch first reaches the target accuracy."""
    table = tables["grid"]
    speeds = [column for column in table if column.startswith("iterations_to_") and column.endswith("_mean")]
    if not speeds:
        return style.empty_figure("no target accuracy in the configuration")
    target = speeds[0].removeprefix("iterations_to_").removesuffix("_mean")
    bound, never = table[f"iterations_to_{target}_at_least"], table[f"never_to_{target}"]
    table = table.assign(shown=bound.where(never < table["runs"]), bounded=(never > 0) & (never < table["runs"]))
    return _grid(table, "shown", f"iterations to {target} % training accuracy", "viridis_r", "never reached")


def _grid(table: pd.DataFrame, value: str, label: str, palette: str, failed: str) -> Figure:
    thetas, initializers = list(table["theta"].unique()), list(looks_of(table["initializer"]))
    ks, gains = sorted(table["k"].unique()), sorted(table["lambda"].unique())
    known = table.loc[_works(table, value), value]
    limits = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    columns = min(4, len(initializers))
    rows_each = -(-len(initializers) // columns)
    figure, axes = style.panels(len(thetas) * rows_each, columns, height=1.9, legend=0.5, sharex=True, sharey=True)
    picture = None
    for block, theta in enumerate(thetas):
        panels = axes[block * rows_each : (block + 1) * rows_each].ravel()
        for panel, initializer in zip(panels, initializers, strict=False):
            own = table[(table["theta"] == theta) & (table["initializer"] == initializer)]
            cells = {(row["k"], row["lambda"]): row for row in own.to_dict("records")}
            values = [[_shown(cells.get((k, gain)), value) for gain in gains] for k in ks]
            picture = _heat_map(panel, values, palette, limits)
            for place, cell in cells.items():
                if cell.get("bounded"):
                    panel.text(gains.index(place[1]), ks.index(place[0]), "≥", **BOUND)
            panel.set_title(look_of(initializer).name + (f", θ = {theta:g}" if len(thetas) > 1 else ""))
            panel.set_xticks(range(len(gains)), [f"{gain:g}" for gain in gains], rotation=90 if len(gains) > 6 else 0)
            panel.set_yticks(range(len(ks)), [f"{k:g}" for k in ks])
            panel.tick_params(labelbottom=True)
        style.hide_unused(panels.reshape(-1), len(initializers))
    for panel in axes[:, 0]:
        panel.set_ylabel("leak k")
    for panel in axes[-1, :]:
        panel.set_xlabel("input gain λ")
    figure.colorbar(picture, ax=axes, label=label, shrink=0.8)
    _failure_legend(figure, failed, undefined="no such law for this neuron")
    return figure


def _works(table: pd.DataFrame, value: str) -> pd.Series:
    return (table["outcome"] != FAILED) & table[value].notna() if value.startswith("accuracy") else table[value].notna()


def _shown(cell: dict[str, Any] | None, value: str) -> float:
    """The value of a cell, NaN where it failed, -inf where there is no run."""
    if cell is None:
        return -np.inf
    failed = value.startswith("accuracy") and cell["outcome"] == FAILED
    return np.nan if failed else float(cell[value])


def _heat_map(panel: Axes, values: list[list[float]], palette: str, limits: tuple[float, float]) -> Any:
    array = np.array(values, dtype=float)
    colors = colormaps[palette].with_extremes(bad=FAILURE_COLOR)
    shown = np.ma.masked_invalid(array)
    picture = panel.imshow(shown, cmap=colors, vmin=limits[0], vmax=limits[1], aspect="auto", origin="lower")
    for row, column in zip(*np.nonzero(np.isneginf(array)), strict=True):
        look = {"facecolor": UNDEFINED_COLOR, "edgecolor": "#dddddd", "hatch": "////"}
        panel.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **look))
    panel.grid(visible=False)
    return picture


def _failure_legend(figure: Figure, failed: str, undefined: str | None = None) -> None:
    handles = {failed: Patch(facecolor=FAILURE_COLOR)}
    if undefined is not None:
        handles[undefined] = Patch(facecolor=UNDEFINED_COLOR, edgecolor="#dddddd", hatch="////")
    style.legend_below(figure, handles)


def optimizers(tables: StudyTables) -> Figure:
    """Table A6 as a picture: eight neurons, four optimisers, five initialisers; crosses where the paper prints "-"."""
    return _versatility(tables["optimizers"], "optimizer", tables.published.get("ding2022_tableA6_optimizers"))


def surrogates(tables: StudyTables) -> Figure:
    """Table A7 as a picture; crosses where the paper prints "-"."""
    return _versatility(tables["surrogates"], "surrogate", tables.published.get("ding2022_tableA7_surrogates"))


def _versatility(table: pd.DataFrame, method: str, printed: pd.DataFrame | None) -> Figure:
    methods, places = list(table[method].unique()), neurons(table)
    initializers = list(looks_of(table["initializer"]))
    figure, axes = style.panels(1, len(methods), height=0.5 + 0.3 * len(places), legend=0.6, sharey=True)
    picture = None
    for panel, name in zip(axes[0], methods, strict=True):
        own = table[table[method] == name]
        cells = {(row["k"], row["lambda"], row["theta"], row["initializer"]): row for row in own.to_dict("records")}
        values = [[_shown(cells.get((*place, one)), "accuracy_mean") for one in initializers] for place in places]
        picture = _heat_map(panel, values, "viridis", (0.0, 100.0))
        panel.set_title(name)
        panel.set_xticks(range(len(initializers)), [look_of(one).name for one in initializers], rotation=90)
        for row, column in _printed_failures(printed, method, name, places, initializers):
            panel.plot(column, row, marker="x", color=VERMILION, markersize=6, markeredgewidth=1.5)
    axes[0, 0].set_yticks(range(len(places)), [neuron_text(place) for place in places])
    axes[0, 0].invert_yaxis()
    axes[0, 0].set_ylabel("(k, λ, θ)")
    figure.colorbar(picture, ax=axes, label="test accuracy (%)", shrink=0.8)
    cross = axes[0, 0].plot([], [], linestyle="", marker="x", color=VERMILION, markeredgewidth=1.5)[0]
    style.legend_below(figure, {"failed": Patch(facecolor=FAILURE_COLOR), "the paper prints “-”": cross})
    return figure


def _printed_failures(
    printed: pd.DataFrame | None, method: str, name: str, places: list[tuple[float, ...]], initializers: list[str]
) -> list[tuple[int, int]]:
    if printed is None:
        return []
    failed = printed[(printed[method] == name) & (printed["outcome"] == FAILED)]
    marked = {(r["k"], r["lambda"], r["theta"], r["initializer"]) for r in failed.to_dict("records")}
    return [
        (row, column)
        for row, place in enumerate(places)
        for column, one in enumerate(initializers)
        if (*place, PRINTED_NAMES.get(one)) in marked
    ]
