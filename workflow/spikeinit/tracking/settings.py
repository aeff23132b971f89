"""tracking.json: where the runs of one results folder are recorded. Written by `init_tracking`, read by all others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from spikeinit.errors import UserError
from spikeinit.io import read_json
from spikeinit.tracking import address
from spikeinit.tracking.store import Store


@dataclass(frozen=True)
class Settings:
    """The store's address, None when tracking is off, and `root`, the folder that holds every results/<name>."""

    uri: str | None
    root: Path

    def store(self) -> Store:
        """The store; nothing is contacted yet."""
        if self.uri is None:
            raise ValueError("tracking is disabled, there is no store")
        return Store(self.uri, self.root)


def read_settings(path: str | Path) -> Settings:
    """Settings in a tracking.json, with the password that the environment has for the same store.

    Raises `UserError` when the file is missing or not one.
    """
    path = Path(path)
    content = read_json(path)
    try:
        recorded = content["uri"] if content["enabled"] else None
    except (KeyError, TypeError):
        raise UserError(f"{path}: not a tracking.json; delete it and run again") from None
    given = os.environ.get(address.VARIABLE, "")
    uri = given if recorded is not None and address.shown(given) == recorded else recorded
    return Settings(uri=uri, root=path.parent.parent)
