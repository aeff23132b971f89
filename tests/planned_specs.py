"""The specs of all jobs that a configuration plans, without Snakemake: what decides whether a job runs again."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml
from conftest import CHECKOUT

from spikeinit.config.schema import Schema
from spikeinit.jobs.anns import anns
from spikeinit.jobs.runs import batches
from spikeinit.nested import merge
from spikeinit.plan import from_snakemake, rule_specs, runs
from spikeinit.studies import STUDIES

RULES = {path.stem for path in (CHECKOUT / "workflow/rules").glob("*.smk")} - {"common", "resources"}


@cache
def schema() -> Schema:
    return Schema.of({name: study.schema for name, study in STUDIES.items()})


@cache
def _smoke() -> dict[str, Any]:
    files = ("config.yaml", "workflow/overlays/smoke.yaml")
    shared, overlay = (yaml.safe_load((CHECKOUT / file).read_text()) for file in files)
    return schema().with_defaults(merge(shared, overlay))


def smoke(study: str) -> dict[str, Any]:
    """The configuration at smoke scale with the section of one study, every default filled in."""
    kept = {key: value for key, value in _smoke().items() if key not in STUDIES or key == study}
    return copy.deepcopy({**kept, "studies": [study]})


def specs(mapping: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """(rule, whose) -> spec of every job; as the rules in workflow/rules ask for them."""
    config, settled, _ = from_snakemake(mapping, [], {})
    needed = anns(config)
    datasets = {dataset for dataset, _ in needed}
    found = {("init_tracking", ""): rule_specs.tracking_spec(config)}
    found["summarize", ""] = rule_specs.summary_spec(config.name)
    for name in config.sections:
        study, planned = config.known[name], runs(config, name)
        datasets |= {run.labels["dataset"] for run in planned if run.labels.get("dataset")}
        found["plan_study", name] = rule_specs.plan_spec(settled, name, planned)
        for run in planned:
            if not run.batch:
                found[run.stage, run.name] = rule_specs.run_spec(run)
                if run.evaluation:
                    found["evaluate_snn", run.name] = rule_specs.evaluation_spec(run)
        for batch, members in batches(planned).items():
            found["train_batch", batch] = rule_specs.training_batch_spec(members)
            found["evaluate_batch", batch] = rule_specs.evaluation_batch_spec(members)
        found["tabulate", name] = rule_specs.tables_spec(config, study)
        found["plot", name] = rule_specs.figures_spec(study)
        found["score", name] = rule_specs.score_spec(config, study)
        found["sync_tracking", name] = rule_specs.sync_spec(config, name, needed.values())
        if study.hypotheses:
            found["test_hypotheses", name] = rule_specs.statistics_spec(config, study)
        if study.audit:
            found["audit_published", name] = rule_specs.audit_spec(study)
    for (dataset, network), ann in needed.items():
        found["pretrain_ann", f"{dataset}/{network}"] = rule_specs.ann_spec(ann)
        if ann.activations:
            found["extract_activations", f"{dataset}/{network}"] = rule_specs.activations_spec(ann)
            found["optimize_thresholds", f"{dataset}/{network}"] = rule_specs.thresholds_spec(ann)
    return found | {("fetch_dataset", dataset): rule_specs.dataset_spec(config, dataset) for dataset in datasets}


def changed(before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str]) -> set[tuple[str, str]]:
    """The jobs that are new or have another spec; those that are gone ask for no work."""
    return {job for job, spec in after.items() if before.get(job) != spec}


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(path, value) of everything in nested mappings that is no mapping, or an empty one."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    else:
        yield path, value


def put(mapping: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy with another value at a path."""
    copied = copy.deepcopy(mapping)
    part = copied
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return copied
