"""Initialisers: laws against hand computation, samples against laws and torch.nn.init, effects on a batch of data."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch
from torch import nn

from spikeinit import user_files
from spikeinit.datasets.load import Images
from spikeinit.errors import UserError
from spikeinit.initializers import initialize, law, registry, sampling
from spikeinit.initializers.law import Law
from spikeinit.specs import (
    EncodingSpec,
    ImageSelection,
    InitializerSpec,
    NetworkSpec,
    NeuronSpec,
    TrainingSpec,
    TrainSpec,
)
from spikeinit.training.job import initialized_network

PAPERS = ["normal", "glorot", "he", "lee2016", "wu2018", "bellec2018", "zenke_vogels2021", "ding2022", "micheli2024"]
PAPERS += ["kim_panda2021", "perez_nieves2021", "chang2024", "chang2024_both"]
NEURON = {"threshold": 1.0, "decay": 0.5, "gain": 1.0}


class Neuron:
    """Leaky integrate-and-fire with soft reset, by the plainest loop."""

    def __init__(self, threshold: float = 1.0, decay: float = 0.5, gain: float = 1.0) -> None:
        self.threshold = torch.tensor(threshold)
        self.decay_value, self.gain_value = decay, gain

    @property
    def threshold_value(self) -> float:
        return self.threshold.item()

    def run(self, current: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        potential, spikes = torch.zeros_like(current[0]), torch.zeros_like(current[0])
        potentials, outputs = [], []
        for step in current:
            potential = self.decay_value * potential + self.gain_value * step - self.threshold * spikes
            spikes = (potential > self.threshold).to(current)
            potentials.append(potential)
            outputs.append(spikes)
        return torch.stack(potentials), torch.stack(outputs)

    def set_threshold(self, value: float) -> None:
        self.threshold.fill_(value)

    def potential(self, current: torch.Tensor) -> torch.Tensor:
        return self.run(current)[0]


class FakeLayer:
    def __init__(self, name: str, operation: nn.Module, neuron: Neuron | None) -> None:
        self.name, self.operation, self.neuron = name, operation, neuron
        self.weight, self.bias = operation.weight, operation.bias

    def current(self, received: torch.Tensor) -> torch.Tensor:
        return self.operation(received.flatten(1) if isinstance(self.operation, nn.Linear) else received)


class FakeNetwork:
    def __init__(self, *layers: tuple[nn.Module, Neuron | None]) -> None:
        self.layers = [FakeLayer(f"layer_{index}", *layer) for index, layer in enumerate(layers, start=1)]
        self.training = True

    def train(self, mode: bool = True) -> None:
        self.training = mode

    def weighted_layers(self) -> list[FakeLayer]:
        return self.layers

    def layer_inputs(self, inputs: torch.Tensor, index: int) -> torch.Tensor:
        merged = inputs.flatten(0, 1)
        for layer in self.layers[:index]:
            merged = layer.neuron.run(layer.current(merged).unflatten(0, (len(inputs), -1)))[1].flatten(0, 1)
        return merged

    def potentials(self, inputs: torch.Tensor, index: int, received: torch.Tensor) -> torch.Tensor:
        layer = self.layers[index]
        current = layer.current(received).unflatten(0, (len(inputs), -1))
        return current if layer.neuron is None else layer.neuron.potential(current)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dense(fan_in: int, fan_out: int, neuron: Neuron | None = None, **options) -> tuple[nn.Module, Neuron | None]:
    return nn.Linear(fan_in, fan_out, **options), neuron


def conv_network() -> FakeNetwork:
    return FakeNetwork(
        (nn.Conv2d(3, 40, 3, stride=2, padding=1), Neuron()),
        (nn.Conv2d(40, 50, (3, 5), padding=1), Neuron(decay=0.8)),
        (nn.Linear(50 * 4 * 2, 10), None),
    )


def spikes(*shape: int, rate: float = 0.3, seed: int = 5) -> torch.Tensor:
    return (torch.rand(shape, generator=generator(seed)) < rate).float()


# --- laws -------------------------------------------------------------------------------------------------------------


def test_laws_as_printed_in_the_papers():
    n = 50
    assert law("he", fan_in=n).variance == pytest.approx(0.04)
    assert law("glorot", fan_in=n, fan_out=150).variance == pytest.approx(0.01)
    assert law("lee2016", fan_in=n) == Law.uniform(bound=math.sqrt(0.06))
    assert law("lee2016", fan_in=n).variance == pytest.approx(0.02)
    assert law("wu2018", fan_in=n).variance == pytest.approx(0.02)
    assert law("bellec2018", fan_in=n) == Law.normal(variance=0.02)
    assert law("zenke_vogels2021", fan_in=n).variance == pytest.approx(1 / 150)
    assert law("lsuv", fan_in=n).variance == pytest.approx(0.02)
    asymptote = law("ding2022", fan_in=n, threshold=1.0, decay=0.8, gain=0.2)
    assert (asymptote.variance, asymptote.bias) == pytest.approx((1.0, 0.5))


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0, 2.5, 6.0])
def test_micheli_law_against_scipy(threshold):
    expected = 1 / (200 * scipy.stats.norm.sf(threshold))
    assert law("micheli2024", fan_in=200, threshold=threshold).variance == pytest.approx(expected, rel=1e-12)
    assert law("micheli2024", fan_in=200, threshold=threshold, gain=0.5).variance == pytest.approx(4 * expected)


def test_micheli_number_of_the_paper():
    assert law("micheli2024", fan_in=1000).variance * 1000 == pytest.approx(6.303, abs=5e-4)


def test_soft_reset_number():
    # 1 - 0.25 - 0.158655 * 0.841345 + 0.241971 = 0.858487, over 0.158655
    assert law("micheli2024_soft_reset", fan_in=1000, decay=0.5).variance * 1000 == pytest.approx(5.4110, abs=5e-4)


@pytest.mark.parametrize(("threshold", "decay"), [(1.0, 0.5), (0.5, 0.9), (1.5, 0.0), (0.2, 1.0)])
def test_soft_reset_law_conserves_the_variance_over_one_step(threshold, decay):
    n, p = 500, scipy.stats.norm.sf(threshold)
    random = np.random.default_rng(1)
    before = random.standard_normal(400_000)
    incoming = random.binomial(n, p, before.size)
    weights = law("micheli2024_soft_reset", fan_in=n, threshold=threshold, decay=decay)
    current = random.standard_normal(before.size) * np.sqrt(weights.variance * incoming)
    after = decay * before + current - threshold * (before > threshold)
    # five standard errors of a variance of 400,000 samples; fourth moments here stay below twice the normal one's
    assert np.var(after) == pytest.approx(1.0, abs=5 * math.sqrt(5 / before.size))


@pytest.mark.parametrize("threshold", [0.5, 1.0, 1.8])
def test_rossbroich_without_leak_is_micheli(threshold):
    rate = scipy.stats.norm.sf(threshold)
    fluctuation = law(
        "rossbroich2022", fan_in=300, input_rate=rate, threshold=threshold, threshold_distance=threshold, decay=0.0
    )
    assert fluctuation.variance == pytest.approx(law("micheli2024", fan_in=300, threshold=threshold).variance)


def test_rossbroich_reaches_its_target_for_poisson_inputs():
    n, rate, decay, gain, threshold = 400, 0.1, 0.7, 0.5, 1.0
    weights = law(
        "rossbroich2022",
        fan_in=n,
        input_rate=rate,
        potential_mean=0.2,
        threshold_distance=1.6,
        threshold=threshold,
        decay=decay,
        gain=gain,
    )
    random = np.random.default_rng(2)
    neurons, steps = 2000, 60
    potential = np.zeros(neurons)
    for _ in range(steps):  # independent neurons, each with weights of its own at every step: the Poisson assumption
        count = random.poisson(n * rate, neurons)
        noise = random.standard_normal(neurons) * np.sqrt(weights.variance * count)
        potential = decay * potential + gain * (weights.mean * count + noise)
    deviation = (threshold - 0.2) / 1.6
    assert potential.mean() == pytest.approx(0.2, abs=5 * deviation / math.sqrt(neurons))
    assert potential.var() == pytest.approx(deviation**2, rel=5 * math.sqrt(2 / neurons))


def test_tdbn_gives_currents_the_scale_of_the_threshold():
    """Spikes at a rate of 0.15 through 400 weights: currents of standard deviation alpha theta, whatever the leak."""
    alpha, threshold, gain = 0.7, 1.4, 0.5
    weights = law("zheng2021", fan_in=400, input_rate=0.15, alpha=alpha, threshold=threshold, gain=gain)
    random = np.random.default_rng(3)
    spikes = random.random((4000, 400)) < 0.15
    currents = gain * (spikes * random.normal(weights.mean, weights.standard_deviation, spikes.shape)).sum(1)
    assert currents.std() == pytest.approx(alpha * threshold, rel=5 / math.sqrt(2 * 4000))
    fluctuation = law("rossbroich2022", fan_in=400, input_rate=0.15, threshold=threshold, threshold_distance=1 / alpha)
    assert law("zheng2021", fan_in=400, input_rate=0.15, alpha=alpha, threshold=threshold) == fluctuation


def test_perez_nieves_number_of_the_authors_code():
    """Steps of 1 ms, a time constant of 10 ms and a factor of 20: a standard deviation of 1.9033 / sqrt(n)."""
    assert law("perez_nieves2021", fan_in=784).standard_deviation == pytest.approx(1.90325 / 28, rel=1e-5)
    assert law("perez_nieves2021", fan_in=50, decay=0.5).variance == pytest.approx(100 / 50)
    assert law("perez_nieves2021", fan_in=50, decay=0.75, multiplier=4.0).variance == pytest.approx(1 / 50)


def test_perez_nieves_scales_weights_by_what_a_constant_input_gathers():
    """The potential that a constant input ends at has the same variance, (20 rms of the inputs)^2, at any leak."""
    random = np.random.default_rng(5)
    inputs = random.random(400)
    for decay in (0.2, 0.9):
        weights = random.normal(0, law("perez_nieves2021", fan_in=400, decay=decay).standard_deviation, (4000, 400))
        potential = np.zeros(4000)
        for _ in range(200):
            potential = decay * potential + weights @ inputs
        assert potential.var() == pytest.approx(400 * np.square(inputs).mean(), rel=5 * math.sqrt(2 / 4000))


def test_ikun_number_of_the_authors_code():
    """The mean of 1 / (1 + x^2) from -1 to 1 is pi / 4."""
    mean = scipy.integrate.quad(lambda x: 1 / (1 + x**2), -1, 1)[0] / 2
    assert law("chang2024", fan_in=50).variance == pytest.approx(1 / (50 * mean), rel=1e-12)
    assert law("chang2024_both", fan_in=50, fan_out=30).variance == pytest.approx(1 / (80 * mean), rel=1e-12)
    assert law("chang2024", fan_in=50, mean_gradient=0.1).variance == pytest.approx(0.2)


def test_ding_with_unit_constants_is_he():
    assert law("ding2022", fan_in=70, threshold=1.0, gain=1.0, decay=1.0) == law("he", fan_in=70)


def test_ding_bias_is_where_the_asymptote_of_the_response_is_zero():
    threshold, decay, gain = 1.3, 0.8, 0.2
    currents = np.array([1e4, 2e4])
    response = (decay - 1) / np.log1p((decay - 1) * threshold / (gain * currents))
    slope = (response[1] - response[0]) / (currents[1] - currents[0])
    zero = currents[0] - response[0] / slope
    bias = law("ding2022", fan_in=10, threshold=threshold, decay=decay, gain=gain).bias
    assert bias == pytest.approx(zero, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("micheli2024", {"threshold": 40.0}, "practically never"),
        ("micheli2024", {"threshold": -0.1}, "threshold >= 0"),
        ("micheli2024", {"threshold": float("nan")}, "threshold >= 0"),
        ("micheli2024", {"fan_in": 1}, "fan_in = 1"),
        ("micheli2024", {"gain": 0.0}, "gain > 0"),
        ("micheli2024_soft_reset", {"threshold": 40.0, "decay": 0.5}, "practically never"),
        ("micheli2024_soft_reset", {"decay": 1.5}, "from 0 to 1"),
        ("micheli2024_soft_reset", {"decay": 1.0, "threshold": 0.0}, "without any input"),
        ("rossbroich2022", {"input_rate": 0.0}, "silent"),
        ("rossbroich2022", {"input_rate": 0.1, "decay": 1.0}, "decay < 1"),
        ("rossbroich2022", {"input_rate": 0.1, "fan_in": 1}, "fan_in = 1"),
        ("rossbroich2022", {"input_rate": 1e-3, "potential_mean": 0.9, "fan_in": 5}, "variance would be negative"),
        ("rossbroich2022", {"input_rate": 0.1, "potential_mean": 1.0}, "no room"),
        ("rossbroich2022", {"input_rate": 1.0, "input_mean": 0.0, "potential_mean": 0.1}, "mean zero"),
        ("rossbroich2022", {"input_rate": 1.0, "threshold_distance": 0.0}, "number > 0"),
        ("ding2022", {"decay": 0.0}, "0 < decay"),
        ("ding2022", {"threshold": 0.0}, "threshold > 0"),
        ("lee2016", {"threshold_factor": 1.0}, "more than 1"),
        ("zheng2021", {"input_rate": 0.0}, "silent"),
        ("zheng2021", {"input_rate": 0.1, "alpha": 0.0}, "alpha = 0.0"),
        ("zheng2021", {"input_rate": 0.1, "threshold": 0.0}, "threshold = 0.0"),
        ("zheng2021", {"input_rate": 0.1, "gain": 0.0}, "gain > 0"),
        ("perez_nieves2021", {"decay": 1.0}, "without a leak"),
        ("perez_nieves2021", {"decay": -0.1}, "decay = -0.1"),
        ("perez_nieves2021", {"multiplier": 0.0}, "multiplier = 0.0"),
        ("chang2024", {"mean_gradient": 0.0}, "mean_gradient = 0.0"),
        ("chang2024", {"fan_in": 1}, "fan_in = 1"),
        ("chang2024_both", {"mean_gradient": -1.0}, "mean_gradient = -1.0"),
        ("normal", {"sd": -0.1}, "not negative"),
        ("he", {"distribution": "cauchy"}, "'normal' or 'uniform'"),
        ("he", {"fan_in": 0}, "at least one input"),
    ],
)
def test_impossible_laws_are_refused(name, parameters, message):
    with pytest.raises(ValueError, match=message):
        law(name, **{"fan_in": 100, "fan_out": 100, **parameters})


@pytest.mark.parametrize("name", ["glorot", "kim_panda2021", "chang2024_both"])
def test_a_law_of_both_fans_asks_for_both(name):
    with pytest.raises(ValueError, match=f"fan_out is not given, and the law of {name} depends on it"):
        law(name, fan_in=50)
    with pytest.raises(ValueError, match="fan_out = 0: a neuron has at least one output"):
        law(name, fan_in=50, fan_out=0)
    assert law("he", fan_in=50) == law("he", fan_in=50, fan_out=3)


# --- samples ----------------------------------------------------------------------------------------------------------


def assert_follows(weight: torch.Tensor, expected: Law) -> None:
    """Mean and variance within five standard errors, and for a uniform law inside its bounds."""
    values = weight.detach().double()
    count = values.numel()
    fourth = 3.0 if expected.distribution == "normal" else 1.8
    assert values.mean().item() == pytest.approx(expected.mean, abs=5 * expected.standard_deviation / math.sqrt(count))
    assert values.var().item() == pytest.approx(expected.variance, rel=5 * math.sqrt((fourth - 1) / count))


@pytest.mark.parametrize("name", [*PAPERS, "micheli2024_soft_reset"])
def test_samples_follow_the_law_on_linear_and_convolution_layers(name):
    network = conv_network()
    initialize(network, name, generator=generator())
    for layer, (fan_in, fan_out), neuron in zip(
        network.layers,
        [(27, 360), (600, 750), (400, 10)],
        [{"decay": 0.5}, {"decay": 0.8}, {"decay": 0.8}],  # the last does not spike: neurons of the layer before
        strict=True,
    ):
        accepted = {key: value for key, value in {**NEURON, **neuron}.items() if key in registry.get(name).parameters}
        expected = law(name, fan_in=fan_in, fan_out=fan_out, **accepted)
        assert_follows(layer.weight, expected)
        if expected.bias is None:
            assert layer.bias.abs().max() <= 1 / math.sqrt(fan_in)
            assert layer.bias.unique().numel() == layer.bias.numel()
        else:
            assert torch.equal(layer.bias, torch.full_like(layer.bias, expected.bias))


@pytest.mark.parametrize("name", ["lee2016", "zenke_vogels2021", "kim_panda2021"])
def test_uniform_samples_are_uniform(name):
    network = FakeNetwork(dense(100, 300))
    initialize(network, name, generator=generator())
    bound = math.sqrt(3 * law(name, fan_in=100, fan_out=300).variance)
    values = network.layers[0].weight.detach().numpy().ravel()
    assert scipy.stats.kstest(values, scipy.stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-4


def test_normal_samples_are_normal():
    network = FakeNetwork(dense(100, 300))
    initialize(network, "micheli2024", generator=generator(), threshold=0.7)
    values = network.layers[0].weight.detach().numpy().ravel()
    deviation = law("micheli2024", fan_in=100, threshold=0.7).standard_deviation
    assert scipy.stats.kstest(values, scipy.stats.norm(0, deviation).cdf).pvalue > 1e-4


def test_fans_are_those_of_torch():
    for operation in (nn.Linear(7, 9), nn.Conv2d(4, 6, 3), nn.Conv2d(4, 6, (1, 5)), nn.Conv2d(8, 6, 3, groups=2)):
        assert sampling.fans(operation.weight) == nn.init._calculate_fan_in_and_fan_out(operation.weight)


@pytest.mark.parametrize(
    ("name", "parameters", "theirs"),
    [
        ("glorot", {}, nn.init.xavier_normal_),
        ("glorot", {"distribution": "uniform"}, nn.init.xavier_uniform_),
        ("kim_panda2021", {}, lambda weight: nn.init.xavier_uniform_(weight, gain=2)),
        ("he", {}, lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu")),
        ("he", {"distribution": "uniform"}, lambda weight: nn.init.kaiming_uniform_(weight, nonlinearity="relu")),
        ("zenke_vogels2021", {}, lambda weight: nn.init.kaiming_uniform_(weight, a=math.sqrt(5))),
        ("bellec2018", {}, lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="linear")),
    ],
)
@pytest.mark.parametrize("operation", [nn.Linear(200, 300), nn.Conv2d(40, 50, 3)])
def test_same_distribution_as_torch(name, parameters, theirs, operation):
    initialize(FakeNetwork((operation, None)), name, generator=generator(3), **parameters)
    ours = operation.weight.detach().clone().numpy().ravel()
    with torch.random.fork_rng():
        torch.manual_seed(4)
        other = theirs(operation.weight.detach().clone()).numpy().ravel()
    assert scipy.stats.ks_2samp(ours, other).pvalue > 1e-4


def test_wu_normalises_every_neuron():
    network = conv_network()
    initialize(network, "wu2018", generator=generator())
    for layer in network.layers:
        norms = layer.weight.detach().flatten(1).norm(dim=1)
        torch.testing.assert_close(norms, torch.ones_like(norms))


def test_same_seed_same_weights_whatever_the_dtype_and_the_biases():
    first, second, third = (FakeNetwork(dense(30, 20, Neuron()), dense(20, 10, None)) for _ in range(3))
    for layer in second.layers:
        layer.weight.data = layer.weight.data.double()
    initialize(first, "he", generator=generator(7))
    initialize(second, "he", generator=generator(7), bias="framework")
    initialize(third, "he", generator=generator(8))
    for ours, double, other in zip(first.layers, second.layers, third.layers, strict=True):
        assert torch.equal(ours.weight.double(), double.weight)
        assert not torch.equal(ours.weight, other.weight)


def test_global_random_state_is_left_alone():
    network, small = conv_network(), FakeNetwork(dense(30, 20, Neuron()))
    before = torch.get_rng_state()
    initialize(network, "wu2018", generator=generator(), bias="framework")
    initialize(small, "lsuv", generator=generator(), inputs=spikes(2, 9, 30))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", sorted(registry.MODULES))
def test_the_global_generator_decides_nothing_of_a_new_network(name):
    """Dropout is off while an initialiser measures, and every number comes from a stream of the seed."""
    images = Images(
        torch.arange(4 * 784).remainder(251).to(torch.uint8).reshape(4, 1, 28, 28),
        torch.arange(4),
        10,
        "d",
        "0",
        (0.5, 0.3),
    )
    spec = TrainSpec(
        ImageSelection("d"),
        NetworkSpec("five_layer", 0.25, {"dropout": 0.5, "normalization": "batch"}),
        EncodingSpec("rate", 4),
        NeuronSpec(decay=(0.2, 0.8)),
        InitializerSpec(name, {"mean": 0.0, "sd": 0.1} if name == "normal" else {}),
        TrainingSpec(epochs=1, batch_size=4, optimizer={}, schedule={}, loss={}),
        (0,),
    )
    made = []
    for poison in (1, 2):
        torch.manual_seed(poison)
        network = initialized_network(spec, 0, images, "cpu", "auto")
        assert network.training
        made.append(network.state_dict())
    assert all(torch.equal(value, made[1][key]) for key, value in made[0].items())


def test_biases_as_asked():
    network = FakeNetwork(dense(400, 500, Neuron(decay=0.8)), dense(500, 10, bias=False))
    first = network.layers[0]
    initialize(network, "ding2022", generator=generator())
    assert first.bias.unique().item() == pytest.approx(0.1)
    initialize(network, "ding2022", generator=generator(), bias="zero")
    assert first.bias.count_nonzero() == 0
    initialize(network, "ding2022", generator=generator(), bias="framework")
    assert_follows(first.bias, Law.uniform(bound=1 / 20))
    assert network.layers[1].bias is None


def test_hidden_leaves_first_and_last_layer_to_the_framework():
    network = FakeNetwork(dense(300, 200, Neuron()), dense(200, 250, Neuron()), dense(250, 40))
    initialize(network, "normal", mean=0.5, sd=0.1, generator=generator(), layers="hidden")
    assert_follows(network.layers[0].weight, Law.uniform(bound=1 / math.sqrt(300)))
    assert_follows(network.layers[1].weight, Law.normal(mean=0.5, variance=0.01))
    assert_follows(network.layers[2].weight, Law.uniform(bound=1 / math.sqrt(250)))


def test_lee_sets_thresholds_only_when_asked():
    network = FakeNetwork(dense(75, 20, Neuron(threshold=1.5)))
    initialize(network, "lee2016", generator=generator())
    assert network.layers[0].neuron.threshold_value == 1.5
    initialize(network, "lee2016", generator=generator(), threshold_factor=2.0)
    assert network.layers[0].neuron.threshold_value == pytest.approx(2 * math.sqrt(3 / 75))


def test_neuron_parameters_come_from_the_layer_unless_given():
    network = FakeNetwork(dense(400, 300, Neuron(threshold=0.5)))
    initialize(network, "micheli2024", generator=generator())
    assert_follows(network.layers[0].weight, law("micheli2024", fan_in=400, threshold=0.5))
    initialize(network, "micheli2024", generator=generator(), threshold=1.2)
    assert_follows(network.layers[0].weight, law("micheli2024", fan_in=400, threshold=1.2))


# --- data-dependent ---------------------------------------------------------------------------------------------------


def test_rossbroich_measures_the_rate_of_every_layer():
    network = FakeNetwork(dense(300, 200, Neuron()), dense(200, 150, Neuron()), dense(150, 100, Neuron()))
    inputs = spikes(6, 20, 300)
    initialize(network, "rossbroich2022", generator=generator(), inputs=inputs)
    rate, merged = inputs.mean().item(), inputs.flatten(0, 1)
    for layer, fan_in in zip(network.layers, (300, 200, 150), strict=True):
        assert_follows(layer.weight, law("rossbroich2022", fan_in=fan_in, input_rate=rate, decay=0.5))
        merged = layer.neuron.run((merged @ layer.weight.T + layer.bias).unflatten(0, (6, 20)))[1].flatten(0, 1)
        rate = merged.mean().item()
        assert 0 < rate < 1


def test_rossbroich_with_a_given_rate_needs_no_data():
    network = FakeNetwork(dense(300, 200, Neuron()))
    initialize(network, "rossbroich2022", generator=generator(), input_rate=0.2, potential_mean=0.1)
    assert_follows(
        network.layers[0].weight, law("rossbroich2022", fan_in=300, input_rate=0.2, decay=0.5, potential_mean=0.1)
    )


def test_rossbroich_takes_the_mean_square_of_inputs_that_are_not_spikes():
    network = FakeNetwork(dense(300, 200, Neuron(decay=0.0)))
    image = torch.randn(1, 2000, 300, generator=generator(2)) * 2
    initialize(network, "rossbroich2022", generator=generator(), inputs=image)
    potentials = network.layers[0].current(image.flatten(0, 1))
    assert potentials.var().item() == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("operations", ["linear", "convolution"])
def test_lsuv_gives_every_layer_unit_variance(operations):
    if operations == "linear":
        network = FakeNetwork(dense(60, 100, Neuron()), dense(100, 80, Neuron(decay=0.9)), dense(80, 10))
        inputs = spikes(5, 40, 60)
    else:
        network, inputs = conv_network(), spikes(5, 12, 3, 8, 8)
    initialize(network, "lsuv", generator=generator(), inputs=inputs)
    for index, layer in enumerate(network.layers):
        current = layer.current(network.layer_inputs(inputs, index)).unflatten(0, (5, -1))
        potential = current if layer.neuron is None else layer.neuron.potential(current)
        assert potential.var().item() == pytest.approx(1.0, abs=sampling.UNIT_VARIANCE_TOLERANCE)
        rows = layer.weight.detach().flatten(1).double()
        gram = rows @ rows.T if rows.shape[0] <= rows.shape[1] else rows.T @ rows
        torch.testing.assert_close(gram / gram[0, 0], torch.eye(len(gram)).double(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (20, 5, 3, 3)])
def test_orthogonal_draw_has_the_laws_mean_square(shape):
    weight = sampling.orthogonal(torch.Size(shape), Law.normal(variance=0.3), generator())
    assert weight.square().mean().item() == pytest.approx(0.3, rel=1e-5)


@pytest.mark.parametrize("name", ["rossbroich2022", "lsuv"])
def test_data_dependent_initialisers_ask_for_data(name):
    assert registry.get(name).needs_inputs()
    with pytest.raises(UserError, match="give `inputs`"):
        initialize(FakeNetwork(dense(10, 10, Neuron())), name, generator=generator())


@pytest.mark.parametrize(("name", "message"), [("rossbroich2022", "layer_1.*silent"), ("lsuv", "layer_1.*variance 0")])
def test_silent_data_is_named(name, message):
    with pytest.raises(UserError, match=message):
        initialize(FakeNetwork(dense(10, 10, Neuron())), name, generator=generator(), inputs=torch.zeros(2, 3, 10))


# --- registry and user errors -----------------------------------------------------------------------------------------


def test_every_registered_module_registers_its_name():
    for name in registry.MODULES:
        assert registry.get(name).name == name
        assert registry.get(name).draw in sampling.DRAWS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bias": "none"}, "bias = 'none'"),
        ({"layers": "some"}, "layers = 'some'"),
        ({"thresold": 1.0}, "takes no parameter thresold; it takes: threshold, gain"),
        ({"threshold": 50.0}, "layer_1: threshold = 50.0"),
    ],
)
def test_user_errors_name_what_was_given(options, message):
    with pytest.raises(UserError, match=message):
        initialize(FakeNetwork(dense(10, 10, Neuron())), "micheli2024", generator=generator(), **options)


def test_a_network_without_the_methods_of_one_is_refused():
    with pytest.raises(UserError, match=r"network is a Sequential without weighted_layers\(\)"):
        initialize(torch.nn.Sequential(torch.nn.Linear(4, 3)), "he", generator=torch.Generator())


def test_unknown_name_suggests():
    with pytest.raises(UserError, match="did you mean micheli2024"):
        law("michelli2024", fan_in=10)


def test_a_users_own_file(user_code):
    path = user_code / "mine.py"
    path.write_text(
        "from spikeinit.initializers import Law, register\n\n\n"
        '@register("mine")\n'
        "def law(fan_in, fan_out=None, *, scale=1.0, decay=0.0):\n"
        '    """Weights that make up for the leak."""\n'
        "    return Law.normal(variance=scale * (1 - decay**2) / fan_in, mean=0.01)\n"
    )
    user_files.load(path)
    user_files.load(path)  # a second worker, or a second configuration
    network = FakeNetwork(dense(300, 200, Neuron(decay=0.6)))
    initialize(network, "mine", generator=generator(), scale=2.0)
    assert_follows(network.layers[0].weight, Law.normal(variance=2 * 0.64 / 300, mean=0.01))
    assert "mine" in registry.names()


def test_a_users_file_cannot_take_the_name_of_a_published_initialiser(user_code):
    path = user_code / "mine.py"
    path.write_text(
        "from spikeinit.initializers import Law, register\n"
        '@register("he")\ndef law(fan_in, fan_out=None):\n    return Law.normal(variance=1.0)\n'
    )
    with pytest.raises(UserError, match=r"'he' is registered by spikeinit\.initializers\.he of this package"):
        user_files.load(path)
    assert law("he", fan_in=50).variance == pytest.approx(0.04)


def test_a_users_unknown_draw_is_refused(user_code):
    @registry.register("odd", draw="magic")
    def odd(fan_in, fan_out=None):
        return Law.normal(variance=1.0)

    with pytest.raises(UserError, match="draw = 'magic'; known: independent"):
        initialize(FakeNetwork(dense(10, 10)), "odd", generator=generator())


def test_pytorch_law_is_that_of_a_fresh_linear_layer():
    law = registry.get("pytorch").law(fan_in=300)
    torch.manual_seed(0)
    layer = torch.nn.Linear(300, 400)
    bound = math.sqrt(3 * law.variance)
    assert law.bias is None  # biases as PyTorch draws them
    assert layer.weight.abs().max().item() == pytest.approx(bound, rel=1e-3)
    assert layer.weight.abs().max().item() <= bound
    assert layer.weight.var().item() == pytest.approx(law.variance, rel=0.02)
