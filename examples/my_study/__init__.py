"""An example of a study of one's own: do neurons of a higher threshold spike less, and at what price in accuracy?

The package of a study declares one object, `STUDY`. Functions that plan are imported here. Functions that make tables,
figures and the scorecard need pandas and matplotlib. They are named as text, "module.function" below this package, and
the stage that calls them imports them. schema.yaml says what the section `my_study` of the configuration may hold.
"""

from spikeinit.study import ANY, Figure, OpenChoice, Published, Scorecard, Study, Table

from . import runs

STUDY = Study(
    name="my_study",
    paper="an example",
    question="do neurons of a higher threshold spike less, and at what price in accuracy?",
    package=__name__,
    runs=runs.runs,
    problems=runs.problems,
    published=Published(
        settings={
            "train_images": None,
            "test_images": None,
            "encoding": {"name": "rate", "timesteps": 5, "parameters": {}},
        },
        open_choices={
            "network": OpenChoice(ANY, "The claim names no network."),
            "initializer": OpenChoice(ANY, "The claim names no initialiser."),
            "neuron": OpenChoice(ANY, "The claim says nothing of the neurons but their threshold."),
            "training": OpenChoice(ANY, "The claim does not say how the networks are trained."),
        },
        not_conditions={
            "What was run is told beside the claim.": ("datasets", "seeds", "thresholds"),
            "They decide no number.": ("runs_per_job", "evaluation"),
        },
        counterparts={"digits": ("digits",)},
        files=("claims.csv",),
    ),
    tables=(
        Table("tables.by_run"),
        Table("tables.by_threshold", "Spikes of the whole network per image, and test accuracy (%), by threshold."),
    ),
    figures=(Figure("figures.spikes", "Spikes per image against the threshold. Small dots are single runs."),),
    scorecard=Scorecard("checks.scorecard", "What is claimed, beside our runs.", title="Scorecard: my study"),
)
