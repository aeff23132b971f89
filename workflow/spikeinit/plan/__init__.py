"""What to run: a configuration, the runs it asks for, and what every rule is told. Nothing here imports torch.

>>> from spikeinit.plan import load_config, runs
>>> config = load_config(["config.yaml"])
>>> [run.name for run in runs(config, "energy")][:2]
['mnist5k_normal_mean-0.01_low', 'mnist5k_normal_mean-0.01_medium']
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikeinit.config import files
from spikeinit.config.configuration import Config, checked
from spikeinit.config.stand_ins import settled
from spikeinit.errors import UserError
from spikeinit.io import with_home
from spikeinit.jobs.runs import Run
from spikeinit.nested import merge
from spikeinit.studies import known_studies

__all__ = ["Config", "Run", "from_mapping", "from_snakemake", "load_config", "runs"]


def load_config(paths: Sequence[str | Path]) -> Config:
    """Read YAML files, each merged over the ones before (lists replace), settle stand-ins, and check the result.

    Raises `UserError` that lists every problem at once.
    """
    return from_mapping(settled(files.read(paths))[0], source=str(paths[-1]))


def from_snakemake(
    merged: Mapping[str, Any], paths: Sequence[str | Path], command_line: Mapping[str, Any]
) -> tuple[Config, dict[str, Any], list[str]]:
    """The configuration that Snakemake has merged, checked; the mapping with its stand-ins settled; a line for each.

    paths: the files it was merged from. command_line: the values of `--config`, laid over all files; the numbers in
    their lists and mappings are text until they are read here. Raises `UserError` as `load_config`.
    """
    mapping, notes = settled(merge(merged, files.as_in_a_file(command_line)))
    return from_mapping(mapping, known=files.repeated_keys(paths)), mapping, notes


def from_mapping(mapping: Mapping[str, Any], source: str = "config", known: Sequence[tuple[str, str]] = ()) -> Config:
    """Check a merged configuration of this package's studies and the user's own; `UserError` with every problem.

    known: (key path, what is wrong) of problems found before, which are reported together with those found here.
    """
    listed = mapping.get("study_files")
    paths = [path for path in listed if isinstance(path, str)] if isinstance(listed, list) else []
    return checked(mapping, known_studies(map(with_home, paths)), source, known)


def runs(config: Config, study: str) -> list[Run]:
    """All runs of a study under this configuration, in a fixed order; `UserError` for a study that is not there."""
    if study not in config.sections:
        raise UserError(f"no section {study!r} in the configuration (studies: {', '.join(config.known)})")
    return config.known[study].runs(config)
