"""Figures of the energy study: the thesis's figures 6 to 9 with every run shown, and what the thesis does not show.

One panel or one row of panels per data set. Points are means over runs, error bars one standard deviation, small dots
single runs, hollow markers the printed values (Pärna 2025) where the data set is the printed one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import DARK_GREY, Look, dataset_name, numbered_look
from spikeinit.studies.energy.conditions import PUBLISHED_TIMESTEPS
from spikeinit.studies.energy.series import level_text, levels, looks_of_series, with_series
from spikeinit.studies.table_tools import StudyTables, finite

SPIKES = "spikes per neuron and image"


def spikes_by_weight_mean(tables: StudyTables) -> Figure:
    """Figures 6 and 7: spikes per layer for each mean weight, over all ranges of decay rates."""
    return _spikes_by(tables, "weight_mean", "beta_range", "mean weight")


def spikes_by_beta_range(tables: StudyTables) -> Figure:
    """Figures 8 and 9: spikes per layer for each range of decay rates, over all mean weights."""
    return _spikes_by(tables, "beta_range", "weight_mean", "decay range")


def _spikes_by(tables: StudyTables, factor: str, averaged: str, legend: str) -> Figure:
    runs = tables["spikes_by_run"]
    normal = runs[runs["initializer"] == "normal"]
    known = levels(normal, factor)
    datasets = list(runs["dataset"].unique())
    figure, axes = style.panels(*style.grid_of(len(datasets)), height=2.9, legend=0.4)
    colors = looks_of_series(normal)
    handles: dict[str, Any] = {}
    published = None
    for panel, dataset in zip(axes.flat, datasets, strict=False):
        own = normal[normal["dataset"] == dataset]
        printed = _printed(tables.published.get("paerna2025_spikes"), dataset, factor, averaged)
        drawn = [*finite(own["spikes"]), *printed["spikes_mean"]]
        for position, (level, offset) in enumerate(zip(known, style.side_by_side(len(known), 0.72), strict=True)):
            label = f"{legend} {level_text(level)}"
            look = numbered_look(position)
            color = colors[label].color if label in colors else look["color"]
            of_level = own[own[factor] == level]
            for layer, group in of_level.groupby("layer"):
                values = finite(group["spikes"]).to_numpy()
                style.single_runs(panel, layer + offset, values, color, 0.14)
                if len(values):
                    handles[label] = _mean_with_deviation(panel, layer + offset, values, color, look["marker"])
            beside = printed[printed[factor].map(level_text) == level_text(level)]
            if len(beside):
                panel.plot(beside["layer"] + offset + 0.09, beside["spikes_mean"], **_hollow(color))
                published = Line2D([], [], **_hollow(DARK_GREY))
        if own.empty:
            style.say_empty(panel)
        style.scale_axis(panel, "y", drawn)
        _layer_axis(panel, runs["layer"].max())
        panel.set(title=dataset_name(dataset), ylabel=SPIKES)
    if published is not None:
        handles[f"published (output × {PUBLISHED_TIMESTEPS} steps)"] = published
    style.hide_unused(axes, len(datasets))
    style.legend_below(figure, handles)
    return figure


def _mean_with_deviation(axes: Axes, x: float, values: np.ndarray, color: str, marker: str) -> Any:
    mean, sd = values.mean(), values.std(ddof=1) if len(values) > 1 else 0.0
    look = {
        "fmt": marker,
        "color": color,
        "capsize": 2,
        "elinewidth": 1,
        "markeredgecolor": "white",
        "markeredgewidth": 0.5,
    }
    return axes.errorbar(x, mean, style.error_bar(mean, sd), **look)


def _hollow(color: str) -> dict[str, Any]:
    return {"linestyle": "", "marker": "D", "markersize": 4.5, "markerfacecolor": "none", "color": color}


def _printed(published: pd.DataFrame | None, dataset: str, factor: str, averaged: str) -> pd.DataFrame:
    """Printed rows by `factor` alone; the output layer, printed per step, as the sum over the published steps."""
    if published is None:
        return pd.DataFrame(columns=[factor, "layer", "spikes_mean"])
    rows = published[(published["dataset"] == dataset) & published[averaged].isna() & published[factor].notna()].copy()
    rows.loc[rows["layer"] == rows["layer"].max(), "spikes_mean"] *= PUBLISHED_TIMESTEPS
    return rows


def spikes_over_epochs(tables: StudyTables) -> Figure:
    """Spikes per layer on the training batches, epoch by epoch; bands are one standard deviation over runs."""
    frame = tables["curves"]
    layers = sorted(int(column.removeprefix("spikes_")) for column in frame if column.startswith("spikes_"))
    tidy = frame.melt(
        id_vars=["dataset", "initializer", "weight_mean", "beta_range", "run", "seed", "epoch"],
        value_vars=[f"spikes_{layer}" for layer in layers],
        var_name="layer",
        value_name="spikes",
    )
    tidy["layer"] = tidy["layer"].str.removeprefix("spikes_").astype(int)

    def draw(axes: Axes, own: pd.DataFrame, look: Look) -> Line2D:
        epochs = own.groupby("epoch")["spikes"]
        mean, sd = epochs.mean(), epochs.std().fillna(0)
        sd = sd if (own["initializer"] == "normal").all() else 0 * sd  # the others' bands would hide these
        low, high = mean - sd, mean + sd
        return style.mean_and_band(axes, mean.index, mean, low, high, floor=0, marker=".", markersize=4, **look.stroke)

    return _by_layer(tidy, draw, x="epoch", y="spikes per neuron\nand image", values="spikes", whole_x=True)


def firing_rates(tables: StudyTables) -> Figure:
    """How often a neuron fires at which rate during an image: share of all neurons and images of a layer."""
    frame = tables["rates"]
    frame["rate"] = frame["bin"] / frame.groupby("dataset")["bin"].transform("max").clip(lower=1)
    frame = frame[frame["count"] > 0]

    def draw(axes: Axes, own: pd.DataFrame, look: Look) -> Line2D:
        counts = own.groupby("rate")["count"].sum()
        share = counts / counts.sum()
        return axes.plot(share.index, share, **look.stroke, drawstyle="steps-mid")[0]

    return _by_layer(frame, draw, x="spikes per step", y="share of neurons\nand images", values="fraction")


def _by_layer(
    frame: pd.DataFrame, draw: Callable[..., Line2D], *, x: str, y: str, values: str, whole_x: bool = False
) -> Figure:
    """One row of panels per data set, one column per layer, one line per mean weight or other initialiser."""
    datasets, layers = list(frame["dataset"].unique()), sorted(frame["layer"].unique())
    known, frame = looks_of_series(frame), with_series(frame)
    figure, axes = style.panels(len(datasets), len(layers), height=1.9, legend=0.8, sharex="row", sharey="row")
    handles: dict[str, Any] = {}
    for row, dataset in zip(axes, datasets, strict=True):
        of_dataset = frame[frame["dataset"] == dataset]
        for panel, layer in zip(row, layers, strict=True):
            own = of_dataset[of_dataset["layer"] == layer]
            for name, series in own.groupby("series", sort=False):
                handles[name] = draw(panel, series, known[name])
            panel.set_title("output" if layer == layers[-1] else f"layer {layer}")
            panel.set_xlabel(x)
            if whole_x:
                panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        style.scale_axis(row[0], "y", of_dataset[values])
        row[0].set_ylabel(f"{dataset_name(dataset)}\n{y}")
    style.legend_below(figure, {name: handles[name] for name in known if name in handles})
    return figure


def silent_and_saturated(tables: StudyTables) -> Figure:
    """Share of neurons that never spike on the test images, and of those that spike in nearly every step."""
    frame = tables["spikes_by_run"]
    datasets = list(frame["dataset"].unique())
    known, frame = looks_of_series(frame), with_series(frame)
    kinds = [(dataset, measure) for dataset in datasets for measure in ("silent", "saturated")]
    figure, axes = style.panels(len(kinds), 1, height=1.6, legend=0.7, sharex=True)
    handles: dict[str, Any] = {}
    for panel, (dataset, measure) in zip(axes.flat, kinds, strict=True):
        own = frame[frame["dataset"] == dataset]
        for offset, (name, look) in zip(style.side_by_side(len(known), 0.8), known.items(), strict=True):
            series = own[own["series"] == name]
            percent = 100 * series[f"{measure}_fraction"]
            for layer, values in percent.groupby(series["layer"]):
                style.single_runs(panel, layer + offset, values.to_numpy(), look.color, 0.6 / len(known))
                points = panel.plot(
                    layer + offset, values.mean(), color=look.color, marker=look.marker, linestyle="", markersize=5
                )
                handles[name] = points[0]
        _layer_axis(panel, frame["layer"].max())
        panel.set(title=dataset_name(dataset), ylabel=f"{measure}\nneurons (%)", xlabel="")
        panel.margins(y=0.1)
        panel.yaxis.set_major_locator(MaxNLocator(4))
    axes.flat[-1].set_xlabel("layer")
    style.legend_below(figure, handles)
    return figure


def _layer_axis(axes: Axes, last: int) -> None:
    axes.set_xticks(range(1, last + 1), [*map(str, range(1, last)), "output"])
    axes.set_xlim(0.4, last + 0.6)
    axes.set_xlabel("layer")
    axes.grid(visible=False, axis="x")
