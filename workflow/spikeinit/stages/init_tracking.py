"""Make the MLflow store, the experiments and the studies' parent runs, before many processes log to them at once.

The result, tracking.json, says where this results folder is recorded: {"enabled", "uri", "experiments": {study: id},
"parents": {study: run id}}. A store that is away does not stop the workflow: the ids are null then, and whoever logs
later makes what is missing. The address is written without passwords; with them it stands in the environment alone.
The ids are for people; the other stages look everything up by name and tag, so that a store deleted or replaced after
this is made again.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from spikeinit.errors import run_stage
from spikeinit.io import write_json
from spikeinit.tracking import address
from spikeinit.tracking.connection import explain
from spikeinit.tracking.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON of name, studies and enabled")
    parser.add_argument("--tracking", type=Path, required=True, help="results/<name>/tracking.json, written here")
    arguments = parser.parse_args()

    if not arguments.spec["enabled"]:
        write_json(arguments.tracking, {"enabled": False})
        return
    uri = os.environ[address.VARIABLE]
    settings = Settings(uri=uri, root=arguments.tracking.parent.parent)
    ids = _ids(settings, arguments.spec["name"], arguments.spec["studies"])
    write_json(arguments.tracking, {"enabled": True, "uri": address.shown(uri)} | ids)


def _ids(settings: Settings, name: str, studies: list[str]) -> dict[str, Any]:
    store = settings.store()
    try:
        return {
            "experiments": {study: store.experiment(study) for study in studies},
            "parents": {study: store.parent(study, name) for study in studies},
        }
    except Exception as error:  # whatever MLflow raises: results do not depend on it
        print(f"{explain(settings.uri or '', error)}; the work goes on, sync_tracking completes the record later")
        return {"experiments": None, "parents": None}


if __name__ == "__main__":
    run_stage(main)
