"""Curves of trainings (Ding et al. 2022, Figs. 4, A10, A11 and A12): by iteration, and by epoch on monitored images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import Look, dataset_name, looks_of
from spikeinit.studies.asymptote.printed import TECHNIQUE_NAMES, neuron_text, neurons
from spikeinit.studies.table_tools import StudyTables

SMOOTHED = 12
"""Points of a training curve: iterations are averaged over windows so that about so many remain."""

WIDEST = 4
"""Panels beside each other."""

ROWS = (
    ("early_curves", "train_loss", "training loss", 5),
    ("early_curves", "train_accuracy", "training acc. (%)", 20),
    ("validation_curves", "test_accuracy", "test acc. (%)", None),
)
"""The rows of Figure 4: table, value, what is written beside them, and the last epoch that is shown; None for all."""


def coding_curves(tables: StudyTables) -> Figure:
    """Figure 4: loss and accuracy of the training batches, and accuracy on the monitored images, for every coding.

    A column for each network, data set and coding, at most four beside each other. As in the paper the first row ends
    after 5 epochs and the second after 20. A task that looks at no images while it trains says so.
    """
    known = {name: _of(tables[name], "coding") for name in ("early_curves", "validation_curves")}
    trained = _of(tables["runs"], "coding")
    tasks = list(trained[["dataset", "network", "encoding"]].drop_duplicates().itertuples(index=False, name=None))
    columns = min(WIDEST, len(tasks))
    blocks = -(-len(tasks) // columns)
    figure, axes = style.panels(blocks * len(ROWS), columns, height=1.7, legend=0.5)
    handles: dict[str, Any] = {}
    for number, (dataset, network, coding) in enumerate(tasks):
        block, column = divmod(number, columns)
        for row, (table, value, label, last) in enumerate(ROWS):
            panel, own = axes[block * len(ROWS) + row, column], known[table]
            own = own[(own["dataset"] == dataset) & (own["network"] == network) & (own["encoding"] == coding)]
            own = own[own["epoch"] <= last] if last else own
            if row == 0:
                panel.set_title(f"{dataset_name(dataset)}\n{network}, {coding}")
            if column == 0:
                panel.set_ylabel(label)
            handles |= _by_epoch(panel, own) if table == "validation_curves" else _by_iteration(panel, own, value)
    style.hide_unused(axes[-len(ROWS) :].T, (len(tasks) - (blocks - 1) * columns) * len(ROWS))
    style.legend_below(figure, handles, columns=5)
    return figure


def normalization_curves(tables: StudyTables) -> Figure:
    """Figure A12: accuracy on the monitored images by epoch, for every technique and neuron of Table A8."""
    own = _of(tables["validation_curves"], "normalization")
    if own.empty:
        return style.empty_figure("no task monitors images")
    keys = ["dataset", "technique", "k", "lambda"]
    cases = list(own.groupby(keys, sort=False))
    figure, axes = style.panels(*style.grid_of(len(cases)), height=2.3, legend=0.5)
    handles: dict[str, Any] = {}
    for panel, ((dataset, technique, k, gain), frame) in zip(axes.flat, cases, strict=False):
        handles |= _by_epoch(panel, frame)
        panel.set_title(f"{dataset_name(dataset)}, {TECHNIQUE_NAMES[technique]}\n(k, λ) = ({k:g}, {gain:g})")
    for panel in axes[:, 0]:
        panel.set_ylabel("test accuracy (%)")
    style.hide_unused(axes, len(cases))
    style.legend_below(figure, handles, columns=5)
    return figure


def _of(table: pd.DataFrame, experiment: str) -> pd.DataFrame:
    return table[table["experiment"] == experiment]


def _by_iteration(panel: Axes, frame: pd.DataFrame, value: str) -> dict[str, Any]:
    panel.set_xlabel("iteration")
    panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    if frame.empty:
        style.say_empty(panel, "not traced")
        return {}
    return _lines(panel, frame, value, band=True)


def _by_epoch(panel: Axes, frame: pd.DataFrame) -> dict[str, Any]:
    """A line per initialiser over the epochs, with a band of one standard deviation over the seeds."""
    panel.set_xlabel("epoch")
    panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    if frame.empty:
        style.say_empty(panel, "not monitored")
        return {}
    panel.set_xlim(frame["epoch"].min() - 0.5, frame["epoch"].max() + 0.5)
    handles = {}
    for initializer, look in looks_of(frame["initializer"]).items():
        line = frame[frame["initializer"] == initializer].sort_values("epoch")
        mean, sd = line["test_accuracy_mean"], line["test_accuracy_sd"].fillna(0)
        stroke = _stroke(look, len(line))
        handles[look.name] = style.mean_and_band(panel, line["epoch"], mean, mean - sd, mean + sd, floor=0, **stroke)
    return handles


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
        stroke = _stroke(look, len(mean))
        handles[look.name] = style.mean_and_band(panel, x, centre, centre - sd, centre + sd, floor=0, **stroke)
    if frame["iteration"].nunique() == 1:
        panel.set_xlim(frame["iteration"].min() - 0.5, frame["iteration"].max() + 0.5)
    return handles


def _stroke(look: Look, points: int) -> dict[str, Any]:
    """How a line is drawn; one of a single point has a marker, without which nothing would be seen."""
    return {**look.stroke, "marker": look.marker if points == 1 else None}


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
