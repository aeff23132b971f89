"""The study's figures: functions from `StudyTables` to a matplotlib figure. The function's name is the figure's."""

from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import BLUE, MARKERS, dataset_name


def spikes(tables):
    """Spikes per image against the threshold, a panel for each data set."""
    by_run = tables["by_run"]
    datasets = list(by_run["dataset"].unique())
    figure, axes = style.panels(*style.grid_of(len(datasets)))
    style.hide_unused(axes, len(datasets))
    for panel, dataset in zip(axes.flat, datasets, strict=False):
        own = by_run[by_run["dataset"] == dataset]
        means = own.groupby("threshold")["spikes"].mean()
        panel.plot(means.index, means, color=BLUE, marker=MARKERS[0])
        for threshold, group in own.groupby("threshold"):
            style.single_runs(panel, threshold, group["spikes"].to_numpy(), BLUE)
        panel.set(title=dataset_name(dataset), xlabel="threshold", ylabel="spikes per image")
        panel.set_ylim(bottom=0)
    return figure
