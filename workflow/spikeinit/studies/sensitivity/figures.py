"""Figures of the sensitivity study. Points are means over seeds; bars and bands are Student's interval over them.

One row of panels per sweep and data set. Sweeps over one key are drawn as lines, sweeps over two as heat maps; of
larger ones the tables tell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikeinit.studies import figure_style as style
from spikeinit.studies.looks import BLUE, COLORS, GREEN, ORANGE, VERMILION, dataset_name, numbered_look
from spikeinit.studies.sensitivity.sweep_tables import label, levels, shown, sweeps_of
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


def sweeps(tables: StudyTables) -> Figure:
    """The end of training at every point of every sweep over one key: accuracy, losses, spikes."""
    found = list(sweeps_of(tables["points"], keys=1))
    if not found:
        return style.empty_figure("no sweep over one key")
    figure, axes = style.panels(len(found), 3, height=1.9, legend=0.4)
    for row, (dataset, sweep, points, (key,)) in zip(axes, found, strict=True):
        known = levels(points[key])
        points = points.set_index(key).loc[known]
        x = _positions(row, known, label(key))
        line = "o" if any(isinstance(value, str) for value in known) else "o-"  # nothing lies between two words
        _means(row[0], x, points, "test_accuracy", BLUE, line)
        for measure, color in (("test_loss", VERMILION), ("train_loss", ORANGE)):
            _means(row[1], x, points, measure, color, line)
        row[2].plot(x, points["spikes_per_image_mean"], line, color=GREEN)
        style.scale_axis(row[2], "y", points["spikes_per_image_mean"])
        row[0].set_ylabel(f"{dataset_name(dataset)}\ntest accuracy (%)")
        row[1].set_ylabel("loss")
        row[2].set_ylabel("spikes per image")
        row[0].set_title(sweep.replace("_", " "), loc="left")
    style.legend_below(figure, dict(zip(LOSSES, axes[0][1].containers, strict=True)))
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


def _ramp(values: list[Any]) -> list[Any]:
    """Colours that rise with numbers; distinct ones for words."""
    if any(isinstance(value, str) for value in values):
        return [COLORS[index % len(COLORS)] for index in range(len(values))]
    return style.shades(len(values))


def heat_maps(tables: StudyTables) -> Figure:
    """Sweeps over two keys: accuracy, training loss, spikes and energy over their grid."""
    found = list(sweeps_of(tables["points"], keys=2))
    measures = {**HEAT_MEASURES, **_first_energy(tables["points"])}
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


def _first_energy(frame: pd.DataFrame) -> dict[str, str]:
    """The first convention's energy, in nanojoule."""
    names = [name for name in frame if name.startswith("energy_") and name.endswith("_mean")][:1]
    return dict.fromkeys(names, "energy (nJ)")


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


def accuracy_against_cost(tables: StudyTables) -> Figure:
    """What accuracy costs at every point: spikes, synaptic operations and energy of one image."""
    points = tables["points"]
    energy = _first_energy(points)
    costs = {"spikes_per_image_mean": "spikes per image", **dict.fromkeys(energy, "energy per image (nJ)")}
    datasets = list(points["dataset"].unique())
    figure, axes = style.panels(len(datasets), len(costs), height=3.0, legend=0.6)
    handles: dict[str, Any] = {}
    names = list(dict.fromkeys(points["sweep"]))
    for row, dataset in zip(axes, datasets, strict=True):
        of_dataset = points[points["dataset"] == dataset]
        for panel, (cost, text) in zip(row, costs.items(), strict=True):
            scale = style.NANO if cost in energy else 1
            for position, name in enumerate(names):
                own = of_dataset[of_dataset["sweep"] == name]
                handles[name.replace("_", " ")] = panel.plot(
                    own[cost] * scale, own["test_accuracy_mean"], linestyle="", alpha=0.85, **numbered_look(position)
                )[0]
            style.scale_axis(panel, "x", of_dataset[cost] * scale)
            panel.set(xlabel=text, ylabel="test accuracy (%)", title=dataset_name(dataset))
    style.legend_below(figure, handles)
    return figure


COUNTINGS = {
    "flops_printed_rate": "FLOPs, firing rate 0.25 assumed",
    "flops_measured_rate": "FLOPs, measured firing rates",
    "counted": "synaptic operations and multiply-accumulates, counted",
    "analogue_flops": "FLOPs of the analogue network",
}


def operations(tables: StudyTables) -> Figure:
    """Operations of one image against the number of time steps, by the report's formula and as counted."""
    frame = tables["operations"]
    if "analogue_flops" not in frame or frame["analogue_flops"].isna().all():
        return style.empty_figure("no fully connected network")
    frame["counted"] = frame["synaptic_operations"] + frame["multiply_accumulates"]
    datasets = list(frame["dataset"].unique())
    figure, axes = style.panels(*style.grid_of(len(datasets)), height=3.2, legend=0.5)
    handles: dict[str, Any] = {}
    for panel, dataset in zip(axes.flat, datasets, strict=False):
        own = frame[frame["dataset"] == dataset]
        for position, (column, text) in enumerate(COUNTINGS.items()):
            spread = 1 + 0.03 * (position - 1.5)
            handles[text] = panel.plot(
                own["timesteps"] * spread,
                own[column],
                linestyle="",
                alpha=0.7,
                **numbered_look(position),
            )[0]
        style.scale_axis(panel, "x", own["timesteps"])
        style.scale_axis(panel, "y", np.concatenate([own[column].dropna() for column in COUNTINGS]))
        panel.set(title=dataset_name(dataset), xlabel="time steps T", ylabel="operations per image")
    style.hide_unused(axes, len(datasets))
    style.legend_below(figure, handles, columns=2)
    return figure


def training_time(tables: StudyTables) -> Figure:
    """Measured time of an epoch against the number of time steps, relative to the fastest run."""
    frame = tables["training_time_measured"].dropna(subset=["relative"])
    steps = tables["operations"][["run", "timesteps"]]
    frame = frame.merge(steps, on="run")
    datasets = list(frame["dataset"].unique())
    if frame.empty:
        return style.empty_figure("no times in the journals")
    figure, axes = style.panels(*style.grid_of(len(datasets)), height=3.0, legend=0.4)
    encodings = frame["encoding.name"] if "encoding.name" in frame else pd.Series("all runs", index=frame.index)
    handles: dict[str, Any] = {}
    for panel, dataset in zip(axes.flat, datasets, strict=False):
        own = frame[frame["dataset"] == dataset]
        for position, (encoding, group) in enumerate(own.groupby(encodings, sort=False)):
            color = numbered_look(position)["color"]
            by_steps = group.groupby("timesteps")["relative"]
            median = by_steps.median()
            panel.plot(group["timesteps"], group["relative"], ".", color=color, alpha=0.35, markersize=4)
            handles[shown(encoding)] = panel.plot(median.index, median, "o-", color=color)[0]
        style.scale_axis(panel, "x", own["timesteps"])
        style.scale_axis(panel, "y", own["relative"])
        panel.set(title=dataset_name(dataset), xlabel="time steps T", ylabel="time of an epoch\n(fastest run = 1)")
    style.hide_unused(axes, len(datasets))
    style.legend_below(figure, handles)
    return figure
