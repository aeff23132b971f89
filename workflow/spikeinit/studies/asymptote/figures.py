"""Figures of the asymptote study: the paper's figures 1 to 4, A10 and A11 here, its heat maps in `heat_maps`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikeinit.studies import figure_style as style
from spikeinit.studies.asymptote.printed import neuron_text, neurons
from spikeinit.studies.looks import COLORS, DARK_GREY, dataset_name, in_two_lines, looks_of
from spikeinit.studies.table_tools import StudyTables

TECHNIQUES = {"none": "neither", "dropout": "dropout", "bn": "BN", "bntt": "BN through time"}
"""Technique -> its name on the axis."""

SMOOTHED = 12
"""Points of a training curve: iterations are averaged over windows so that about so many remain."""


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


def coding_curves(tables: StudyTables) -> Figure:
    """Figure 4: loss and accuracy of the training batches by iteration, one column per coding of the first task."""
    own = _first_task(tables)
    codings = list(own["encoding"].unique())
    figure, axes = style.panels(2, len(codings), height=2.1, legend=0.5, sharex=True, sharey="row")
    handles: dict[str, Any] = {}
    for column, coding in enumerate(codings):
        of_coding = own[own["encoding"] == coding]
        axes[0, column].set_title(coding)
        for row, value in enumerate(("train_loss", "train_accuracy")):
            handles |= _lines(axes[row, column], of_coding, value, band=True)
    axes[0, 0].set_ylabel("training loss")
    axes[1, 0].set_ylabel("training accuracy (%)")
    for panel in axes[-1, :]:
        panel.set_xlabel("iteration")
    style.legend_below(figure, handles, columns=5)
    return figure


def _lines(panel: Axes, frame: pd.DataFrame, value: str, *, band: bool = False) -> dict[str, Any]:
    """One smoothed line per initialiser, with a band of one standard deviation over the seeds if `band`."""
    handles = {}
    for initializer, look in looks_of(frame["initializer"]).items():
        line = frame[frame["initializer"] == initializer].sort_values("iteration")
        window = max(1, len(line) // SMOOTHED)
        block = np.minimum(np.arange(len(line)) // window, max(0, len(line) // window - 1))  # no short last window
        mean = line.groupby(block)[[value, "iteration"]].mean()
        sd = line.groupby(block)[f"{value}_sd"].mean().fillna(0) if band else 0
        x, centre = mean["iteration"], mean[value]
        handles[look.name] = style.mean_and_band(panel, x, centre, centre - sd, centre + sd, floor=0, **look.stroke)
    return handles


def optimizer_curves(tables: StudyTables) -> Figure:
    """Figure A10: training accuracy by iteration for eight neurons and four optimisers."""
    return _versatility_curves(tables["early_curves"], "optimizers", "optimizer")


def surrogate_curves(tables: StudyTables) -> Figure:
    """Figure A11: the same for four surrogates."""
    return _versatility_curves(tables["early_curves"], "surrogates", "surrogate")


def _versatility_curves(curves: pd.DataFrame, experiment: str, method: str) -> Figure:
    own = curves[curves["experiment"] == experiment]
    if own.empty:
        return style.empty_figure("no curves: trace_every is null")
    methods, places = list(own[method].unique()), neurons(own)
    figure, axes = style.panels(len(places), len(methods), height=1.15, legend=0.5, sharex=True, sharey=True)
    handles: dict[str, Any] = {}
    for row, place in enumerate(places):
        at = own[(own["k"] == place[0]) & (own["lambda"] == place[1]) & (own["theta"] == place[2])]
        for column, name in enumerate(methods):
            handles |= _lines(axes[row, column], at[at[method] == name], "train_accuracy")
            axes[row, column].xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes[row, 0].set_ylabel(neuron_text(place), fontsize=8)
    for column, name in enumerate(methods):
        axes[0, column].set_title(name)
    axes[0, 0].set_ylim(0, 100)
    figure.supylabel("training accuracy (%) for (k, λ, θ)", fontsize=9)
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
        labels = [f"{TECHNIQUES[technique]}\n(k, λ) = ({k:g}, {gain:g})" for technique, k, gain in cases]
        panel.set_xticks(range(len(cases)), labels)
        panel.set(title=dataset_name(dataset), ylabel="test accuracy (%)")
        panel.set_ylim(bottom=0)
    handles["failed"] = Line2D([], [], linestyle="", marker="x", color=DARK_GREY)
    style.legend_below(figure, handles, columns=6)
    return figure
