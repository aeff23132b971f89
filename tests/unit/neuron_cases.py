"""Shared by the tests of the neuron model: random cases, and everything that comes out of one."""

from __future__ import annotations

import torch

from spikeinit.neurons import integrate_and_fire


def outcome(current, parameters, *, seed=1, return_potential=True, **options):
    """Output, potential and every gradient of a random linear function of them."""
    current = current.detach().requires_grad_()
    leaves = {
        name: torch.as_tensor(value, dtype=current.dtype).detach().requires_grad_()
        for name, value in parameters.items()
    }
    result = integrate_and_fire(current, **leaves, return_potential=return_potential, **options)
    results = result if return_potential else (result,)
    generator = torch.Generator().manual_seed(seed)
    loss = sum((torch.randn(part.shape, generator=generator, dtype=part.dtype) * part).sum() for part in results)
    gradients = torch.autograd.grad(loss, [current, *leaves.values()])
    return [part.detach() for part in (*results, *gradients)]


def assert_same(actual, expected, **tolerance):
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours, theirs, **(tolerance or {"rtol": 1e-9, "atol": 1e-10}))


def random_case(shape, neurons, *, seed=0, by_image=False):
    """A current and parameters at which neurons spike now and then; `neurons` is the parameters' shape.

    by_image: the initial potential has a value for every image and neuron, some of them above the threshold.
    """
    generator = torch.Generator().manual_seed(seed)
    current = torch.randn(shape, generator=generator, dtype=torch.float64)
    names = ("decay", "threshold", "initial_potential", "amplitude")
    draws = {name: torch.rand(neurons, generator=generator, dtype=torch.float64) for name in names}
    draws["threshold"] += 0.3
    if by_image:
        draws["initial_potential"] = 1.5 * torch.randn(shape[1:], generator=generator, dtype=torch.float64)
    return current, draws
