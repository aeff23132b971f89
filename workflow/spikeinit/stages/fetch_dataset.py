"""Fetch and prepare one data set: obtain its files, verify, read, order, split, write.

    python -m spikeinit.stages.fetch_dataset --spec JSON --root FOLDER --own FILES --user-files FILES --cache FOLDER
        --train OUT --test OUT --manifest OUT

`--root` (a folder with original files) may be empty. `--own` are the images of a user's own data set: train.npz and
test.npz, or what the reader reads that one of `--user-files` registers.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
from pathlib import Path
from typing import Any

from spikeinit import user_files
from spikeinit.datasets import catalogue, prepare
from spikeinit.datasets.entry import Dataset, Own
from spikeinit.datasets.obtain import obtain, require
from spikeinit.datasets.readers import npz, own
from spikeinit.datasets.readers.labelled import Labelled
from spikeinit.errors import UserError, run_stage
from spikeinit.io import file_digest


def main() -> None:
    """Parse the command line and prepare the data set it names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spec", required=True, help='{"dataset": catalogue.spec or custom_spec} as JSON')
    parser.add_argument("--root", default="", help="folder with original files; empty: SPIKEINIT_DATA, if set")
    parser.add_argument("--own", nargs="*", type=Path, default=[], help="images of a user's own data set")
    parser.add_argument("--user-files", nargs="*", default=[], help="the user's own Python files")
    parser.add_argument("--cache", type=Path, required=True, help="folder for verified downloads")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    arguments = parser.parse_args()
    user_files.load_all(arguments.user_files)
    dataset = json.loads(arguments.spec)["dataset"]
    if dataset.get("custom"):
        splits, about = _custom(dataset, arguments.own)
    else:
        root = arguments.root or os.environ.get("SPIKEINIT_DATA", "")
        splits, about = _catalogued(dataset, Path(root).expanduser() if root else None, arguments.cache, arguments.own)
    seed = dataset.get("split_seed", catalogue.SPLIT_SEED)
    splits = prepare.split(splits, test_images=dataset.get("test_images"), seed=seed)
    about = {key: dataset[key] for key in ("name", "title", "licence")} | {"split_seed": seed} | about
    classes = dataset.get("classes") or int(splits["train"].labels.max()) + 1
    prepare.write(
        splits, about, classes=classes, train=arguments.train, test=arguments.test, manifest=arguments.manifest
    )
    print(f"{dataset['name']}: {len(splits['train'].labels)} training and {len(splits['test'].labels)} test images")


def _catalogued(
    dataset: dict[str, Any], root: Path | None, cache: Path, files: list[Path]
) -> tuple[dict[str, Labelled], dict[str, Any]]:
    if dataset != catalogue.spec(dataset["name"]):
        raise UserError(f"{dataset['name']}: this spec was made by another version of the catalogue; plan again")
    entry = catalogue.get(dataset["name"])
    if isinstance(entry.source, Own):
        return _registered(entry, files)
    paths = obtain(entry, root=root, cache=cache)
    reader = importlib.import_module(f"spikeinit.datasets.readers.{entry.reader}")
    splits = reader.read(paths, shape=entry.shape, classes=entry.classes, **entry.options)
    return splits, {"citation": entry.citation, "source": str(entry.source), "files": dataset["files"]}


def _registered(entry: Dataset, files: list[Path]) -> tuple[dict[str, Labelled], dict[str, Any]]:
    """The splits of a data set that a user's own file registers."""
    paths = dict(zip([file.name for file in entry.files] or ["folder"], files, strict=True))
    for file in entry.files:
        require(paths[file.name], file, f"put the right file there, or correct what {entry.name!r} says of it")
    splits = own.read(paths, entry=entry)
    return splits, {"citation": entry.citation, "source": str(entry.source), "files": _facts(paths)}


def _custom(dataset: dict[str, Any], files: list[Path]) -> tuple[dict[str, Labelled], dict[str, Any]]:
    paths = {path.name: path.expanduser() for path in files}
    for name in npz.FILES.values():
        if name not in paths or not paths[name].is_file():
            raise UserError(
                f"datasets.custom.{dataset['name']}.path: must be a folder with train.npz and test.npz; there is no"
                f" {paths.get(name, name)}"
            )
    splits = npz.read(paths)
    return splits, {"citation": "", "source": "the user's own files", "files": _facts(paths)}


def _facts(paths: dict[str, Path]) -> list[dict[str, Any]]:
    """Name, SHA-256 and size of every file; of a folder nothing."""
    files = {name: path for name, path in paths.items() if path.is_file()}
    return [{"name": name, "sha256": file_digest(path), "bytes": path.stat().st_size} for name, path in files.items()]


if __name__ == "__main__":
    run_stage(main)
