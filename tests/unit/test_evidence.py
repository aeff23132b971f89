"""Evidence that is kept: complete, checked by its sums, made again the same, and refused where results do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spikeinit.errors import UserError
from spikeinit.io import digest, write_csv, write_text
from spikeinit.plan import evidence, load_config, runs
from spikeinit.specs import to_dict
from spikeinit.stages import store_evidence
from spikeinit.tracking.journal import Journal

COMMITTED = Path(__file__).parents[2] / "docs/evidence"
LINES = [("a", "reproduced"), ("b", "open"), ("c", "reproduced")]


@pytest.fixture
def config(checkout, tmp_path):
    """Of the conversion study, with files of a user's own that lie elsewhere."""
    overlay = tmp_path / "overlay.yaml"
    own = (checkout / "examples/my_initializer.py").resolve()
    values = {"name": "tiny", "studies": ["conversion"], "tracking": {"uri": "http://secret:5000"}}
    overlay.write_text(json.dumps(values | {"initializer_files": [str(own)]}))
    return load_config([checkout / "config.yaml", overlay])


def finish(run, folder, *, spec_digest=None, status="FINISHED"):
    """What a run that is no training leaves: its tables, and the journal of its seed."""
    for table in run.tables:
        write_text(folder / f"{table}.csv", "a\n")
    journal = Journal(folder / "seeds/0/journal.jsonl")
    spec = to_dict(run.spec)
    about = {"run": run.name, "study": run.study, "name": "tiny", "seed": 0, "labels": {}, "dataset": None}
    journal.start(**about, spec=spec, spec_digest=spec_digest or digest(spec))
    if status:
        journal.end(status)


@pytest.fixture
def results(config, tmp_path):
    planned = runs(config, "conversion")
    for run in planned:
        finish(run, tmp_path / "results/tiny/runs/conversion" / run.name)
    home = tmp_path / "results/tiny/studies/conversion"
    write_csv(home / "scorecard.csv", [{"claim": claim, "verdict": verdict} for claim, verdict in LINES])
    write_text(home / "scorecard.md", "# Scorecard\n")
    write_text(home / "tables/calibrated.csv", "a,b\n1,2\n")
    write_text(home / "tables/thresholds.csv", "x\n" * evidence.LARGEST_FILE)
    write_text(home / "figures/layer_error.png", "a picture")
    write_text(home / "figures/layer_error.svg", "another form of it")
    profile = {"cpu": {"seconds": 5400.0}, "device": "cpu", "gpu": None, "versions": {"python": "3.11.7"}}
    trained = planned[0].ann
    for job in (f"runs/conversion/{planned[0].name}", "runs/conversion/of_another_plan", "ann/{}/{}".format(*trained)):
        write_text(tmp_path / f"results/tiny/{job}/profile.json", json.dumps(profile))
    return tmp_path / "results"


def test_what_a_reader_needs_is_kept(config, results, checkout, tmp_path):
    kept = evidence.store(config, results, tmp_path / "docs", "snakemake conversion", "a machine")
    files = {path.relative_to(kept).as_posix() for path in kept.rglob("*") if path.is_file()}
    assert files == {
        *("README.md", "SHA256SUMS", "config.json", "evidence.json"),
        *("conversion/scorecard.csv", "conversion/scorecard.md"),
        *("conversion/tables/calibrated.csv", "conversion/figures/layer_error.png"),
    }
    page = (kept / "README.md").read_text()
    for text in (
        "| reproduced | 2 |",
        "| open | 1 |",
        "a machine",
        "python 3.11.7",
        "- 2 trained, converted or calibrated networks",
        "took 3 hours",
        "snakemake conversion",
    ):
        assert text in page
    assert "![layer_error](conversion/figures/layer_error.png)\n\nMean difference between a layer's activation" in page
    assert "Too large to be kept: conversion/tables/thresholds.csv" in page
    assert json.loads((kept / "config.json").read_text())["sections"]["conversion"]["norm"] == 1
    assert json.loads((kept / "config.json").read_text())["user_files"] == ["my_initializer.py"]
    everything = "".join(path.read_text() for path in kept.rglob("*") if path.is_file())
    assert "secret" not in everything
    assert str(tmp_path) not in everything
    assert str(checkout.resolve()) not in everything
    index = (tmp_path / "docs/README.md").read_text()
    assert "| [tiny](tiny/README.md) | conversion |" in index
    assert "2 reproduced, 1 open |" in index


def test_kept_again_it_is_the_same_and_what_is_gone_is_gone(config, results, tmp_path):
    def kept():
        folder = evidence.store(config, results, tmp_path / "docs", "snakemake", "a machine")
        return {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}

    first = kept()
    assert kept() == first
    (results / "tiny/studies/conversion/tables/calibrated.csv").unlink()
    assert "calibrated.csv" not in kept()


def test_changes_by_hand_are_found(config, results, tmp_path):
    kept = evidence.store(config, results, tmp_path / "docs", "snakemake", "a machine")
    assert evidence.check(kept) == []
    write_text(kept / "README.md", (kept / "README.md").read_text().replace("reproduced | 2", "reproduced | 3"))
    assert evidence.check(kept) == ["README.md: not made of these files"]
    card = kept / "conversion/scorecard.csv"
    write_text(card, card.read_text().replace("open", "reproduced"))
    (kept / "conversion/scorecard.md").unlink()
    write_text(kept / "conversion/more.csv", "1")
    assert evidence.check(kept) == [
        "conversion/scorecard.csv: not as it was kept",
        "conversion/scorecard.md: missing",
        "conversion/more.csv: not among the sums",
    ]


def test_results_that_are_not_the_planned_ones_are_refused(results, checkout, tmp_path):
    overlay = tmp_path / "other.yaml"
    overlay.write_text(json.dumps({"name": "tiny", "studies": ["conversion", "energy"]}))
    other = load_config([checkout / "config.yaml", overlay])
    with pytest.raises(UserError, match="no scorecard of energy; run the workflow with this configuration"):
        evidence.store(other, results, tmp_path / "docs", "")
    write_csv(results / "tiny/studies/energy/scorecard.csv", [{"claim": "a", "verdict": "open"}])
    with pytest.raises(UserError, match=r"not what is planned: missing energy/mnist5k_normal.* and \d+ more; run"):
        evidence.store(other, results, tmp_path / "docs", "")


@pytest.mark.parametrize("stage", ["convert_ann", "calibrate_snn"])
@pytest.mark.parametrize(("spec_digest", "status"), [("another", "FINISHED"), (None, "KILLED"), (None, "")])
def test_conversions_of_another_plan_or_unfinished_are_refused(config, results, tmp_path, stage, spec_digest, status):
    run = next(run for run in runs(config, "conversion") if run.stage == stage)
    folder = results / "tiny/runs/conversion" / run.name
    finish(run, folder, spec_digest=spec_digest, status=status)
    with pytest.raises(UserError, match=f"not what is planned: stale conversion/{run.name}; run"):
        evidence.store(config, results, tmp_path / "docs", "")
    finish(run, folder)
    assert evidence.store(config, results, tmp_path / "docs", "").is_dir()
    (folder / f"{run.tables[0]}.csv").unlink()
    with pytest.raises(UserError, match=f"missing conversion/{run.name}"):
        evidence.store(config, results, tmp_path / "docs", "")


def test_the_command_names_no_folder_of_this_machine(checkout, tmp_path, monkeypatch):
    monkeypatch.chdir(checkout)
    overlay = checkout / "workflow/overlays/smoke.yaml"
    assert store_evidence.readable(overlay) == "workflow/overlays/smoke.yaml"
    assert store_evidence.readable(tmp_path / "mine.yaml") == "mine.yaml"


def test_evidence_that_is_too_large_is_refused_and_the_old_one_stays(config, results, tmp_path, monkeypatch):
    kept = evidence.store(config, results, tmp_path / "docs", "snakemake", "a machine")
    monkeypatch.setattr(evidence, "LARGEST", 10)
    with pytest.raises(UserError, match="bytes of evidence, at most 10; run fewer studies"):
        evidence.store(config, results, tmp_path / "docs", "snakemake", "a machine")
    assert evidence.check(kept) == []


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in COMMITTED.glob("*/evidence.json")), ids=lambda f: f.name
)
def test_committed_evidence_is_as_it_was_kept(folder):
    assert evidence.check(folder) == []


def test_the_committed_index_is_that_of_the_folders():
    if COMMITTED.exists():
        assert (COMMITTED / "README.md").read_text() == evidence.index(COMMITTED)
