"""What a violation of the JSON schema is called in an error message: key path, value, what is allowed, and a remedy."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from spikeinit.names.slugs import NAME_RULE
from spikeinit.tracking.address import without_secrets


def explained(error: Any) -> Iterator[tuple[str, str]]:
    """(key path, what is wrong) of one of jsonschema's errors; several where it stands for several keys."""
    path = ".".join(str(part) for part in error.absolute_path)
    given = without_secrets(json.dumps(error.instance, default=str, ensure_ascii=False))
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
        choices = error.validator_value
        hint = as_meant(error.instance, [str(choice.get("type")) for choice in choices])
        yield path, f"= {given}   allowed: {' or '.join(map(_allowed, choices))}{hint}"
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
        "type": lambda: f"must be of type {' or '.join(_types(limit))}{as_meant(error.instance, _types(limit))}",
        "minimum": lambda: f"must be at least {limit}",
        "maximum": lambda: f"must be at most {limit}",
        "exclusiveMinimum": lambda: f"must be above {limit}",
        "exclusiveMaximum": lambda: f"must be below {limit}",
        "minLength": lambda: "must not be empty",
        "minItems": lambda: f"needs at least {limit} item{'s' if limit > 1 else ''}",
        "maxItems": lambda: f"takes at most {limit} items",
        "uniqueItems": lambda: "lists the same item twice",
        "minProperties": lambda: f"needs at least {limit} key{'s' if limit > 1 else ''}",
    }
    rule = rules.get(error.validator)
    return (rule() if rule else error.message) + _meaning(error.schema)


def _types(limit: str | list[str]) -> list[str]:
    return limit if isinstance(limit, list) else [limit]


def as_meant(given: Any, types: list[str]) -> str:
    """How text is written so that YAML reads the number or the truth value in it; "" where it holds none."""
    if not isinstance(given, str):
        return ""
    if "boolean" in types and given.lower() in ("true", "yes", "on", "false", "no", "off"):
        return f"; YAML reads it as text: write {str(given.lower() in ('true', 'yes', 'on')).lower()}, without quotes"
    if "number" in types or "integer" in types:
        try:
            number = float(given.strip().replace(",", "."))
        except ValueError:
            return ""
        if math.isfinite(number):
            return f"; YAML reads it as text: write {_in_yaml(number)}, without quotes"
    return ""


def _in_yaml(number: float) -> str:
    """A number as YAML reads it: with a point before the exponent, which Python may leave out."""
    if number.is_integer() and abs(number) < 10**15:
        return str(int(number))
    mantissa, exponent, power = str(number).partition("e")
    return f"{mantissa}.0e{power}" if exponent and "." not in mantissa else str(number)


def _meaning(schema: Mapping[str, Any]) -> str:
    """What a key means, in brackets: the first sentence of its description; "" where there is none."""
    first, *_ = re.split(r"\.(?= |$)", schema.get("description", ""), maxsplit=1)
    return f" ({first})" if first else ""
