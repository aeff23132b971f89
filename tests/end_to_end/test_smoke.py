"""The whole chain at smoke scale, by Snakemake, in a copy of the checkout: what comes out, and what re-runs when."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pandas as pd
import pytest
from conftest import SMOKE, copy_checkout, smoke_with, snakemake
from safetensors.numpy import load_file

from spikeinit import networks
from spikeinit.initializers import registry
from spikeinit.jobs import provenance
from spikeinit.jobs.anns import INITIAL_LAW
from spikeinit.studies import STUDIES
from spikeinit.study import Output

STUDY = "results/smoke/studies/energy"


TELL_IMPORTS = """
import atexit, json, pathlib, sys

def tell():
    main = getattr(sys.modules["__main__"], "__spec__", None)
    if main and main.name.startswith("spikeinit.stages."):
        found = sorted(name for name in sys.modules if name.split(".")[0] == "spikeinit")
        folder = pathlib.Path("imported") / main.name.rpartition(".")[2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{len(list(folder.iterdir()))}_{id(found)}.json").write_text(json.dumps(found))

atexit.register(tell)
"""
"""Python runs a module `sitecustomize` at the start of every process; here it notes what stages have imported."""


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    """A finished smoke run. The folder `imported` says which modules of the package each stage's processes loaded."""
    folder = copy_checkout(tmp_path_factory.mktemp("smoke") / "checkout")
    (folder / "workflow/sitecustomize.py").write_text(TELL_IMPORTS)
    snakemake(folder, *SMOKE)
    (folder / "workflow/sitecustomize.py").unlink()
    return folder


def planned(folder, changes="", *arguments):
    """Rule -> number of jobs that a dry run plans after changes of the configuration."""
    finished = snakemake(folder, "--dry-run", *(smoke_with(folder, changes) if changes else SMOKE), *arguments)
    table = re.search(r"^job\s+count\n[-\s]+\n(.*?)^total", finished.stdout, re.MULTILINE | re.DOTALL)
    if table is None:
        assert "Nothing to be done" in finished.stdout + finished.stderr
        return {}
    return {line.split()[0]: int(line.split()[1]) for line in table[1].strip().splitlines()}


def imported_by(folder, stage):
    """The modules that the processes of a stage loaded."""
    return {module for path in (folder / "imported" / stage).iterdir() for module in json.loads(path.read_text())}


FAMILIES = {f"spikeinit.networks.{family.module}" for family in networks.FAMILIES.values()}
LAWS = {f"spikeinit.initializers.{module}" for module in registry.MODULES.values()}
STARTS = {"spikeinit.conversion.data_driven"}
NAMED_IN_SPECS = {
    "train_snn": FAMILIES | LAWS | STARTS,
    "train_batch": FAMILIES | LAWS,
    "evaluate_snn": FAMILIES,
    "evaluate_batch": FAMILIES,
    "simulate_network": LAWS,
    "pretrain_ann": FAMILIES | {INITIAL_LAW},
    "extract_activations": FAMILIES,
    "optimize_thresholds": set(),
    "convert_ann": FAMILIES,
    "calibrate_snn": FAMILIES,
    "test_hypotheses": set(),
}
"""Stage -> the modules that its specs name, each with the digest of its code, so that they count there."""

OUTPUTS = {
    "tabulate": lambda study: study.tables,
    "plot": lambda study: study.figures,
    "score": lambda study: [study.scorecard, Output(study.answer)],
    "audit_published": lambda study: [Output(study.audit)] if study.audit else [],
}
"""Stage that works on whole studies -> what it makes of one."""

LOADED_WHEN_NEEDED = (
    "spikeinit.kernels.",
    "spikeinit.neurons",
    "spikeinit.names.neurons",
    "spikeinit.initializers.sampling",
)
"""What counts although a process loads it only for sizes, devices or studies that ask for it, or to draw weights."""


def declaring():
    """The modules that a process loads because it imports the studies' declarations."""
    code = (
        "import json, sys, spikeinit.studies; print(json.dumps([m for m in sys.modules if m.startswith('spikeinit')]))"
    )
    command = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(provenance.ROOT.parent)}
    return set(json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout))


@pytest.mark.parametrize("stage", [*NAMED_IN_SPECS, *OUTPUTS])
def test_a_stages_digest_counts_what_its_processes_load(workflow, stage):
    """Every module that a process loads counts, and what counts is loaded by some process of the stage."""
    itself = f"spikeinit.stages.{stage}"  # loaded under the name __main__
    if stage in OUTPUTS:
        named = {f"{study.package}.{output.module}" for study in STUDIES.values() for output in OUTPUTS[stage](study)}
        counted, besides = provenance.closure((itself, *named)), declaring()
    else:
        counted, besides = provenance.closure((itself,)), provenance.closure(tuple(NAMED_IN_SPECS[stage]))
    loaded = {module for module in imported_by(workflow, stage) if not provenance.decides_nothing(module)}
    assert loaded - counted - besides == set()
    unused = counted - loaded - {itself}
    assert {module for module in unused if not f"{module}.".startswith(LOADED_WHEN_NEEDED)} == set()


ASYMPTOTE = "results/smoke/studies/asymptote"


def test_short_runs_share_jobs_and_keep_folders_of_their_own(workflow):
    plan = pd.read_csv(workflow / ASYMPTOTE / "plan.csv")
    folder = workflow / "results/smoke"
    jobs = list((folder / "benchmarks/train_batch/asymptote").glob("*.tsv"))
    assert 0 < len(jobs) < len(plan)
    for run in plan.run:
        files = {path.name for path in (folder / "runs/asymptote" / run).iterdir()}
        assert {"metrics.csv", "weights.safetensors", "accuracy.csv"} <= files
    for of_batches, of_run in (("trained", "metrics"), ("evaluated", "accuracy")):
        tables = [pd.read_csv(path) for path in sorted((folder / "batches/asymptote").glob(f"*/{of_batches}.csv"))]
        together = pd.concat(tables, ignore_index=True)
        runs = sorted(plan.run)
        own = {run: pd.read_csv(folder / "runs/asymptote" / run / f"{of_run}.csv") for run in runs}
        own = pd.concat([table.assign(run=run) for run, table in own.items()], ignore_index=True)
        together = together.sort_values("run", kind="stable", ignore_index=True)
        pd.testing.assert_frame_equal(together, own[together.columns])


def test_the_coding_table_is_the_mean_of_the_seeds_own_files(workflow):
    table = pd.read_csv(workflow / ASYMPTOTE / "tables/coding.csv")
    row = table[(table.encoding == "rate") & (table.initializer == "ding2022")].iloc[0]
    run = "coding_digits_five_layer_rate_k0.8_l0.2_t1_ding2022"
    own = pd.read_csv(workflow / "results/smoke/runs/asymptote" / run / "accuracy.csv").accuracy
    assert row.accuracy_mean == pytest.approx(own.mean())
    assert row.runs == len(own) == 2


def test_every_promised_file_is_there(workflow):
    for table in ("spikes_by_combination", "spikes_by_weight_mean", "spikes_by_beta_range"):
        columns = pd.read_csv(workflow / STUDY / f"tables/{table}.csv").columns
        expected = ["dataset", "weight_mean", "beta_range", "layer", "spikes_mean", "spikes_sd", "runs"]
        assert list(columns[:7]) == expected
        assert {"accuracy_mean", "accuracy_sd"} <= set(columns)
    for file in ("statistics.csv", "anova.csv", "audit.csv", "scorecard.csv", "scorecard.md"):
        assert (workflow / STUDY / file).stat().st_size > 0


def test_table_means_are_those_of_the_seeds_own_files(workflow):
    """The published-shape table against the evaluation files, averaged here by hand."""
    table = pd.read_csv(workflow / STUDY / "tables/spikes_by_combination.csv")
    row = table[(table.weight_mean == -0.01) & (table.beta_range == "low") & (table.layer == 2)].iloc[0]
    spikes = pd.read_csv(workflow / "results/smoke/runs/energy/digits_normal_mean-0.01_low/spikes.csv")
    own = spikes[spikes.layer == 2].spikes_per_neuron
    assert row.spikes_mean == pytest.approx(own.mean())
    assert row.spikes_sd == pytest.approx(own.std())
    assert row.runs == len(own) == 2


def test_statistics_are_scipys(workflow):
    from scipy import stats

    runs = pd.read_csv(workflow / STUDY / "tables/spikes_by_run.csv")
    runs = runs[(runs.initializer == "normal") & (runs.layer == 1)]
    low, high = (runs[runs.weight_mean == mean].spikes for mean in (-0.01, 0.01))
    statistics = pd.read_csv(workflow / STUDY / "statistics.csv")
    row = statistics[
        (statistics.factor == "weight_mean")
        & (statistics.measure == "layer 1")
        & (statistics.test == "student")
        & (statistics.alternative == "two-sided")
        & (statistics.level_a.astype(str) == "-0.01")
        & (statistics.level_b.astype(str) == "0.01")
    ].iloc[0]
    expected = stats.ttest_ind(low, high)
    assert row.p == pytest.approx(expected.pvalue)
    assert row.n1 == row.n2 == 6


def test_scaled_down_runs_get_no_verdict(workflow):
    scorecard = pd.read_csv(workflow / STUDY / "scorecard.csv")
    assert set(scorecard.verdict) <= {"scaled down", "not run", "contradicted by the paper's own tables"}


def test_mlflow_holds_every_run_with_its_metrics(workflow):
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{workflow / 'results/mlflow.db'}")
    found = mlflow.search_runs(experiment_names=["spikeinit/energy"])
    plan = pd.read_csv(workflow / STUDY / "plan.csv")
    seeds = sum(len(str(seeds).split(";")) for seeds in plan.seeds)
    children = found[found["tags.mlflow.parentRunId"].notna()]
    assert len(found) == len(children) + 1
    children = children[children["tags.stage"] != "pretrain_ann"]
    assert len(children) == seeds
    assert (children.status == "FINISHED").all()
    assert children["metrics.train_loss"].notna().all()
    assert children["metrics.test/accuracy"].notna().all()
    client = mlflow.MlflowClient()
    assert len(client.get_metric_history(children.run_id.iloc[0], "train_loss")) == 2


def test_conversion_chain_links_its_records(workflow):
    """ANN, conversions and calibration of the conversion study, each tagged with the record of the ANN it is from."""
    import mlflow

    folder = workflow / "results/smoke/studies/conversion"
    accuracy = pd.read_csv(folder / "tables/accuracy_by_timesteps.csv")
    assert set(accuracy.method) == {"max", "snm_neuron", "optimal"}
    assert accuracy.accuracy.between(0, 100).all()
    for table in ("thresholds", "layer_error", "calibrated", "energy"):
        assert len(pd.read_csv(folder / f"tables/{table}.csv"))
    verdicts = set(pd.read_csv(folder / "scorecard.csv").verdict)
    assert "scaled down" in verdicts <= {"scaled down", "not run", "contradicted by the paper's own tables"}
    mlflow.set_tracking_uri(f"sqlite:///{workflow / 'results/mlflow.db'}")
    found = mlflow.search_runs(experiment_names=["spikeinit/conversion"])
    (ann,) = found[found["tags.stage"] == "pretrain_ann"]["tags.spikeinit.run"]
    made = found[found["tags.stage"].isin(["conversion", "calibration"])]
    assert len(made) == 4
    assert set(made["tags.ann_run"]) == {ann}
    calibrated = made[made["tags.stage"] == "calibration"]
    assert set(calibrated["tags.conversion_run"]) < set(made["tags.spikeinit.run"])


def test_data_driven_runs_begin_with_a_trained_network(workflow):
    run = workflow / "results/smoke/runs/energy/digits_data_driven_medium"
    assert (workflow / "results/smoke/ann/digits/energy_study/weights.safetensors").is_file()
    assert list(pd.read_csv(run / "metrics.csv").seed) == [0, 1]
    initializers = pd.read_csv(workflow / STUDY / "tables/initializers.csv")
    assert "data_driven" in set(initializers.initializer)


def test_profile_without_a_gpu_says_so(workflow):
    import torch

    profile = json.loads(next((workflow / "results/smoke/runs/energy").glob("*/profile.json")).read_text())
    assert profile["seconds"] > 0
    assert (profile["gpu"] is None) is not torch.cuda.is_available()


def test_unchanged_inputs_run_nothing(workflow):
    assert planned(workflow) == {}


def test_times_comments_and_pages_re_run_nothing(workflow):
    """A checkout of another time, an edited comment, docstring, description or page: no result hangs on them."""
    for path in workflow.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts and "results" not in path.parts:
            path.touch()
    for path in (workflow / "results/datasets/digits").iterdir():
        path.touch()
    edits = {
        "workflow/schemas/config.schema.yaml": lambda text: text.replace(
            "Name of this variant.", "The variant's name."
        ),
        "workflow/spikeinit/training/loop.py": lambda text: f"# a comment\n{text}",
        "workflow/spikeinit/studies/energy/tables.py": lambda text: text.replace('"""', '"""In short: ', 1),
        "config.yaml": lambda text: f"# a comment\n{text}",
    }
    kept = {name: (workflow / name).read_text() for name in edits}
    try:
        for name, edit in edits.items():
            assert edit(kept[name]) != kept[name]
            (workflow / name).write_text(edit(kept[name]))
        assert planned(workflow) == {}
    finally:
        for name, text in kept.items():
            (workflow / name).write_text(text)


def test_a_training_value_re_runs_training_and_what_follows(workflow):
    jobs = planned(workflow, "energy: {training: {epochs: 3}}")
    plan = pd.read_csv(workflow / STUDY / "plan.csv")
    assert jobs["train_snn"] == jobs["evaluate_snn"] == plan["open_choice"].isna().sum() > 0
    assert "train_batch" not in jobs  # those that try open choices have a number of epochs of their own
    assert {"tabulate_energy", "test_hypotheses_energy", "plot_energy", "score_energy"} <= set(jobs)
    assert not {"fetch_dataset", "init_tracking", "audit_published_energy"} & set(jobs)


def test_a_statistics_value_re_runs_only_statistics(workflow):
    jobs = planned(workflow, "energy: {statistics: {resamples: 300}}")
    assert set(jobs) - {"all"} == {"test_hypotheses_energy", "score_energy", "summarize", "sync_tracking"}


def test_one_initializers_law_re_runs_only_its_runs(workflow):
    jobs = planned(workflow, "energy: {comparison: {initializers: [{name: he, distribution: uniform}]}}")
    assert jobs["train_snn"] == 1


def test_a_plotting_edit_re_runs_only_figures(workflow):
    path = workflow / "workflow/spikeinit/studies/energy/figures.py"
    text = path.read_text()
    try:
        path.write_text(text + "\nEDITED = True\n")
        jobs = planned(workflow)
        assert "plot_energy" in jobs
        assert not {"train_snn", "evaluate_snn", "tabulate_energy", "test_hypotheses_energy", "score_energy"} & set(
            jobs
        )
    finally:
        path.write_text(text)


def test_a_users_own_initialiser_trains_like_any_other(workflow):
    """The initialiser of examples/, at a value of its own."""
    changes = (
        "initializer_files: [examples/my_initializer.py]\n"
        "energy: {comparison: {initializers: [{name: half_he, factor: 0.25}]}}\n"
    )
    run = "results/smoke/runs/energy/digits_half_he_factor0.25_medium"
    snakemake(workflow, f"{run}/accuracy.csv", *smoke_with(workflow, changes))
    weights = load_file(workflow / run / "weights.safetensors")
    assert {name.partition("/")[0] for name in weights} == {"0", "1"}
    assert set(pd.read_csv(workflow / run / "metrics.csv").outcome) <= {"trained", "dead"}


def test_an_audit_knows_current_stale_and_missing_results(workflow):
    def audit():
        command = [sys.executable, "-m", "spikeinit.stages.audit_results", *SMOKE]
        environment = os.environ | {"PYTHONPATH": "workflow"}
        return subprocess.run(command, cwd=workflow, env=environment, capture_output=True, text=True, check=False)

    assert audit().returncode == 0
    record = workflow / "results/smoke/runs/energy/digits_he_medium/spec.json"
    text = record.read_text()
    record.write_text(text.replace(json.loads(text)["digest"], "0" * 64))
    metrics = workflow / "results/smoke/runs/energy/digits_normal_mean0.01_low/metrics.csv"
    kept = metrics.rename(metrics.with_suffix(".kept"))
    try:
        found = audit()
        assert found.returncode == 1
        assert "stale    energy/digits_he_medium" in found.stdout
        assert "missing  energy/digits_normal_mean0.01_low" in found.stdout
    finally:
        record.write_text(text)
        kept.rename(metrics)


def test_the_sensitivity_study_has_a_row_per_point_and_seed_and_no_verdicts(workflow):
    folder = workflow / "results/smoke/studies/sensitivity"
    points = pd.read_csv(folder / "tables/points.csv")
    assert points.groupby("sweep").size().to_dict() == {"beta": 2, "threshold_by_beta": 4}
    row = points[(points["neuron.decay"] == 0.9) & (points["neuron.threshold"] == 1.0)].iloc[0]
    own = pd.read_csv(workflow / f"results/smoke/runs/sensitivity/{row.run}/accuracy.csv").accuracy
    assert row.test_accuracy_mean == pytest.approx(own.mean())
    scorecard = pd.read_csv(folder / "scorecard.csv")
    in_words = scorecard[~scorecard.claim.str.startswith("flops:")]
    # they are about MNIST, and digits were run; those that the report's own figures contradict are told all the same
    assert set(in_words.verdict) == {"not run", "contradicted by the paper's own tables"}


def test_propagation_ends_in_every_table_figure_and_claim(workflow):
    folder = workflow / "results/smoke/studies/propagation"
    signals = pd.read_csv(folder / "tables/signals.csv")
    assert set(signals.label) >= {"thresholds", "initializers", "finite_size", "time_steps", "high_decay"}
    own = pd.read_csv(workflow / "results/smoke/runs/propagation/digits_micheli2024_deep_mlp/metrics.csv")
    accuracy = pd.read_csv(folder / "tables/accuracy.csv").set_index("initializer")
    assert accuracy.loc["micheli2024", "train_accuracy_mean"] == pytest.approx(own.train_accuracy.mean())
    assert len(list((folder / "figures").glob("*.svg"))) == len(list((folder / "figures").glob("*.png"))) == 13
    claims = pd.read_csv(workflow / "workflow/published/micheli2024_claims.csv").id
    scorecard = pd.read_csv(folder / "scorecard.csv")
    assert list(scorecard.claim) == [*claims, "open-choices:conclusions"]
    assert "scaled down" in set(scorecard.verdict) <= {"scaled down", "not run"}


def test_a_simulation_is_recorded_layer_by_layer(workflow):
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{workflow / 'results/mlflow.db'}")
    found = mlflow.search_runs(experiment_names=["spikeinit/propagation"])
    simulated = found[found["tags.stage"] == "simulation"]
    assert len(simulated) == 2
    run = simulated.set_index("tags.mlflow.runName").loc["one_step seed 0"]
    history = mlflow.MlflowClient().get_metric_history(run.run_id, "variance/thresholds/he/n100_theta1")
    signals = pd.read_csv(workflow / "results/smoke/studies/propagation/tables/signals.csv")
    own = signals[(signals.label == "thresholds") & (signals.initializer == "he") & (signals.threshold == 1)]
    assert [point.value for point in sorted(history, key=lambda point: point.step)] == list(own.variance_mean)


def test_a_simulated_threshold_re_runs_no_training(workflow):
    jobs = planned(workflow, "propagation: {simulation: {thresholds: [0.0, 0.5, 1.0]}}")
    assert jobs["simulate_network"] == 1
    assert not [rule for rule in jobs if rule.startswith(("train_", "evaluate_"))]


def test_another_value_in_a_sweep_trains_only_its_point(workflow):
    """The batch runs again and finds the other points finished. Near the end here: the folder then holds one more."""
    changes = "sensitivity: {sweeps: {beta: {neuron.decay: [0.5, 0.7, 0.9]}}}"
    jobs = planned(workflow, changes)
    assert jobs["train_batch"] == jobs["evaluate_batch"] == 1
    assert not {"fetch_dataset", "tabulate_energy", "train_snn"} & set(jobs)
    folder = workflow / "results/smoke/runs/sensitivity"
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/seeds/*/checkpoint.safetensors")}
    batch = "results/smoke/batches/sensitivity/digits_1/trained.csv"
    snakemake(workflow, batch, *smoke_with(workflow, changes))
    assert "digits_decay0.7" in set(pd.read_csv(workflow / batch).run)
    after = {path: path.stat().st_mtime_ns for path in folder.glob("*/seeds/*/checkpoint.safetensors")}
    assert {path.parts[-4] for path in after.keys() - before.keys()} == {"digits_decay0.7"}
    assert before.items() <= after.items()


def test_another_seed_trains_only_itself(workflow):
    """A third seed re-runs the job, which finds the first two finished. Last here: the folder then holds three."""
    run = "results/smoke/runs/energy/digits_he_medium"
    seeds = [workflow / run / f"seeds/{seed}/checkpoint.safetensors" for seed in (0, 1)]
    before = [(path.stat().st_mtime_ns, path.read_bytes()) for path in seeds]
    snakemake(workflow, f"{run}/metrics.csv", *smoke_with(workflow, "energy: {seeds: [0, 1, 2]}"))
    assert [(path.stat().st_mtime_ns, path.read_bytes()) for path in seeds] == before
    assert list(pd.read_csv(workflow / run / "metrics.csv").seed) == [0, 1, 2]
