"""Checks a configuration against the JSON schema: all errors at once, each with path, value, allowed and remedy."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from spikeinit.io import parse_yaml

SCHEMA_FILE = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"


@cache
def load_schema() -> dict[str, Any]:
    """The schema as a dictionary."""
    return parse_yaml(SCHEMA_FILE.read_text())


def problems(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(key path, what is wrong) of every violation, in the order of the key paths."""
    from jsonschema import Draft202012Validator

    found = []
    for error in Draft202012Validator(load_schema()).iter_errors(config):
        found.extend(_explain(error))
    return sorted(set(found))


def with_defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a valid configuration in which every key that the schema gives a default is present."""
    return _fill(config, load_schema())


def _fill(value: Any, schema: Mapping[str, Any]) -> Any:
    schema = _resolved(schema)
    if isinstance(value, Mapping):
        known = schema.get("properties", {})
        other = schema.get("additionalProperties")
        filled = {}
        for key, item in value.items():
            filled[key] = _fill(item, known.get(key, other if isinstance(other, Mapping) else {}))
        for key, child in known.items():
            child = _resolved(child)
            if key not in filled and "default" in child:
                filled[key] = _fill(child["default"], child)
        return filled
    if isinstance(value, list):
        return [_fill(item, schema.get("items", {})) for item in value]
    if schema.get("type") == "number" and isinstance(value, int):
        return float(value)  # 1 and 1.0 are the same work and must have the same spec
    return value


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found: Any = load_schema()
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        schema = found
    return schema


def problems_at(path: Sequence[str], value: Any, place: str) -> list[tuple[str, str]]:
    """What is wrong with `value` as the value of the key at `path`; key paths in the answers begin with `place`."""
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator({"$defs": load_schema()["$defs"], **_at(path)})
    found = [item for error in validator.iter_errors(value) for item in _explain(error)]
    return sorted({(_join(place, where) if where else place, text) for where, text in found})


def fill_at(path: Sequence[str], value: Any) -> Any:
    """`value` as the value of the key at `path`, with the schema's defaults inside it."""
    return _fill(value, _at(path))


def unknown_key(path: Sequence[str]) -> str:
    """Why there is no key at `path`, with a suggestion; "" where there is one."""
    for length in range(1, len(path) + 1):
        if _child(path[:length]) is None:
            known = list(_at(path[: length - 1]).get("properties", {}))
            close = difflib.get_close_matches(path[length - 1], known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known) or 'none'}"
            return f"unknown key {path[length - 1]!r}; {hint}"
    return ""


def _at(path: Sequence[str]) -> Mapping[str, Any]:
    """The schema of the key at `path`; KeyError where there is none."""
    found = _child(path)
    if found is None:
        raise KeyError(".".join(path))
    return found


def _child(path: Sequence[str]) -> Mapping[str, Any] | None:
    schema = _resolved(load_schema())
    for name in path:
        other = schema.get("additionalProperties")
        child = schema.get("properties", {}).get(name, other if isinstance(other, Mapping) else None)
        if child is None:
            return None
        schema = _resolved(child)
    return schema


def _explain(error: Any) -> Iterator[tuple[str, str]]:
    path = ".".join(str(part) for part in error.absolute_path)
    given = json.dumps(error.instance, default=str)
    given = given if len(given) <= 80 else given[:77] + "..."
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = list(error.schema.get("properties", {}))
        for key in sorted(set(map(str, error.instance)) - set(known)):
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {_join(path, close[0])}?" if close else f"allowed here: {', '.join(known)}"
            yield _join(path, key), f"unknown key; {hint}"
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                yield _join(path, key), "missing; it has no default"
    elif error.validator == "enum":
        allowed = [str(value) for value in error.validator_value]
        close = difflib.get_close_matches(str(error.instance), allowed, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        yield path, f"= {given}   allowed: {', '.join(allowed)}{hint}"
    elif error.validator == "pattern":
        yield (
            path or str(error.instance),
            f"= {given}   a name has 1 to 64 characters out of a-z 0-9 _ . - and starts with a letter or digit",
        )
    elif error.validator == "anyOf":
        yield path, f"= {given}   allowed: {' or '.join(_allowed(choice) for choice in error.validator_value)}"
    else:
        yield path, f"= {given}   {_rule(error)}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _allowed(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    text = str(schema.get("type", "a value"))
    return f"{text} above {schema['exclusiveMinimum']}" if "exclusiveMinimum" in schema else text


def _rule(error: Any) -> str:
    limit = error.validator_value
    rules = {
        "type": lambda: f"must be of type {' or '.join(limit) if isinstance(limit, list) else limit}",
        "minimum": lambda: f"must be at least {limit}",
        "maximum": lambda: f"must be at most {limit}",
        "exclusiveMinimum": lambda: f"must be above {limit}",
        "exclusiveMaximum": lambda: f"must be below {limit}",
        "minItems": lambda: f"needs at least {limit} item{'s' if limit > 1 else ''}",
        "maxItems": lambda: f"takes at most {limit} items",
        "uniqueItems": lambda: "lists the same item twice",
        "minProperties": lambda: f"needs at least {limit} key{'s' if limit > 1 else ''}",
    }
    rule = rules.get(error.validator)
    text = rule() if rule else error.message
    description = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    return f"{text} ({description})" if description else text
