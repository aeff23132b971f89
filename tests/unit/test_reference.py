"""docs/configuration.md says what the schema says, of every key, and `make docs` makes it."""

from __future__ import annotations

import pytest
import yaml
from declared import SECTION_SCHEMAS

from spikeinit.config.schema import Schema
from spikeinit.plan import reference

REMEDY = "run `make docs`, or PYTHONPATH=workflow python -m spikeinit.plan.reference > docs/configuration.md"
OPEN = {
    "energy.open_choices.values",
    "energy.open_choices.settings",
    "propagation.open_choices.values",
    "propagation.open_choices.settings",
    "sensitivity.stand_ins.<name>",
    "sensitivity.sweeps.<name>",
}
"""Keys whose values are mappings of what stands elsewhere on the page."""


@pytest.fixture(scope="module")
def committed(checkout):
    return (checkout / "docs/configuration.md").read_text()


@pytest.fixture(scope="module")
def documented(committed):
    """The key paths in the first column of the tables."""
    return {line.split("`")[1] for line in committed.splitlines() if line.startswith("| `")}


def test_the_page_is_what_the_schema_says(committed):
    assert reference.page(Schema.of(SECTION_SCHEMAS)) == committed, REMEDY
    assert "| `energy.training.optimizer.learning_rate` | number above 0 | *required* |" in committed


def paths(value, documented, path=""):
    """The keys of a configuration file as the page writes them; one it does not have stays as it is."""
    if path in OPEN:
        return
    if isinstance(value, dict):
        for key, child in value.items():
            names = [f"{path}.{name}" if path else name for name in (key, "<name>", "<key>")]
            here = next((name for name in names if name in documented), names[0])
            yield here
            yield from paths(child, documented, here)
    elif isinstance(value, list):
        for child in value:
            yield from paths(child, documented, f"{path}[]")


@pytest.mark.parametrize("file", ["config.yaml", "workflow/overlays/smoke.yaml", "workflow/overlays/paper.yaml"])
def test_every_key_that_a_file_sets_is_on_the_page(file, checkout, documented):
    found = set(paths(yaml.safe_load((checkout / file).read_text()), documented))
    sections = {"datasets", "tracking", *SECTION_SCHEMAS}
    assert found - documented - sections == set(), REMEDY


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"enum": ["sum", "mean"]}, "`sum` or `mean`"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 4}, "number above 0 and up to 4"),
        ({"type": ["integer", "null"], "minimum": 1}, "integer from 1 or null"),
        ({"anyOf": [{"type": "number"}, {"enum": ["word"]}]}, "number or `word`"),
        (
            {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string", "pattern": "a"}},
            "list of name (at least 1, none twice)",
        ),
        (
            {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "number", "minimum": 0, "maximum": 1}},
            "list of number from 0 to 1 (2 items)",
        ),
    ],
)
def test_types_are_said_in_words(schema, words):
    assert reference.kind(schema) == words


def test_a_key_of_a_nested_mapping_and_of_a_list_has_its_own_row():
    section = {
        "required": ["tasks"],
        "properties": {
            "tasks": {
                "type": "array",
                "description": "Some tasks.",
                "items": {
                    "type": "object",
                    "properties": {"loss": {"type": "string", "default": "a|b", "description": "A loss."}},
                },
            },
            "rates": {
                "type": "object",
                "description": "Rates.",
                "default": {},
                "propertyNames": {},
                "additionalProperties": {"type": "number", "description": "A rate."},
            },
        },
    }
    found = [(row.path, row.kind, row.default, row.meaning) for row in reference.rows("x", section)]
    assert found == [
        ("x.tasks", "list of mapping", "*required*", "Some tasks."),
        ("x.tasks[].loss", "text", "`a|b`", "A loss."),
        ("x.rates", "mapping", "`{}`", "Rates."),
        ("x.rates.<name>", "number", "", "A rate."),
    ]
