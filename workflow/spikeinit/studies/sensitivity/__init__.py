"""The sensitivity study (Peat 2024): how hyperparameters of neuron and surrogate move loss, accuracy and cost.

A small network, one baseline, and sweeps: declared grids over any key of the section (`spikeinit.config.sweeps`).
Points that two sweeps share are one run.

This module declares the study; its runs, conditions, tables, figures and checks stand in modules of their own.
"""

from __future__ import annotations

from spikeinit.studies.sensitivity import analogue, conditions, runs
from spikeinit.study import Figure, Scorecard, Study, Table

STUDY = Study(
    name="sensitivity",
    paper="Peat 2024",
    question="how do the hyperparameters of neuron and surrogate move loss, accuracy and cost?",
    package=__name__,
    answer="answer.answer",
    key_figure="sweeps",
    runs=runs.runs,
    anns=analogue.anns,
    reads=("ann/metrics",),
    problems=runs.problems,
    published=conditions.PUBLISHED,
    tables=(
        Table(
            "tables.points",
            "Every point of every sweep: test accuracy (%), losses, spikes, neurons whose weights are no numbers any "
            "more, firing rates by layer, operations and energy (joule) per image; means over seeds with standard "
            "deviations and Student's interval (low, high).",
        ),
        Table("tables.by_seed"),
        Table("tables.curves"),
        Table(
            "tables.operations",
            "What one image costs: floating-point operations of the analogue network and, by the report's "
            "formula, of the spiking one with its assumed firing rate (0.25) and with the measured rates; beside "
            "them the operations as counted.",
        ),
        Table(
            "tables.published_flops",
            "The operation counts that the report prints (Peat 2024, Sec. 9), computed by its formulas.",
        ),
        Table(
            "conclusions.conclusions",
            "Whether the report's statements about its sweeps hold with its own neuron, with a surrogate gradient that "
            "does not overflow, and with neurons that spike in their own step and start at rest: each contrast that a "
            "statement makes, as mean over the seeds with Student's interval; needs says where it holds.",
        ),
        Table(
            "training_time.training_time_measured",
            "Measured seconds of a training epoch (the fastest) for each run and seed, and relative to the seed's"
            " fastest run. These numbers differ from machine to machine.",
        ),
        Table(
            "training_time.analogue_time_measured",
            "The same network without time, ReLU neurons on pixels: measured seconds of a training epoch (the "
            "fastest) for each seed. These numbers differ from machine to machine.",
        ),
    ),
    figures=(
        Figure(
            "figures.sweeps",
            "The end of training at every value of every sweep over one key (Peat 2024, Sec. 3 to 8): test "
            "accuracy, losses and spikes of one image. Points are means over seeds, bars Student's interval, hollow "
            "diamonds the report's own figures, from one seed. Values are spaced evenly.",
        ),
        Figure(
            "figures.neurons",
            "The report's four sweeps with three neurons: its own (late spike, random start, overflowing surrogate), "
            "the same with a finite surrogate, and neurons that spike in their own step and start at rest. Points are "
            "means over seeds of the test accuracy after training, bars Student's interval, hollow diamonds the "
            "report's figures.",
        ),
        Figure(
            "figures.curves",
            "Training loss, test loss and test accuracy epoch by epoch for every sweep over one key (Peat 2024, "
            "the figures of Sec. 3 to 8). Lines are means over seeds, bands reach from the lowest seed to the "
            "highest, dashed lines are the report's own figures. The test loss is weighted by batch size. When most of "
            "the report's figures were made its own was not, so that of those only training loss and accuracy are laid "
            "beside ours.",
        ),
        Figure(
            "figures.heat_maps",
            "Sweeps over two keys: test accuracy, training loss, spikes and energy of one image at every point of"
            " their grid, means over seeds.",
        ),
        Figure(
            "cost_figures.accuracy_against_cost",
            "Test accuracy against what one image costs, at every point of every sweep: spikes of the network, "
            "and energy by the first configured convention. A point that two sweeps share is drawn in both.",
        ),
        Figure(
            "cost_figures.operations",
            "Operations of one image against the number of time steps: by the report's formula (Peat 2024, Sec. "
            "9) with its assumed firing rate and with the measured ones, and as counted spike by spike. A "
            "floating-point operation is half a multiply-accumulate. Markers are moved apart a little.",
        ),
        Figure(
            "cost_figures.training_time",
            "Measured time of the fastest training epoch against the number of time steps, relative to the same "
            "seed's fastest run on that data set. Small dots are single seeds, lines medians. Measured beside "
            "other jobs, and different on every machine. Dashed: the same network without time, median over seeds.",
        ),
    ),
    scorecard=Scorecard(
        "checks.scorecard",
        "The claims of Peat (2024) and its operation counts beside ours. A claim agrees where every contrast that it "
        "makes is above zero over the seeds, or on the right side of its bound, by Student's interval, and disagrees "
        "where one is on the other. *Reproduced* and "
        "*not reproduced* are said only where the published conditions were met. The operation counts need no training."
        " *Contradicted* is said where a contrast is below zero in the report's own figures. The figures were made "
        "with one seed, and two of its settings are shown twice: decay 0.8 and slope 1 are one training, T = 5 and "
        "threshold 1 another. So the sweeps are not independent of one another. The report says that its test loss was "
        "not weighted by batch size when most figures were made. No claim rests on a test loss of those.",
        title="Scorecard: Peat 2024, hyperparameters of a small spiking network on MNIST",
    ),
    options=runs.table_options,
)
