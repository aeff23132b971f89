"""Initial potentials that follow the potentials which batches end with (MP-Init), against loops by hand."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from test_training import RANDOM, SPEC, TRAIN, same_weights, train

from spikeinit.interruption import Interrupted
from spikeinit.measures.accuracy import loss_and_accuracy
from spikeinit.neurons.layer import IntegrateAndFire
from spikeinit.randomness import stream
from spikeinit.specs import EncodingSpec, InitializerSpec, NeuronSpec
from spikeinit.training.job import initialized_network

THRESHOLD, DECAY = 0.6, 0.7
NEURON = NeuronSpec(decay=DECAY, threshold=THRESHOLD, initial_potential="running_mean", learn=())


def layer_of(kernel="auto", neurons=3, **changed):
    spec = dataclasses.replace(NEURON, **changed)
    return IntegrateAndFire(spec, (neurons,), generator=stream(0, "test"), kernel=kernel)


def currents(batches, *shape):
    """Batches of currents [T, B, neurons] at which some neurons spike and others never do."""
    return 0.4 + 0.5 * torch.randn(batches, *shape, generator=stream(1, "test"))


def run_by_hand(current, start, reset, spike_delay):
    """Spikes of one neuron for one image, and the potential that it ends with behind its last reset."""

    def after_spike(potential):
        """Whether it spikes, what then decays, and what is taken away in the step behind."""
        spikes = potential > THRESHOLD
        if reset == "zero":
            return spikes, 0.0 if spikes else potential, 0.0
        if reset == "subtract_before_leak":
            return spikes, potential - THRESHOLD * spikes, 0.0
        return spikes, potential, THRESHOLD * spikes

    potential, memory, taken, train = start, start, 0.0, []
    for step in current:
        if spike_delay:
            spikes, memory, taken = after_spike(potential)
        potential = DECAY * memory + step - taken
        if not spike_delay:
            spikes, memory, taken = after_spike(potential)
        train.append(spikes)
    if spike_delay:
        return train, potential
    return train, 0.0 if reset == "zero" and train[-1] else potential - THRESHOLD * train[-1]


RESETS = ["subtract", "subtract_before_leak", "zero"]


@pytest.mark.parametrize("kernel", ["reference", "auto"])
@pytest.mark.parametrize("spike_delay", [0, 1])
@pytest.mark.parametrize("reset", RESETS)
def test_the_mean_of_active_neurons_by_hand(reset, spike_delay, kernel):
    """Four batches, each of which starts where the mean is after the one before."""
    momentum, mean, silent = 0.3, 0.0, 0
    layer = layer_of(kernel, reset=reset, spike_delay=spike_delay, initial_potential_momentum=momentum).train()
    for current in currents(4, 5, 2, 3):
        spikes = layer(current)
        ends = []
        for image in range(2):
            for neuron in range(3):
                own = current[:, image, neuron].tolist()
                expected, end = run_by_hand(own, mean, reset, spike_delay)
                assert spikes[:, image, neuron].tolist() == expected
                if any(expected):
                    ends.append(end)
                else:
                    silent += 1
        assert ends
        mean = (1 - momentum) * mean + momentum * sum(ends) / len(ends)
        assert layer.initial_potential.item() == pytest.approx(mean, rel=1e-5)
    assert silent  # some do not count, or the mean would be over all


@pytest.mark.parametrize(
    ("reset", "spike_delay"), [("subtract_before_leak", 0), ("zero", 0), ("subtract", 1), ("zero", 1)]
)
def test_a_neuron_alone_goes_on_as_if_it_had_never_stopped(reset, spike_delay):
    """With a momentum of one the second half of the steps starts where the first half ended."""
    options = {"reset": reset, "spike_delay": spike_delay}
    layer = layer_of(neurons=1, initial_potential_momentum=1.0, **options).train()
    both = currents(1, 16, 1, 1)[0]
    both[7] = 0.2  # the first half ends between two spikes, so that something is left
    whole = layer_of(neurons=1, initial_potential=0.0, **options)
    halves = torch.cat([layer(both[:8]), layer(both[8:])])
    assert halves[:8].sum() > 1
    assert torch.equal(halves, whole(both))
    assert layer.last_start != 0
    torch.testing.assert_close(layer.potential(both[8:]), whole.potential(both)[8:])


def test_a_silent_layer_counts_as_zero_and_what_is_no_number_does_not_count():
    layer = layer_of().train()
    layer.initial_potential.fill_(0.5)
    layer(torch.full((4, 2, 3), -1.0))
    assert layer.initial_potential.item() == pytest.approx(0.45)
    for wrong in (math.inf, math.nan):
        current = currents(1, 4, 2, 3)[0]
        current[3, 0, 1] = wrong
        layer(current)
        assert layer.initial_potential.isfinite()
    layer = layer_of(reset="zero").train()
    layer.initial_potential.fill_(0.5)
    layer(torch.full((4, 2, 3), math.inf))
    assert layer.initial_potential.item() == 0.5


def test_no_gradient_goes_through_the_mean():
    """The gradients are those of neurons that start at the same number."""
    layer = layer_of(learn=("decay", "threshold")).train()
    fixed = layer_of(initial_potential=0.25, learn=("decay", "threshold"))
    layer.initial_potential.fill_(0.25)
    (batch,) = currents(1, 5, 2, 3)
    results = []
    for neurons in (layer, fixed):
        current = batch.clone().requires_grad_()
        spikes = neurons(current)
        spikes.square().sum().backward()
        results.append([spikes.detach(), current.grad, neurons.decay.grad, neurons.threshold.grad])
    assert results[0][0].sum() > 3
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
    assert layer.initial_potential.item() != 0.25
    assert not layer.initial_potential.requires_grad


def test_evaluation_starts_at_the_mean_and_leaves_it():
    layer = layer_of().train()
    first, second = currents(2, 5, 2, 3)
    layer(first)
    mean = layer.initial_potential.item()
    assert abs(mean) > 0.01
    layer.eval()
    potential = layer.potential(second) if layer(second) is not None else None
    assert layer.initial_potential.item() == mean
    torch.testing.assert_close(potential[0], DECAY * mean + second[0])
    other = layer_of().eval()
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(second), layer(second))


def test_potentials_of_a_training_batch_start_where_it_did():
    layer = layer_of().train()
    layer.initial_potential.fill_(0.5)
    (batch,) = currents(1, 5, 2, 3)
    spikes = layer(batch)
    moved = layer.initial_potential.item()
    assert moved != 0.5
    assert torch.equal(layer.potential(batch)[0] > THRESHOLD, spikes[0] > 0)
    torch.testing.assert_close(layer.potential(batch)[0], DECAY * 0.5 + batch[0])
    assert layer.initial_potential.item() == moved
    with pytest.raises(ValueError, match="set by a forward pass"):
        layer_of().potential(batch)


@pytest.mark.parametrize("momentum", [0.0, 1.5, math.nan])
def test_a_momentum_is_above_zero_and_at_most_one(momentum):
    with pytest.raises(ValueError, match=r"initial_potential_momentum = .*: give a number above 0, up to 1"):
        layer_of(initial_potential_momentum=momentum)


# --- in trainings

MEAN = dataclasses.replace(
    SPEC,
    neuron=NeuronSpec(decay=0.9, threshold=0.3, initial_potential="running_mean"),
    encoding=EncodingSpec("rate", 8),
)


def means(network):
    return [neurons.initial_potential.item() for neurons in network.neurons()]


def test_a_stopped_training_goes_on_from_its_means(tmp_path):
    whole, _ = train(tmp_path / "whole", MEAN)
    with pytest.raises(Interrupted):
        train(tmp_path / "part", MEAN, stop_after=1)
    resumed, resumed_from = train(tmp_path / "part", MEAN)
    assert resumed_from == 1
    assert same_weights(whole, resumed)
    assert means(whole.network) == means(resumed.network)
    assert all(abs(mean) > 1e-3 for mean in means(whole.network))
    assert whole.curves == resumed.curves
    before = means(whole.network)
    loss_and_accuracy(whole.network, TRAIN, MEAN.encoding, lambda output, labels: output.sum(), stream(0, "test"))
    assert means(whole.network) == before


def test_test_images_and_initialisers_that_look_at_data_move_no_mean(tmp_path):
    monitored, _ = train(tmp_path / "a", MEAN)
    alone, _ = train(
        tmp_path / "b", dataclasses.replace(MEAN, training=dataclasses.replace(MEAN.training, monitor_images=0))
    )
    assert alone.curves[-1]["test_loss"] is None
    assert same_weights(monitored, alone)
    for name in ("lsuv", "rossbroich2022"):
        network = initialized_network(
            dataclasses.replace(MEAN, initializer=InitializerSpec(name)), 0, TRAIN, "cpu", "auto"
        )
        assert means(network) == [0.0] * 6


def test_the_mean_changes_what_is_learned(tmp_path):
    found = [
        train(tmp_path / str(start), dataclasses.replace(MEAN, neuron=dataclasses.replace(MEAN.neuron, **start)))[0]
        for start in ({}, {"initial_potential_momentum": 1.0}, {"initial_potential": 0.0})
    ]
    assert len({result.curves[-1]["train_loss"] for result in found}) == 3


def test_random_starts_have_no_mean(tmp_path):
    assert not any("initial_potential" in name for name in train(tmp_path, RANDOM)[0].network.state_dict())
