"""NIR files: read back, and run by the equations and by other libraries with the same spikes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_conversion import network as residual
from test_fx_convert import drawn_alike, inputs, watch  # noqa: F401 (drawn_alike is a fixture)
from torch import nn

from spikeinit.errors import UserError
from spikeinit.interop.convert import convert
from spikeinit.interop.nir import to_nir
from spikeinit.networks.build import FeedForward, assemble
from spikeinit.networks.layers import Conv, Dense, Encoder, Network, Normalization, Pool
from spikeinit.neurons.layer import IntegrateAndFire
from spikeinit.specs import NeuronSpec

nir = pytest.importorskip("nir", reason="the package nir is not installed")
STEPS = 12
SHAPE = (2, 8, 8)
LAYERS = (Conv(4), Normalization(), Pool(), Conv(6, stride=2), Dense(9), Dense(3))


def trained(layers=LAYERS, **neuron) -> FeedForward:
    """A spiking network with random weights, large enough for spikes in every layer, that has seen data."""
    spec = NeuronSpec(**{"threshold": 1.0, "reset": "zero", "decay": 0.75, **neuron})
    network = assemble(
        Network("small", layers), SHAPE, lambda shape: IntegrateAndFire(spec, shape, generator=torch.Generator())
    )
    with torch.no_grad():
        for layer in network.weighted_layers():
            layer.weight.mul_(3)
            layer.bias.add_(0.1)
            if isinstance(layer.normalization, nn.BatchNorm2d):
                layer.normalization.running_mean.normal_(0, 0.1)
                layer.normalization.running_var.uniform_(0.5, 1)
    return network.eval()


def plain(*, last: int = 3) -> nn.Module:
    """A network whose conversion is one layer behind the other, with an average over the border of the map."""
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Conv2d(4, 6, 3, stride=2, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(6, 8), nn.ReLU()),
        nn.Linear(8, last),
    )


def run_equations(graph, sequence: torch.Tensor, *, dt: float = 1e-4, soft: bool = False) -> dict[str, torch.Tensor]:
    """What each node of a chain emits, [T, B, ...], by NIR's equations in forward Euler steps of dt, float64."""
    signal = sequence.double()
    found = {}
    following = dict(graph.edges)
    name = following["input"]
    while name != "output":
        node = graph.nodes[name]
        tensors = {
            key: torch.from_numpy(np.asarray(value)).double()
            for key, value in vars(node).items()
            if isinstance(value, np.ndarray)
        }
        if isinstance(node, nir.Affine):
            signal = signal @ tensors["weight"].T + tensors["bias"]
        elif isinstance(node, nir.Conv2d):
            options = [tuple(np.asarray(each).tolist()) for each in (node.stride, node.padding, node.dilation)]
            merged = F.conv2d(signal.flatten(0, 1), tensors["weight"], tensors["bias"], *options)
            signal = merged.unflatten(0, signal.shape[:2])
        elif isinstance(node, nir.AvgPool2d | nir.SumPool2d):
            kernel, stride = (tuple(np.asarray(each).tolist()) for each in (node.kernel_size, node.stride))
            merged = F.avg_pool2d(signal.flatten(0, 1), kernel, stride)
            many = 1 if isinstance(node, nir.AvgPool2d) else np.prod(node.kernel_size)
            signal = merged.unflatten(0, signal.shape[:2]) * many
        elif isinstance(node, nir.Flatten):
            signal = signal.flatten(2)
        else:
            potential, spikes = torch.zeros_like(signal[0]), []
            for current in signal:
                if isinstance(node, nir.LIF):
                    change = (tensors["v_leak"] - potential + tensors["r"] * current) / tensors["tau"]
                else:
                    change = tensors["r"] * current
                potential = potential + dt * change
                spike = potential > tensors["v_threshold"] * (1 - 1e-6)
                after = potential - tensors["v_threshold"] if soft else tensors["v_reset"]
                potential = torch.where(spike, after, potential)
                spikes.append(spike.double())
            signal = torch.stack(spikes)
        found[name] = signal
        name = following[name]
    return found


def spikes_of(network: FeedForward, sequence: torch.Tensor) -> list[torch.Tensor]:
    with torch.no_grad():
        spikes = network(sequence)[1].spikes
    assert all(0 < layer.mean() < 0.9 for layer in spikes)
    return spikes


NEURONS = {
    "leak": {},
    "no leak": {"decay": 1.0},
    "no memory": {"decay": 0.0, "threshold": 0.4},
    "gain": {"decay": 0.5, "gain": "one_minus_decay", "threshold": 0.4},
    "per neuron": {"decay": (0.3, 0.9), "decay_scope": "neuron", "gain": 1.25},
    "soft after leak": {"reset": "subtract_before_leak"},
    "soft": {"reset": "subtract", "decay": 1.0, "threshold": 1.5},
}


@pytest.mark.parametrize("pooling", ["average", "sum"])
@pytest.mark.parametrize("kind", NEURONS)
def test_trained_networks_spike_alike_by_the_equations(kind, pooling, tmp_path):
    network, sequence = trained(**NEURONS[kind]), inputs(STEPS, 5, *SHAPE)
    soft = "soft" in kind
    to_nir(network, tmp_path / "network.nir", input_shape=SHAPE, soft_reset=soft, pooling=pooling, dt=1e-3)
    found = run_equations(nir.read(tmp_path / "network.nir"), sequence, dt=1e-3, soft=soft)
    for number, spikes in enumerate(spikes_of(network, sequence), start=1):
        assert torch.equal(found[f"layer_{number}_neurons"], spikes.double())


def test_encoding_neurons_are_the_first_node():
    network, sequence = trained((Encoder(), Conv(4), Pool(), Dense(3))), inputs(STEPS, 5, *SHAPE) * 2
    found = run_equations(to_nir(network, input_shape=SHAPE), sequence)
    assert list(found)[:2] == ["encoder_1", "layer_1"]
    first, *_, last = spikes_of(network, sequence)
    assert torch.equal(found["encoder_1"], first.double())
    assert torch.equal(found["layer_2_neurons"], last.double())


def settled(module: nn.Module) -> nn.Module:
    for _ in range(3):
        module.train()(inputs(20, *SHAPE))
    return module.eval()


@pytest.mark.parametrize("method", ["opt", "mse_grid", "percentile", "max"])
@pytest.mark.parametrize("pooling", ["average", "sum"])
def test_converted_networks_spike_alike_by_the_equations(method, pooling, tmp_path):
    """Weights hold thresholds, amplitudes, bias shift and folded normalisation; the outputs are the same too."""
    module, given = settled(plain()), inputs(6, *SHAPE, seed=3)
    spiking = convert(module, inputs(20, *SHAPE), timesteps=STEPS, method=method)
    to_nir(spiking, tmp_path / "network.nir", soft_reset=True, pooling=pooling)
    graph = nir.read(tmp_path / "network.nir")
    found = run_equations(graph, given.expand(STEPS, -1, -1, -1, -1), soft=True)
    seen = watch(spiking)
    outputs = spiking.outputs(given)
    assert list(seen) == ["2", "5", "8"]
    for name, spikes in seen.items():
        assert 0 < spikes.count_nonzero() < spikes.numel()
        assert torch.equal(found[name], spikes.sign().double())
    torch.testing.assert_close(found["9"].float(), outputs, rtol=1e-4, atol=1e-4)
    assert all((graph.nodes[name].v_threshold == 1).all() for name in seen)


def test_thresholds_per_channel_and_per_neuron_go_into_the_weights():
    module, given = settled(plain()), inputs(6, *SHAPE, seed=3)
    spiking = convert(module, inputs(20, *SHAPE), timesteps=STEPS, method="optimal_channel")
    for neuron in spiking.neurons.values():
        neuron.initial_fraction.zero_()
    found = run_equations(to_nir(spiking, soft_reset=True), given.expand(STEPS, -1, -1, -1, -1), soft=True)
    seen = watch(spiking)
    spiking(given)
    for name, spikes in seen.items():
        assert torch.equal(found[name], spikes.sign().double())


def recorded(module: nn.Module, names: list[str]) -> dict[str, list[torch.Tensor]]:
    """Filled with what the modules of these names emit, call by call."""
    seen: dict[str, list[torch.Tensor]] = {name: [] for name in names}
    for name in names:

        def keep(_module, _inputs, output, name=name):
            seen[name].append((output[0] if isinstance(output, tuple) else output).detach())

        getattr(module, name).register_forward_hook(keep)
    return seen


ALL = ["layer_1_neurons", "layer_2_neurons", "layer_3_neurons", "layer_4_neurons"]


def test_spikingjelly_reads_integrate_and_fire(tmp_path):
    exchange = pytest.importorskip("spikingjelly.activation_based.nir_exchange", reason="spikingjelly is not installed")
    network, sequence = trained(decay=1.0), inputs(STEPS, 5, *SHAPE)
    to_nir(network, tmp_path / "network.nir", input_shape=SHAPE)
    read = exchange.import_from_nir(tmp_path / "network.nir")
    seen, state = recorded(read, ALL), None
    for step in sequence:
        _, state = read(step, state)
    for spikes, found in zip(spikes_of(network, sequence), seen.values(), strict=True):
        assert torch.equal(torch.stack(found), spikes)


def test_snntorch_reads_leaky_neurons(tmp_path):
    importer = pytest.importorskip("snntorch.import_nir", reason="snntorch, nir or nirtorch is not installed")
    layers = (Conv(4), Normalization(), Pool(), Conv(6, stride=2), Pool(size=None), Dense(9), Dense(3))
    network, sequence = trained(layers), inputs(STEPS, 5, *SHAPE)
    to_nir(network, tmp_path / "network.nir", input_shape=SHAPE)
    expected = spikes_of(network, sequence)
    for image, steps in enumerate(sequence.unbind(1)):  # one by one: snnTorch flattens what it gets from dimension 0 on
        read = importer.import_from_nir(nir.read(tmp_path / "network.nir"))  # its neurons keep their potentials
        seen, state = recorded(read, ALL), None
        for step in steps:
            _, state = read(step, state)
        for spikes, found in zip(expected, seen.values(), strict=True):
            assert torch.equal(torch.stack(found), spikes[:, image])


@pytest.mark.filterwarnings("ignore:nirtorch.load:DeprecationWarning")
def test_sinabs_reads_converted_networks(tmp_path):
    """With one spike per step at most and no floor under the potential, which are not in the file, it is the same."""
    importer = pytest.importorskip("sinabs.nir", reason="sinabs, nir or nirtorch is not installed")
    import sinabs
    from sinabs.activation import SingleSpike

    module, given = settled(plain()), inputs(6, *SHAPE, seed=3)
    spiking = convert(module, inputs(20, *SHAPE), timesteps=STEPS, method="opt")
    to_nir(spiking, tmp_path / "network.nir", soft_reset=True, pooling="sum")
    read = importer.from_nir(nir.read(tmp_path / "network.nir"), batch_size=len(given))
    for layer in read.modules():
        if isinstance(layer, sinabs.layers.IAFSqueeze):
            layer.spike_fn, layer.min_v_mem = SingleSpike, None
    names = ["2", "5", "8"]
    seen = recorded(read, names)
    merged = given.repeat_interleave(STEPS, 0)  # sinabs has the steps of an image together
    output = read(merged)
    ours = watch(spiking)
    expected = spiking.outputs(given)
    for name in names:
        (spikes,) = seen[name]
        assert torch.equal(spikes.unflatten(0, (-1, STEPS)).transpose(0, 1), ours[name].sign())
    output = output[0] if isinstance(output, tuple) else output
    torch.testing.assert_close(output.unflatten(0, (-1, STEPS)).transpose(0, 1), expected, rtol=1e-4, atol=1e-4)


def small(*parts: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), *parts, nn.Flatten(), nn.LazyLinear(3))


class Joined(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        x = torch.relu(self.first(x))
        return self.last(x + torch.relu(self.first(x)))


def converted(module: nn.Module, given: torch.Tensor | None = None, **options):
    given = inputs(4, *SHAPE) if given is None else given
    module(given)
    return convert(module, given, **{"method": "opt", **options})


REFUSALS = {
    "initial potential": (lambda: converted(small(), method="optimal"), "1 starts at 0.5 thresholds"),
    "negative spikes": (lambda: converted(small(), method="snm"), "1: SignedNeuron emits negative spikes"),
    "maximum": (lambda: converted(small(nn.MaxPool2d(2))), "2 cannot be written as NIR; written are Linear"),
    "affine": (lambda: converted(small(nn.BatchNorm2d(4))), "2 cannot be written"),
    "uneven": (lambda: converted(small(nn.AdaptiveAvgPool2d(3))), "2 pools a map of .* windows of different size"),
    "border": (lambda: converted(small(nn.AvgPool2d(3, ceil_mode=True))), "2: NIR's pooling has no ceil_mode"),
    "joined": (lambda: converted(Joined(), inputs(4, 4)), "joins several signals or uses one twice"),
    "ends in spikes": (lambda: converted(small()[:2]), "the network ends in spikes"),
    "sequence": (lambda: converted(nn.Sequential(nn.Linear(8, 3), nn.ReLU(), nn.Linear(3, 2))), "on 3 dimensions"),
    "residual": (lambda: residual(), "ResidualBlock cannot be written as NIR"),
    "delay": (lambda: trained(spike_delay=1), "layer_1_neurons has the spike delay 1"),
    "random start": (lambda: trained(initial_potential="kaiming_uniform"), "initial potential kaiming_uniform"),
    "start": (lambda: trained(initial_potential=0.5), "layer_1_neurons has the initial potential 0.5"),
    "reset": (lambda: trained(reset="subtract"), "subtracts the threshold after the leak"),
    "mixed": (lambda: trained(decay=(0.5, 2.0), decay_scope="neuron"), "neurons with and without leak"),
    "max pooling": (lambda: trained((Conv(4), Pool(kind="max"), Dense(3))), "pool_2: maximum pooling"),
    "normalisation": (lambda: trained((Conv(4), Normalization("step"), Dense(3))), "StepNormalization changes"),
}


@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")
def test_what_nir_cannot_say_is_refused_by_name(case):
    make, expected = REFUSALS[case]
    network = make()
    soft = case in ("reset",) or not isinstance(network, FeedForward)
    shape = (1, 8, 8) if case == "residual" else SHAPE
    with pytest.raises(UserError, match=expected):
        to_nir(network, input_shape=shape, soft_reset=soft)


def test_soft_reset_must_be_asked_for_and_fit():
    spiking = converted(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), inputs(4, 4))
    with pytest.raises(UserError, match=r"1 has soft reset, .*; pass soft_reset=True .*sinabs"):
        to_nir(spiking)
    with pytest.raises(UserError, match="layer_1_neurons has hard reset; leave soft_reset=True out"):
        to_nir(trained(), input_shape=SHAPE, soft_reset=True)
    with pytest.raises(UserError, match="pooling='max'; choose one of 'average', 'sum'"):
        to_nir(spiking, pooling="max")
    with pytest.raises(UserError, match="give input_shape"):
        to_nir(trained())
    with pytest.raises(UserError, match=r"layer_3: .*input_shape is not what it takes"):
        to_nir(trained(), input_shape=(2, 16, 16))
    with pytest.raises(UserError, match="Linear is no spiking network of this package"):
        to_nir(nn.Linear(2, 2))
