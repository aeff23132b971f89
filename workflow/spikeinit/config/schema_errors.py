"""What a violation of the JSON schema is called in an error message: key path, value, what is allowed, and a remedy."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from spikeinit.names.slugs import NAME_RULE


def explained(error: Any) -> Iterator[tuple[str, str]]:
    """(key path, what is wrong) of one of jsonschema's errors; several where it stands for several keys."""
    path = ".".join(str(part) for part in error.absolute_path)
    given = json.dumps(error.instance, default=str)
    given = given if len(given) <= 80 else given[:77] + "..."
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = list(error.schema.get("properties", {}))
        for key in sorted(set(map(str, error.instance)) - set(known)):
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {join(path, close[0])}?" if close else f"allowed here: {', '.join(known)}"
            yield join(path, key), f"unknown key; {hint}"
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                meaning = _meaning(error.schema.get("properties", {}).get(key, {}))
                yield join(path, key), f"missing; it has no default{meaning}"
    elif error.validator == "enum":
        allowed = [str(value) for value in error.validator_value]
        close = difflib.get_close_matches(str(error.instance), allowed, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        yield path, f"= {given}   allowed: {', '.join(allowed)}{hint}"
    elif error.validator == "pattern":
        yield path or str(error.instance), f"= {given}   {NAME_RULE}"
    elif error.validator == "anyOf":
        yield path, f"= {given}   allowed: {' or '.join(_allowed(choice) for choice in error.validator_value)}"
    else:
        yield path, f"= {given}   {_rule(error)}"


def join(path: str, key: str) -> str:
    """The key path of `key` below `path`; "" stands for the whole configuration."""
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
    return (rule() if rule else error.message) + _meaning(error.schema)


def _meaning(schema: Mapping[str, Any]) -> str:
    """What a key means, in brackets: the first sentence of its description; "" where there is none."""
    first, *_ = re.split(r"\.(?= |$)", schema.get("description", ""), maxsplit=1)
    return f" ({first})" if first else ""
