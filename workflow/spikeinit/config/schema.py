"""The JSON schema of the configuration, and what it says of a configuration: problems, defaults, known keys.

It is put together from files. The shared file holds the keys that belong to no study, and definitions for all. Each
study brings a file for the section of its name, with definitions of its own. `{$ref: "#/$defs/seeds"}` stands for the
definition `seeds` of the same file, or else of the shared one. Keys beside a `$ref` are laid over the definition. For
instance this is the shared neuron with one more key, and another default for `learn`:

    neuron:
      $ref: "#/$defs/neuron"
      properties: {decay: {type: number}, learn: {default: []}}
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from spikeinit.config.schema_errors import explained, join
from spikeinit.errors import UserError
from spikeinit.io import parse_yaml, with_home

SHARED_FILE = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"

DEFINITION = "#/$defs/"
"""What every `$ref` begins with."""


class Schema:
    """The schema of a configuration with a section for each of some studies; get one from `Schema.of`.

    document: the whole JSON schema, every `$ref` replaced by what it stands for. Nobody may write into it: definitions
    that several keys refer to are one and the same object there.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    @staticmethod
    def of(sections: Mapping[str, Path]) -> Schema:
        """The schema with the section of each study from its file; each set of files is read once in a process.

        Raises `UserError` that names the file for one that is missing or no YAML mapping, for a `$ref` to a definition
        that is nowhere, and for a study that has the name of another key.
        """
        return _assembled(tuple(sections.items()))

    @cached_property
    def _validator(self) -> Any:
        from jsonschema import Draft202012Validator

        return Draft202012Validator(self.document)

    def problems(self, config: Any) -> list[tuple[str, str]]:
        """(key path, what is wrong) of every violation, in the order of the key paths."""
        return sorted({item for error in self._validator.iter_errors(config) for item in explained(error)})

    def with_defaults(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a valid configuration in which every key that the schema gives a default is present."""
        return _filled(config, self.document)

    def problems_at(self, path: Sequence[str], value: Any, place: str) -> list[tuple[str, str]]:
        """What is wrong with `value` as the value of the key at `path`; key paths in the answers begin with `place`."""
        from jsonschema import Draft202012Validator

        errors = Draft202012Validator(self._at(path)).iter_errors(value)
        found = {item for error in errors for item in explained(error)}
        return sorted((join(place, where) if where else place, text) for where, text in found)

    def fill_at(self, path: Sequence[str], value: Any) -> Any:
        """`value` as the value of the key at `path`, with the schema's defaults inside it."""
        return _filled(value, self._at(path))

    def unknown_key(self, path: Sequence[str]) -> str:
        """Why there is no key at `path`, with a suggestion; "" where there is one."""
        for length in range(1, len(path) + 1):
            if self._child(path[:length]) is None:
                known = list(self._at(path[: length - 1]).get("properties", {}))
                close = difflib.get_close_matches(path[length - 1], known, n=1)
                hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known) or 'none'}"
                return f"unknown key {path[length - 1]!r}; {hint}"
        return ""

    def _at(self, path: Sequence[str]) -> Mapping[str, Any]:
        """The schema of the key at `path`; KeyError where there is none."""
        found = self._child(path)
        if found is None:
            raise KeyError(".".join(path))
        return found

    def _child(self, path: Sequence[str]) -> Mapping[str, Any] | None:
        schema = self.document
        for name in path:
            other = schema.get("additionalProperties")
            child = schema.get("properties", {}).get(name, other if isinstance(other, Mapping) else None)
            if child is None:
                return None
            schema = child
        return schema


def _filled(value: Any, schema: Mapping[str, Any]) -> Any:
    if "anyOf" in schema:
        schema = next((choice for choice in schema["anyOf"] if choice.get("type") == _kind(value)), schema)
    if isinstance(value, Mapping):
        known = schema.get("properties", {})
        other = schema.get("additionalProperties")
        filled = {}
        for key, item in value.items():
            filled[key] = _filled(item, known.get(key, other if isinstance(other, Mapping) else {}))
        for key, child in known.items():
            if key not in filled and "default" in child:
                filled[key] = _filled(child["default"], child)
        return filled
    if isinstance(value, list):
        return [_filled(item, schema.get("items", {})) for item in value]
    kind = schema.get("type")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if kind == "number":
            return float(value)  # 1 and 1.0 are the same work and must have the same spec
        if kind in ("integer", ["integer", "null"]):
            return int(value)  # YAML's 2.0 and 6.0e+1, which a JSON schema takes for integers
    if isinstance(value, str) and schema.get("format") == "path":
        return with_home(value)
    return value


def _kind(value: Any) -> str:
    """JSON schema's name of the type of a number, a list, or anything else."""
    return "number" if isinstance(value, (int, float)) else "array" if isinstance(value, list) else "other"


@cache
def _assembled(sections: tuple[tuple[str, Path], ...]) -> Schema:
    shared = _File(SHARED_FILE)
    document = shared.schema()
    properties = dict(document["properties"])
    for study, path in sections:
        if study in properties:
            raise UserError(f"{path}: the configuration has another key {study!r} already; give the study another name")
        properties[study] = _File(path, shared).schema()
    names = {"items": {"enum": [study for study, _ in sections]}}
    return Schema({**document, "properties": {**properties, "studies": _laid_over(properties["studies"], names)}})


@cache
def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = parse_yaml(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; it holds the JSON schema of a section of the configuration") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: a JSON schema is a mapping, found {type(content).__name__}")
    return content


class _File:
    """A file of the schema. A `$ref` in it stands for a definition of its own, or else of `shared`."""

    def __init__(self, path: Path, shared: _File | None = None) -> None:
        self._path, self._shared = path, shared
        self._definitions = _read(path).get("$defs", {})
        self._expanded: dict[str, Any] = {}

    def schema(self) -> dict[str, Any]:
        """What the file holds beside its definitions, with every `$ref` replaced."""
        return self._without_references({key: value for key, value in _read(self._path).items() if key != "$defs"})

    def _without_references(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._without_references(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        beside = {key: self._without_references(value) for key, value in node.items() if key != "$ref"}
        return _laid_over(self._definition(node["$ref"]), beside) if "$ref" in node else beside

    def _definition(self, reference: str) -> Mapping[str, Any]:
        name = reference.removeprefix(DEFINITION)
        file = self if name in self._definitions or self._shared is None else self._shared
        if name not in file._definitions:
            known = ", ".join([*self._definitions, *(self._shared._definitions if self._shared else ())])
            raise UserError(f"{self._path}: $ref {reference!r} names no definition (known: {known})")
        if name not in file._expanded:
            file._expanded[name] = file._without_references(file._definitions[name])
        return file._expanded[name]


def _laid_over(definition: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    """Keys beside a `$ref` over the definition: mappings are joined, but a default is taken whole."""
    laid = dict(definition)
    for key, value in beside.items():
        joined = key != "default" and isinstance(value, Mapping) and isinstance(laid.get(key), Mapping)
        laid[key] = _laid_over(laid[key], value) if joined else value
    return laid
