"""Which recorded run another one started from: values for tags that link them."""

from __future__ import annotations

from pathlib import Path

from spikeinit.tracking.state import run_key


def ann_run(dataset: str, network: str) -> str:
    """Name of an analogue network among a study's runs."""
    return f"ann_{dataset}_{network}"


def ann_key(name: str, study: str, weights: Path, seed: int) -> str:
    """`spikeinit.run` of the analogue network of that seed whose weights lie in ann/<dataset>/<network>/."""
    return run_key(name, study, ann_run(weights.parent.parent.name, weights.parent.name), seed)
