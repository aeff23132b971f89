"""The propagation study (Micheli et al. 2024): which initial weights carry activity through a deep spiking network?

Untrained networks are simulated at full size, networks are trained from eight initialisations, and two initialisations
are trained while depth, width, decay and threshold vary.

This module declares the study; its runs, conditions, tables, figures and checks stand in modules of their own.
"""

from __future__ import annotations

from spikeinit.studies.propagation import conditions, runs
from spikeinit.study import Figure, Scorecard, Study, Table

STUDY = Study(
    name="propagation",
    paper="Micheli et al. 2024",
    question=("which initial weights carry activity through a hundred layers without loss, and do they train better?"),
    package=__name__,
    answer="answer.answer",
    key_figure="activity_and_gradients",
    runs=runs.runs,
    problems=runs.problems,
    published=conditions.PUBLISHED,
    tables=(
        Table(
            "tables.survival",
            "How deep activity reaches in each simulation: the last layer in which at least half of the repeats "
            "fire, the same as predicted, and variances and spikes on the way.",
        ),
        Table(
            "tables.accuracy",
            "Training and test accuracy of every initialisation, with the interval of the mean over the seeds.",
        ),
        Table(
            "tables.iterations_to_accuracy",
            "The first iteration by which the training accuracy has reached a level; the mean is over the seeds "
            "that reach it.",
        ),
        Table("tables.robustness", "Training and test accuracy while one parameter varies."),
        Table(
            "reach.initializer_reach",
            "Which initialisers keep activity and gradients through all layers of an untrained network, after one time "
            "step and after many, with the intervals of the means over the networks, and what mean field "
            "predicts for one step.",
        ),
        Table(
            "open_choice_tables.open_choices",
            "What the paper leaves open, tried with the first MLP: every claim about it judged at every choice, and "
            "whether it flips.",
        ),
        Table(
            "open_choice_tables.open_choice_accuracy",
            "Accuracies of the first MLP at every choice of what the paper leaves open, with the interval of the mean "
            "over the seeds.",
        ),
        Table("open_choice_tables.open_choices_by_run"),
        Table("tables.signals"),
        Table("tables.signals_over_steps"),
        Table("tables.repeats"),
        Table("tables.gradients"),
        Table("tables.trainings"),
        Table("tables.curves"),
        Table("tables.progress"),
    ),
    figures=(
        Figure(
            "simulation_figures.variance_by_threshold",
            "Figure 2: variance of the potential over depth at each threshold, for the proposed initialisation "
            "and Kaiming's. Pale bands are one standard deviation over the repeats, dark ones the 95 % interval of "
            "the mean, thin dotted lines the mean-field prediction.",
        ),
        Figure(
            "simulation_figures.initializers_one_step",
            "Figure 3: variance and spikes over depth for every initialisation at one time step, with the "
            "mean-field prediction (thin dotted lines) of where activity dies.",
        ),
        Figure(
            "simulation_figures.finite_size",
            "Figure 4: the proposed initialisation in narrow layers, where too few neurons fire for the mean to "
            "be drawn reliably. Bands as in Figure 2.",
        ),
        Figure(
            "simulation_figures.layers_and_steps",
            "Figure 5: variance and spikes over layers and time steps, for the proposed initialisation and Kaiming's.",
        ),
        Figure(
            "simulation_figures.initializers_over_time",
            "Figure 6: variance and spikes over depth for every initialisation, averaged over the time steps.",
        ),
        Figure(
            "simulation_figures.high_decay",
            "Figure 7: neurons that leak little. Left: variance over the time steps in some layers. Right: "
            "skewness and excess kurtosis of the potential over depth; both are 0 for a normal distribution.",
        ),
        Figure(
            "simulation_figures.gradients",
            "Norms of the gradient of a random loss on its way back from the last layer, with respect to the "
            "input currents of each layer and to its weights; a silent layer passes no gradient to the weights "
            "behind it.",
        ),
        Figure(
            "reach_figures.activity_and_gradients",
            "What reaches the other end of an untrained network. Left: variance of the potential in the last tenth of "
            "the layers, where the input has one. Right: norm of the gradient in layer 1 over that in the last layer, "
            "in decades; nothing where it has vanished. In the grey bands it is called kept. Filled: one time step, "
            "hollow: many. Bars are intervals of the mean over the networks, ticks the mean-field prediction. A "
            "variance that has vanished is drawn at the left edge.",
        ),
        Figure(
            "training_figures.training_accuracy",
            "Figure 8: training accuracy over the iterations. Bands are one standard deviation over the seeds.",
        ),
        Figure(
            "training_figures.test_accuracy",
            "Figure 9: accuracy on the monitored test images after each epoch. Bands are one standard deviation "
            "over the seeds.",
        ),
        Figure(
            "training_figures.iterations_to_accuracy",
            "Iterations until the training accuracy first reaches each level. Hollow markers: not all seeds "
            "reached it; crosses: none did.",
        ),
        Figure(
            "training_figures.robustness",
            "Figure 10: training accuracy at the last epoch while depth, width, decay or threshold varies.",
        ),
        Figure(
            "open_choice_figures.open_choices",
            "Accuracies of the first MLP at every choice of what the paper leaves open, one value at a time beside the "
            "configured ones. Bars are the intervals of the mean over the seeds.",
        ),
    ),
    scorecard=Scorecard(
        "checks.scorecard",
        "Every claim of Micheli et al. (2024) beside ours. The simulations run at the published size and earn "
        "verdicts; trainings earn them only where data, networks and epochs are the published ones.",
        title="Scorecard: Micheli et al. 2024, deep activity propagation",
    ),
    options=runs.table_options,
)
