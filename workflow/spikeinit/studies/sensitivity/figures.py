"""Figures of the sensitivity study. Points are means over seeds; bars and bands are Student's interval over them.

One row of panels per sweep and data set, with the report's printed curves of the same sweep under ours. Sweeps over one
key are drawn as lines, sweeps over two as heat maps; of larger ones the tables tell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import BLUE, COLORS, DARK_GREY, GREEN, ORANGE, VERMILION, dataset_name, numbered_look
from spikeinit.studies.sensitivity import printed
from spikeinit.studies.sensitivity.conclusions import NEURONS
from spikeinit.studies.sensitivity.sweep_tables import first_energy, label, levels, shown, sweeps_of
from spikeinit.studies.table_tools import StudyTables

MEASURES = {
    "test_accuracy": "test accuracy (%)",
    "test_loss": "test loss",
    "train_loss": "training loss",
}
HEAT_MEASURES = {
    "test_accuracy_mean": "test accuracy (%)",
    "train_loss_mean": "training loss",
    "spikes_per_image_mean": "spikes per image",
}
LOSSES = ("test loss", "training loss")
REPORT = {"linestyle": "", "marker": "D", "markersize": 5, "markerfacecolor": "none", "color": DARK_GREY, "zorder": 3}
"""How the report's own points are drawn."""


def sweeps(tables: StudyTables) -> Figure:
    """The end of training at every point of every sweep over one key: accuracy, losses, spikes."""
    found = list(sweeps_of(tables["points"], keys=1))
    if not found:
        return style.empty_figure("no sweep over one key")
    figure, axes = style.panels(len(found), 3, height=1.9, legend=0.4)
    beside = None
    for row, (dataset, sweep, points, (key,)) in zip(axes, found, strict=True):
        known = levels(points[key])
        points = points.set_index(key).loc[known]
        x = _positions(row, known, label(key))
        line = "o" if any(isinstance(value, str) for value in known) else "o-"  # nothing lies between two words
        _means(row[0], x, points, "test_accuracy", BLUE, line)
        for measure, color in (("test_loss", VERMILION), ("train_loss", ORANGE)):
            _means(row[1], x, points, measure, color, line)
        beside = _printed_ends(row[0], tables, sweep, key, known, "test_accuracy") or beside
        beside = _printed_ends(row[1], tables, sweep, key, known, "train_loss") or beside
        row[2].plot(x, points["spikes_per_image_mean"], line, color=GREEN)
        style.scale_axis(row[2], "y", points["spikes_per_image_mean"])
        row[0].set_ylabel(f"{dataset_name(dataset)}\ntest accuracy (%)")
        row[1].set_ylabel("loss")
        row[2].set_ylabel("spikes per image")
        row[0].set_title(sweep.replace("_", " "), loc="left")
    handles = dict(zip(LOSSES, axes[0][1].containers, strict=True))
    style.legend_below(figure, {**handles, **({"the report, one seed": beside} if beside else {})})
    return figure


def _printed_ends(
    axes: Axes, tables: StudyTables, sweep: str, key: str, known: list[Any], measure: str
) -> Line2D | None:
    """The report's values after its last epoch, at the places of `known`; None where nothing is printed."""
    frame = _printed(tables, sweep)
    if measure not in frame or key not in frame:
        return None
    last = frame[frame["epoch"] == frame["epoch"].max()]
    places = {value: place for place, value in enumerate(known)}
    shown = last[last[key].isin(list(places))]
    return axes.plot(shown[key].map(places), shown[measure], **REPORT)[0] if len(shown) else None


def _printed(tables: StudyTables, sweep: str) -> pd.DataFrame:
    """The report's curves of a sweep; empty where there are none."""
    curves = tables.published.get(printed.FILE)
    return pd.DataFrame() if curves is None else printed.printed_curves(curves, sweep)


def neurons(tables: StudyTables) -> Figure:
    """Accuracy after training in the report's sweeps, with its own neuron and with others."""
    points = tables["points"]
    found = [
        (dataset, sweep, frame, key)
        for dataset, sweep, frame, (key,) in sweeps_of(points, keys=1)
        if f"{sweep}_finite" in set(points["sweep"])
    ]
    if not found:
        return style.empty_figure("no sweep with other neurons")
    figure, axes = style.panels(*style.grid_of(len(found)), height=2.4, legend=0.5)
    handles: dict[str, Any] = {}
    for panel, (dataset, sweep, frame, key) in zip(axes.flat, found, strict=False):
        known = levels(frame[key])
        x = _positions(np.array([panel]), known, label(key))
        for position, (suffix, text) in enumerate(NEURONS.items()):
            own = points[(points["dataset"] == dataset) & (points["sweep"] == sweep + suffix)]
            own = own.set_index(key).reindex(known)
            spread = x + 0.08 * (position - 1)
            _means(panel, spread, own, "test_accuracy", numbered_look(position)["color"], "o-")
            handles[text] = panel.containers[-1]
        beside = _printed_ends(panel, tables, sweep, key, known, "test_accuracy")
        if beside:
            handles["the report, one seed"] = beside
        panel.set(ylabel="test accuracy (%)", title=f"{sweep}, {dataset_name(dataset)}")
    style.hide_unused(axes, len(found))
    style.legend_below(figure, handles, columns=2)
    return figure


def _means(axes: Axes, x: np.ndarray, points: pd.DataFrame, measure: str, color: str, line: str) -> None:
    mean = points[f"{measure}_mean"].to_numpy()
    low = points[f"{measure}_low"].fillna(points[f"{measure}_mean"]).to_numpy()
    high = points[f"{measure}_high"].fillna(points[f"{measure}_mean"]).to_numpy()
    axes.errorbar(x, mean, [mean - low, high - mean], fmt=line, color=color, capsize=2, elinewidth=1)


def _in_lines(value: Any) -> str:
    """A value with its words below one another."""
    return shown(value).replace(" ", "\n")


def _positions(row: np.ndarray, values: list[Any], text: str) -> np.ndarray:
    """Evenly spaced places for the values of a key, which are few and chosen, with the values as ticks."""
    positions = np.arange(len(values))
    for panel in row:
        panel.set_xticks(positions, [_in_lines(value) for value in values], fontsize=7 if len(values) > 4 else None)
        panel.set_xlabel(text)
        panel.margins(x=0.12)
    return positions


def curves(tables: StudyTables) -> Figure:
    """Losses and accuracy epoch by epoch for every sweep over one key."""
    found = list(sweeps_of(tables["curves"], keys=1))
    if not found:
        return style.empty_figure("no sweep over one key")
    figure, axes = style.panels(len(found), 3, height=2.1, legend=0.1)
    for row, (dataset, sweep, frame, (key,)) in zip(axes, found, strict=True):
        known = levels(frame[key])
        colors = _ramp(known)
        for value, color in zip(known, colors, strict=True):
            own = frame[frame[key] == value]
            for panel, measure in zip(row, ("train_loss", "test_loss", "test_accuracy"), strict=True):
                _curve(panel, own, measure, color, _in_lines(value))
                _printed_curve(panel, _printed(tables, sweep), key, value, measure, color)
        for panel, measure in zip(row, ("train_loss", "test_loss", "test_accuracy"), strict=True):
            panel.set(xlabel="epoch", ylabel=MEASURES[measure])
            panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        row[0].set_ylabel(f"{dataset_name(dataset)}\ntraining loss")
        row[0].set_title(sweep.replace("_", " "), loc="left")
        row[2].legend(title=label(key), loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _curve(axes: Axes, own: pd.DataFrame, measure: str, color: Any, text: str) -> None:
    by_epoch = own.groupby("epoch")[measure]
    mean, spread = by_epoch.mean(), by_epoch.agg(["min", "max"])
    line = {"color": color, "marker": ".", "markersize": 4, "label": text}
    style.mean_and_band(axes, mean.index, mean, spread["min"], spread["max"], **line)


def _printed_curve(axes: Axes, frame: pd.DataFrame, key: str, value: Any, measure: str, color: Any) -> None:
    if measure in frame and key in frame:
        own = frame[frame[key] == value]
        axes.plot(own["epoch"], own[measure], linestyle="--", linewidth=0.9, color=color)


def _ramp(values: list[Any]) -> list[Any]:
    """Colours that rise with numbers; distinct ones for words."""
    if any(isinstance(value, str) for value in values):
        return [COLORS[index % len(COLORS)] for index in range(len(values))]
    return style.shades(len(values))


def heat_maps(tables: StudyTables) -> Figure:
    """Sweeps over two keys: accuracy, training loss, spikes and energy over their grid."""
    found = list(sweeps_of(tables["points"], keys=2))
    measures = {**HEAT_MEASURES, **first_energy(tables["points"])}
    if not found:
        return style.empty_figure("no sweep over two keys")
    figure, axes = style.panels(len(found), len(measures), height=2.2, legend=0.1)
    for row, (dataset, sweep, points, (vertical, across)) in zip(axes, found, strict=True):
        for panel, (measure, text) in zip(row, measures.items(), strict=True):
            grid = points.pivot_table(index=vertical, columns=across, values=measure, sort=False, dropna=False)
            grid = grid.loc[levels(points[vertical])[::-1], levels(points[across])]
            _heat_map(panel, grid * (style.NANO if measure.startswith("energy_") else 1))
            panel.set_xlabel(label(across))
            panel.set_title(text)
        row[0].set_ylabel(f"{sweep.replace('_', ' ')}\n{dataset_name(dataset)}\n{label(vertical)}")
    return figure


def _heat_map(axes: Axes, grid: pd.DataFrame) -> None:
    values = grid.to_numpy(float)
    axes.imshow(values, cmap="viridis", aspect="auto")
    axes.grid(visible=False)
    axes.set_xticks(range(grid.shape[1]), [shown(value) for value in grid.columns])
    axes.set_yticks(range(grid.shape[0]), [shown(value) for value in grid.index])
    axes.tick_params(length=0)
    span = np.nanmax(values) - np.nanmin(values) if np.isfinite(values).any() else 0.0
    for (i, j), value in np.ndenumerate(values):
        dark = span == 0 or value < np.nanmin(values) + 0.6 * span
        number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
        axes.text(
            j,
            i,
            "" if np.isnan(value) else number,
            ha="center",
            va="center",
            fontsize=7,
            color="white" if dark else "black",
        )
