"""Encodings against binomial bounds, a pixel-by-pixel walk in exact fractions, and snnTorch."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spikeinit.encoding import encode, is_binary
from spikeinit.errors import UserError
from spikeinit.names.encodings import ENCODINGS, OF_RECORDINGS, complete

GREYS = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", sorted(set(ENCODINGS) - OF_RECORDINGS))
def test_every_encoding_gives_time_first_input_of_the_asked_type(name):
    images = torch.randint(0, 256, (3, 2, 5, 4), dtype=torch.uint8, generator=seeded(0))
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        encoded = encode(images, name, 7, generator=seeded(1), statistics=(0.4, 0.3), dtype=dtype)
        assert encoded.shape == (7, 3, 2, 5, 4)
        assert encoded.dtype == dtype
        assert is_binary(name) == bool(((encoded == 0) | (encoded == 1)).all())


def test_standardized_images_have_mean_zero_and_variance_one():
    values = GREYS.double() / 255
    encoded = encode(GREYS, "standardized", 2, statistics=(values.mean().item(), values.std(correction=0).item()))
    assert encoded.mean().item() == pytest.approx(0, abs=1e-6)
    assert encoded.std(correction=0).item() == pytest.approx(1, abs=1e-6)
    with pytest.raises(ValueError, match="needs the mean and standard deviation"):
        encode(GREYS, "standardized", 2)


@pytest.mark.parametrize("black", [0, 1, 3], ids=["few black", "half black", "mostly black"])
def test_rate_fires_with_the_pixel_as_probability(black):
    # Each grey value is drawn 20,000 times, among so many images of black pixels, which may be drawn another way. The
    # count is binomial; with 256 values tested at once, a bound that a right encoder breaks with probability 1e-9 per
    # value makes a false alarm practically impossible.
    draws = 20_000
    images = torch.cat([torch.zeros_like(GREYS)] * black + [GREYS])
    spikes = encode(images, "rate", draws, generator=seeded(3), dtype=torch.uint8)
    assert not spikes[:, : -len(GREYS)].any()
    counts = spikes[:, -len(GREYS) :].sum(0, dtype=torch.int64).flatten()
    for grey, count in enumerate(counts.tolist()):
        low, high = scipy.stats.binom.interval(1 - 1e-9, draws, grey / 255)
        assert low <= count <= high, grey
    assert counts[0] == 0
    assert counts[255] == draws


def test_rate_tells_255_grey_levels_from_256():
    # pixel / 256 instead of pixel / 255 is the tempting mistake of drawing whole bytes: 128 in a million draws more.
    images = torch.full((1, 1, 1000, 1000), 254, dtype=torch.uint8)
    silent = 20e6 - encode(images, "rate", 20, generator=seeded(4), dtype=torch.uint8).sum(dtype=torch.int64).item()
    low, high = scipy.stats.binom.interval(1 - 1e-9, 20_000_000, 1 / 255)
    assert low <= silent <= high


@pytest.mark.parametrize("black", [0, 2], ids=["none black", "mostly black"])
def test_rate_draws_are_independent_between_steps_and_pixels(black):
    images = torch.full((1, 1, 200, 200), 128, dtype=torch.uint8)
    images = torch.cat([images] + [torch.zeros_like(images)] * black)
    spikes = encode(images, "rate", 11, generator=seeded(5), dtype=torch.float64)[:, 0, 0] - 128 / 255
    variance = 128 / 255 * (1 - 128 / 255)
    for first, second in (
        (spikes[1:], spikes[:-1]),
        (spikes[:, 1:], spikes[:, :-1]),
        (spikes[..., 1:], spikes[..., :-1]),
    ):
        correlation = (first * second).mean().item() / variance
        assert abs(correlation) < 6 / first.numel() ** 0.5


def test_rate_is_decided_by_the_generator_alone():
    first = encode(GREYS, "rate", 8, generator=seeded(7))
    torch.rand(10)
    assert torch.equal(first, encode(GREYS, "rate", 8, generator=seeded(7)))
    assert not torch.equal(first, encode(GREYS, "rate", 8, generator=seeded(8)))
    state = torch.get_rng_state()
    encode(GREYS, "rate", 8, generator=seeded(7))
    assert torch.equal(state, torch.get_rng_state())


def test_rate_has_the_law_of_snntorch():
    from snntorch import spikegen

    theirs = spikegen.rate(GREYS / 255, num_steps=4000).mean(0)
    ours = encode(GREYS, "rate", 4000, generator=seeded(2)).mean(0)
    assert (theirs - ours).abs().max() < 6 * (2 * 0.25 / 4000) ** 0.5


def test_constant_repeats_the_value_and_standardises_on_request():
    encoded = encode(GREYS, "constant", 3)
    assert torch.equal(encoded, (GREYS.float() / 255).repeat(3, 1, 1, 1, 1))
    assert encoded.max() == 1
    standardised = encode(GREYS, "constant", 2, mean=0.1307, std=0.3081, dtype=torch.float64)
    by_hand = [(grey / 255 - 0.1307) / 0.3081 for grey in range(256)]
    assert standardised[1].flatten().tolist() == pytest.approx(by_hand, rel=1e-6, abs=1e-6)


def test_constant_takes_one_mean_and_deviation_per_channel():
    from torchvision.transforms.functional import normalize

    images = torch.randint(0, 256, (4, 3, 5, 5), generator=seeded(0), dtype=torch.uint8)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    encoded = encode(images, "constant", 2, mean=mean, std=std)
    expected = normalize(images.float() / 255, mean, std)
    assert encoded.shape == (2, 4, 3, 5, 5)
    assert torch.allclose(encoded[1], expected)
    with pytest.raises(UserError, match="3 values for images of 1 channels"):
        encode(images[:, :1], "constant", 1, mean=mean)


def test_static_spikes_fire_above_one_half_in_every_step():
    encoded = encode(GREYS, "static_spikes", 4)
    assert encoded[0].flatten().tolist() == [float(Fraction(grey, 255) > Fraction(1, 2)) for grey in range(256)]
    assert torch.equal(encoded[3], encoded[0])


@settings(max_examples=40, deadline=None)
@given(timesteps=st.integers(1, 60), threshold=st.integers(1, 40), phase=st.integers(0, 39))
def test_retina_is_the_integrator_walked_step_by_step(timesteps, threshold, phase):
    # Sixteenths are exact in binary, so the walk in exact fractions must agree on every single spike.
    threshold, phase = Fraction(threshold, 16), Fraction(phase, 16) % Fraction(threshold, 16)
    encoded = encode(GREYS, "retina", timesteps, threshold=float(threshold), phase=float(phase)).flatten(1)
    for grey in (0, 1, 2, 51, 85, 100, 127, 128, 170, 254, 255):
        potential, train = phase, []
        for _ in range(timesteps):
            potential += Fraction(grey, 255)
            train.append(float(potential >= threshold))
            potential -= threshold * int(train[-1])
        assert encoded[:, grey].tolist() == train, grey


def test_retina_counts_are_the_floor_of_the_integral():
    counts = encode(GREYS, "retina", 20).sum(0).flatten().tolist()
    assert counts == [20 * grey // 255 for grey in range(256)]


@pytest.mark.parametrize(
    ("name", "parameters", "part"),
    [
        ("rat", {}, "did you mean rate?"),
        ("rate", {"threshold": 1.0}, "takes no parameter 'threshold'; it takes: none"),
        ("retina", {"treshold": 1.0}, "it takes: threshold, phase"),
        ("retina", {"threshold": 0.0}, "threshold = 0.0; it must be above 0"),
        ("retina", {"phase": 1.0}, "phase = 1.0; it must be at least 0 and below the threshold, 1.0"),
        ("constant", {"std": 0.0}, "std = 0.0"),
        ("constant", {"mean": float("nan")}, "a finite number is needed"),
        ("constant", {"mean": "0.1"}, "a finite number is needed"),
        ("constant", {"mean": [0.1, float("inf")]}, "a finite number is needed"),
        ("constant", {"std": [0.2, 0.0]}, "std = [0.2, 0.0]"),
        ("constant", {"mean": []}, "a finite number is needed"),
        ("retina", {"phase": [0.1]}, "a finite number is needed"),
    ],
)
def test_wrong_names_and_parameters_are_explained(name, parameters, part):
    with pytest.raises(UserError) as caught:
        complete(name, parameters)
    assert part in str(caught.value)
    with pytest.raises(UserError):
        encode(GREYS, name, 2, generator=seeded(0), **parameters)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"images are torch\.float32"):
        encode(GREYS.float(), "constant", 2)
    with pytest.raises(ValueError, match="timesteps = 0"):
        encode(GREYS, "constant", 0)
    with pytest.raises(ValueError, match="generator"):
        encode(GREYS, "rate", 2)
    with pytest.raises(UserError, match="unknown"):
        is_binary("poisson")


def test_the_table_of_encodings_imports_neither_torch_nor_numpy():
    code = "import sys, spikeinit.names.encodings; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "workflow"}, check=False).returncode == 0
