"""Figures of the simulated, untrained networks: 2 to 7 of Micheli et al. (2024), and gradients through depth.

Lines are means over the repeats, bands one standard deviation, thin dotted lines the mean-field prediction.
Where thresholds are compared, narrow dark bands are the 95 % interval of the mean.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from scipy import stats

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import BLUE, GREY, VERMILION, look_of, looks_of
from spikeinit.studies.table_tools import StudyTables

VARIANCE = "variance of the potential"
SPIKES = "spikes per layer and step"
FLOOR = 1e-3
"""Variances and spike counts below are not drawn: nothing passes any more."""
PREDICTION = {"linestyle": (0, (1, 1.5)), "linewidth": 0.9, "color": "#333333", "zorder": 4}


def variance_by_threshold(tables: StudyTables) -> Figure:
    """Figure 2: variance over depth for each threshold, proposed initialisation and Kaiming."""
    frame = tables["signals"]
    frame = frame[frame["label"] == "thresholds"]
    names = list(looks_of(frame["initializer"]))
    figure, axes = style.panels(1, len(names), height=2.9, legend=0.7, sharey=True)
    handles: dict[str, Any] = {}
    for panel, name in zip(axes.flat, names, strict=True):
        handles |= _by_threshold(panel, frame[frame["initializer"] == name])
        panel.set(title=look_of(name).name, xlabel="layer")
    axes[0, 0].set_ylabel(VARIANCE)
    style.legend_below(figure, _with_prediction(handles), columns=7)
    return figure


def finite_size(tables: StudyTables) -> Figure:
    """Figure 4: the proposed initialisation in layers of other widths."""
    frame = tables["signals"]
    frame = frame[frame["label"] == "finite_size"]
    widths = sorted(frame["width"].unique())
    figure, axes = style.panels(1, max(len(widths), 1), height=2.9, legend=0.7, sharey=True)
    handles: dict[str, Any] = {}
    for panel, width in zip(axes.flat, widths, strict=False):
        handles |= _by_threshold(panel, frame[frame["width"] == width])
        panel.set(title=f"{width} neurons", xlabel="layer")
    if not widths:
        style.say_empty(axes[0, 0], "no other widths")
    axes[0, 0].set_ylabel(VARIANCE)
    style.legend_below(figure, _with_prediction(handles), columns=7)
    return figure


def _by_threshold(axes: Axes, frame: pd.DataFrame) -> dict[str, Any]:
    thresholds = sorted(frame["threshold"].unique())
    handles = {}
    for threshold, shade in zip(thresholds, style.shades(len(thresholds)), strict=True):
        own = frame[frame["threshold"] == threshold]
        handles[f"θ = {threshold:g}"] = _line(axes, own, "variance", color=shade)
        mean, half = own["variance_mean"], _half_interval(own)
        axes.fill_between(own["layer"], mean - half, mean + half, color=shade, alpha=0.4, linewidth=0)
        axes.plot(own["layer"], own["predicted_variance"], **PREDICTION)
    axes.set_ylim(bottom=0)
    return handles


def _half_interval(frame: pd.DataFrame) -> pd.Series:
    """Half the width of Student's interval of the mean variance over the repeats, at 95 %."""
    return frame["variance_sd"] * stats.t.ppf(0.975, frame["repeats"] - 1) / frame["repeats"] ** 0.5


def _line(axes: Axes, frame: pd.DataFrame, measure: str, **options: Any) -> Line2D:
    mean, sd = frame[f"{measure}_mean"], frame[f"{measure}_sd"].fillna(0)
    return style.mean_and_band(axes, frame["layer"], mean, mean - sd, mean + sd, **options)


def _with_prediction(handles: dict[str, Any]) -> dict[str, Any]:
    return {**handles, "mean field": Line2D([], [], **PREDICTION)} if handles else handles


def initializers_one_step(tables: StudyTables) -> Figure:
    """Figure 3: variance and spikes over depth for every initialiser, one time step."""
    return _initializers(tables, "initializers", predicted=True)


def initializers_over_time(tables: StudyTables) -> Figure:
    """Figure 6: the same averaged over many time steps."""
    return _initializers(tables, "time_steps", predicted=False)


def _initializers(tables: StudyTables, label: str, *, predicted: bool) -> Figure:
    frame = tables["signals"]
    frame = frame[frame["label"] == label]
    known = looks_of(frame["initializer"])
    figure, axes = style.panels(1, 2, height=3.0, legend=1.0)
    handles: dict[str, Any] = {}
    for panel, measure, text in zip(axes.flat, ("variance", "spikes"), (VARIANCE, SPIKES), strict=True):
        for name, look in known.items():
            own = frame[frame["initializer"] == name]
            handles[look.name] = _line(panel, own, measure, floor=FLOOR, **look.stroke)
            if predicted:
                expected = own[f"predicted_{measure}"]
                panel.plot(own["layer"], expected.where(expected > FLOOR), **PREDICTION)
        panel.set(yscale="log", xscale="log", xlabel="layer", ylabel=text)
        panel.xaxis.set_major_formatter(style.plain_number)
        panel.yaxis.set_major_formatter(style.plain_number)
    style.legend_below(figure, _with_prediction(handles) if predicted else handles, columns=3)
    return figure


def layers_and_steps(tables: StudyTables) -> Figure:
    """Figure 5: variance and spikes over layers and steps, proposed initialisation and Kaiming."""
    frame = tables["signals_over_steps"]
    frame = frame[frame["label"] == "time_steps"]
    names = [name for name in ("micheli2024", "he") if (frame["initializer"] == name).any()]
    figure, axes = style.panels(2, max(len(names), 1), height=2.3, legend=0.1, sharex=True, sharey=True)
    for row, measure, text in zip(axes, ("variance", "spikes"), (VARIANCE, "spikes"), strict=True):
        column = f"{measure}_mean"
        largest = frame.loc[frame["initializer"].isin(names), column].max()
        norm = LogNorm(max(largest, FLOOR) * 1e-2, max(largest, FLOOR)) if largest > 0 else Normalize(0, 1)
        for panel, name in zip(row, names, strict=False):
            grid = frame[frame["initializer"] == name].pivot(index="layer", columns="step", values=column)
            image = panel.pcolormesh(
                grid.columns, grid.index, grid.clip(lower=norm.vmin), norm=norm, cmap="viridis", rasterized=True
            )
            panel.set_title(look_of(name).name if measure == "variance" else "")
            panel.grid(visible=False)
        if names:
            bar = figure.colorbar(image, ax=list(row), label=text, extend="min")
            bar.ax.yaxis.set_major_formatter(style.plain_number)
        row[0].set_ylabel("layer")
    for panel in axes[-1]:
        panel.set_xlabel("time step")
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure


def high_decay(tables: StudyTables) -> Figure:
    """Figure 7: a potential that leaks little: variance over the steps, skewness and excess kurtosis over depth."""
    over_steps, averaged = tables["signals_over_steps"], tables["signals"]
    own = over_steps[over_steps["label"] == "high_decay"]
    figure, axes = style.panels(1, 2, height=2.9, legend=0.5)
    depth = int(own["layer"].max())
    layers = _spread(depth)
    for layer, shade in zip(layers, style.shades(len(layers)), strict=True):
        of_layer = own[own["layer"] == layer].rename(columns={"layer": "_", "step": "layer"})
        _line(axes[0, 0], of_layer, "variance", color=shade).set_label(f"layer {layer}")
    axes[0, 0].set(xlabel="time step", ylabel=VARIANCE)
    axes[0, 0].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes[0, 0].legend(ncols=2)
    handles: dict[str, Any] = {}
    for label, line in (("high_decay", "-"), ("time_steps", "--")):
        of_decay = averaged[(averaged["label"] == label) & (averaged["initializer"] == "micheli2024")]
        for measure, color in (("skewness", BLUE), ("excess_kurtosis", VERMILION)):
            if len(of_decay):
                text = f"{measure.replace('_', ' ')}, β = {of_decay['decay'].iloc[0]:g}"
                handles[text] = _line(axes[0, 1], of_decay, measure, color=color, linestyle=line)
    axes[0, 1].axhline(0, color=GREY, linewidth=0.8)
    axes[0, 1].set(xlabel="layer", ylabel="moment of the potential")
    style.legend_below(figure, handles)
    return figure


def _spread(depth: int) -> list[int]:
    """Layers to show: the first, the last, and some between."""
    return sorted({max(1, round(depth * part)) for part in (0, 0.1, 0.25, 0.5, 0.75, 1)})


def gradients(tables: StudyTables) -> Figure:
    """How gradients of a random loss travel back: norms with respect to currents and to weights."""
    frame = tables["signals"]
    frame = frame[(frame["label"] == "initializers") & frame["current_gradient_mean"].notna()]
    known = looks_of(frame["initializer"])
    figure, axes = style.panels(1, 2, height=3.0, legend=1.0)
    handles: dict[str, Any] = {}
    titles = ("with respect to input currents", "with respect to weights")
    for panel, measure, title in zip(axes.flat, ("current", "weight"), titles, strict=True):
        for name, look in known.items():
            own = frame[frame["initializer"] == name]
            handles[look.name] = _line(panel, own, f"{measure}_gradient", **look.stroke)
        panel.set(title=title, xlabel="layer")
        if frame.empty:
            style.say_empty(panel, "no gradients followed")
        elif frame[f"{measure}_gradient_mean"].isna().any():
            handles["no line: gradient zero"] = Line2D([], [], linestyle="")
    axes[0, 0].set_ylabel("log$_{10}$ of the gradient's norm")
    style.legend_below(figure, handles, columns=3)
    return figure
