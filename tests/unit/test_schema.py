"""The schema is put together from a shared file and one for each study; what stands beside a `$ref` wins."""

from __future__ import annotations

import re

import pytest
from declared import SECTION_SCHEMAS

from spikeinit.config.schema import Schema
from spikeinit.errors import UserError
from spikeinit.initializers.registry import MODULES

CLOSED = "type: object\nadditionalProperties: false\n"


def schema(folder, **sections):
    """The schema with these sections, given as the text of their files."""
    paths = {}
    for study, text in sections.items():
        paths[study] = folder / f"{study}.yaml"
        paths[study].write_text(CLOSED + text)
    return Schema.of(paths)


def test_every_study_is_a_section_and_a_name(tmp_path):
    two = schema(tmp_path, first="", second="")
    assert two.document["properties"]["studies"]["items"]["enum"] == ["first", "second"]
    assert two.problems({"name": "x", "studies": ["first"], "first": {}, "second": {}}) == []
    assert two.problems({"name": "x", "studies": ["energy"]}) == [("studies.0", '= "energy"   allowed: first, second')]


def test_definitions_of_one_name_are_each_files_own(tmp_path):
    """Here `width` is an integer in one study and a number in the other, and `seeds` covers the shared definition."""
    two = schema(
        tmp_path,
        first='properties: {w: {$ref: "#/$defs/width"}, s: {$ref: "#/$defs/seeds"}}\n'
        "$defs: {width: {type: integer}, seeds: {type: string}}",
        second='properties: {w: {$ref: "#/$defs/width"}, s: {$ref: "#/$defs/seeds"}}\n$defs: {width: {type: number}}',
    )
    given = {"name": "x", "studies": ["first"]}
    assert two.problems({**given, "first": {"w": 1, "s": "any"}, "second": {"w": 0.5, "s": [3]}}) == []
    assert [path for path, _ in two.problems({**given, "first": {"w": 0.5}, "second": {"s": "any"}})] == [
        "first.w",
        "second.s",
    ]


def test_what_stands_beside_a_reference_is_laid_over_the_definition(tmp_path):
    one = schema(
        tmp_path,
        first="""
properties:
  plain: {$ref: "#/$defs/pair"}
  other:
    $ref: "#/$defs/pair"
    default: {a: 5}
    properties: {b: {default: 7, maximum: 9}, c: {type: string, default: added}}
$defs:
  pair:
    type: object
    additionalProperties: false
    default: {b: 2}
    properties: {a: {type: number, default: 1}, b: {type: integer, default: 3}}
""",
    )
    filled = one.with_defaults({"first": {}})["first"]
    assert filled == {"plain": {"a": 1.0, "b": 2}, "other": {"a": 5.0, "b": 7, "c": "added"}}
    assert one.problems_at(["first"], {"plain": {"b": 10}}, "first") == []
    assert one.problems_at(["first"], {"other": {"b": 10}}, "here") == [("here.other.b", "= 10   must be at most 9")]
    assert one.unknown_key(["first", "plain", "c"]) == "unknown key 'c'; known: a, b"
    assert one.unknown_key(["first", "other", "c"]) == ""


def test_the_same_files_are_put_together_once(tmp_path):
    one = schema(tmp_path, first="")
    assert Schema.of({"first": tmp_path / "first.yaml"}) is one


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('properties: {w: {$ref: "#/$defs/widht"}}', "$ref '#/$defs/widht' names no definition"),
        ("properties: [", "not valid YAML"),
    ],
)
def test_a_broken_file_is_named(text, message, tmp_path):
    with pytest.raises(UserError, match=re.escape(f"{tmp_path / 'broken.yaml'}: {message}")):
        schema(tmp_path, broken=text)


def test_a_missing_file_and_a_taken_name_are_errors(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml: no such file"):
        Schema.of({"none": tmp_path / "none.yaml"})
    with pytest.raises(UserError, match="another key 'datasets'"):
        schema(tmp_path, datasets="")


def test_whole_numbers_become_floats_where_numbers_are_asked_for(tmp_path):
    one = schema(
        tmp_path,
        first="""
properties:
  number: {type: number}
  integer: {type: integer}
  either: &either {anyOf: [{type: number}, {enum: [word]}, {type: array, items: {type: number}}]}
  list: *either
  word: *either
""",
    )
    given = {"number": 1, "integer": 1, "either": 1, "list": [1, 2], "word": "word"}
    filled = one.with_defaults({"first": given})["first"]
    assert repr(filled) == "{'number': 1.0, 'integer': 1, 'either': 1.0, 'list': [1.0, 2.0], 'word': 'word'}"


def described(schema, path=""):
    """(key path, description) of every key of a schema, values of mappings with free names included."""
    for key, child in schema.get("properties", {}).items():
        yield f"{path}{key}", child.get("description", "")
        yield from described(child, f"{path}{key}.")
    for name in ("additionalProperties", "items"):
        if isinstance(child := schema.get(name), dict):
            if name == "additionalProperties":
                yield f"{path}<{name}>", child.get("description", "")
            yield from described(child, f"{path}<{name}>.")


def test_every_key_has_a_description_that_begins_with_a_short_sentence():
    """The first sentence also stands in error messages, behind the key, the value and the rule."""
    found = dict(described(Schema.of(SECTION_SCHEMAS).document))
    assert "energy.training.optimizer.learning_rate" in found
    assert [path for path, text in found.items() if not text.endswith((".", "?"))] == []
    long = {path: text for path, text in found.items() if len(re.split(r"[.?](?= |$)", text)[0]) > 100}
    assert long == {}


def test_every_initialiser_is_named_where_one_is_chosen():
    found = dict(described(Schema.of(SECTION_SCHEMAS).document))
    for path in ("sensitivity.initializer.name", "energy.comparison.initializers.<items>.name"):
        assert [name for name in MODULES if not re.search(rf"\b{name}\b", found[path])] == []
