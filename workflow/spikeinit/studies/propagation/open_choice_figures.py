"""What the paper leaves open: the accuracies of the first MLP at every choice that is tried."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import looks_of
from spikeinit.studies.propagation.open_choice_tables import MEASURES
from spikeinit.studies.table_tools import StudyTables

SHOWN = {"train_accuracy": "training", "test_accuracy": "test"}


def open_choices(tables: StudyTables) -> Figure:
    """Training and test accuracy of every initialiser, choice below choice."""
    table = tables["open_choice_accuracy"]
    if table.empty:
        return style.empty_figure("no open choice was tried")
    choices = list(dict.fromkeys(table["open_choice"]))
    known = looks_of(table["initializer"])
    figure, axes = style.panels(1, 2, height=1.0 + 0.5 * len(choices), legend=0.6, sharey=True)
    for panel, measure in zip(axes.flat, MEASURES, strict=True):
        for place, choice in enumerate(choices):
            for offset, (name, look) in enumerate(known.items()):
                own = table[(table["open_choice"] == choice) & (table["initializer"] == name)]
                height = place + 0.6 * ((offset + 0.5) / len(known) - 0.5)
                for mean, low, high in own[[f"{measure}_{part}" for part in ("mean", "low", "high")]].to_numpy(float):
                    panel.plot([low, high], [height, height], color=look.color, linewidth=1.0)
                    panel.plot(mean, height, marker=look.marker, color=look.color, markersize=5)
        panel.set(xlabel=f"{SHOWN[measure]} accuracy (%)", xlim=(0, 103), yticks=range(len(choices)))
        panel.set_yticklabels(choices)
    axes[0, 0].set_ylim(len(choices) - 0.5, -0.5)
    handles = {look.name: Line2D([], [], linestyle="", marker=look.marker, color=look.color) for look in known.values()}
    style.legend_below(figure, handles, columns=4)
    return figure
