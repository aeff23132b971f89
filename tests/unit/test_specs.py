"""Specs: canonical, round-tripping, and equal digests for equal work."""

from __future__ import annotations

import dataclasses
import json

import pytest

from spikeinit.plan import load_config, runs
from spikeinit.specs import TrainSpec, from_dict, to_dict, to_json


@pytest.fixture(scope="module")
def spec(checkout):
    return runs(load_config([checkout / "config.yaml"]), "energy")[0].spec


def test_round_trip_through_json(spec):
    assert from_dict(TrainSpec, json.loads(to_json(spec))) == spec


def test_json_is_canonical(spec):
    text = to_json(spec)
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


def test_a_seeds_digest_does_not_depend_on_the_other_seeds(spec):
    more = dataclasses.replace(spec, seeds=(*spec.seeds, 99))
    assert more.seed_digest() == spec.seed_digest()
    assert to_json(more) != to_json(spec)


def test_a_seeds_digest_depends_on_everything_else(spec):
    training = dataclasses.replace(spec.training, batch_size=spec.training.batch_size + 1)
    assert dataclasses.replace(spec, training=training).seed_digest() != spec.seed_digest()
    assert dataclasses.replace(spec, source="other").seed_digest() != spec.seed_digest()


def test_unknown_fields_are_refused(spec):
    with pytest.raises(ValueError, match="no field 'colour'"):
        from_dict(TrainSpec, {**to_dict(spec), "colour": "red"})


def test_specs_hold_no_paths_or_devices(spec, checkout):
    text = to_json(spec)
    assert str(checkout) not in text
    assert "cuda" not in text
    assert "cpu" not in text
