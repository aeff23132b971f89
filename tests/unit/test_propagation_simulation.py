"""Signals through deep untrained networks: against brute force, theory and scipy; gradients against a pass by hand."""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.stats
import torch

from spikeinit.errors import UserError
from spikeinit.initializers import law, registry
from spikeinit.initializers.law import Law
from spikeinit.randomness import stream
from spikeinit.simulation import currents
from spikeinit.simulation.gradients import gradient_norms
from spikeinit.simulation.mean_field import predict, predicted_ratio
from spikeinit.simulation.networks import DeepNetwork, simulate

FIGURE_2_THRESHOLDS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def same(left: np.ndarray, right: np.ndarray) -> None:
    """The two samples may come from one distribution (Kolmogorov and Smirnov)."""
    assert scipy.stats.ks_2samp(left, right).pvalue > 1e-3


# --- what is recorded -------------------------------------------------------------------------------------------------


def test_first_layer_is_the_input_and_its_statistics_are_scipys():
    network = DeepNetwork(depth=1, width=300, threshold=0.7)
    signals = simulate("he", network, repeats=2, seed=3)
    assert signals.variance.shape == (2, 1, 1)
    for repeat in range(2):
        image = torch.randn(300, generator=stream(3, f"propagation/{repeat}")).double().numpy()
        assert signals.mean[repeat, 0, 0] == pytest.approx(image.mean())
        assert signals.variance[repeat, 0, 0] == pytest.approx(image.var(ddof=1))
        assert signals.skewness[repeat, 0, 0] == pytest.approx(scipy.stats.skew(image))
        assert signals.excess_kurtosis[repeat, 0, 0] == pytest.approx(scipy.stats.kurtosis(image))
        assert signals.spikes[repeat, 0, 0] == (image > 0.7).sum()
    assert signals.firing_rate == pytest.approx(signals.spikes / 300)


@pytest.mark.parametrize("first_layer", ["integrate", "clamp"])
def test_first_layer_over_time(first_layer):
    network = DeepNetwork(depth=1, width=200, timesteps=4, decay=0.5, threshold=1.0, gain=0.3, first_layer=first_layer)
    signals = simulate("he", network, repeats=1, seed=0)
    image = torch.randn(200, generator=stream(0, "propagation/0")).double().numpy()
    potential = np.zeros(200)
    spikes = np.zeros(200)
    for step in range(4):
        potential = image if first_layer == "clamp" else 0.5 * potential + image - spikes
        spikes = potential > 1.0
        assert signals.spikes[0, 0, step] == spikes.sum()
        assert signals.variance[0, 0, step] == pytest.approx(potential.var(ddof=1), rel=1e-5)


def test_a_silent_layer_has_no_shape():
    signals = simulate("zenke_vogels2021", DeepNetwork(depth=12, width=50), repeats=3, seed=0)
    assert (signals.spikes[:, -1] == 0).all()
    assert (signals.variance[:, -1] == 0).all()
    assert np.isnan(signals.skewness[:, -1]).all()
    assert np.isnan(signals.excess_kurtosis[:, -1]).all()


def test_a_repeat_depends_on_the_seed_and_its_number_alone():
    network = DeepNetwork(depth=5, width=60, timesteps=3)
    for weights in ("drawn", "shortcut"):
        three = simulate("micheli2024", network, repeats=3, seed=1, weights=weights, threads=2)
        one = simulate("micheli2024", network, repeats=1, seed=1, weights=weights, threads=1)
        other = simulate("micheli2024", network, repeats=1, seed=2, weights=weights)
        assert np.array_equal(three.variance[:1], one.variance)
        assert np.array_equal(three.spikes[:1], one.spikes)
        assert not np.array_equal(one.variance, other.variance)


# --- currents: exact moments ------------------------------------------------------------------------------------------

TRAINS = torch.tensor([[1, 0, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0], [1, 0, 1, 1, 0, 0]]).float()
"""Four steps of six neurons: overlapping trains, a silent step, a repeated step."""


def many_currents(name: str, weights: Law, *, shortcut: bool, neurons: int) -> np.ndarray:
    """Currents [neurons, T] of independent draws for TRAINS."""
    repeats = math.ceil(neurons / 6)
    with ThreadPoolExecutor(1) as pool:
        current = currents.draw(
            registry.get(name),
            [weights] * repeats,
            TRAINS[:, None].repeat(1, repeats, 1),
            [generator(9)] * repeats,
            shortcut=shortcut,
            pool=pool,
        )
    return current.flatten(1).T.double().numpy()


@pytest.mark.parametrize(
    ("name", "weights", "shortcut"),
    [
        ("normal", Law.normal(mean=0.3, variance=0.5, bias=0.2), False),
        ("normal", Law.normal(mean=0.3, variance=0.5, bias=0.2), True),
        ("lee2016", Law.uniform(mean=-0.2, bound=0.9), False),
        ("lee2016", Law.uniform(mean=-0.2, bound=0.9), True),
        ("wu2018", law("wu2018", fan_in=6), False),
        ("lsuv", Law.normal(variance=0.4), False),
    ],
)
def test_currents_have_the_moments_of_a_weight_matrix(name, weights, shortcut):
    currents = many_currents(name, weights, shortcut=shortcut, neurons=12_000)
    counts, gram = TRAINS.sum(1).numpy(), (TRAINS @ TRAINS.T).numpy()
    expected_mean = weights.mean * counts + weights.bias
    expected_covariance = weights.variance * gram
    deviations = np.sqrt(np.diag(expected_covariance))
    # five standard errors; neurons of one orthogonal matrix are less dependent on each other than that
    assert np.all(np.abs(currents.mean(0) - expected_mean) <= 5 * deviations / math.sqrt(len(currents)))
    bound = 5 * np.sqrt(2 / len(currents)) * np.outer(deviations, deviations)
    assert np.all(np.abs(np.cov(currents.T) - expected_covariance) <= bound + 1e-12)
    assert np.all(currents[:, 2] == np.float32(weights.bias))  # no spike, no input
    np.testing.assert_allclose(currents[:, 3], currents[:, 0], atol=2e-6)  # same spikes, same input


def test_shortcut_draws_normal_currents():
    currents = many_currents("normal", Law.normal(variance=1.0), shortcut=True, neurons=6000)
    same(currents[:, 0] / math.sqrt(3), np.random.default_rng(0).standard_normal(6000))


def test_orthogonal_currents_keep_inner_products():
    current = currents.orthogonal_currents(TRAINS, Law.normal(variance=2 / 6), generator())
    torch.testing.assert_close(current @ current.T, 2 * TRAINS @ TRAINS.T, rtol=1e-5, atol=1e-5)


def test_normalised_rows_against_explicit_matrices():
    currents = many_currents("wu2018", law("wu2018", fan_in=6), shortcut=False, neurons=6000)[:, 0]
    matrix = np.random.default_rng(1).uniform(-1, 1, (6000, 6))
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    same(currents, matrix @ TRAINS[0].numpy())


# --- against brute force ----------------------------------------------------------------------------------------------


def brute_force(weights: Law, network: DeepNetwork, repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """Potential variance and spikes [repeats, depth, T] with full matrices, plainly looped."""
    random = np.random.default_rng(11)
    variance = np.empty((repeats, network.depth, network.timesteps))
    spikes = np.empty_like(variance)
    for repeat in range(repeats):
        currents = np.repeat(random.standard_normal((1, network.width)), network.timesteps, axis=0)
        for layer in range(network.depth):
            potential = emitted = np.zeros(network.width)
            train = []
            for step in range(network.timesteps):
                potential = network.decay * potential + currents[step] - network.threshold * emitted
                emitted = (potential > network.threshold).astype(float)
                train.append(emitted)
                variance[repeat, layer, step] = potential.var(ddof=1)
                spikes[repeat, layer, step] = emitted.sum()
            size = (network.width, network.width)
            if weights.distribution == "normal":
                matrix = random.normal(weights.mean, weights.standard_deviation, size)
            else:
                bound = math.sqrt(3 * weights.variance)
                matrix = random.uniform(weights.mean - bound, weights.mean + bound, size)
            currents = np.array(train) @ matrix.T + weights.bias
    return variance, spikes


@pytest.mark.parametrize("weights", ["drawn", "shortcut"])
@pytest.mark.parametrize("name", ["micheli2024", "ding2022", "lee2016"])
def test_simulation_against_full_matrices(name, weights):
    network = DeepNetwork(depth=4, width=40, timesteps=4, decay=0.6, threshold=0.6)
    accepted = {key: getattr(network, key) for key in ("threshold", "decay") if key in registry.get(name).parameters}
    variance, spikes = brute_force(law(name, fan_in=40, **accepted), network, repeats=250)
    signals = simulate(name, network, repeats=250, seed=4, weights=weights)
    for layer, step in ((1, 0), (1, 3), (3, 0), (3, 3)):
        same(signals.variance[:, layer, step], variance[:, layer, step])
        same(signals.spikes[:, layer, step], spikes[:, layer, step])
    same(signals.spikes[:, 3].sum(1), spikes[:, 3].sum(1))


@pytest.mark.parametrize("timesteps", [1, 6])
def test_shortcut_equals_drawn_in_distribution(timesteps):
    network = DeepNetwork(depth=8, width=100, timesteps=timesteps)
    drawn, shortcut = (
        simulate("normal", network, repeats=150, seed=5, weights=weights, parameters={"mean": 0.01, "sd": 0.25})
        for weights in ("drawn", "shortcut")
    )
    for quantity in ("mean", "variance", "skewness", "spikes"):
        same(getattr(drawn, quantity)[:, -1, -1], getattr(shortcut, quantity)[:, -1, -1])


# --- against theory: the claims of the paper --------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", FIGURE_2_THRESHOLDS)
def test_variance_is_kept_over_a_hundred_layers(threshold):
    network = DeepNetwork(threshold=threshold)
    signals = simulate("micheli2024", network, repeats=20, seed=0, weights="shortcut")
    np.testing.assert_allclose(signals.variance.mean(0)[:, 0], 1.0, atol=0.12)
    np.testing.assert_allclose(predict("micheli2024", network).variance, 1.0)
    expected_rate = scipy.stats.norm.sf(threshold)
    assert signals.firing_rate.mean() == pytest.approx(expected_rate, rel=0.05)


def test_kaiming_keeps_the_variance_at_threshold_zero_only():
    last = [
        simulate("he", DeepNetwork(threshold=threshold), repeats=10, seed=0, weights="shortcut").variance[:, -1].mean()
        for threshold in FIGURE_2_THRESHOLDS
    ]
    assert last[0] == pytest.approx(1.0, abs=0.1)
    assert all(left >= right for left, right in itertools.pairwise(last))
    assert last[-1] == 0


@pytest.mark.parametrize("name", ["he", "glorot", "lee2016", "bellec2018", "zenke_vogels2021", "wu2018", "ding2022"])
def test_baselines_die_where_theory_says(name):
    network = DeepNetwork(depth=20)
    signals, theory = simulate(name, network, repeats=10, seed=0), predict(name, network)
    busy = theory.firing_rate * network.width > 20
    np.testing.assert_allclose(signals.variance.mean(0)[busy, 0], theory.variance[busy], rtol=0.1)
    np.testing.assert_allclose(signals.mean.mean(0)[busy, 0], theory.mean[busy], atol=0.05)
    silent_from = theory.silent_from(network.width)
    assert silent_from is not None
    assert silent_from <= 6
    assert (signals.spikes[:, silent_from:] == 0).all()


def test_rossbroich_keeps_activity():
    network = DeepNetwork(decay=0.5)
    signals = simulate("rossbroich2022", network, repeats=10, seed=0, weights="shortcut")
    # at a single step the leak has not acted yet: 1 - 0.5^2 of the stationary variance
    np.testing.assert_allclose(signals.variance.mean(0)[1:, 0], 0.75, rtol=0.1)
    np.testing.assert_allclose(predict("rossbroich2022", network).variance[1:], 0.75)


def test_mean_field_follows_mean_weight_and_framework_bias():
    network = DeepNetwork(depth=4, width=2000, threshold=0.5)
    parameters = {"mean": 0.001, "sd": 0.03}
    signals = simulate("normal", network, repeats=30, seed=0, weights="shortcut", parameters=parameters)
    theory = predict("normal", network, parameters=parameters)
    assert theory.mean[1] == pytest.approx(2000 * 0.001 * scipy.stats.norm.sf(0.5))
    assert theory.variance[1] == pytest.approx(2000 * 0.03**2 * scipy.stats.norm.sf(0.5) + 1 / 6000)
    np.testing.assert_allclose(signals.mean.mean(0)[:, 0], theory.mean, atol=0.03)
    np.testing.assert_allclose(signals.variance.mean(0)[:, 0], theory.variance, rtol=0.05)


def test_lsuv_gives_every_layer_unit_variance():
    network = DeepNetwork(depth=6, width=200, timesteps=5)
    signals = simulate("lsuv", network, repeats=4, seed=0)
    over_steps_and_neurons = signals.variance.mean(2) * 199 / 200 + signals.mean.var(2)
    np.testing.assert_allclose(over_steps_and_neurons[:, 1:], 1.0, atol=0.015)
    assert predict("lsuv", network).variance == pytest.approx(np.ones(6))


@pytest.mark.parametrize(("width", "threshold", "lives"), [(100, 0.6, True), (100, 1.0, False), (600, 0.8, True)])
def test_finite_size_effect(width, threshold, lives):
    signals = simulate(
        "micheli2024", DeepNetwork(width=width, threshold=threshold), repeats=20, seed=0, weights="shortcut"
    )
    alive = signals.spikes[:, -1, 0] > 0
    assert alive.all() if lives else not alive.any()


# --- gradients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timesteps", [1, 4])
def test_gradient_norms_against_backpropagation_by_hand(timesteps):
    depth, width, decay, threshold, slope = 4, 30, 0.6, 0.5, 0.8
    network = DeepNetwork(depth=depth, width=width, timesteps=timesteps, decay=decay, threshold=threshold)
    norms = gradient_norms("micheli2024", network, repeats=2, seed=6, slope=slope)
    assert norms.current.shape == (2, depth)
    assert norms.weight.shape == (2, depth - 1)

    source = stream(6, "gradients/1")  # the same draws in the same order
    current = np.repeat(torch.randn(width, generator=source).double().numpy()[None], timesteps, axis=0)
    deviation = law("micheli2024", fan_in=width, threshold=threshold).standard_deviation
    matrices, potentials, trains = [], [], []
    for layer in range(depth):
        if layer:
            matrices.append(torch.randn(width, width, generator=source).double().numpy() * deviation)
            current = trains[-1] @ matrices[-1].T
        potential, emitted = np.zeros(width), np.zeros(width)
        potentials.append([])
        spikes = []
        for step in range(timesteps):
            potential = decay * potential + current[step] - threshold * emitted
            emitted = (potential > threshold).astype(float)
            potentials[-1].append(potential)
            spikes.append(emitted)
        trains.append(np.array(spikes))
    upstream = torch.randn(timesteps, 1, width, generator=source).double().numpy()[:, 0]
    for layer in reversed(range(depth)):
        gradient, later = np.zeros((timesteps, width)), np.zeros(width)
        for step in reversed(range(timesteps)):
            distance = potentials[layer][step] - threshold
            later = upstream[step] * slope / (1 + (math.pi * slope * distance) ** 2) + decay * later
            gradient[step] = later
        assert norms.current[1, layer] == pytest.approx(np.linalg.norm(gradient), rel=1e-4)
        if layer:
            assert norms.weight[1, layer - 1] == pytest.approx(np.linalg.norm(gradient.T @ trains[layer - 1]), rel=1e-4)
            upstream = gradient @ matrices[layer - 1]


@pytest.mark.parametrize(
    ("name", "threshold", "gain"),
    [
        ("micheli2024", 1.0, 1.0),
        ("kim_panda2021", 0.5, 2.0),
        ("ding2022", 0.7, 1.0),
        ("zheng2021", 0.5, 1.0),
        ("lsuv", 0.5, 2.0),
    ],
)
@pytest.mark.parametrize(("surrogate", "slope"), [("arctan", 1.0), ("sigmoid", 3.0)])
def test_mean_field_predicts_how_gradients_travel(name, threshold, gain, surrogate, slope):
    """Within four standard errors of networks of 400 neurons, and 0.1 decades for their finite width."""
    network = DeepNetwork(depth=8, width=400, threshold=threshold, gain=gain)
    norms = gradient_norms(name, network, repeats=6, seed=1, surrogate=surrogate, slope=slope).current
    decades = np.log10(norms[:, 0] / norms[:, -1])
    expected = predicted_ratio(name, network, predict(name, network), surrogate=surrogate, slope=slope)
    assert decades.mean() == pytest.approx(expected, abs=0.1 + 4 * decades.std(ddof=1) / math.sqrt(6))


def test_mean_field_predicts_no_gradient_through_silent_layers_of_measured_weights():
    network = DeepNetwork(depth=3, width=50, threshold=60.0)
    assert math.isnan(predicted_ratio("rossbroich2022", network, predict("rossbroich2022", network)))


def test_gradients_of_a_silent_network_do_not_reach_the_weights():
    norms = gradient_norms("zenke_vogels2021", DeepNetwork(depth=8, width=40), repeats=1, seed=0)
    assert norms.weight[0, -1] == 0
    assert norms.current[0, -1] > 0


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("micheli2042", {}, "did you mean micheli2024"),
        ("micheli2024", {"weights": "none"}, "weights = 'none'"),
        ("micheli2024", {"repeats": 0}, "repeats = 0"),
        ("micheli2024", {"parameters": {"mean": 0.1}}, "takes no parameter mean"),
        ("micheli2024", {"parameters": {"threshold": 40.0}}, "layers of 20 neurons: threshold = 40"),
        ("lee2016", {"parameters": {"threshold_factor": 1.5}}, "give it to the network"),
    ],
)
def test_user_errors(name, options, message):
    with pytest.raises(UserError, match=message):
        simulate(name, DeepNetwork(depth=2, width=20), **{"repeats": 1, "seed": 0, **options})


@pytest.mark.parametrize(
    "wrong", [{"depth": 0}, {"width": 1}, {"timesteps": 0}, {"decay": 1.5}, {"reset": "none"}, {"first_layer": "x"}]
)
def test_impossible_networks(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DeepNetwork(**wrong)
