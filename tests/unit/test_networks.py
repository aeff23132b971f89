"""Networks: the published sizes, merged steps equal to a loop over time, and what a layer's neurons do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spikeinit.errors import UserError
from spikeinit.initializers import initialize
from spikeinit.measures.operations import OperationCounter
from spikeinit.networks import Conv, Dense, Network, Pool, describe, names, register
from spikeinit.networks.build import build
from spikeinit.networks.sizes import part_sizes
from spikeinit.neurons import integrate_and_fire
from spikeinit.randomness import stream
from spikeinit.specs import EncodingSpec, NetworkSpec, NeuronSpec


def energy_network(width=1.0, shape=(1, 28, 28), **neuron):
    return build(
        NetworkSpec("energy", width),
        NeuronSpec(**neuron),
        input_shape=shape,
        classes=10,
        generator=stream(0, "neurons"),
    )


def test_published_neurons_per_layer():
    network = energy_network()
    with torch.no_grad():
        _, trace = network(torch.ones(1, 1, 1, 28, 28))
    assert [spikes[0, 0].numel() for spikes in trace.spikes] == [25088, 12544, 8192, 4096, 512, 10]


def test_published_weights():
    shapes = [tuple(layer.weight.shape) for layer in energy_network().weighted_layers()]
    assert shapes == [
        (128, 1, 3, 3),
        (256, 128, 3, 3),
        (512, 256, 3, 3),
        (1024, 512, 3, 3),
        (512, 1024, 3, 3),
        (10, 512),
    ]


@pytest.mark.parametrize("scope", ["layer", "neuron"])
def test_merged_steps_equal_a_loop_over_time(scope):
    """All steps through a layer at once give what snnTorch-style stepping of one layer after the other gives."""
    network = energy_network(width=1 / 16, decay=(0.3, 0.9), decay_scope=scope).double()
    inputs = (torch.rand(5, 3, 1, 28, 28, generator=stream(1, "test")) < 0.5).double()
    potentials = [torch.zeros(()) for _ in network.weighted_layers()]
    resets = [torch.zeros(()) for _ in network.weighted_layers()]
    outputs = []
    with torch.no_grad():
        for step in inputs:
            signal = step
            for index, layer in enumerate(network.weighted_layers()):
                potentials[index] = layer.neuron.decay * potentials[index] + layer.current(signal) - resets[index]
                signal = (potentials[index] > layer.neuron.threshold).double()
                resets[index] = signal * layer.neuron.threshold
            outputs.append(signal)
        assert torch.equal(network(inputs)[0], torch.stack(outputs))


def test_two_layers_with_spike_delay_are_a_step_and_two_steps_late():
    """Without biases silent inputs leave a layer at zero, so that nothing but the time of the spikes changes."""
    outputs = {}
    for delay in (0, 1):
        neuron = NeuronSpec(decay=0.7, threshold=0.2, spike_delay=delay)
        network = build(
            NetworkSpec("mlp", options={"hidden": [30]}), neuron, input_shape=(1, 4, 4), classes=8,
            generator=stream(0, "neurons"),
        )  # fmt: skip
        initialize(network, "he", generator=stream(0, "weights"), bias="zero")
        with torch.no_grad():
            outputs[delay] = network(torch.rand(7, 5, 1, 4, 4, generator=stream(1, "test")))[1].spikes
    for layer, (plain, delayed) in enumerate(zip(outputs[0], outputs[1], strict=True), start=1):
        assert plain[: 7 - layer].sum() > 10
        assert torch.equal(delayed[layer:], plain[: 7 - layer])
        assert not delayed[:layer].any()


RANDOM = {"decay": 0.5, "threshold": 0.1, "initial_potential": "kaiming_uniform"}


def random_start(generator, shape=(1, 28, 28), images=4, **neuron):
    """The energy study's network with random initial potentials, after a batch without light: its layers' starts."""
    network = energy_network(width=1 / 16, shape=shape, **RANDOM, **neuron)
    network.set_generators(initial_potential=generator)
    with torch.no_grad():
        network(torch.zeros(2, images, *shape))
    return network, [neurons.last_start for neurons in network.neurons()]


def test_random_starts_are_uniform_within_the_bound_of_a_layers_size():
    _, starts = random_start(stream(0, "test"), images=500)
    assert [start[0].numel() for start in starts] == [1568, 784, 512, 256, 32, 10]
    assert [len(start) for start in starts] == [500] * 6
    for start in starts:
        bound = (6 / start[0].numel()) ** 0.5
        assert start.abs().max() <= bound
        assert start.abs().max() > 0.99 * bound
        assert start.mean().item() == pytest.approx(0, abs=0.05 * bound)
        assert start.var().item() == pytest.approx(bound**2 / 3, rel=0.05)
    assert not torch.equal(starts[5][0], starts[5][1])


def test_random_starts_are_those_of_torch():
    """PyTorch's initialiser on a tensor [images, neurons], which the published code calls for every batch."""
    _, starts = random_start(stream(0, "test"), images=5)
    generator = stream(0, "test")
    for start in starts:
        theirs = torch.nn.init.kaiming_uniform_(torch.empty(start.shape), generator=generator)
        torch.testing.assert_close(start, theirs, rtol=1e-6, atol=1e-6)


def test_random_starts_are_drawn_anew_for_each_batch_and_alike_by_equal_generators():
    network, first = random_start(stream(0, "test"))
    with torch.no_grad():
        network(torch.zeros(2, 4, 1, 28, 28))
    assert not torch.equal(network.neurons()[0].last_start, first[0])
    _, again = random_start(stream(0, "test"))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(first, again, strict=True))


@pytest.mark.parametrize("spike_delay", [0, 1])
def test_potentials_at_random_are_those_of_the_last_pass(spike_delay):
    generator = stream(0, "test")
    network, _ = random_start(generator, spike_delay=spike_delay)
    with torch.no_grad():
        _, trace = network(torch.rand(3, 4, 1, 28, 28, generator=stream(1, "test")), keep_currents=True)
        state = generator.get_state()
        for neurons, spikes, current in zip(network.neurons(), trace.spikes, trace.currents, strict=True):
            potential = neurons.potential(current)
            if spike_delay:
                potential = torch.cat([neurons.last_start[None], potential[:-1]])
            assert torch.equal(spikes, (potential > neurons.threshold).float())
    assert torch.equal(generator.get_state(), state)
    assert all(spikes.sum() > 0 for spikes in trace.spikes[:3])


def test_random_starts_need_a_generator_and_a_pass():
    network = energy_network(width=1 / 16, **RANDOM)
    assert not any("initial_potential" in name for name in network.state_dict())
    with pytest.raises(ValueError, match=r"call network\.set_generators"):
        network(torch.zeros(2, 4, 1, 28, 28))
    with pytest.raises(ValueError, match="set by a forward pass"):
        network.neurons()[0].potential(torch.zeros(2, 4, 8, 14, 14))
    with pytest.raises(ValueError, match="initial_potential = 'uniform': give a number or one of kaiming_uniform"):
        energy_network(initial_potential="uniform")


def test_decays_are_drawn_from_the_range_per_layer_or_per_neuron():
    layers = energy_network(width=1 / 16, decay=(0.34, 0.67)).weighted_layers()
    decays = torch.stack([layer.neuron.decay for layer in layers])
    assert ((decays >= 0.34) & (decays <= 0.67)).all()
    assert len(set(decays.tolist())) == len(layers)
    neurons = energy_network(width=1 / 16, decay=(0.34, 0.67), decay_scope="neuron").weighted_layers()[0].neuron
    assert neurons.decay.shape == (8, 14, 14)
    assert neurons.decay.mean().item() == pytest.approx(0.505, abs=4 * 0.33 / (12 * neurons.decay.numel()) ** 0.5)


def test_a_decay_that_left_its_range_is_used_clamped():
    neurons = energy_network(width=1 / 16, decay=0.5).weighted_layers()[0].neuron
    current = torch.full((4, 1, 8, 14, 14), 0.6)
    with torch.no_grad():
        neurons.decay.fill_(1.7)
        above = neurons(current)
        neurons.decay.fill_(1.0)
        assert torch.equal(above, neurons(current))


def test_gain_one_minus_decay_scales_the_input():
    printed = energy_network(width=1 / 16, decay=0.75, gain="one_minus_decay").weighted_layers()[0].neuron
    library = energy_network(width=1 / 16, decay=0.75).weighted_layers()[0].neuron
    current = torch.rand(6, 2, 8, 14, 14, generator=stream(2, "test")) * 8
    assert torch.equal(printed(current), library(current / 4))
    assert printed.gain_value == pytest.approx(0.25)


def test_what_is_learned_is_what_was_asked_for():
    neurons = energy_network(width=1 / 16, learn=("threshold",)).weighted_layers()[0].neuron
    assert not neurons.decay.requires_grad
    assert neurons.threshold.requires_grad


@pytest.mark.parametrize(("family", "shape"), [("mlp", (1, 8, 8)), ("energy", (1, 28, 28))])
def test_a_repeated_image_gives_what_its_copies_give(family, shape):
    """An expanded input, whose first layer is computed once, against the same input written out at every step."""
    network = build(
        NetworkSpec(family, 1 / 16 if family == "energy" else 1.0, {"hidden": [20, 15]} if family == "mlp" else {}),
        NeuronSpec(decay=0.7, threshold=0.2, learn=("decay", "threshold")),
        input_shape=shape,
        classes=10,
        generator=stream(0, "neurons"),
        kernel="reference",
    ).double()
    step = torch.rand(3, *shape, dtype=torch.float64, generator=stream(1, "test"))
    results = []
    for inputs in (step.expand(5, *step.shape), step.repeat(5, 1, 1, 1, 1)):
        network.zero_grad()
        output, trace = network(inputs, keep_received=True)
        (output * torch.arange(10)).sum().backward()
        counter = OperationCounter(network, EncodingSpec("static_spikes", 5))
        counter.update(trace)
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        results.append((output, [*trace.spikes, *trace.received], gradients, counter.per_image()))
    (once, signals_once, grads_once, counts_once), (copies, signals_copies, grads_copies, counts_copies) = results
    assert once.sum() > 0
    assert torch.equal(once, copies)
    assert all(torch.equal(a, b) for a, b in zip(signals_once, signals_copies, strict=True))
    assert np.array(counts_once) == pytest.approx(np.array(counts_copies))
    assert all(torch.allclose(a, b) for a, b in zip(grads_once, grads_copies, strict=True))


def test_mlp_lists_its_hidden_layers():
    network = describe("mlp", classes=10, hidden=(30, 20))
    assert [layer.features for layer in network.layers] == [30, 20, 10]
    assert [layer.features for layer in describe("mlp", classes=4).layers] == [10, 4]
    assert [layer.features for layer in describe("mlp", classes=4, hidden=()).layers] == [4]
    assert all(layer.active for layer in network.layers)


def deep(name, shape, **options):
    network = build(
        NetworkSpec(name, **options),
        NeuronSpec(decay=0.5, learn=()),
        input_shape=shape,
        classes=10,
        generator=stream(0, "test"),
        timesteps=3,
    )
    return network, network(torch.randn(3, 2, *shape, generator=stream(1, "test")))


def test_deep_mlp_encodes_by_neurons_on_the_pixels():
    """Layers of Micheli et al. (2024), and the first spikes are those of neurons whose current is the input."""
    network, (output, trace) = deep("deep_mlp", (1, 28, 28))
    assert [tuple(layer.weight.shape) for layer in network.weighted_layers()] == [
        (600, 784),
        *[(600, 600)] * 9,
        (10, 600),
    ]
    assert network.fires_first
    inputs = torch.randn(3, 2, 1, 28, 28, generator=stream(1, "test"))
    assert torch.equal(trace.spikes[0], integrate_and_fire(inputs, decay=0.5, threshold=1.0))
    assert output.shape == (3, 2, 10)
    assert len(trace.spikes) == len(network.neurons()) == 12


def test_deep_cnn_keeps_the_size_and_takes_the_image():
    network, (output, trace) = deep("deep_cnn", (3, 8, 8))
    assert not network.fires_first
    assert [tuple(spikes.shape[2:]) for spikes in trace.spikes] == [*[(64, 8, 8)] * 6, (10,)]
    assert output.shape == (3, 2, 10)


def test_depth_and_width_are_open_where_the_family_leaves_them_open():
    network, _ = deep("deep_mlp", (1, 4, 4), width=100 / 600, options={"depth": 3})
    assert [layer.weight.shape[0] for layer in network.weighted_layers()] == [100, 100, 100, 10]
    with pytest.raises(TypeError, match="depth"):
        deep("energy", (1, 28, 28), options={"depth": 3})


def test_an_analogue_input_that_neurons_encode_costs_no_multiplications():
    network, (_, _) = deep("deep_mlp", (1, 4, 4), width=0.1, options={"depth": 1})
    counter = OperationCounter(network, EncodingSpec("standardized", 3))
    _, trace = network(torch.full((3, 2, 1, 4, 4), 2.5), keep_received=True)
    counter.update(trace)
    rows = counter.per_image()
    assert all(products == 0 for _, products in rows)
    assert rows[0][0] == 16 * 3 * 60  # all 16 pixels fire at every step, into 60 neurons


def test_vgg11_as_kim_and_panda_have_it_has_one_dense_layer_and_no_biases():
    options = {"hidden": [4096], "bias": False, "eps": 1e-4, "normalization": "batch_through_time"}
    network = build(
        NetworkSpec("vgg11", 1 / 16, options),
        NeuronSpec(decay=0.5, threshold=0.1),
        input_shape=(3, 32, 48),
        classes=10,
        generator=stream(0, "n"),
        timesteps=2,
    )
    layers = network.weighted_layers()
    assert [layer.bias for layer in layers] == [None] * 10
    assert [layer.weight.shape[0] for layer in layers] == [4, 8, 16, 16, 32, 32, 32, 32, 256, 10]
    assert {step.eps for layer in layers[:-1] for step in layer.normalization.steps} == {1e-4}
    learned = [part for layer in layers for part in (layer.operation, layer.normalization) if part is not None]
    sizes = part_sizes(describe("vgg11", classes=10, width=1 / 16, **options), (3, 32, 48))
    weights = sum(layer.weight.numel() for layer in layers)
    assert sum(values.numel() for part in learned for values in part.parameters()) > weights
    assert sum(size.weights for size in sizes) >= weights
    output, _ = network(torch.rand(2, 3, 3, 32, 48, generator=torch.Generator().manual_seed(0)))
    output.sum().backward()
    assert all(torch.isfinite(layer.weight.grad).all() for layer in layers)


# --- a user's own family


def test_a_users_family_is_built_like_any_other(user_code):
    @register("pair")
    def pair(classes, width=1.0, *, size=3):
        return Network("pair", (Conv(4, kernel=size, padding=0), Pool(), Dense(classes, active=False)))

    network = build(
        NetworkSpec("pair", options={"size": 5}),
        NeuronSpec(),
        input_shape=(1, 8, 8),
        classes=3,
        generator=stream(0, "neurons"),
    )
    # 5x5 windows in 8x8 pixels: 4x4 places, pooled to 2x2
    assert [tuple(layer.operation.weight.shape) for layer in network.weighted_layers()] == [(4, 1, 5, 5), (3, 16)]
    assert "pair" in names(analogue=True)
    assert "pair" in names(analogue=False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([Dense(3)], r"returns \[Dense.*it must return a Network"),
        (Network("odd", (torch.nn.Linear(2, 3), Dense(3))), "is no layer; they stand in spikeinit.networks.layers"),
        (
            Network("odd", (Dense(4),)),
            r"its last layer is Dense\(features=4, active=True, bias=True\); it must be Dense\(3\)",
        ),
        (Network("odd", (Dense(3), Pool())), "its last layer is Pool"),
        (Network("odd", ()), "its last layer is None"),
    ],
)
def test_what_is_no_network_is_refused(user_code, given, message):
    register("odd")(lambda classes, width=1.0: given)
    with pytest.raises(UserError, match=message):
        describe("odd", classes=3)


def test_an_unknown_family_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"unknown network family 'resnet9'; did you mean resnet.*network_files"):
        describe("resnet9", classes=3)


def test_spiking_and_analogue_families_are_told_apart_but_for_the_energy_studys():
    assert set(names(analogue=True)) & set(names(analogue=False)) == {"energy"}
