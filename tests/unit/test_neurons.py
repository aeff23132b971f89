"""The neuron model against traces by hand, an independent recursion and snnTorch."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from neuron_cases import assert_same, outcome, random_case

from spikeinit.kernels.surrogates import surrogate
from spikeinit.names.neurons import COMPILED_RESETS
from spikeinit.neurons import integrate_and_fire

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import snntorch
    import snntorch.surrogate

WORKFLOW = Path(__file__).parents[2] / "workflow"


@pytest.mark.parametrize("kernel", ["reference", "cpu"])
class TestHandTraces:
    def test_soft_reset_takes_the_whole_threshold(self, kernel):
        # decay 0.5, threshold 1, input 0.75 each step, by hand:
        # u = 0.75, 1.125 (spike), 0.5*1.125 + 0.75 - 1 = 0.3125, 0.90625, 1.203125 (spike), 0.3515625
        spikes, potential = integrate_and_fire(
            torch.full((6, 1), 0.75), decay=0.5, threshold=1.0, kernel=kernel, return_potential=True
        )
        assert spikes[:, 0].tolist() == [0, 1, 0, 0, 1, 0]
        assert potential[:, 0].tolist() == [0.75, 1.125, 0.3125, 0.90625, 1.203125, 0.3515625]

    def test_hard_reset_forgets(self, kernel):
        # u = 0.75, 1.125 (spike), 0.75, 1.125 (spike)
        spikes, potential = integrate_and_fire(
            torch.full((4, 1), 0.75), decay=0.5, threshold=1.0, reset="zero", kernel=kernel, return_potential=True
        )
        assert spikes[:, 0].tolist() == [0, 1, 0, 1]
        assert potential[:, 0].tolist() == [0.75, 1.125, 0.75, 1.125]

    @pytest.mark.parametrize("reset", COMPILED_RESETS)
    def test_threshold_is_exceeded_strictly_unless_inclusive(self, kernel, reset):
        current = torch.tensor([[1.0], [0.0]])
        options = {"decay": 1.0, "threshold": 1.0, "reset": reset, "kernel": kernel}
        assert integrate_and_fire(current, **options)[:, 0].tolist() == [0, 0]
        assert integrate_and_fire(current, **options, inclusive=True)[:, 0].tolist() == [1, 0]

    def test_converted_neuron(self, kernel):
        # integrate, threshold 2, start at threshold / 2, output in units of the threshold; input 0.75:
        # u = 1.75, 2.5 (spike), 1.25, 2.0 (inclusive spike)
        output = integrate_and_fire(
            torch.full((4, 1), 0.75), decay=1.0, threshold=2.0, initial_potential=1.0, amplitude=2.0, inclusive=True,
            kernel=kernel,
        )  # fmt: skip
        assert output[:, 0].tolist() == [0, 2, 0, 2]

    def test_gain_scales_the_input(self, kernel):
        # u = 0.2*0 + 0.5*4 = 2 (no spike at threshold 2), 0.2*2 + 2 = 2.4 (spike)
        output = integrate_and_fire(torch.full((2, 1), 4.0), decay=0.2, threshold=2.0, gain=0.5, kernel=kernel)
        assert output[:, 0].tolist() == [0, 1]

    @pytest.mark.parametrize("kind", ["number", "per image"])
    def test_delayed_spike_and_soft_reset(self, kernel, kind):
        # decay 0.5, threshold 1, input 0.75, start at 1.25, which spikes in step 0:
        # u = 0.5*1.25 + 0.75 - 1 = 0.375, 0.9375, 1.21875, then s: 0.609375 + 0.75 - 1 = 0.359375, 0.9296875,
        # 1.21484375, whose spike would be that of a seventh step
        start = 1.25 if kind == "number" else torch.tensor([[1.25], [0.0]])
        spikes, potential = integrate_and_fire(
            torch.full((6, 2, 1), 0.75), decay=0.5, threshold=1.0, initial_potential=start, spike_delay=1,
            kernel=kernel, return_potential=True,
        )  # fmt: skip
        assert spikes[:, 0, 0].tolist() == [1, 0, 0, 1, 0, 0]
        assert potential[:, 0, 0].tolist() == [0.375, 0.9375, 1.21875, 0.359375, 0.9296875, 1.21484375]
        if kind == "per image":  # the second image starts at zero: the trace without delay, its spikes a step later
            assert spikes[:, 1, 0].tolist() == [0, 0, 1, 0, 0, 1]
            assert potential[:, 1, 0].tolist() == [0.75, 1.125, 0.3125, 0.90625, 1.203125, 0.3515625]

    def test_delayed_spike_and_hard_reset(self, kernel):
        # start at 1.25: the spike of step 0 sets it to zero before it decays, and the input of step 0 is kept:
        # u = 0.75, 0.5*0.75 + 0.75 = 1.125, then s: 0.75, 1.125, then s: 0.75, 1.125
        spikes, potential = integrate_and_fire(
            torch.full((6, 1), 0.75), decay=0.5, threshold=1.0, initial_potential=1.25, spike_delay=1, reset="zero",
            kernel=kernel, return_potential=True,
        )  # fmt: skip
        assert spikes[:, 0].tolist() == [1, 0, 1, 0, 1, 0]
        assert potential[:, 0].tolist() == [0.75, 1.125, 0.75, 1.125, 0.75, 1.125]

    def test_every_image_starts_at_its_own_potential(self, kernel):
        # without delay the start does not spike itself: 0.5*1.25 + 0.75 = 1.375 (spike), 0.4375, 0.96875, 1.234375
        spikes, potential = integrate_and_fire(
            torch.full((4, 2), 0.75), decay=0.5, threshold=1.0, initial_potential=torch.tensor([1.25, 0.0]),
            kernel=kernel, return_potential=True,
        )  # fmt: skip
        assert spikes.T.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0]]
        assert potential.T.tolist() == [[1.375, 0.4375, 0.96875, 1.234375], [0.75, 1.125, 0.3125, 0.90625]]


def sensitivities(current, decay, threshold, initial, amplitude, gain, *, subtract, detach, slope_at, spike_delay):
    """Output, u and their derivatives by (i[0], ..., i[T-1], decay, threshold, initial) of one neuron, forward mode."""
    if spike_delay:
        return delayed_sensitivities(
            current, decay, threshold, initial, amplitude, gain, subtract=subtract, detach=detach, slope_at=slope_at
        )
    steps = len(current)
    by_input, by_decay, by_threshold, by_initial = np.split(np.eye(steps + 3), [steps, steps + 1, steps + 2])
    memory, d_memory = initial, by_initial[0]
    reset, d_reset = 0.0, np.zeros(steps + 3)
    rows = []
    for t in range(steps):
        u = decay * memory + gain * current[t] - reset
        d_u = by_decay[0] * memory + decay * d_memory + gain * by_input[t] - d_reset
        spike = float(u > threshold)
        d_spike = slope_at(u - threshold) * (d_u - by_threshold[0])
        d_resetting = 0 * d_spike if detach else d_spike
        if subtract:
            memory, d_memory = u, d_u
            reset, d_reset = threshold * spike, by_threshold[0] * spike + threshold * d_resetting
        else:
            memory, d_memory = u * (1 - spike), d_u * (1 - spike) - u * d_resetting
        rows.append((amplitude * spike, u, amplitude * d_spike, d_u))
    return [np.array(column) for column in zip(*rows, strict=True)]


def delayed_sensitivities(current, decay, threshold, initial, amplitude, gain, *, subtract, detach, slope_at):
    """The same with the spike delay: fire what the step before left, reset it, decay, integrate."""
    steps = len(current)
    by_input, by_decay, by_threshold, by_initial = np.split(np.eye(steps + 3), [steps, steps + 1, steps + 2])
    u, d_u = initial, by_initial[0]
    rows = []
    for t in range(steps):
        spike = float(u > threshold)
        d_spike = slope_at(u - threshold) * (d_u - by_threshold[0])
        d_resetting = 0 * d_spike if detach else d_spike
        if subtract:
            left, d_left = decay * u, by_decay[0] * u + decay * d_u
            left, d_left = left - threshold * spike, d_left - by_threshold[0] * spike - threshold * d_resetting
        else:
            kept, d_kept = u * (1 - spike), d_u * (1 - spike) - u * d_resetting
            left, d_left = decay * kept, by_decay[0] * kept + decay * d_kept
        u, d_u = left + gain * current[t], d_left + gain * by_input[t]
        rows.append((amplitude * spike, u, amplitude * d_spike, d_u))
    return [np.array(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("kernel", ["reference", "cpu"])
@pytest.mark.parametrize(
    ("reset", "detach", "spike_delay", "by_image"),
    list(itertools.product(COMPILED_RESETS, [True, False], [0, 1], [False, True])),
)
def test_gradients_are_those_of_an_independent_recursion(kernel, reset, detach, spike_delay, by_image):
    current, parameters = random_case((7, 1, 5), (5,))
    parameters["initial_potential"] -= 0.5
    parameters["initial_potential"][:2] += 1.5  # two that spike themselves where they can
    if by_image:
        parameters["initial_potential"] = parameters["initial_potential"][None]
    options = {"gain": 1.3, "reset": reset, "detach_reset": detach, "slope": 0.8, "spike_delay": spike_delay}
    actual = outcome(current, parameters, kernel=kernel, **options)
    parameters["initial_potential"] = parameters["initial_potential"].flatten()
    actual[5] = actual[5].flatten()
    generator = torch.Generator().manual_seed(1)
    weight_output, weight_potential = (
        torch.randn(7, 1, 5, generator=generator, dtype=torch.float64).numpy() for _ in range(2)
    )
    for n in range(5):
        values = [parameters[name][n].item() for name in ("decay", "threshold", "initial_potential", "amplitude")]
        output, potential, d_output, d_potential = sensitivities(
            current[:, 0, n].numpy(), *values, 1.3, subtract=reset == "subtract", detach=detach,
            slope_at=lambda x: 0.8 / (1 + (np.pi * 0.8 * x) ** 2), spike_delay=spike_delay,
        )  # fmt: skip
        expected = weight_output[:, 0, n] @ d_output + weight_potential[:, 0, n] @ d_potential
        np.testing.assert_allclose(actual[0][:, 0, n], output, rtol=1e-12)
        np.testing.assert_allclose(actual[1][:, 0, n], potential, rtol=1e-12)
        np.testing.assert_allclose(actual[2][:, 0, n], expected[:7], rtol=1e-10, atol=1e-13)
        found = [actual[position][n].item() for position in (3, 4, 5)]
        np.testing.assert_allclose(found, expected[7:], rtol=1e-10, atol=1e-13)
        by_amplitude = weight_output[:, 0, n] @ output / values[3]
        assert actual[6][n].item() == pytest.approx(by_amplitude, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("kernel", ["reference", "cpu"])
@pytest.mark.parametrize(("reset", "spike_delay"), list(itertools.product(COMPILED_RESETS, [0, 1])))
def test_gradients_are_finite_differences_where_no_spike_can_change(kernel, reset, spike_delay):
    """With a window as surrogate that holds none of the potentials, the derivatives are the true ones."""
    current, parameters = random_case((5, 3, 4), (4,), by_image=True)
    leaves = [value.requires_grad_() for value in (current, *parameters.values())]

    def fire(current, *values):
        return integrate_and_fire(
            current, **dict(zip(parameters, values, strict=True)), surrogate="rectangular", slope=1e-4, reset=reset,
            spike_delay=spike_delay, detach_reset=False, kernel=kernel, return_potential=True,
        )  # fmt: skip

    spikes, potential = fire(*leaves)
    assert (potential - parameters["threshold"]).abs().min() > 1e-4
    assert spikes[0].any() or not spike_delay
    assert 0.1 < (spikes > 0).double().mean() < 0.6
    assert torch.autograd.gradcheck(fire, leaves, eps=1e-6)


class DoubleATan(snntorch.surrogate.ATan):
    """snnTorch's default surrogate, whose float32 spikes would round the gradients, with spikes of the input's type."""

    @staticmethod
    def forward(ctx, x, alpha):
        return snntorch.surrogate.ATan.forward(ctx, x, alpha).to(x.dtype)


@pytest.mark.parametrize("kernel", ["reference", "cpu"])
@pytest.mark.parametrize(("reset", "per_neuron"), list(itertools.product(COMPILED_RESETS, [False, True])))
def test_is_snntorch_leaky(kernel, reset, per_neuron):
    generator = torch.Generator().manual_seed(3)
    current = torch.randn(9, 4, 6, generator=generator, dtype=torch.float64)
    size = (6,) if per_neuron else ()
    decay = torch.rand(size, generator=generator, dtype=torch.float64)
    threshold = 0.5 + torch.rand(size, generator=generator, dtype=torch.float64)
    weights = [torch.randn(current.shape, generator=generator, dtype=torch.float64) for _ in range(2)]

    layer = snntorch.Leaky(
        decay,
        threshold=threshold,
        spike_grad=lambda x: DoubleATan.apply(x, 2.0),
        learn_beta=True,
        learn_threshold=True,
        reset_mechanism=reset,
    )
    theirs_current = current.clone().requires_grad_()
    memory = torch.zeros(4, 6, dtype=torch.float64)
    steps = []
    for step in theirs_current:
        spikes, memory = layer(step, memory)
        steps.append((spikes, memory))
    theirs = [torch.stack(part) for part in zip(*steps, strict=True)]
    leaves = [theirs_current, layer.beta, layer.threshold]
    theirs_gradients = torch.autograd.grad(sum((w * p).sum() for w, p in zip(weights, theirs, strict=True)), leaves)

    ours_leaves = [value.clone().requires_grad_() for value in (current, decay, threshold)]
    ours = integrate_and_fire(
        ours_leaves[0], decay=ours_leaves[1], threshold=ours_leaves[2], reset=reset, slope=1.0, kernel=kernel,
        return_potential=True,
    )  # fmt: skip
    gradients = torch.autograd.grad(sum((w * p).sum() for w, p in zip(weights, ours, strict=True)), ours_leaves)
    assert 0.05 < ours[0].mean().item() < 0.6
    assert_same(
        [part.detach() for part in (*ours, *gradients)],
        [part.detach() for part in (*theirs, *theirs_gradients)],
        rtol=1e-10,
        atol=1e-12,
    )


def test_half_precision_goes_to_the_reference():
    output = integrate_and_fire(torch.full((6, 1), 0.75, dtype=torch.bfloat16), decay=0.5, threshold=1.0)
    assert output.dtype == torch.bfloat16
    assert output[:, 0].tolist() == [0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("current", "options", "message"),
    [
        (torch.zeros(0, 2), {}, "T >= 1"),
        (torch.zeros(3), {}, r"\[T, B"),
        (torch.zeros(3, 2, dtype=torch.int64), {}, "floating-point"),
        (np.zeros((3, 2)), {}, "current is a ndarray: give a floating-point tensor"),
        (
            torch.zeros(3, 1, 2),
            {"decay": np.ones(2)},
            r"decay is a ndarray of shape \[2\]: give one number, or a tensor",
        ),
        (torch.zeros(3, 1, 2), {"threshold": [1.0, 1.0]}, "threshold is a list: give one number, or a tensor of torch"),
        (torch.zeros(3, 1, 2), {"amplitude": None}, "amplitude is a NoneType"),
        (torch.zeros(3, 1, 2), {"gain": torch.ones(2)}, r"gain is a Tensor of shape \[2\]: give one number$"),
        (torch.zeros(3, 2, 4), {"decay": torch.zeros(3)}, r"decay has shape \[3\]"),
        (torch.zeros(3, 2, 4), {"threshold": torch.ones(2, 4)}, r"threshold has shape \[2, 4\]"),
        (torch.zeros(3, 2), {"reset": "soft"}, "reset='soft'.*subtract, zero"),
        (torch.zeros(3, 2, 4), {"initial_potential": torch.ones(3, 4)}, r"initial_potential has shape \[3, 4\]"),
        (torch.zeros(3, 2, 4), {"decay": torch.ones(2, 4)}, r"decay has shape \[2, 4\]"),
        (torch.zeros(3, 2), {"spike_delay": 2}, "spike_delay=2: .* 0 or 1"),
        (torch.zeros(3, 2), {"surrogate": "atan"}, "surrogate='atan'"),
        (torch.zeros(3, 2), {"slope": 0.0}, "slope"),
        (torch.zeros(3, 2), {"kernel": "fast"}, "kernel='fast'"),
        (torch.zeros(3, 2, dtype=torch.float16), {"kernel": "cpu"}, "float16"),
    ],
)
def test_wrong_arguments_are_named(current, options, message):
    with pytest.raises(ValueError, match=message):
        integrate_and_fire(current, **{"decay": 0.5, "threshold": 1.0, **options})


def test_names_and_surrogates_come_without_torch():
    code = "import sys, spikeinit.names.neurons, spikeinit.kernels.surrogates; print('torch' in sys.modules)"
    finished = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(WORKFLOW)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert finished.stdout.strip() == "False"


# --- a soft reset before the leak


@pytest.mark.parametrize("detach_reset", [True, False])
@pytest.mark.parametrize("spike_delay", [0, 1])
def test_a_reset_before_the_leak_is_a_potential_that_loses_the_threshold_and_then_decays(detach_reset, spike_delay):
    """Against a loop by hand, u = decay (u - threshold s) + gain i, with its gradients by autograd."""
    current, parameters = random_case((6, 3, 4), (4,))
    options = {"gain": 0.7, "spike_delay": spike_delay, "detach_reset": detach_reset}
    ours = outcome(current, parameters, reset="subtract_before_leak", **options)

    current = current.detach().requires_grad_()
    decay, threshold, initial, amplitude = (
        parameters[name].detach().requires_grad_() for name in ("decay", "threshold", "initial_potential", "amplitude")
    )
    spike = surrogate("arctan", 1.0)

    def fire(u):
        x = u - threshold
        return (x > 0).double() + (spike.gradient(x.detach()) * (x - x.detach()))

    u, kept, outputs, potentials = initial.expand(3, 4), initial.expand(3, 4), [], []
    for step in current:
        if spike_delay:
            s = fire(u)
            kept = u - threshold * (s.detach() if detach_reset else s)
        u = decay * kept + 0.7 * step
        if not spike_delay:
            s = fire(u)
            kept = u - threshold * (s.detach() if detach_reset else s)
        outputs.append(amplitude * s)
        potentials.append(u)
    results = [torch.stack(outputs), torch.stack(potentials)]
    generator = torch.Generator().manual_seed(1)
    loss = sum((torch.randn(part.shape, generator=generator, dtype=part.dtype) * part).sum() for part in results)
    leaves = {"decay": decay, "threshold": threshold, "initial_potential": initial, "amplitude": amplitude}
    by_hand = torch.autograd.grad(loss, [current, *(leaves[name] for name in parameters)])
    assert results[0].sum() > 3
    assert_same(ours, [*(part.detach() for part in results), *by_hand])
    assert not torch.equal(ours[1], outcome(current.detach(), parameters, reset="subtract", **options)[1])


def test_a_reset_before_the_leak_is_the_reference_kernels_alone():
    current = torch.ones(2, 1, 3)
    chosen = integrate_and_fire(current, decay=0.5, threshold=1.0, reset="subtract_before_leak")
    plain = integrate_and_fire(current, decay=0.5, threshold=1.0, reset="subtract_before_leak", kernel="reference")
    assert torch.equal(chosen, plain)
    with pytest.raises(ValueError, match="has no reset 'subtract_before_leak'"):
        integrate_and_fire(current, decay=0.5, threshold=1.0, reset="subtract_before_leak", kernel="cpu")
