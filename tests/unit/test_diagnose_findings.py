"""Networks that are made sick on purpose, and healthy ones: the doctor finds that, there, and nothing else."""

from __future__ import annotations

import pytest
import torch
from interop_networks import LIBRARIES, chain, images
from torch import nn

from spikeinit.interop.diagnose import Diagnosis, diagnose
from spikeinit.interop.diagnose.criteria import GRADIENT_CHANGE
from spikeinit.interop.libraries import reader

SIZES = (50, 60, 60, 60, 60, 60, 10)


def first_spikes(output: torch.Tensor) -> torch.Tensor:
    """A loss: some sum over the spikes [T, B, classes] of a batch."""
    return (output.sum(0) * torch.linspace(-1, 1, output.shape[-1])).square().mean()


def examine(built, data: torch.Tensor) -> Diagnosis:
    return diagnose(built.network, data, loss=first_spikes, run=built.run)


def only_finding(diagnosis: Diagnosis, code: str, layer: str):
    assert [finding.code for finding in diagnosis.findings] == [code], str(diagnosis)
    (finding,) = diagnosis.findings
    assert finding.layer == layer, str(diagnosis)
    assert not diagnosis.healthy
    assert finding.sentence in " ".join(str(diagnosis).split())
    return finding


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_dead_layer_and_those_behind_it_are_one_finding(name):
    built = chain(name, SIZES)
    with torch.no_grad():
        built.linear(2).weight.mul_(0.05)
    finding = only_finding(examine(built, images(5, 50)), "dead_layer", built.layers[2])
    assert finding.layers == tuple(built.layers[2:])
    assert finding.numbers["needed_variance"] > 50 * finding.numbers["weight_variance"]
    # the remedies hold: the threshold that it names gives the rate that it names
    reader(built.neurons[2]).set_threshold(finding.numbers["threshold"])
    again = examine(built, images(5, 50)).table.set_index("layer")
    rate = again.firing_rate[built.layers[2]]
    assert rate == pytest.approx(finding.numbers["rate_with_threshold"], rel=0.01)
    assert 0.08 <= rate <= 0.32


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_saturated_layer(name):
    built = chain(name, SIZES)
    with torch.no_grad():
        built.linear(4).bias.fill_(20.0)
    finding = only_finding(examine(built, images(5, 50)), "saturated_layer", built.layers[4])
    assert finding.numbers["saturated"] == 1
    assert finding.layers == (built.layers[4],)


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize(("code", "height"), [("vanishing_gradient", 1e-5), ("exploding_gradient", 1e5)])
def test_a_surrogate_gradient_that_is_too_low_or_too_high_in_one_layer(name, code, height):
    special = {place: {"surrogate": height if place == 2 else 1.0} for place in range(6)}
    built = chain(name, SIZES, special=special)
    finding = only_finding(examine(built, images(5, 50)), code, built.layers[2])
    assert finding.layers == tuple(built.layers[:3])
    table = diagnose(built.network, images(5, 50), loss=first_spikes, run=built.run).table
    ratio = table.current_gradient[2] / table.current_gradient[5]
    assert finding.numbers["ratio"] == pytest.approx(ratio)
    assert "initialise" not in finding.remedy  # of weights that micheli2024 has drawn
    assert ratio < 1 / GRADIENT_CHANGE if code == "vanishing_gradient" else ratio > GRADIENT_CHANGE


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("factor", [500.0, 0.002])
def test_data_of_a_wrong_scale(name, factor):
    built = chain(name, SIZES)
    data = images(5, 50) * factor
    finding = only_finding(examine(built, data), "input_scale", built.layers[0])
    assert finding.numbers["input_square"] == pytest.approx(data.square().mean().item())


def test_data_that_are_zero():
    built = chain("snntorch", SIZES)
    finding = only_finding(examine(built, torch.zeros(5, 32, 50)), "input_scale", built.layers[0])
    assert "zero" in finding.sentence


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_memory_so_short_that_the_potential_forgets(name):
    decay = 0.02
    built = chain(name, SIZES, special={2: {"decay": decay}})
    gain = 0.98 if name == "norse" else 1.0
    with torch.no_grad():
        built.linear(2).weight.zero_()
        built.linear(2).bias.fill_(0.3 / gain)
    # u settles at 0.3 / 0.98; with a decay of 0.9 it is 0.3, 0.57, 0.81, 1.03: a spike in the fourth of five steps
    finding = only_finding(examine(built, images(5, 50)), "time_constant", built.layers[2])
    assert finding.numbers["decay"] == pytest.approx(decay, abs=1e-4)
    assert finding.numbers["rate_with_usual_decay"] == pytest.approx(0.2)


@pytest.mark.parametrize(("name", "by_decay"), [("snntorch", False), ("spikingjelly", True), ("sinabs", True)])
def test_steps_that_are_too_few_for_the_time_constant(name, by_decay):
    built = chain(name, SIZES, special={2: {"decay": 0.98, "gain_by_decay": by_decay}})
    with torch.no_grad():
        built.linear(2).weight.zero_()
        built.linear(2).bias.fill_(10.0 if by_decay else 0.2)
    # it settles at 10: 10 (1 - 0.98^5) = 0.96 after five steps, 10 (1 - 0.98^6) = 1.14 after six
    finding = only_finding(examine(built, images(5, 50)), "time_constant", built.layers[2])
    assert finding.numbers["needed_steps"] == 6
    longer = examine(built, images(6, 50)).table.set_index("layer").firing_rate[built.layers[2]]
    assert longer == pytest.approx(1 / 6)


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("seed", range(3))
def test_networks_of_micheli_are_healthy(name, seed):
    built = chain(name, (50, *[100] * 7, 10), seed=seed)
    diagnosis = examine(built, images(5, 50, seed=seed))
    assert diagnosis.findings == (), str(diagnosis)
    assert diagnosis.healthy
    assert "No findings." in str(diagnosis)


def test_two_layers_without_neurons_between():
    built = chain("spikingjelly", SIZES)
    built.network[3] = nn.Identity()
    diagnosis = examine(built, images(5, 50))
    finding = only_finding(diagnosis, "no_neurons", built.layers[1])
    assert finding.severity == "warning"
    built.network[3] = nn.ReLU()
    assert all(finding.code != "no_neurons" for finding in examine(built, images(5, 50)).findings)


@pytest.mark.parametrize("where", ["weights", "data", "overflow"])
def test_numbers_that_are_not_finite(where):
    built = chain("snntorch", SIZES)
    data = images(5, 50)
    with torch.no_grad():
        if where == "weights":
            built.linear(3).weight[0, 0] = float("nan")
        elif where == "data":
            data[0, 0, 0] = float("inf")
        else:
            built.linear(3).bias.fill_(3e38)
            built.linear(3).weight.fill_(3e38)
    finding = only_finding(examine(built, data), "not_finite", built.layers[0 if where == "data" else 3])
    assert "NaN or infinite" in finding.sentence


@pytest.mark.parametrize("name", ["snntorch", "spikingjelly", "sinabs"])
def test_potentials_of_an_earlier_batch_are_seen_and_not_used(name):
    built = chain(name, SIZES)
    fresh = examine(built, images(5, 50))
    with torch.no_grad():
        built.run(built.network, images(5, 50, seed=7))
    again = examine(built, images(5, 50))
    assert [finding.code for finding in again.findings] == ["state_left"]
    assert again.healthy
    assert again.table.equals(fresh.table)
