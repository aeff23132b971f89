"""The configuration: merged from YAML files, checked as a whole, handed on as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikeinit import user_files
from spikeinit.config import checks, plain_values, stand_ins
from spikeinit.config.schema import Schema
from spikeinit.errors import UserError
from spikeinit.nested import merge
from spikeinit.study import Problems, Study
from spikeinit.tracking import address

CUSTOM_FILES = ("train.npz", "test.npz")
"""What the folder of a user's own data set holds."""

USER_FILES = ("initializer_files", "network_files", "dataset_files")
"""The keys that list a user's own Python files."""


@dataclass(frozen=True)
class CustomDataset:
    """A user's own images: a folder with train.npz and test.npz."""

    path: str
    title: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Config:
    """A checked configuration. `sections` holds each study's own part, with every default filled in.

    gpu_jobs: jobs that share a GPU, None for as many as its memory holds. known: every study there is, the user's own
    ones last; `studies` are those that plain `snakemake` runs. schema: what
    the configuration was checked against, and what gives defaults to values that studies put into their sections.
    """

    name: str
    device: str
    gpu_jobs: int | None
    kernel: str
    threads: int
    studies: tuple[str, ...]
    user_files: tuple[str, ...]
    study_files: tuple[str, ...]
    data_root: str | None
    custom_datasets: Mapping[str, CustomDataset]
    tracking_enabled: bool
    tracking_uri: str | None
    sections: Mapping[str, Mapping[str, Any]] = field(repr=False)
    known: Mapping[str, Study] = field(repr=False)
    schema: Schema = field(repr=False, compare=False)


def checked(
    mapping: Mapping[str, Any],
    studies: Mapping[str, Study],
    source: str = "config",
    known: Sequence[tuple[str, str]] = (),
) -> Config:
    """Check a merged configuration against all `studies` there are, and freeze it.

    `UserError` with every problem at once, before anything has run; `source` is what its first line names, and `known`
    are problems found before.
    """
    schema = Schema.of({name: study.schema for name, study in studies.items()})
    structure, values = plain_values.problems(mapping)
    found = [*known, *structure]
    if not structure:
        malformed = sorted([*values, *schema.problems(mapping)])
        wrong = {path.partition(".")[0] for path, _ in malformed}
        filled = schema.with_defaults({key: value for key, value in mapping.items() if key not in wrong})
        found += [*malformed, *_problems(filled, studies, schema, wrong)]
    if found:
        width = max(len(path) for path, _ in found)
        lines = [f"  {path:<{width}}  {text}" for path, text in found]
        count = f"{len(found)} error{'s' if len(found) > 1 else ''}"
        raise UserError("\n".join([f"{source}: {count}, nothing was run", *lines]))
    datasets = filled["datasets"]
    return Config(
        name=filled["name"],
        device=filled["device"],
        gpu_jobs=None if filled["gpu_jobs"] == "auto" else filled["gpu_jobs"],
        kernel=filled["kernel"],
        threads=filled["threads"],
        studies=tuple(study for study in studies if study in filled["studies"]),
        user_files=tuple(dict.fromkeys(path for key in USER_FILES for path in filled[key])),
        study_files=tuple(filled["study_files"]),
        data_root=stand_ins.data_root(filled),
        custom_datasets={name: CustomDataset(**entry) for name, entry in datasets["custom"].items()},
        tracking_enabled=filled["tracking"]["enabled"],
        tracking_uri=filled["tracking"]["uri"],
        sections={study: filled[study] for study in studies if study in filled},
        known=dict(studies),
        schema=schema,
    )


def _problems(config: Mapping[str, Any], studies: Mapping[str, Study], schema: Schema, wrong: Set[str]) -> Problems:
    """What a schema cannot say: names that must exist, ranges that must be ordered, parameters a law must accept.

    config: without the keys in `wrong`, which the schema refuses. The sections of studies are looked into only where
    every key that brings new names is right.
    """
    found = []
    for key in USER_FILES:
        for index, path in enumerate(config[key]):
            try:
                user_files.load(path)
            except UserError as error:
                found.append((f"{key}.{index}", str(error)))
    found += checks.custom_problems(config["datasets"]["custom"])
    for name, entry in config["datasets"]["custom"].items():
        for file in CUSTOM_FILES:
            path = Path(entry["path"]) / file
            if not path.is_file():
                found.append((f"datasets.custom.{name}.path", f"{path}: no such file"))
        found += [(f"datasets.custom.{name}.path", text) for text in checks.braces_problems(entry["path"])]
    if text := address.problem(config["tracking"]["uri"] or ""):
        found.append(("tracking.uri", text))
    for study in config.get("studies", ()):
        if study not in config and study not in wrong:
            found.append((study, f"missing; studies lists {study!r}, so its section is needed"))
    for study in studies.values() if wrong.isdisjoint({"datasets", *USER_FILES}) else ():
        section = config.get(study.name)
        if section is not None:
            found += checks.kernel_problems(f"{study.name}.neuron.reset", section.get("neuron", {}), config)
            for name, values in section.get("stand_ins", {}).items():
                stood_in = merge(section, values or {})
                found += schema.problems_at([study.name], stood_in, f"{study.name}.stand_ins.{name}")
            found += study.problems(section, config, schema)
    return found
