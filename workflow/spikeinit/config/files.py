"""Configuration files: read, merged, and searched for what a YAML reader passes over in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spikeinit.config.schema_errors import join
from spikeinit.errors import UserError
from spikeinit.io import parse_yaml, yaml_loader
from spikeinit.nested import merge
from spikeinit.study import Problems


def read(paths: Sequence[str | Path]) -> dict[str, Any]:
    """YAML files, each merged over the ones before: mappings merge, lists replace.

    Raises `UserError` that names a bad file: one that is missing, that is no YAML mapping, or that gives a key twice.
    """
    import yaml

    merged: dict[str, Any] = {}
    for path in paths:
        try:
            content = parse_yaml(_text(path))
        except (yaml.YAMLError, ValueError) as error:  # ValueError: a date such as 2026-13-45
            raise UserError(f"{path}: not valid YAML: {error}") from None
        if not isinstance(content, Mapping):
            raise UserError(f"{path}: a mapping of keys to values is expected, found {type(content).__name__}")
        merged = merge(merged, content)
    if repeated := repeated_keys(paths):
        raise UserError("\n".join(f"{key}: {text}" for key, text in repeated))
    return merged


def repeated_keys(paths: Sequence[str | Path]) -> Problems:
    """(key path, where it stands) of each key that a mapping of one file has twice: YAML keeps the last one alone."""
    import yaml

    found: Problems = []
    for path in paths:
        try:
            root = yaml.compose(_text(path), Loader=yaml_loader())
        except yaml.YAMLError:  # a JSON file with tabs
            continue
        for key, lines in _repeated(root, "", set()) if root is not None else ():
            at = " and ".join(str(line) for line in lines)
            found.append((key, f"stands twice in {path}, in lines {at}, and only the last would count; keep one"))
    return found


def as_in_a_file(value: Any) -> Any:
    """A value of Snakemake's `--config`, in which all inside a list or a mapping is text, read as in a YAML file."""
    import yaml

    if isinstance(value, Mapping):
        return {key: as_in_a_file(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_in_a_file(item) for item in value]
    if isinstance(value, str):
        try:
            found = parse_yaml(value)
        except (yaml.YAMLError, ValueError):
            return value
        return value if isinstance(found, (Mapping, list)) else found
    return value


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as text in UTF-8 ({error})") from None


def _repeated(node: Any, path: str, seen: set[int]) -> Iterator[tuple[str, list[int]]]:
    """(key path, its lines) of repeated keys in a composed YAML node; `seen` keeps aliases from being walked again."""
    if id(node) in seen or not isinstance(node.value, list):
        return
    seen.add(id(node))
    if node.id == "sequence":
        for index, item in enumerate(node.value):
            yield from _repeated(item, join(path, str(index)), seen)
        return
    lines: dict[str, list[int]] = {}
    for key, item in node.value:
        if isinstance(key.value, str):
            lines.setdefault(key.value, []).append(key.start_mark.line + 1)
            yield from _repeated(item, join(path, key.value), seen)
    for key, at in lines.items():
        if len(at) > 1 and key != "<<":
            yield join(path, key), at
