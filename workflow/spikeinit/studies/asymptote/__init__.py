"""The asymptote study (Ding et al. 2022): does training start sooner where neurons start on their slant asymptote?

Four experiments on one set of initialisers: codings (Table 2, Figs. 1, 3, 4), a grid of neurons (Figs. 5, A8, A9), four
optimisers and four surrogates on nine neurons (Tables A6, A7, Fig. 6), and normalisations (Table A8, Fig. A12). Beside
the paper's five initialisers stand later ones, `added_initializers`, in the codings and the grid.

This module declares the study; its runs, conditions, tables, figures and checks stand in modules of their own.
"""

from __future__ import annotations

from spikeinit.studies.asymptote import conditions, runs
from spikeinit.study import Figure, Scorecard, Study, Table

STUDY = Study(
    name="asymptote",
    paper="Ding et al. 2022",
    question="does training start sooner where neurons start on the slant asymptote of their response?",
    package=__name__,
    answer="answer.answer",
    key_figure="optimizers",
    runs=runs.runs,
    problems=runs.problems,
    published=conditions.PUBLISHED,
    tables=(
        Table("tables.runs"),
        Table(
            "tables.coding",
            "Coding x initialiser (Ding et al. 2022, Table 2): test accuracy, failures, iterations to the target "
            "training accuracy.",
        ),
        Table(
            "tables.grid",
            "Every neuron of the grid with every initialiser (figures 5, A8, A9): accuracy, failures, iterations "
            "to the target. `at_least` counts runs that never reached it with one iteration more than were run.",
        ),
        Table("tables.optimizers", "Nine neurons, four optimisers, five initialisers (Table A6, Figure 6)."),
        Table("tables.surrogates", "Nine neurons, four surrogates, five initialisers (Table A7, Figure 6)."),
        Table(
            "tables.normalization",
            "VGG11 without and with batch normalisation, over all steps or per step (Table A8).",
        ),
        Table(
            "tables.initial_rates",
            "Spikes per neuron and step of every spiking layer before training (figure 3).",
        ),
        Table("tables.early_curves"),
        Table("validation.validation_curves"),
        Table("validation.epochs_to_accuracy"),
        Table("tables.response"),
        Table(
            "tables.response_error",
            "How far Theorem 1, and its asymptote clipped to [0, 1], are from the simulated rate, in spikes per step.",
        ),
    ),
    figures=(
        Figure(
            "figures.response_curves",
            "Rate against constant current: Theorem 1 (lines), its slant asymptote (dashed), simulation (dots). "
            "Below (1 - k) theta / lambda a leaky neuron stays silent, where the printed theorem has no value "
            "(Ding et al. 2022, Fig. 2).",
        ),
        Figure(
            "figures.firing_rates_before_training",
            "Spikes per neuron and step of every spiking layer on the first batch, before any update (Ding et al."
            " 2022, Fig. 3). Bars are one standard deviation over seeds.",
        ),
        Figure(
            "figures.early_loss_and_rates",
            "Loss and rates of the spiking layers over the first iterations, for every initialiser (Ding et al. "
            "2022, Fig. 1).",
        ),
        Figure(
            "curve_figures.coding_curves",
            "For every network, data set and coding: loss and accuracy of the training batches by iteration, and "
            "accuracy on the monitored test images by epoch (Ding et al. 2022, Fig. 4). Bands are one standard "
            "deviation over seeds.",
        ),
        Figure(
            "heat_maps.grid_accuracy",
            "Test accuracy over leak k and input gain lambda (Ding et al. 2022, Fig. A9). Grey: training failed. "
            "Hatched: the initialiser has no law for this neuron.",
        ),
        Figure(
            "heat_maps.grid_iterations",
            "Iterations until a training batch first reaches the target accuracy (Ding et al. 2022, Fig. A8). "
            "Grey: never reached. A number with ≥ is a lower bound: some runs never reached it.",
        ),
        Figure(
            "heat_maps.optimizers",
            "Test accuracy for every neuron and four optimisers (Ding et al. 2022, Table A6). Grey: training "
            'failed here; crosses: the paper prints "-".',
        ),
        Figure(
            "heat_maps.surrogates",
            "Test accuracy for every neuron and four surrogates (Ding et al. 2022, Table A7). Grey: training "
            'failed here; crosses: the paper prints "-".',
        ),
        Figure(
            "curve_figures.optimizer_curves",
            "Accuracy of the training batches by iteration, four optimisers (Ding et al. 2022, Fig. A10).",
        ),
        Figure(
            "curve_figures.surrogate_curves",
            "Accuracy of the training batches by iteration, four surrogates (Ding et al. 2022, Fig. A11).",
        ),
        Figure(
            "figures.normalization",
            "Test accuracy of VGG11 with and without normalisation (Ding et al. 2022, Table A8). Crosses: "
            "training failed.",
        ),
        Figure(
            "curve_figures.normalization_curves",
            "Accuracy on the monitored test images by epoch, with and without normalisation (Ding et al. 2022, Fig. "
            "A12). Bands are one standard deviation over seeds.",
        ),
    ),
    scorecard=Scorecard(
        "checks.scorecard",
        "Every printed cell of Tables 2, A6, A7 and A8 and of Figure 6, and what Ding et al. (2022) say in words, "
        "beside ours. Scaled-down lines say only whether the same networks fail.",
        title="Asymptote study (Ding et al. 2022)",
    ),
    options=runs.table_options,
)
