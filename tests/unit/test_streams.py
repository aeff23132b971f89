"""Random streams: apart for every combination of the energy study, or shared by the runs of a seed."""

from __future__ import annotations

import json

import pytest
import torch

from spikeinit.datasets.load import Images
from spikeinit.plan import load_config
from spikeinit.randomness import draws, stream
from spikeinit.studies.energy.runs import runs
from spikeinit.training.job import initialized_network

IMAGES = Images(torch.zeros(4, 1, 28, 28, dtype=torch.uint8), torch.arange(4), 10, "blank", "0", (0.0, 1.0))


@pytest.fixture
def planned(checkout, tmp_path):
    def plan(**changes):
        overlay = tmp_path / "overlay.yaml"
        section = {"initializer": {"layers": "all", "fan_in": "own"}, **changes}
        overlay.write_text(json.dumps({"studies": ["energy"], "energy": section}))
        found = runs(load_config([checkout / "config.yaml", overlay]))
        return {(run.labels["weight_mean"], run.labels["beta_range"]): run.spec for run in found}

    return plan


def first_weights(spec, seed=0):
    network = initialized_network(spec, seed, IMAGES, "cpu", "auto")
    return torch.cat([layer.weight.detach().flatten() for layer in network.weighted_layers()])


def decays(spec, seed=0):
    """Where the decay rate of each layer lies in its range, from 0 to 1."""
    low, high = spec.neuron.decay
    network = initialized_network(spec, seed, IMAGES, "cpu", "auto")
    return torch.tensor([(neuron.decay_value - low) / (high - low) for neuron in network.neurons()])


def test_shared_streams_make_runs_of_a_seed_alike(planned):
    specs = planned(streams="shared")
    low, high = (first_weights(specs[mean, "low"]) for mean in (-0.01, 0.01))
    torch.testing.assert_close(high - low, torch.full_like(low, 0.02), rtol=0, atol=1e-6)
    torch.testing.assert_close(decays(specs[0.0, "low"]), decays(specs[0.0, "high"]), rtol=0, atol=1e-5)


def test_streams_apart_make_every_combination_independent(planned):
    specs = planned()
    low, middle, other = (first_weights(specs[key]) for key in ((-0.01, "low"), (0.01, "low"), (0.01, "high")))
    for a, b in ((low, middle), (middle, other)):
        assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) < 4 / len(a) ** 0.5
    assert not torch.allclose(decays(specs[0.0, "low"]), decays(specs[0.0, "high"]), atol=1e-2)
    orders = [torch.randperm(50, generator=stream(draws(0, spec.apart), "order")).tolist() for spec in specs.values()]
    assert len({tuple(order) for order in orders}) == len(specs)
    assert torch.equal(low, first_weights(planned()[-0.01, "low"]))


def test_other_seeds_combinations_and_names_leave_the_streams_of_a_run(planned):
    before = planned()[0.0, "low"].apart
    more = planned(
        open_choices=None,
        seeds=[5, 0],
        weight_means=[0.0, 0.5],
        beta_ranges={"low": [0.0, 0.34], "medium": [0.34, 1.0]},
    )
    assert more[0.0, "low"].apart == before
    renamed = planned(beta_ranges={"small": [0.0, 0.34]})
    assert renamed[0.0, "small"].apart == before
    assert planned(weight_sd=0.2)[0.0, "low"].apart != before


def test_streams_are_part_of_what_decides_a_training(planned):
    apart, shared = (planned(streams=streams)[0.0, "low"] for streams in ("apart", "shared"))
    assert apart.seed_digest() != shared.seed_digest()
    assert draws(3, "") == 3
    numbers = [torch.rand(3, generator=stream(drawn, "weights")) for drawn in (3, "3", draws(3, "a"), draws(3, "b"))]
    assert torch.equal(numbers[0], numbers[1])
    assert not torch.equal(numbers[2], numbers[3])
