"""Which figures the propagation study has, in the paper's order."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure

from spikeinit.studies.propagation import simulation_figures as simulated
from spikeinit.studies.propagation import training_figures as trained
from spikeinit.studies.table_tools import StudyTables

FIGURES: dict[str, Callable[[StudyTables], Figure]] = {
    "variance_by_threshold": simulated.variance_by_threshold,
    "initializers_one_step": simulated.initializers_one_step,
    "finite_size": simulated.finite_size,
    "layers_and_steps": simulated.layers_and_steps,
    "initializers_over_time": simulated.initializers_over_time,
    "high_decay": simulated.high_decay,
    "gradients": simulated.gradients,
    "training_accuracy": trained.training_accuracy,
    "test_accuracy": trained.test_accuracy,
    "iterations_to_accuracy": trained.iterations_to_accuracy,
    "robustness": trained.robustness,
}
