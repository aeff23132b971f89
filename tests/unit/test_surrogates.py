from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from spikeinit.kernels.surrogates import gradient, surrogate
from spikeinit.names.neurons import SURROGATES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import snntorch.surrogate

AREAS = {"arctan_over_pi": lambda slope: 1 / (math.pi * slope), "rectangular": lambda slope: 2 * slope}


@pytest.mark.parametrize("slope", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("name", SURROGATES)
def test_area(name, slope):
    def at(x):
        return gradient(name, torch.tensor(x, dtype=torch.float64), slope).item()

    jumps = [1 / (2 * slope), slope]
    pieces = [0.0, *sorted(jumps), 50 / slope]
    area = 2 * sum(quad(at, low, high)[0] for low, high in itertools.pairwise(pieces))
    area += 2 * quad(at, pieces[-1], np.inf)[0]
    assert area == pytest.approx(AREAS.get(name, lambda slope: 1.0)(slope), rel=1e-6)


@pytest.mark.parametrize("slope", [0.7, 2.0])
def test_formulas_as_printed(slope):
    x = torch.linspace(-3, 3, 41, dtype=torch.float64)
    s = torch.sigmoid(slope * x)
    expected = {
        "arctan": slope / (1 + (math.pi * slope * x) ** 2),
        "arctan_over_pi": (1 / math.pi) / (1 + (math.pi * x * (2 * slope) / 2) ** 2),
        "sigmoid": slope * s * (1 - s),
        "overflowing_sigmoid": slope * s * (1 - s),
        "tanh": slope / 2 * (1 - torch.tanh(slope * x) ** 2),
        "hardtanh": slope * (x.abs() < 1 / (2 * slope)).double(),
        "rectangular": (x.abs() < slope).double(),
    }
    assert set(expected) == set(SURROGATES)
    for name, values in expected.items():
        torch.testing.assert_close(gradient(name, x, slope), values, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("alpha", [1.0, 2.0, 5.0])
def test_arctan_is_snntorch_atan_of_twice_the_slope(alpha):
    x = torch.linspace(-2, 2, 33, dtype=torch.float64, requires_grad=True)
    snntorch.surrogate.atan(alpha=alpha)(x).sum().backward()
    torch.testing.assert_close(gradient("arctan", x.detach(), alpha / 2), x.grad, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", [name for name in SURROGATES if name != "overflowing_sigmoid"])
def test_far_out_is_finite(name):
    values = gradient(name, torch.tensor([-1e30, -200.0, 200.0, 1e30]), 1.0)
    assert torch.isfinite(values).all()
    assert (values < 1e-4).all()


def test_the_sigmoid_is_finite_where_its_printed_formula_is_not():
    x = torch.tensor([-20.0, -9.0, -3.0, 0.1, 20.0])
    decreasing = (-10 * x).exp()
    printed = 10 * decreasing / (1 + decreasing) ** 2
    assert printed.isnan().tolist() == [True, True, False, False, False]
    exact = (-10 * x.double()).exp()
    exact = 10 * exact / (1 + exact) ** 2
    torch.testing.assert_close(gradient("sigmoid", x, 10.0), exact.float(), rtol=1e-5, atol=1e-30)
    torch.testing.assert_close(gradient("overflowing_sigmoid", x, 10.0), printed, equal_nan=True)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"surrogate='atan'.*arctan_over_pi"):
        surrogate("atan")
    for slope in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="slope"):
            surrogate("arctan", slope)
