"""docs/configuration.md: every key of the configuration with its type, its default and its meaning, from the schema.

`python -m spikeinit.plan.reference > docs/configuration.md` writes the page anew, and so does `make docs`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spikeinit.config.schema import Schema
from spikeinit.studies import STUDIES

INTRODUCTION = """# Configuration

This page is made from the schema of the configuration. Change the schema, and `make docs` writes the page anew.

`config.yaml` holds a complete configuration. A file given with `--configfile` is laid over it: mappings are joined key
by key, a list or a single value replaces the one before. An unknown key is an error, and so is a value that is not
allowed. All errors are reported together, before anything runs.

How to read the tables:

- A dot leads into a mapping: `energy.training.epochs` is the key `epochs` of `training` of `energy`.
- `[]` stands for each item of a list. `<name>` and `<key>` stand for a key that you choose or that the text explains.
- A *name* has 1 to 64 characters out of a-z 0-9 _ . - and begins with a letter or a digit.
- *required*: the key must be given wherever the mapping that it belongs to is given.
- An empty default: the key may be left out, and nothing takes its place but what the text says.
- *Published* values are those of the study's paper.
"""

GENERAL = "General"
"""Heading of the top-level keys that are no mappings."""

COLUMNS = ("key", "type and allowed values", "default", "meaning")


@dataclass(frozen=True)
class Row:
    """A key path, what its value may be, its default as the page shows it, and its description."""

    path: str
    kind: str
    default: str
    meaning: str


def page(schema: Schema) -> str:
    """The whole page in Markdown: a heading and a table for the general keys, and for each section."""
    keys = schema.document["properties"]
    required = schema.document["required"]
    general = [_row(path, keys[path], path in required) for path in keys if not _is_mapping(keys[path])]
    parts = [INTRODUCTION, f"## {GENERAL}\n", _table(general)]
    for name, section in keys.items():
        if _is_mapping(section):
            parts += [f"## {name}\n", f"{section['description']}\n", _table(rows(name, section))]
    return "\n".join(parts)


def rows(path: str, schema: Mapping[str, Any]) -> Iterator[Row]:
    """A row for every key below `path`, depth first."""
    for key, child in schema.get("properties", {}).items():
        yield from _rows_of(f"{path}.{key}", child, key in schema.get("required", ()))
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        yield from _rows_of(f"{path}.{'<name>' if 'propertyNames' in schema else '<key>'}", others, False)


def _rows_of(path: str, schema: Mapping[str, Any], required: bool) -> Iterator[Row]:
    yield _row(path, schema, required)
    yield from rows(path, schema)
    yield from rows(f"{path}[]", schema.get("items", {}))


def _row(path: str, schema: Mapping[str, Any], required: bool) -> Row:
    default = "*required*" if required else f"`{_flow(schema['default'])}`" if "default" in schema else ""
    return Row(path, kind(schema), default, schema["description"])


def _is_mapping(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object"


def kind(schema: Mapping[str, Any]) -> str:
    """What a value may be, in words: "integer from 1 to 4", "`sum` or `mean`", "list of name (at least 1)"."""
    if "enum" in schema:
        return _or([f"`{value}`" for value in schema["enum"]])
    if "anyOf" in schema:
        return _or([kind(choice) for choice in schema["anyOf"]])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return _or([_of_type(name, schema) for name in types])


def _of_type(name: str, schema: Mapping[str, Any]) -> str:
    if name == "object":
        return "mapping"
    if name == "string":
        return "name" if "pattern" in schema else "text"
    if name == "array":
        return f"list of {kind(schema['items'])}{_count(schema)}"
    return f"{name}{_range(schema)}" if name in ("number", "integer") else name


def _count(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minItems"), schema.get("maxItems")
    words = [] if least is None else [f"{least} items" if least == most else f"at least {least}"]
    words += ["none twice"] if schema.get("uniqueItems") else []
    return f" ({', '.join(words)})" if words else ""


def _range(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "up to", "exclusiveMaximum": "below"}
    limits = [f"{word} {schema[name]}" for name, word in words.items() if name in schema]
    return f" {' and '.join(limits)}" if limits else ""


def _or(choices: list[str]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def _flow(value: Any) -> str:
    """A value as it may be written in YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return value if isinstance(value, str) and value else json.dumps(value)


def _table(found: Iterable[Row]) -> str:
    lines = [COLUMNS, ["---"] * len(COLUMNS)]
    lines += [(f"`{row.path}`", row.kind, row.default, row.meaning) for row in found]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    print(page(Schema.of({name: study.schema for name, study in STUDIES.items()})), end="")
