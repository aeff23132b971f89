"""Figures of the asymptote study: the paper's figures 1 to 3 and Table A8.

Its curves stand in `curve_figures`, its heat maps in `heat_maps`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import COLORS, DARK_GREY, dataset_name, in_two_lines, looks_of
from spikeinit.studies.asymptote.printed import TECHNIQUE_NAMES, neuron_text, neurons
from spikeinit.studies.table_tools import StudyTables


def response_curves(tables: StudyTables) -> Figure:
    """Figure 2: theory (lines), asymptote (dashed) and simulation (dots)."""
    table = tables["response"]
    figure, axes = style.panels(1, 2, height=2.8, legend=0.6, sharey=True)
    handles: dict[str, Any] = {}
    for index, place in enumerate(neurons(table)):
        own = table[(table["k"] == place[0]) & (table["lambda"] == place[1]) & (table["theta"] == place[2])]
        panel, color = axes[0, 0 if place[0] == 1 else 1], COLORS[index % len(COLORS)]
        line = panel.plot(own["current"], own["theory"], color=color)[0]
        handles[neuron_text(place)] = line
        line = own[own["asymptote"].between(0, 1)]
        panel.plot(line["current"], line["asymptote"], color=color, linestyle="--", linewidth=1)
        thinned = own.iloc[:: max(1, len(own) // 40)]
        panel.plot(thinned["current"], thinned["simulation"], color=color, linestyle="", marker=".", markersize=4)
    for panel, title in zip(axes[0], ("k = 1", "k < 1"), strict=True):
        panel.set(title=title, xlabel="constant current i")
    axes[0, 0].set_ylabel("spikes per step")
    gray = {"color": DARK_GREY}
    handles |= {
        "theory": Line2D([], [], **gray),
        "asymptote": Line2D([], [], linestyle="--", **gray),
        "simulation": Line2D([], [], linestyle="", marker=".", **gray),
    }
    style.legend_below(figure, handles, title="(k, λ, θ)")
    return figure


def firing_rates_before_training(tables: StudyTables) -> Figure:
    """Figure 3: rate of every spiking layer of the untrained networks; bars are one standard deviation over seeds."""
    table = tables["initial_rates"]
    table = table[table["encoding"] == _rate_coding(table)]
    nets = list(table[["dataset", "network"]].drop_duplicates().itertuples(index=False, name=None))
    figure, axes = style.panels(*style.grid_of(len(nets)), height=2.8, legend=0.5)
    handles: dict[str, Any] = {}
    for panel, (dataset, network) in zip(axes.flat, nets, strict=False):
        own = table[(table["dataset"] == dataset) & (table["network"] == network)]
        for initializer, look in looks_of(own["initializer"]).items():
            line = own[own["initializer"] == initializer].sort_values("layer")
            handles[look.name] = panel.errorbar(
                line["layer"],
                line["rate_mean"],
                np.minimum(line["rate_sd"].fillna(0), line["rate_mean"]),
                **look.stroke,
                marker=look.marker,
                markersize=4,
                capsize=2,
                elinewidth=0.8,
            )
        panel.set(title=f"{network} on {dataset_name(dataset)}", xlabel="layer", ylabel="spikes per neuron and step")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set_ylim(bottom=0)
    style.hide_unused(axes, len(nets))
    style.legend_below(figure, handles, columns=5)
    return figure


def _rate_coding(table: pd.DataFrame) -> str:
    found = list(table["encoding"].unique())
    return "rate" if "rate" in found else found[0]


def _first_task(tables: StudyTables) -> pd.DataFrame:
    """The early curves of the first coding task."""
    curves = tables["early_curves"]
    curves = curves[curves["experiment"] == "coding"]
    first = curves.iloc[0]
    return curves[(curves["dataset"] == first["dataset"]) & (curves["network"] == first["network"])]


def early_loss_and_rates(tables: StudyTables) -> Figure:
    """Figure 1: loss, and rates of the spiking layers, over the first iterations, one column per initialiser."""
    own = _first_task(tables)
    own = own[own["encoding"] == _rate_coding(own)]
    known = looks_of(own["initializer"])
    figure, axes = style.panels(2, len(known), height=1.7, legend=0.5, sharex=True, sharey="row")
    handles: dict[str, Any] = {}
    layers = [c for c in own if c.startswith("rate_") and own[c].notna().any()]
    for column, (initializer, look) in enumerate(known.items()):
        line = own[own["initializer"] == initializer]
        axes[0, column].plot(line["iteration"], line["train_loss"], color=look.color)
        axes[0, column].set_title(in_two_lines(look.name))
        for index, layer in enumerate(layers):
            color = COLORS[index % len(COLORS)]
            drawn = axes[1, column].plot(line["iteration"], line[layer], color=color)
            handles[f"layer {layer.removeprefix('rate_')}"] = drawn[0]
        axes[1, column].xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes[0, 0].set_ylabel("training loss")
    axes[1, 0].set_ylabel("spikes per\nneuron and step")
    for panel in axes[-1, :]:
        panel.set_xlabel("iteration")
    style.legend_below(figure, handles, columns=5)
    return figure


def normalization(tables: StudyTables) -> Figure:
    """Table A8: accuracy with and without normalisation; crosses are cells that failed."""
    table = tables["normalization"]
    datasets = list(table["dataset"].unique())
    figure, axes = style.panels(len(datasets), 1, height=2.6, legend=0.5)
    handles: dict[str, Any] = {}
    for panel, dataset in zip(axes[:, 0], datasets, strict=True):
        own = table[table["dataset"] == dataset]
        cases = list(own[["technique", "k", "lambda"]].drop_duplicates().itertuples(index=False, name=None))
        known = looks_of(own["initializer"])
        for offset, (initializer, look) in zip(style.side_by_side(len(known), 0.7), known.items(), strict=True):
            for x, case in enumerate(cases):
                rows = own[(own["technique"] == case[0]) & (own["k"] == case[1]) & (own["lambda"] == case[2])]
                for cell in rows[rows["initializer"] == initializer].to_dict("records"):
                    marker = "x" if cell["outcome"] == "failed" else look.marker
                    panel.plot(x + offset, cell["accuracy_mean"], linestyle="", color=look.color, marker=marker)
                    handles[look.name] = Line2D([], [], linestyle="", marker=look.marker, color=look.color)
        labels = [f"{TECHNIQUE_NAMES[technique]}\n(k, λ) = ({k:g}, {gain:g})" for technique, k, gain in cases]
        panel.set_xticks(range(len(cases)), labels)
        panel.set(title=dataset_name(dataset), ylabel="test accuracy (%)")
        panel.set_ylim(bottom=0)
    handles["failed"] = Line2D([], [], linestyle="", marker="x", color=DARK_GREY)
    style.legend_below(figure, handles, columns=6)
    return figure
