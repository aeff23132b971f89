"""The profiles: what calls of snakemake take from them, and that the two for SLURM differ in the GPU alone."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import yaml
from conftest import CHECKOUT

PROFILES = CHECKOUT / "workflow/profiles"
OPTIONS = """
import sys
from snakemake.cli import parse_args
options = parse_args(sys.argv[1:])[1]
print(options.scheduler, options.jobs)
"""
"""Says what Snakemake's own reading of a command line comes to, profiles included."""


def profile(name):
    return yaml.safe_load((PROFILES / name / "config.yaml").read_text())


def rules():
    """Name, or its beginning where each study has one -> text of every rule."""
    found = {}
    for path in (CHECKOUT / "workflow/rules").glob("*.smk"):
        for text in re.split(r"^\s*rule\b", path.read_text(), flags=re.MULTILINE)[1:]:
            found[path.stem] = text
    return found


def options(folder, *arguments):
    command = [sys.executable, "-c", OPTIONS, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_two_profiles_differ_in_the_gpu_alone():
    processors, gpus = profile("slurm"), profile("slurm-gpu")
    assert gpus.pop("config") == {"device": "cuda"}
    assert gpus["default-resources"].pop("gpu") == 1
    assert {name for values in gpus.pop("set-resources").values() for name in values} == {"gpu"}
    assert processors == gpus
    comments = [
        re.findall(r"^# \w+: .*", (PROFILES / name / "config.yaml").read_text(), re.MULTILINE)
        for name in ("slurm", "slurm-gpu")
    ]
    assert set(comments[0]) < set(comments[1])
    assert {line.split(":")[0][2:] for line in comments[1]} == {
        "slurm_partition",
        "slurm_account",
        "constraint",
        "gpu_model",
    }


def test_every_rule_that_computes_on_the_device_gets_a_gpu_and_no_other_job_of_a_cluster_does():
    """A rule passes $DEVICE to its stage, or runs beside snakemake, or gives back the GPU that every job is given."""
    found = rules()
    assert len(found) > 15
    computing = {name for name, text in found.items() if "$DEVICE" in text}
    beside = {name for name, text in found.items() if "localrule: True" in text}
    assert {"train_snn", "train_batch", "pretrain_ann", "calibrate_snn", "convert_ann"} <= computing
    assert not computing & beside
    without = {name for name, values in profile("slurm-gpu")["set-resources"].items() if values == {"gpu": 0}}
    assert without == found.keys() - computing - beside


def test_groups_name_rules_of_the_cluster():
    found = rules()
    for name in profile("slurm")["groups"]:
        assert "localrule" not in found[name], name


def test_what_others_wait_for_and_what_takes_long_comes_first():
    priorities = {
        name: int(found[1]) for name, text in rules().items() if (found := re.search(r"priority: (\d+)", text))
    }
    order = sorted(priorities, key=priorities.get, reverse=True)
    assert order[:2] == ["init_tracking", "fetch_dataset"]
    assert order.index("pretrain_ann") < order.index("extract_activations") < order.index("optimize_thresholds")
    assert order.index("optimize_thresholds") < order.index("train_batch") < order.index("train_snn")
    assert order.index("train_snn") < order.index("evaluate_batch") < order.index("evaluate_snn")
    assert len(set(priorities.values())) == len(priorities)


@pytest.mark.parametrize("arguments", [[], ["--profile", "site"], ["--cores", "2", "--profile", "site"]])
def test_the_greedy_scheduler_is_the_default_wherever_snakemake_is_called(tmp_path, arguments):
    """In the checkout, in another folder, and together with a profile; an option of the command line wins."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/config.yaml").write_text("jobs: 7\n")
    arguments = [str(tmp_path / word) if word == "site" else word for word in arguments]
    jobs = ["7"] if arguments else ["None"]
    snakefile = ["--snakefile", str(CHECKOUT / "Snakefile")]
    if "--cores" not in arguments:
        assert options(CHECKOUT, *arguments) == ["greedy", *jobs]
        assert options(tmp_path, *snakefile, *arguments) == ["greedy", *jobs]
    assert options(tmp_path, *snakefile, *arguments, "--scheduler", "ilp")[0] == "ilp"
