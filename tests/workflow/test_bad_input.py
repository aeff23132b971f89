"""What a user gets wrong is said in a line or two by `snakemake` itself, before anything runs."""

from __future__ import annotations

import pytest
from conftest import SMOKE, copy_checkout, smoke_with, snakemake


@pytest.fixture
def folder(tmp_path):
    return copy_checkout(tmp_path / "checkout")


FORM = """
name: ../elsewhere
energy: {training: {epohcs: 3}, beta_ranges: {low: [0.5, 1.5]}, weight_sd: -1, seeds: []}
"""
MEANING = """
initializer_files: [nowhere.py]
datasets: {custom: {mnist: {path: pictures}}}
energy:
  datasets: [mnist6k]
  comparison: {initializers: [{name: hee}]}
asymptote: {grid: {encoding: {name: events}}}
sensitivity: {sweeps: {encoding: {encoding.name: [constant, slices]}}, only: [encoding]}
"""


@pytest.mark.parametrize(
    ("overrides", "messages"),
    [
        (
            FORM,
            [
                "a name has 1 to 64 characters",
                "unknown key; did you mean energy.training.epochs?",
                "= 1.5   must be at most 1",
                "= -1   must be at least 0",
                "= []   needs at least 1 item",
            ],
        ),
        (
            MEANING,
            [
                "nowhere.py: no such Python file",
                "the catalogue has a data set 'mnist' too; give the images in pictures another name",
                "unknown data set; did you mean mnist5k?",
                "unknown initialiser 'hee'; did you mean he?",
                "encoding events takes recordings of events",
                "encoding slices takes recordings of events",
            ],
        ),
    ],
)
def test_mistakes_in_the_configuration_stop_everything_and_are_named_together(folder, overrides, messages):
    finished = snakemake(folder, *smoke_with(folder, overrides), check=False)
    assert finished.returncode != 0
    for message in messages:
        assert message in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (folder / "results").exists()


def test_results_that_cannot_be_written_are_named(folder):
    (folder / "results").write_text("")
    finished = snakemake(folder, *SMOKE, check=False)
    assert finished.returncode != 0
    assert "results is a file; results need a folder of that name" in finished.stderr


def test_data_that_is_nowhere_says_where_it_was_looked_for(folder):
    """Real MNIST without its files: torchvision's mirrors cannot be reached through a dead proxy."""
    dead = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "SPIKEINIT_DATA": ""}
    target = "results/datasets/mnist/manifest.json"
    finished = snakemake(folder, target, *smoke_with(folder, "energy: {datasets: [mnist]}"), check=False, **dead)
    assert finished.returncode != 0
    assert "error: mnist" in finished.stderr
    assert "datasets.root" in finished.stderr
    assert "SPIKEINIT_DATA" in finished.stderr
    assert not (folder / target).exists()


def not_the_original(root):
    """Files with the names of MNIST's and other bytes, which no job takes."""
    root.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (root / f"{name}-ubyte.gz").write_bytes(b"not the original")


def test_an_altered_original_file_is_refused_with_both_checksums(folder):
    not_the_original(folder / "data/mnist")
    options = smoke_with(folder, "energy: {datasets: [mnist]}\ndatasets: {root: data}")
    finished = snakemake(folder, "results/datasets/mnist/manifest.json", *options, check=False)
    assert finished.returncode != 0
    assert "expected sha256" in finished.stderr
    assert "found" in finished.stderr


def test_a_file_is_answered_whole_at_once(folder):
    """Keys twice, infinities and text for numbers, through Snakemake's own reading of the files."""
    changes = "name: mine\nname: yours\nenergy: {training: {optimizer: {learning_rate: 1e-3}}, weight_sd: .inf}\n"
    finished = snakemake(folder, *smoke_with(folder, changes), check=False)
    assert finished.returncode != 0
    assert "config: 3 errors, nothing was run" in finished.stderr
    assert "stands twice in" in finished.stderr
    assert "changes.yaml, in lines 1 and 2" in finished.stderr
    assert "write 0.001, without quotes" in finished.stderr
    assert "= .inf   must be a finite number" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_nested_values_of_the_command_line_are_numbers_and_truth_values(folder):
    nested = ["energy={'seeds': [0], 'training': {'epochs': 1}}", "tracking={'enabled': false}"]
    finished = snakemake(folder, "energy", "--dry-run", *SMOKE, "--config", *nested)
    assert "sync_tracking" not in finished.stdout
    assert '"epochs":1' in snakemake(folder, "energy", "-np", *SMOKE, "--config", *nested).stdout.replace("\\", "")


def test_results_elsewhere_and_a_colon_in_the_checkouts_path(tmp_path):
    """`--directory`: the package, the printed numbers and config.yaml come from the checkout, results go elsewhere."""
    folder, elsewhere = copy_checkout(tmp_path / "run 12:30"), tmp_path / "results of 12 h"
    elsewhere.mkdir()
    for place, options in (
        (folder, SMOKE),
        (elsewhere, ("-s", str(folder / "Snakefile"), SMOKE[0], str(folder / SMOKE[1]), "--directory", str(elsewhere))),
    ):
        targets = ["results/smoke/studies/energy/audit.csv", "results/smoke/studies/energy/plan.csv"]
        finished = snakemake(place if place == folder else tmp_path, *targets, *options, check=place == folder)
        if place == elsewhere:  # the relative path from there to the package leads through the folder with the colon
            assert "rename it, or start snakemake in it" in finished.stderr
        else:
            assert all((place / target).is_file() for target in targets)


def test_results_elsewhere(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    options = ("-s", str(folder / "Snakefile"), SMOKE[0], str(folder / SMOKE[1]), "--directory", str(elsewhere))
    targets = ["results/smoke/studies/energy/audit.csv", "results/smoke/studies/energy/plan.csv"]
    snakemake(tmp_path, *targets, *options)
    assert all((elsewhere / target).is_file() for target in targets)
    assert not (folder / "results").exists()


def test_a_checkout_with_braces_in_its_path_is_refused(tmp_path):
    finished = snakemake(copy_checkout(tmp_path / "a{b}c"), *SMOKE, check=False)
    assert "rename the checkout's folder" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_password_in_the_configuration_stays_there(folder):
    """After a job that worked and one that failed, with every command printed: in no file but the user's, nor shown."""
    changes = (
        "datasets: {root: data}\n"
        "tracking: {uri: 'postgresql://alice:s3cr3t{p}w@127.0.0.1:1/mlflow?sslpassword=k3yw0rd'}\n"
    )
    not_the_original(folder / "data/mnist")
    targets = ["results/smoke/tracking.json", "results/datasets/mnist/manifest.json"]
    options = ["--keep-going", "--printshellcmds", *smoke_with(folder, "energy: {datasets: [mnist]}\n" + changes)]
    finished = snakemake(folder, *targets, *options, check=False)
    assert (folder / targets[0]).is_file()
    assert "postgresql://alice:***@127.0.0.1:1/mlflow" in (folder / targets[0]).read_text()
    (folder / "changes.yaml").unlink()
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for secret in (b"s3cr3t", b"k3yw0rd"):
        assert secret not in written
        assert secret.decode() not in finished.stdout + finished.stderr
