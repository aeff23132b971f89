"""The normal law scaled to the published fan-in: moments by hand, the same bits at width 1, and where it is named."""

from __future__ import annotations

import copy
import dataclasses
import math

import pytest
import torch
import yaml
from bars import bars
from declared import differences

from spikeinit.errors import UserError
from spikeinit.initializers import initialize
from spikeinit.initializers.law import Law
from spikeinit.networks.build import new_network, published_fan_ins
from spikeinit.plan import from_mapping, runs
from spikeinit.randomness import stream
from spikeinit.specs import EncodingSpec, ImageSelection, InitializerSpec, NetworkSpec, NeuronSpec, TrainSpec
from spikeinit.studies import STUDIES
from spikeinit.training.job import initialized_network

DIGITS = bars(4, 0)
NORMAL = InitializerSpec("normal", {"mean": 0.01, "sd": 0.1}, fan_in="published")


def spec_of(network: NetworkSpec, initializer: InitializerSpec = NORMAL) -> TrainSpec:
    return TrainSpec(ImageSelection("bars"), network, EncodingSpec("rate", 4), NeuronSpec(), initializer, None, (0,))


def parameters(spec: TrainSpec) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Initial weights and biases of every weighted layer."""
    network = initialized_network(spec, 3, DIGITS, "cpu", "auto")
    return [(layer.weight.detach(), layer.bias.detach()) for layer in network.weighted_layers()]


def with_fan_in(spec: TrainSpec, fan_in: str, **values: float) -> TrainSpec:
    initializer = dataclasses.replace(spec.initializer, fan_in=fan_in)
    if values:
        initializer = dataclasses.replace(initializer, parameters=values)
    return dataclasses.replace(spec, initializer=initializer)


# --- the law


def test_the_scaled_law_by_hand():
    # 1152 inputs in the published network and 144 here: the mean times 8, the variance times 8
    scaled = Law.normal(mean=0.01, variance=0.01, bias=None).for_fan_in(144, published=1152)
    assert (scaled.mean, scaled.variance) == pytest.approx((0.08, 0.08))
    assert scaled.standard_deviation == pytest.approx(0.28284271)
    assert (scaled.bias, scaled.distribution) == (None, "normal")


@pytest.mark.parametrize("fan_in", [1, 9, 144, 1000, 9216])
@pytest.mark.parametrize("published", [9, 1152, 9216])
def test_a_sum_of_so_many_weights_keeps_its_mean_and_variance(fan_in, published):
    law = Law.normal(mean=-0.01, variance=0.1**2)
    scaled = law.for_fan_in(fan_in, published=published)
    assert fan_in * scaled.mean == pytest.approx(published * law.mean, rel=1e-12)
    assert fan_in * scaled.variance == pytest.approx(published * law.variance, rel=1e-12)


def test_where_the_fan_in_is_published_the_law_is_the_same_to_the_last_bit():
    law = Law.normal(mean=0.0123456789, variance=0.1**2)
    assert law.for_fan_in(9, published=9) == law


# --- the published fan-in


def test_published_fan_ins_come_from_the_network_at_width_1():
    # 3 x 3 kernels over 1, 128, 256, 512 and 1024 channels; images of 8 pixels leave one place: 512 inputs
    for width in (1 / 8, 0.1, 1.0):
        assert published_fan_ins(NetworkSpec("energy", width), DIGITS) == [9, 1152, 2304, 4608, 9216, 512]


def test_published_fan_ins_follow_the_options_the_images_and_the_pooling():
    pixels = DIGITS.shape[1] * DIGITS.shape[2]
    assert published_fan_ins(NetworkSpec("mlp", 0.5, {"hidden": [30, 20]}), DIGITS) == [pixels, 30, 20]
    full = new_network(spec_of(NetworkSpec("five_layer", 1.0)), 0, DIGITS, "auto")
    expected = [layer.weight[0].numel() for layer in full.weighted_layers()]
    assert published_fan_ins(NetworkSpec("five_layer", 1 / 16), DIGITS) == expected


# --- drawn weights


@pytest.mark.parametrize(
    ("network", "ratios"),
    [
        (NetworkSpec("energy", 1 / 8), [1, 8, 8, 8, 8, 8]),
        (NetworkSpec("energy", 0.1), [1, 128 / 13, 256 / 26, 512 / 51, 1024 / 102, 512 / 51]),
        (NetworkSpec("mlp", 0.5, {"hidden": [30, 20]}), [1, 2, 2]),
    ],
)
def test_every_layers_weights_are_the_same_draws_at_the_scaled_mean_and_deviation(network, ratios):
    spec = spec_of(network)
    standard = parameters(with_fan_in(spec, "own", mean=0.0, sd=1.0))
    scaled = parameters(with_fan_in(spec, "published", mean=0.01, sd=0.1))
    for (draws, _), (weight, _), ratio in zip(standard, scaled, ratios, strict=True):
        expected = draws.double() * 0.1 * math.sqrt(ratio) + 0.01 * ratio
        torch.testing.assert_close(weight.double(), expected, rtol=0, atol=1e-6)


def test_a_layer_of_unchanged_fan_in_keeps_its_weights_and_biases():
    spec = spec_of(NetworkSpec("energy", 1 / 8))
    (own, *others), (scaled, *scaled_others) = (parameters(with_fan_in(spec, kind)) for kind in ("own", "published"))
    assert all(map(torch.equal, own, scaled))
    assert not any(torch.equal(ours[0], theirs[0]) for ours, theirs in zip(others, scaled_others, strict=True))


def test_pytorchs_biases_keep_their_published_bound():
    spec = spec_of(NetworkSpec("energy", 1 / 8))
    own, scaled = (parameters(with_fan_in(spec, kind)) for kind in ("own", "published"))
    for (_, bias), (_, published), ratio in zip(own, scaled, [1, 8, 8, 8, 8, 8], strict=True):
        torch.testing.assert_close(published, bias / math.sqrt(ratio))
    assert scaled[1][1].abs().max() <= 1 / math.sqrt(1152) < own[1][1].abs().max()


@pytest.mark.parametrize("network", [NetworkSpec("energy"), NetworkSpec("mlp", options={"hidden": [30]})])
def test_at_width_1_the_weights_are_the_same_to_the_last_bit(network):
    own, published = (parameters(with_fan_in(spec_of(network), kind)) for kind in ("own", "published"))
    for ours, theirs in zip(own, published, strict=True):
        assert all(map(torch.equal, ours, theirs))


def test_first_and_last_layer_of_the_framework_keep_its_weights_and_the_published_bound_of_its_biases():
    spec = spec_of(NetworkSpec("energy", 1 / 8), dataclasses.replace(NORMAL, layers="hidden"))
    own, scaled = (parameters(with_fan_in(spec, kind)) for kind in ("own", "published"))
    assert all(map(torch.equal, own[0], scaled[0]))
    assert torch.equal(own[-1][0], scaled[-1][0])  # uniform within 1/sqrt(fan-in): the variance of a sum is 1/3
    torch.testing.assert_close(scaled[-1][1], own[-1][1] / math.sqrt(8))
    assert not torch.equal(own[1][0], scaled[1][0])


def test_a_law_that_has_the_fan_in_in_it_stays_what_it_is():
    spec = spec_of(NetworkSpec("energy", 1 / 8), InitializerSpec("he"))
    for own, scaled in zip(*(parameters(with_fan_in(spec, kind)) for kind in ("own", "published")), strict=True):
        torch.testing.assert_close(own[0], scaled[0])


def test_a_number_for_every_layer_is_needed():
    network = new_network(spec_of(NetworkSpec("energy", 1 / 8)), 0, DIGITS, "auto")
    with pytest.raises(ValueError, match="shorter"):
        initialize(network, "normal", generator=stream(0, "weights"), published_fan_in=[9, 1152])


# --- the study


@pytest.fixture
def config(checkout):
    """The configuration with a network of an eighth of the width and the law of the published fan-in."""
    config = yaml.safe_load((checkout / "config.yaml").read_text())
    config["energy"]["network"] = {"name": "energy", "width": 0.125}
    config["energy"]["initializer"]["fan_in"] = "published"
    return config


def changed(config, **network):
    config = copy.deepcopy(config)
    config["energy"]["network"] = network
    return config


def test_the_option_is_in_the_digest_and_in_the_labels_of_the_published_combinations_alone(config):
    planned = runs(from_mapping(config), "energy")
    config["energy"]["initializer"]["fan_in"] = "own"
    for ours, own in zip(planned, runs(from_mapping(config), "energy"), strict=True):
        normal = ours.spec.initializer.name == "normal"
        assert (ours.labels["fan_in"], own.labels["fan_in"]) == (("published", "own") if normal else (None, None))
        assert (ours.spec.seed_digest() != own.spec.seed_digest()) is normal


def test_the_scorecard_names_a_scaled_law_and_at_width_1_there_is_none(config):
    def found(config):
        return [text for text in differences(STUDIES["energy"], from_mapping(config)) if "fan_in" in text]

    (text,) = found(config)
    assert text.startswith("initializer.fan_in published at network.width 0.125 (weight_means and weight_sd scaled")
    assert found(changed(config, name="energy", width=1.0)) == []
    config["energy"]["initializer"]["fan_in"] = "own"
    assert found(config) == []


FAMILIES = """
from spikeinit.networks import Conv, Dense, Network, register


@register("fixed")
def fixed(classes, width=1.0):
    return Network("fixed", (Conv(4), Dense(classes)))


@register("shorter")
def shorter(classes, width=1.0):
    return Network("shorter", (*[Conv(4)] * round(4 * width), Dense(classes)))
"""


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("fixed", "fixed has the same layers at width 0.5 as at width 1"),
        ("shorter", "shorter has other kinds of layers at width 0.5 than at width 1"),
    ],
)
def test_a_network_without_a_published_fan_in_is_refused(config, user_code, tmp_path, name, what):
    (tmp_path / "families.py").write_text(FAMILIES)
    config["network_files"] = [str(tmp_path / "families.py")]
    with pytest.raises(UserError) as caught:
        from_mapping(changed(config, name=name, width=0.5))
    expected = f"energy.initializer.fan_in = 'published' {what}, so that there is no published fan-in"
    assert f"{expected}; give fan_in: own, or width 1" in " ".join(str(caught.value).split())
    config["energy"]["initializer"]["fan_in"] = "own"
    from_mapping(changed(config, name=name, width=0.5))
