"""The conversion study (Bojković et al. 2024): which thresholds and initial potentials make the spiking copy of a
trained ReLU network most accurate within T steps?

For every data set and network: one analogue network, its activations, thresholds for each T, a conversion by every
method that fits the network's activation function, and calibrations.

This module declares the study; its runs, conditions, tables, figures and checks stand in modules of their own.
"""

from __future__ import annotations

from spikeinit.studies.conversion import conditions, runs
from spikeinit.study import Figure, Scorecard, Study, Table

STUDY = Study(
    name="conversion",
    paper="Bojković et al. 2024",
    question=(
        "which thresholds and initial potentials make the spiking copy of a ReLU network most accurate within T steps?"
    ),
    package=__name__,
    answer="answer.answer",
    key_figure="accuracy_by_timesteps",
    runs=runs.runs,
    problems=runs.problems,
    published=conditions.PUBLISHED,
    tables=(
        Table(
            "tables.accuracy_by_timesteps",
            "Test accuracy (per cent) of every conversion after T steps, beside the analogue network's (Bojković "
            "et al. 2024, Tables 1 and 2).",
        ),
        Table("tables.thresholds"),
        Table(
            "tables.optima",
            "What the best threshold of every layer is like. alike: the lowest and the highest threshold, in units of "
            "the best, whose error is at most 1 % above the least, and minima the number of separate ranges of them. "
            "samples_above: activations above the threshold; Algorithm 2 leaves out the last 5, and algorithm2_excess "
            "is what it loses. median_relation: by how much Theorem 4.1's relation of ranks fails (T = 1). solutions: "
            "how many local minima fulfil both of its relations.",
        ),
        Table("tables.layer_error"),
        Table(
            "tables.calibrated",
            "Accuracy after calibration at each T, beside that of the same conversion without it (Bojković et al."
            " 2024, Tables 3 and 4).",
        ),
        Table("tables.calibration_curves"),
        Table(
            "tables.energy",
            "Operations and energy (joule) per image at each T; synaptic operations alone and with the first "
            "layer's multiply-accumulates, beside the analogue network's (Bojković et al. 2024, Section 9).",
        ),
        Table("tables.activations"),
        Table("tables.activation_histograms"),
        Table("tables.sorted_activations"),
    ),
    figures=(
        Figure(
            "figures.accuracy_by_timesteps",
            "Test accuracy against the number of time steps, by method. Dashed: the analogue network. Hollow: the"
            " paper's own numbers, where data set and network are the printed ones.",
        ),
        Figure(
            "figures.published_accuracy",
            "What the paper prints (Tables 1 and 2): accuracy against the number of time steps. Grey: numbers it "
            "takes over from others.",
        ),
        Figure(
            "layer_figures.activation_distributions",
            "Positive activations of the second layer of each analogue network on training images: density, and "
            "sorted values (the paper's Figures 2 and 5).",
        ),
        Figure(
            "layer_figures.layer_error",
            "Mean difference between a layer's activation and its neurons' mean output in the running network, in"
            " units of the mean activation: a layer that converts badly stands out.",
        ),
        Figure(
            "layer_figures.error_parts",
            "The error of every layer in two parts, with optimal thresholds. Dashed: quantisation, which the network "
            "without time has too. Solid: timing, which is what uneven spikes add, and what neurons that take spikes "
            "back are to remove.",
        ),
        Figure(
            "layer_figures.thresholds",
            "Optimal thresholds of every layer in units of its largest activation, for several numbers of steps.",
        ),
        Figure(
            "figures.calibration_curves",
            "Test accuracy over the epochs of calibration, from optimal and from maximum thresholds (the paper's "
            "Figure 4); the number of steps grows at the grey lines, and epoch 0 is the converted network.",
        ),
        Figure(
            "figures.accuracy_against_energy",
            "Test accuracy against energy per image for every number of steps: 77 fJ a synaptic operation. Star: "
            "the analogue network at 25 pJ a multiply-accumulate (two FLOP).",
        ),
    ),
    scorecard=Scorecard(
        "checks.scorecard",
        "Every number the paper prints for its own method, and its sentences, beside our runs. A verdict is given"
        " only where the published conditions were met.",
        title="Scorecard: Bojković et al. 2024, data-driven threshold and potential initialisation",
    ),
    anns=runs.anns,
    reads=("ann/metrics", "activations/activations", "activations/histogram", "activations/sorted"),
)
