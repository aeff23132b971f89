"""The examples of a user's own files, run through the workflow: small, and judged by facts known beforehand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from conftest import SMOKE, copy_checkout, snakemake
from safetensors.numpy import load_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return copy_checkout(tmp_path_factory.mktemp("examples") / "checkout")


def run(folder, example, *arguments):
    return snakemake(folder, *arguments, *SMOKE, f"examples/{example}.yaml").stdout


def test_my_initializer_has_a_quarter_of_hes_variance(checkout, user_code):
    from spikeinit import user_files
    from spikeinit.initializers import law

    user_files.load(checkout / "examples/my_initializer.py")
    # He: 2 / 50 = 0.04
    assert law("half_he", fan_in=50, factor=0.25).variance == pytest.approx(0.01)


@pytest.mark.slow
def test_my_network_is_trained_and_evaluated(folder):
    target = "results/my_network/runs/energy/digits_he_medium"
    run(folder, "my_network", f"{target}/spikes.csv")
    weights = load_file(folder / target / "weights.safetensors")
    shapes = [value.shape for name, value in sorted(weights.items()) if name.endswith("operation.weight")]
    # width 0.5: 8 of 16 channels; three convolutions keep 8 x 8 pixels, pooling leaves 4 x 4 of each channel
    assert shapes == [(8, 1, 3, 3), (8, 8, 3, 3), (8, 8, 3, 3), (10, 8 * 4 * 4)]
    spikes = pd.read_csv(folder / target / "spikes.csv")
    assert spikes[["layer", "neurons"]].values.tolist() == [[1, 512], [2, 512], [3, 512], [4, 10]]


@pytest.mark.slow
def test_an_edit_of_my_network_trains_and_evaluates_again(folder):
    target = "results/my_network/runs/energy/digits_he_medium/spikes.csv"
    path = folder / "examples/my_network.py"
    text = path.read_text()
    run(folder, "my_network", target)
    path.write_text(text.replace('"""A network family', '"""Some network family'))
    assert "Nothing to be done" in run(folder, "my_network", target, "--dry-run")
    path.write_text(text.replace("Pool()", 'Pool(kind="max")'))
    planned = run(folder, "my_network", target, "--dry-run")
    assert "train_snn" in planned
    assert "evaluate_snn" in planned
    assert "fetch_dataset" not in planned
    path.write_text(text)


MANIFEST = "results/datasets/my_digits/manifest.json"


def test_my_dataset_is_prepared_from_its_table(folder):
    from sklearn.datasets import load_digits

    run(folder, "my_dataset", MANIFEST)
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["images"] == {"train": 150, "test": 50}
    assert (manifest["shape"], manifest["classes"], manifest["validation"]) == ([1, 8, 8], 10, 15)
    parts = [
        load_file(folder / MANIFEST.replace("manifest.json", f"{split}.safetensors")) for split in ("train", "test")
    ]
    assert [np.bincount(part["labels"]).tolist() for part in parts] == [[15] * 10, [5] * 10]
    found = {(int(label), image.tobytes()) for part in parts for image, label in zip(*parts_of(part), strict=True)}
    theirs = load_digits()
    # value * 255 / 16, never half way between two whole numbers but for 8, whose 127.5 is rounded to the even 128
    scaled = np.round(theirs.images * 255 / 16).astype(np.uint8)
    first = [row for digit in range(10) for row in np.flatnonzero(theirs.target == digit)[:20]]
    assert found == {(int(theirs.target[row]), scaled[row].tobytes()) for row in first}


def parts_of(part):
    return part["images"], part["labels"]


@pytest.mark.parametrize(
    ("name", "old", "new"), [("my_dataset.py", "255 / 16", "200 / 16"), ("my_digits.csv", "0,0,0,5", "0,0,0,6")]
)
def test_an_edit_of_my_dataset_or_its_table_prepares_it_again(folder, name, old, new):
    path = folder / "examples" / name
    text = path.read_text()
    run(folder, "my_dataset", MANIFEST)
    path.write_text(text.replace(old, new, 1))
    assert "fetch_dataset" in run(folder, "my_dataset", MANIFEST, "--dry-run")
    path.write_text(text)
    assert "Nothing to be done" in run(folder, "my_dataset", MANIFEST, "--dry-run")


def test_a_missing_table_is_named_before_anything_runs(folder):
    path = folder / "examples/my_digits.csv"
    kept = path.rename(path.with_suffix(".kept"))
    try:
        finished = snakemake(folder, "sensitivity", *SMOKE, "examples/my_dataset.yaml", check=False)
        assert finished.returncode
        assert "data set 'my_digits': no my_digits.csv in examples; put it beside" in finished.stdout + finished.stderr
    finally:
        kept.rename(path)


MY_STUDY = "results/my_study/studies/my_study"


@pytest.mark.slow
def test_my_study_runs_whole(folder):
    snakemake(folder, "my_study", "--configfile", "examples/my_study.yaml")
    plan = pd.read_csv(folder / MY_STUDY / "plan.csv")
    assert plan.threshold.tolist() == [0.5, 1.0, 2.0]
    table = pd.read_csv(folder / MY_STUDY / "tables/by_threshold.csv").set_index("threshold")
    for run_name, threshold in zip(plan.run, plan.threshold, strict=True):
        spikes = pd.read_csv(folder / "results/my_study/runs/my_study" / run_name / "spikes.csv")
        totals = (spikes.neurons * spikes.spikes_per_neuron).groupby(spikes.seed).sum()  # 20 + 10 neurons, two seeds
        assert spikes.groupby("seed").neurons.sum().tolist() == [30, 30]
        assert table.loc[threshold, "spikes_mean"] == pytest.approx(totals.mean())
        assert table.loc[threshold, "runs"] == 2
    (line,) = pd.read_csv(folder / MY_STUDY / "scorecard.csv").to_dict("records")
    falling = table.spikes_mean.is_monotonic_decreasing
    assert line["direction"] == ("agrees" if falling else "disagrees")
    assert line["conditions"] == "train_images 300 instead of all; test_images 100 instead of all"
    assert (folder / MY_STUDY / "figures/spikes.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("example", "study", "job"),
    [
        ("my_initializer", "energy", "train_snn"),
        ("my_network", "energy", "train_snn"),
        ("my_dataset", "sensitivity", "train_batch"),
    ],
)
def test_every_example_plans_a_whole_study(folder, example, study, job):
    planned = run(folder, example, study, "--dry-run")
    assert job in planned
    assert f"score_{study}" in planned
