"""Figures of what a network of the sensitivity study costs: energy, operations and training time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import DARK_GREY, dataset_name, numbered_look
from spikeinit.studies.sensitivity.sweep_tables import first_energy, shown
from spikeinit.studies.table_tools import StudyTables


def accuracy_against_cost(tables: StudyTables) -> Figure:
    """What accuracy costs at every point: spikes, synaptic operations and energy of one image."""
    points = tables["points"]
    energy = first_energy(points)
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
    analogue = tables["analogue_time_measured"].merge(_fastest(frame), on=["dataset", "seed"])
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
        level = (analogue["seconds_per_epoch"] / analogue["fastest"])[analogue["dataset"] == dataset].median()
        if np.isfinite(level):
            handles["without time"] = panel.axhline(level, color=DARK_GREY, linestyle="--")
        style.scale_axis(panel, "x", own["timesteps"])
        style.scale_axis(panel, "y", own["relative"])
        panel.set(title=dataset_name(dataset), xlabel="time steps T", ylabel="time of an epoch\n(fastest run = 1)")
    style.hide_unused(axes, len(datasets))
    style.legend_below(figure, handles)
    return figure


def _fastest(frame: pd.DataFrame) -> pd.DataFrame:
    """Seconds of the fastest run of each data set and seed: what `relative` is relative to."""
    grouped = frame.groupby(["dataset", "seed"])["seconds_per_epoch"]
    return grouped.min().rename("fastest").reset_index()
