"""Which jobs an edit of the configuration runs again: the table of edits and jobs, planned without running anything.

The rules that follow in the graph run because their inputs change; they are not named here, unless their own spec
changes. tests/end_to_end tries a part of the table by Snakemake on finished results.
"""

from __future__ import annotations

import copy

import pytest
import yaml
from planned_specs import RULES, changed, put, smoke, specs

from spikeinit.studies import STUDIES

TRAIN = {"train_snn", "train_batch"}
EVALUATE = {"evaluate_snn", "evaluate_batch"}
ALWAYS = {"plan_study"}
"""It writes down the section, and so follows every key but those of the statistics."""

ANALOGUE = {"pretrain_ann", "extract_activations"}
CONVERT = {"convert_ann", "calibrate_snn"}

TABLE = [
    # study, edit, rules whose jobs have another spec
    ("energy", "{train_images: 150}", TRAIN - {"train_batch"} | {"evaluate_snn", "score"} | ANALOGUE),
    ("energy", "{seeds: [0, 1, 2]}", {"train_snn", "evaluate_snn", "score"}),
    ("energy", "{streams: shared}", TRAIN | EVALUATE | {"score"}),
    ("energy", "{weight_means: [-0.01, 0.01, 0.02]}", TRAIN | EVALUATE | {"score", "test_hypotheses", "tabulate"}),
    ("energy", "{weight_sd: 0.2}", TRAIN | EVALUATE | {"score"}),
    ("energy", "{beta_ranges: {medium: [0.3, 0.6]}}", {"train_snn", "evaluate_snn", "score"}),
    ("energy", "{comparison: {initializers: [{name: glorot}, {name: data_driven}]}}", {"train_snn", "evaluate_snn"}),
    ("energy", "{data_driven: {ann: {training: {epochs: 3}}}}", ANALOGUE | {"train_snn"}),
    ("energy", "{data_driven: {activations: {images: 40}}}", {"extract_activations", "train_snn"}),
    ("energy", "{open_choices: {settings: {training.epochs: 2}}}", {"train_batch", "tabulate"}),
    ("energy", "{open_choices: {seeds: [0]}}", {"train_batch", "evaluate_batch"}),
    ("energy", "{encoding: {timesteps: 5}}", TRAIN | EVALUATE | {"score", "optimize_thresholds"}),
    ("energy", "{network: {width: 0.0625}}", TRAIN | EVALUATE | ANALOGUE | {"score"}),
    ("energy", "{neuron: {threshold: 1.5}}", TRAIN | EVALUATE | {"score"}),
    ("energy", "{training: {epochs: 3}}", {"train_snn", "score"}),
    ("energy", "{evaluation: {batch_size: 100}}", EVALUATE),
    ("energy", "{statistics: {resamples: 300}}", {"test_hypotheses"}),
    ("energy", "{statistics: {confidence: 0.9}}", {"test_hypotheses", "tabulate", "score"}),
    ("sensitivity", "{encoding: {timesteps: 4}}", {"train_batch", "evaluate_batch", "score"}),
    ("sensitivity", "{training: {optimizer: {learning_rate: 0.02}}}", {"train_batch", "pretrain_ann", "score"}),
    ("sensitivity", "{sweeps: {beta: {neuron.decay: [0.5, 0.7]}}}", {"train_batch", "evaluate_batch", "score"}),
    ("sensitivity", "{analogue: false}", {"tabulate", "sync_tracking"}),
    ("sensitivity", "{stand_ins: {mnist5k: null}}", set()),
    ("sensitivity", "{statistics: {confidence: 0.9}}", {"tabulate", "score"}),
    ("asymptote", "{optimizer: {learning_rate: 0.01}}", {"train_batch", "score"}),
    ("asymptote", "{grid: {k: [0.5]}}", {"train_batch", "evaluate_batch", "score"}),
    ("asymptote", "{response: {points: 40}}", {"tabulate"}),
    ("asymptote", "{target_accuracies: [50.0]}", {"train_batch", "score"}),
    ("asymptote", "{statistics: {accuracy_margin: 2.0}}", {"score"}),
    ("conversion", "{norm: 2}", {"optimize_thresholds", "score"}),
    ("conversion", "{ann: {training: {epochs: 3}}}", ANALOGUE | CONVERT | {"score"}),
    ("conversion", "{ann: {seed: 1}}", ANALOGUE | CONVERT | {"sync_tracking"}),
    ("conversion", "{activations: {batch_size: 10}}", {"extract_activations"}),
    ("conversion", "{calibration: {augment: false}}", {"calibrate_snn", "score"}),
    ("conversion", "{evaluation: {batch_size: 100}}", CONVERT),
    ("propagation", "{simulation: {repeats: 3}}", {"simulate_network", "score"}),
    ("propagation", "{simulation: {seed: 1}}", {"simulate_network"}),
    ("propagation", "{training: {batch_size: 30}}", {"train_batch", "score"}),
    ("propagation", "{robustness: {epochs: 2}}", {"train_batch", "score"}),
    ("propagation", "{accuracy_levels: [80.0]}", {"tabulate"}),
    ("propagation", "{statistics: {confidence: 0.9}}", {"tabulate", "score"}),
]


def edited(study, text):
    from spikeinit.nested import merge

    return merge(smoke(study), {study: yaml.safe_load(text)})


@pytest.fixture(scope="module")
def before():
    return {study: specs(smoke(study)) for study in STUDIES}


def test_the_table_knows_every_rule(before):
    assert {rule for planned in before.values() for rule, _ in planned} == RULES
    assert {study for study, *_ in TABLE} == set(STUDIES)


@pytest.mark.parametrize(("study", "text", "expected"), TABLE, ids=[f"{study} {text}" for study, text, _ in TABLE])
def test_an_edit_runs_again_what_it_decides_and_nothing_else(before, study, text, expected):
    found = {rule for rule, _ in changed(before[study], specs(edited(study, text)))}
    assert found - ALWAYS == expected
    assert "plan_study" in found or set(yaml.safe_load(text)) <= {"statistics", "stand_ins"}


def test_two_edits_run_again_what_each_of_them_does(before):
    first, second = "{seeds: [0, 1, 2]}", "{statistics: {confidence: 0.9}}"
    both = "{seeds: [0, 1, 2], statistics: {confidence: 0.9}}"
    one, other = (changed(before["energy"], specs(edited("energy", text))) for text in (first, second))
    assert changed(before["energy"], specs(edited("energy", both))) == one | other


def test_a_value_that_is_put_back_plans_what_was_planned_before(before):
    for study in STUDIES:
        assert specs(smoke(study)) == before[study]


@pytest.mark.parametrize("study", STUDIES)
def test_no_study_hangs_on_the_section_of_another(before, study):
    """All sections together plan for a study what its section plans alone."""
    together = copy.deepcopy(smoke(study))
    for other in STUDIES:
        together[other] = smoke(other)[other]
    planned = specs(together)
    shared = {"init_tracking", "fetch_dataset"}
    kept = {job: spec for job, spec in before[study].items() if job[0] not in shared}
    batches = {
        job for job in kept if job[0] in ("train_batch", "evaluate_batch")
    }  # their names repeat in other studies
    assert {job: planned[job] for job in kept if job not in batches} == {
        job: spec for job, spec in kept.items() if job not in batches
    }


def test_another_order_of_combinations_trains_nothing_again(before):
    """A combination is its name and its spec, wherever in a list it stands."""
    for study, keys in (("energy", ("weight_means",)), ("energy", ("comparison", "initializers"))):
        mapping = smoke(study)
        part = mapping[study]
        for key in keys:
            part = part[key]
        turned = put(mapping, (study, *keys), part[::-1])
        assert {rule for rule, _ in changed(before[study], specs(turned))} <= {"plan_study", "score"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("device", "cpu"),
        ("gpu_jobs", 2),
        ("kernel", "reference"),
        ("threads", 2),
        ("tracking", {"enabled": False, "uri": None}),
    ],
)
def test_where_work_is_done_and_recorded_runs_no_job_that_computes(before, key, value):
    found = {rule for rule, _ in changed(before["energy"], specs({**smoke("energy"), key: value}))}
    assert found <= {"init_tracking", "sync_tracking"}
