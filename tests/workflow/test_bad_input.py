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


def test_an_altered_original_file_is_refused_with_both_checksums(folder):
    root = folder / "data/mnist"
    root.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (root / f"{name}-ubyte.gz").write_bytes(b"not the original")
    options = smoke_with(folder, "energy: {datasets: [mnist]}\ndatasets: {root: data}")
    finished = snakemake(folder, "results/datasets/mnist/manifest.json", *options, check=False)
    assert finished.returncode != 0
    assert "expected sha256" in finished.stderr
    assert "found" in finished.stderr
