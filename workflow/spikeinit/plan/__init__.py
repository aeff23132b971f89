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

from spikeinit.config.configuration import Config, checked, read
from spikeinit.config.stand_ins import settled
from spikeinit.errors import UserError
from spikeinit.jobs.runs import Run
from spikeinit.studies import known_studies

__all__ = ["Config", "Run", "from_mapping", "load_config", "runs"]


def load_config(paths: Sequence[str | Path]) -> Config:
    """Read YAML files, each merged over the ones before (lists replace), settle stand-ins, and check the result.

    Raises `UserError` that lists every problem at once.
    """
    return from_mapping(settled(read(paths))[0], source=str(paths[-1]))


def from_mapping(mapping: Mapping[str, Any], source: str = "config") -> Config:
    """Check a merged configuration of this package's studies and the user's own; `UserError` with every problem."""
    files = mapping.get("study_files")
    listed = [path for path in files if isinstance(path, str)] if isinstance(files, list) else []
    return checked(mapping, known_studies(listed), source)


def runs(config: Config, study: str) -> list[Run]:
    """All runs of a study under this configuration, in a fixed order; `UserError` for a study that is not there."""
    if study not in config.sections:
        raise UserError(f"no section {study!r} in the configuration (studies: {', '.join(config.known)})")
    return config.known[study].runs(config)
