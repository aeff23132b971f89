"""What a study answers: sentences from tables of known truth, and the pages made of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from spikeinit.studies import known_studies
from spikeinit.studies.asymptote.answer import answer as asymptote
from spikeinit.studies.conversion.answer import answer as conversion
from spikeinit.studies.energy.answer import answer as energy
from spikeinit.studies.propagation.answer import answer as propagation
from spikeinit.studies.scorecard import ScorecardEntry
from spikeinit.studies.sensitivity.answer import answer as sensitivity
from spikeinit.studies.summary import Summary, summarized, to_html, to_markdown, to_rows, to_terminal
from spikeinit.studies.table_tools import StudyTables


def tables(**frames: list[dict]) -> StudyTables:
    return StudyTables.of({name: pd.DataFrame(rows) for name, rows in frames.items()}, {})


def combination(initializer: str, mean: float | None, spikes: float | None, accuracy: float = 90.0, **options) -> dict:
    row = {"dataset": "digits", "initializer": initializer, "weight_mean": mean, "beta_range": "low", "runs": 2}
    row |= {"spikes_per_image_mean": spikes, "spikes_per_image_sd": 5.0, "accuracy_mean": accuracy}
    return row | options


def test_energy_names_least_and_most_and_the_best_of_the_others():
    said = energy(
        tables(
            initializers=[
                combination("normal", 0.0, 300.0),
                combination("normal", -0.01, 120.0, 88.0),
                combination("normal", 0.01, None),
                combination("he", None, 200.0),
                combination("glorot", None, 150.0),
            ]
        )
    )
    assert said.startswith("digits: of 2 combinations, mean weight -0.01 with low decay rates spikes least, 120 ± 5 ")
    assert "at 88.0 %" in said
    assert "mean weight 0 with low decay rates most, 300 ± 5" in said
    assert "Among 2 other initialisers glorot: 150 ± 5" in said


def test_propagation_names_those_that_reach_the_last_layer_and_the_ends_of_training():
    def simulated(label, initializer, last, steps):
        return {"label": label, "initializer": initializer, "last_active_layer": last, "depth": 10, "timesteps": steps}

    def trained(initializer, accuracy):
        return {"network": "mlp", "dataset": "mnist", "initializer": initializer, "epochs": 3, "runs": 2} | {
            "test_accuracy_mean": accuracy
        }

    said = propagation(
        tables(
            survival=[
                simulated("initializers", "a", 10, 1),
                simulated("initializers", "b", 9, 1),
                simulated("thresholds", "c", 10, 1),
                simulated("time_steps", "a", 3, 20),
            ],
            accuracy=[trained("a", 50.0), trained("b", 70.0), trained("c", None)],
        )
    )
    assert said == (
        "Over 10 layers and 1 step, activity reaches the last layer with 1 of 2 initialisers: a. "
        "Over 10 layers and 20 steps, activity reaches the last layer with 0 of 1 initialisers: none. "
        "mlp on mnist after 3 epochs, 2 seeds each: from b with 70.0 % to a with 50.0 %."
    )


def test_conversion_compares_at_four_steps():
    def row(method, timesteps, accuracy):
        return {"dataset": "digits", "network": "vgg", "method": method, "timesteps": timesteps} | {
            "accuracy": accuracy,
            "ann_accuracy": 95.0,
            "images": 200,
        }

    said = conversion(
        tables(
            accuracy_by_timesteps=[
                row("max", 4, 10.0),
                row("optimal", 4, 90.0),
                row("optimal", 4, 80.0),
                row("max", 16, 99.0),
            ]
        )
    )
    assert said == (
        "vgg on digits at T = 4: optimal has 85.0 % on 200 images, where the analogue network has 95.0 % and the "
        "largest activation as threshold 10.0 %."
    )


def test_asymptote_counts_cells_that_train():
    cells = [{"initializer": name, "outcome": outcome} for name, outcome in (("he", "failed"), ("ding2022", "trained"))]
    said = asymptote(tables(optimizers=cells, surrogates=cells[:1]))
    assert said.endswith("succeeds: ding2022 in 1 of 1, he in 0 of 2.")


def test_sensitivity_names_the_widest_sweeps_and_the_narrowest():
    points = [
        {"dataset": "mnist", "sweep": sweep, "test_accuracy_mean": value}
        for sweep, values in {"a": (10, 50), "b": (60, 61), "c": (20, 40), "d": (0, 90), "one": (5,)}.items()
        for value in values
    ]
    said = sensitivity(tables(points=points))
    assert said.startswith("Of 4 sweeps these move the mean test accuracy most: d on mnist from 0.0 to 90.0 %; a on ")
    assert said.endswith("Least: b on mnist from 60.0 to 61.0 %.")


def entry(verdict: str, statement: str = "s", ours: str = "2") -> ScorecardEntry:
    return ScorecardEntry("id", "Sec. 1", statement, "1", ours, 0, 0, "3", "", verdict, "", "")


SPEC = {"study": "energy", "paper": "Pärna 2025", "question": "which?", "figure": "figures/a.png"}


def test_a_summary_counts_verdicts_and_keeps_what_disagrees():
    one = summarized(
        SPEC,
        "this.",
        [entry("open"), entry("reproduced"), entry("not reproduced", "wrong | here"), entry("reproduced")]
        + [entry("contradicted by the paper's own tables", f"c{number}", "") for number in range(10)],
    )
    assert one.counts == "2 reproduced, 1 not reproduced, 1 open, 10 contradicted by the paper's own tables"
    assert one.not_reproduced == ["Sec. 1: wrong | here (printed 1, ours 2)"]
    page = to_markdown([one], "laptop")
    assert "| [energy](studies/energy/scorecard.md), Pärna 2025 | which? | this. |" in page
    assert "- energy: Sec. 1: wrong \\| here (printed 1, ours 2)" in page
    assert "- energy: Sec. 1: c7 (printed 1)" in page
    assert "c8" not in page
    assert "- energy: 2 more in its scorecard" in page
    assert "<li>energy: Sec. 1: wrong | here (printed 1, ours 2)</li>" in to_html([one])
    assert to_rows([one])[0]["verdicts"] == one.counts
    assert to_terminal([one], "results/laptop").splitlines()[1:] == [
        "energy (Pärna 2025): which?",
        "  this.",
        f"  {one.counts}: results/laptop/studies/energy/scorecard.md",
    ]


def test_html_of_a_users_study_is_escaped():
    one = Summary("mine", "<b>", "a < b?", "", {}, [], [], "")
    assert "<b>" not in to_html([one])
    assert "no claims" in to_html([one])


@pytest.mark.parametrize("study", known_studies([]).values(), ids=lambda study: study.name)
def test_every_study_of_this_package_answers_and_has_a_key_figure(study):
    assert callable(study.load(study.answer))
    assert study.key_figure in {figure.name for figure in study.figures}


@pytest.mark.parametrize(
    ("folder", "study"), [("laptop", "energy"), ("laptop", "asymptote"), ("sensitivity_published", "sensitivity")]
)
def test_kept_evidence_has_an_answer(folder, study, checkout):
    kept: Path = checkout / "docs/evidence" / folder / study / "tables"
    found = known_studies([])[study]
    assert len(found.load(found.answer)(StudyTables(kept))) > 80
