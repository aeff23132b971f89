"""The study's tables: functions from `StudyRuns` to a data frame. The function's name is the table's."""

from spikeinit.studies.table_tools import average


def by_run(runs):
    """One row per run and seed: spikes of the whole network per image, and test accuracy in per cent."""
    spikes = runs.read("spikes")
    spikes["spikes"] = spikes["neurons"] * spikes["spikes_per_neuron"]
    total = spikes.groupby(["dataset", "threshold", "run", "seed"], sort=False, as_index=False)["spikes"].sum()
    return total.merge(runs.read("accuracy")[["run", "seed", "accuracy"]], on=["run", "seed"], validate="one_to_one")


def by_threshold(runs):
    """Means and deviations over the seeds."""
    return average(by_run(runs), ["dataset", "threshold"], ["spikes", "accuracy"], counted="spikes")
