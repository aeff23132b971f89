"""The configuration: merged from YAML files, checked as a whole, handed on as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikeinit import user_files
from spikeinit.config import stand_ins
from spikeinit.config.checks import custom_problems
from spikeinit.config.schema import Schema
from spikeinit.errors import UserError
from spikeinit.io import parse_yaml
from spikeinit.nested import merge
from spikeinit.study import Problems, Study

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

    known: every study there is, the user's own ones last; `studies` are those that plain `snakemake` runs. schema: what
    the configuration was checked against, and what gives defaults to values that studies put into their sections.
    """

    name: str
    device: str
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


def read(paths: Sequence[str | Path]) -> dict[str, Any]:
    """YAML files, each merged over the ones before: mappings merge, lists replace. `UserError` names a bad file."""
    import yaml

    merged: dict[str, Any] = {}
    for path in paths:
        try:
            content = parse_yaml(Path(path).read_text())
        except FileNotFoundError:
            raise UserError(f"{path}: no such file") from None
        except yaml.YAMLError as error:
            raise UserError(f"{path}: not valid YAML: {error}") from None
        if not isinstance(content, Mapping):
            raise UserError(f"{path}: a mapping of keys to values is expected, found {type(content).__name__}")
        merged = merge(merged, content)
    return merged


def checked(mapping: Mapping[str, Any], studies: Mapping[str, Study], source: str = "config") -> Config:
    """Check a merged configuration against all `studies` there are, and freeze it.

    `UserError` with every problem at once, before anything has run; `source` is what its first line names.
    """
    schema = Schema.of({name: study.schema for name, study in studies.items()})
    found = schema.problems(mapping)
    if not found:
        filled = schema.with_defaults(mapping)
        found = _problems(filled, studies, schema)
    if found:
        width = max(len(path) for path, _ in found)
        lines = [f"  {path:<{width}}  {text}" for path, text in found]
        count = f"{len(found)} error{'s' if len(found) > 1 else ''}"
        raise UserError("\n".join([f"{source}: {count}, nothing was run", *lines]))
    datasets = filled["datasets"]
    return Config(
        name=filled["name"],
        device=filled["device"],
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


def _problems(config: Mapping[str, Any], studies: Mapping[str, Study], schema: Schema) -> Problems:
    """What a schema cannot say: names that must exist, ranges that must be ordered, parameters a law must accept."""
    found = []
    for key in USER_FILES:
        for index, path in enumerate(config[key]):
            try:
                user_files.load(path)
            except UserError as error:
                found.append((f"{key}.{index}", str(error)))
    found += custom_problems(config["datasets"]["custom"])
    for name, entry in config["datasets"]["custom"].items():
        for file in CUSTOM_FILES:
            path = Path(entry["path"]) / file
            if not path.is_file():
                found.append((f"datasets.custom.{name}.path", f"{path}: no such file"))
    for study in config["studies"]:
        if study not in config:
            found.append((study, f"missing; studies lists {study!r}, so its section is needed"))
    for study in studies.values():
        section = config.get(study.name)
        if section is not None:
            for name, values in section.get("stand_ins", {}).items():
                stood_in = merge(section, values or {})
                found += schema.problems_at([study.name], stood_in, f"{study.name}.stand_ins.{name}")
            found += study.problems(section, config, schema)
    return found
