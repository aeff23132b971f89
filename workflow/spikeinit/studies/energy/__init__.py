"""The energy study (Pärna 2025): which initial weights and decay rates give the trained network that spikes least?

Nine published combinations, weight mean x decay range, and beside them other initialisers on the same network.

This module declares the study; its runs, conditions, tables, figures and checks stand in modules of their own.
"""

from __future__ import annotations

from spikeinit.studies.energy import conditions, runs
from spikeinit.study import Figure, Hypotheses, Scorecard, Study, Table

STUDY = Study(
    name="energy",
    paper="Pärna 2025",
    question="which initial weights and decay rates give the trained network that spikes least, at equal accuracy?",
    package=__name__,
    answer="answer.answer",
    key_figure="spikes_by_weight_mean",
    runs=runs.runs,
    problems=runs.problems,
    published=conditions.PUBLISHED,
    tables=(
        Table("tables.spikes_by_run"),
        Table(
            "tables.spikes_by_combination",
            "Spikes per neuron and image and accuracy for each mean weight and range of decay rates (Pärna 2025, "
            "Tables 5 and 6). ``spikes_mean`` is summed over the time steps, ``spikes_per_step_mean`` divided by "
            "their number: the printed output layer fits only the latter. Means take every run whose measure is "
            "finite; ``outcomes`` says how many of them trained. ``fan_in`` says for which fan-in the weights' law "
            "is meant: the layer's own, or the published one, to which it is scaled where the network is narrower.",
        ),
        Table(
            "tables.spikes_by_weight_mean",
            "Spikes per neuron and image and accuracy by mean weight, over the runs of all ranges of decay rates "
            "(Pärna 2025, Tables 1 and 2). ``fan_in`` as in the table of combinations.",
        ),
        Table(
            "tables.spikes_by_beta_range",
            "Spikes per neuron and image and accuracy by range of decay rates, over the runs of all mean weights "
            "(Pärna 2025, Tables 3 and 4). ``fan_in`` as in the table of combinations.",
        ),
        Table(
            "tables.initializers",
            "Every initialiser on the same network: outcomes of its runs, test accuracy (%), all spikes of one "
            "image, and the energy of one image in joule by each convention.",
        ),
        Table(
            "tables.energy",
            "Operations and energy (joule) per image by the layer that sends the spikes; layer 0 is the encoded input.",
        ),
        Table("tables.rates"),
        Table("tables.curves"),
        Table(
            "tables.outcomes",
            "How many seeds of each combination trained, fell silent (dead) or diverged, and in which epoch.",
        ),
        Table("open_choice_tables.open_choices_by_run"),
        Table(
            "open_choice_tables.open_choices",
            "Every conclusion of the thesis, judged at every choice that is tried where the thesis leaves something "
            "open. A conclusion flips where it is decided one way as configured and the other way at another choice. "
            "These are runs of their own; ``settings`` says what holds for them alone.",
        ),
        Table(
            "open_choice_tables.open_choice_distances",
            "How far the spikes at every choice lie from the printed ones (Pärna 2025, Tables 5 and 6), nearest first: "
            "the mean over layers of |ours - printed| / (ours + printed), spikes per neuron, image and step, with the "
            "interval of its mean over runs.",
        ),
        Table(
            "open_choice_tables.open_choice_effects",
            "By how much each value that differs from the configured one brings a run nearer to the printed spikes: "
            "mean over pairs of runs that differ in nothing else, with an interval that is corrected for the number of "
            "values (Bonferroni).",
        ),
    ),
    figures=(
        Figure(
            "figures.spikes_by_weight_mean",
            "Spikes per neuron and image in each layer, by the mean of the initial weights in the published network "
            "(narrower ones may have it scaled, see the scorecard's conditions), over all ranges of decay rates "
            "(Pärna 2025, Figs. 6 and 7). Summed over the time steps, counted on test images. Points "
            "are means over runs, bars one standard deviation, small dots single runs. Hollow diamonds are the "
            "printed values where the data set is the printed one; the output layer, printed per step, is "
            "multiplied by the 20 published steps.",
        ),
        Figure(
            "figures.spikes_by_beta_range",
            "Spikes per neuron and image in each layer, by the range from which the decay rates are drawn, over "
            "all mean weights (Pärna 2025, Figs. 8 and 9). Points are means over runs, bars one standard "
            "deviation, small dots single runs. Hollow diamonds are the printed values where the data set is the "
            "printed one; the output layer, printed per step, is multiplied by the 20 published steps.",
        ),
        Figure(
            "accuracy_figures.accuracy_against_spikes",
            "Test accuracy against all spikes of the network during one image, for every initialiser on the same "
            "network. Points are means over seeds, bars one standard deviation; the fill of a marker tells the "
            "range of decay rates. The line joins the initialisers that no other beats in both. Where accuracies "
            "differ much the vertical axis is logarithmic in the error. Dead and diverged runs count; the table "
            "of outcomes lists them.",
        ),
        Figure(
            "accuracy_figures.accuracy_against_energy",
            "Test accuracy against the energy of one image, by each convention for the energy of an operation. "
            "Synaptic operations are counted from real spikes, each with its real number of targets; memory and "
            "leakage are not counted.",
        ),
        Figure(
            "figures.spikes_over_epochs",
            "Spikes per neuron and image on the training batches, epoch by epoch and layer by layer. Solid lines:"
            " published mean weights, over all ranges of decay rates, with a band of one standard deviation; "
            "other lines: the other initialisers.",
        ),
        Figure(
            "figures.firing_rates",
            "Distribution of firing rates on the test images: the share of all neurons and images of a layer with"
            " so many spikes per step. The vertical axis is logarithmic; rates that never occur are not drawn.",
        ),
        Figure(
            "figures.silent_and_saturated",
            "Share of neurons that spike on no test image (silent), and of those whose mean rate is at least 0.95"
            " spikes per step (saturated). Markers are means over runs, small dots single runs.",
        ),
        Figure(
            "open_choice_figures.open_choices",
            "What the thesis leaves open, tried out. Left: the distance of each choice from the printed spikes, with "
            "the interval of its mean over runs; the red point is the choice of the other tables and figures. Right: "
            "whether each conclusion of the thesis agrees at each choice, disagrees, or is left open; a frame marks "
            "one that flips.",
        ),
    ),
    scorecard=Scorecard(
        "checks.scorecard",
        "Every claim and printed number of Pärna (2025) beside ours: value, interval and number of runs. "
        "*Reproduced* and *not reproduced* are said only where the published conditions were met; *contradicted "
        "by the paper's own tables* where printed numbers exclude one another. Long groups are folded; open them "
        "with a click.",
        title="Scorecard: Pärna 2025, impact of initialisation on energy requirements",
    ),
    anns=runs.anns,
    hypotheses=Hypotheses("spikes_by_run", runs.hypotheses),
    audit="audit.table.audit_printed",
    options=runs.table_options,
    text_columns=("beta_range", "open_choice"),
)
