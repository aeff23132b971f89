"""The shape of the job graph, planned and not run."""

from __future__ import annotations

import re

import pytest
import yaml
from conftest import CHECKOUT, copy_checkout, smoke_with, snakemake

from spikeinit.initializers.registry import MODULES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return copy_checkout(tmp_path_factory.mktemp("planning") / "checkout")


def jobs(folder, *arguments):
    finished = snakemake(folder, "--dry-run", *arguments)
    table = re.search(r"^job\s+count\n[-\s]+\n(.*?)^total", finished.stdout, re.MULTILINE | re.DOTALL)
    return {line.split()[0]: int(line.split()[1]) for line in table[1].strip().splitlines()}


def test_energy_at_paper_scale_is_nine_combinations_of_two_data_sets_and_the_comparison(folder):
    planned = jobs(folder, "energy", "--configfile", "workflow/overlays/paper.yaml")
    section = yaml.safe_load((CHECKOUT / "workflow/overlays/paper.yaml").read_text())["energy"]
    compared = [choice["name"] for choice in section["comparison"]["initializers"]]
    assert set(compared) == {*MODULES, "data_driven"} - {"normal", "pytorch"}
    compared = len(compared)  # at one decay range
    assert planned["train_snn"] == planned["evaluate_snn"] == 2 * (9 + compared)
    assert planned["fetch_dataset"] == 2


def test_propagation_at_paper_scale_is_two_simulations_and_a_job_for_each_training(folder):
    planned = jobs(folder, "propagation", "--configfile", "workflow/overlays/paper.yaml")
    assert planned["simulate_network"] == 2
    section = yaml.safe_load((CHECKOUT / "workflow/overlays/paper.yaml").read_text())["propagation"]
    swept = sum(len(section["robustness"][key]) - 1 for key in ("depths", "widths", "decays", "thresholds"))
    assert planned["train_snn"] == planned["evaluate_snn"] == 5 * 8 + 2 * (1 + swept)
    assert planned["fetch_dataset"] == 4


@pytest.mark.parametrize("study", ["propagation", "conversion", "asymptote", "sensitivity"])
def test_any_study_is_a_target_whatever_plain_snakemake_runs(folder, study):
    planned = jobs(folder, study, *smoke_with(folder, "studies: [energy]"))
    assert planned[f"score_{study}"] == planned[f"plot_{study}"] == 1
    assert "score_energy" not in planned


def test_tracking_can_be_switched_off(folder):
    planned = jobs(folder, *smoke_with(folder, "tracking: {enabled: false}"))
    assert "sync_tracking" not in planned


def test_a_users_own_initialiser_and_images_are_planned(folder):
    """The images of the example in docs/datasets.md with the initialiser of examples/."""
    import numpy as np

    images = folder / "data/my_images"
    images.mkdir(parents=True)
    for split in ("train", "test"):
        np.savez(images / f"{split}.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.arange(20) % 2)
    settings = re.findall(r"```yaml\n(.*?)```", (CHECKOUT / "docs/datasets.md").read_text(), re.DOTALL)
    (folder / "mine.yaml").write_text(next(text for text in settings if "my_images" in text))
    planned = jobs(folder, "energy", "--configfile", "mine.yaml", "examples/my_initializer.yaml")
    assert planned["train_batch"] == 4 + 4  # eleven combinations by three, and the open choices


def test_readme_and_docs_name_files_that_are_there():
    for page in [CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md")]:
        for name in re.findall(r"\b((?:examples|docs)/[\w.]+\w)", page.read_text()):
            assert (CHECKOUT / name).exists(), (page.name, name)


def test_docs_show_the_examples_as_they_are():
    """Each page about a user's own file quotes it and its configuration whole."""
    for kind in ("initializer", "network", "dataset"):
        text = (CHECKOUT / f"docs/own_{kind}.md").read_text()
        for ending, language in (("py", "python"), ("yaml", "yaml")):
            quoted = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
            assert (CHECKOUT / f"examples/my_{kind}.{ending}").read_text() in quoted, (kind, ending)


def test_every_rule_has_the_same_anatomy():
    """Docstring, log, benchmark, threads, resources; a spec, and beside it at most the study or batch a rule is for."""
    for path in (CHECKOUT / "workflow/rules").glob("*.smk"):
        text = path.read_text()
        assert text.startswith('"""'), path
        for rule in re.split(r"^\s*rule(?: \w+)?:", text, flags=re.MULTILINE)[1:]:
            for part in ("output:", "log:", "benchmark:", "threads:", "resources:", "shell:"):
                assert part in rule, (path.name, part)
            parameters = re.search(r"params:\n(.*?)\n\s*shell:", rule, re.DOTALL)[1]
            names = re.findall(r"^\s*(\w+)=", parameters, re.MULTILINE)
            assert "spec" in names, path.name
            assert set(names) <= {"spec", "study", "batch"}, path.name


def test_only_the_replay_has_the_store_as_an_input():
    """Snakemake plans no other job behind one whose output is ancient(), so an edit of both would go unnoticed."""
    for path in (CHECKOUT / "workflow/rules").glob("*.smk"):
        text = path.read_text()
        assert "ancient(" not in text, path.name
        inputs = re.findall(r"input:\n(.*?)\n\s*output:", text, re.DOTALL)
        assert any("TRACKING_READY" in part for part in inputs) == (path.name == "sync_tracking.smk"), path.name


def test_conda_environment_has_the_locked_versions():
    locked = set(re.findall(r"^([\w.-]+==[^\s\\;]+)", (CHECKOUT / "envs/requirements.txt").read_text(), re.MULTILINE))
    conda = set(re.findall(r'"([\w.-]+==[^\s";]+)', (CHECKOUT / "envs/environment.yaml").read_text()))
    assert conda == locked, "envs/environment.yaml is out of date; run `make lock`"


def test_every_test_that_a_page_names_is_there():
    named = re.findall(r"`(\w+/test_\w+)::(test_\w+)`", (CHECKOUT / "docs/reliability.md").read_text())
    assert len(named) > 30
    for file, test in named:
        assert f"def {test}(" in (CHECKOUT / "tests" / f"{file}.py").read_text(), (file, test)


def test_the_interface_answers_on_this_machine_alone():
    makefile = (CHECKOUT / "Makefile").read_text()
    assert re.search(r"^ui:.*\n\t.*mlflow ui .*--host 127\.0\.0\.1", makefile, re.MULTILINE)
