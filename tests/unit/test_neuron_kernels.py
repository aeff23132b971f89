"""The compiled neuron kernels against the reference, and their memory."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from neuron_cases import assert_same, outcome, random_case

from spikeinit.kernels.native import SERIAL
from spikeinit.kernels.neurons.cpu import CHUNK
from spikeinit.kernels.neurons.loops import kernel as compile_kernel
from spikeinit.kernels.neurons.memory import SMALLEST, Recycler
from spikeinit.names.neurons import COMPILED_RESETS, SPIKE_DELAYS, SURROGATES
from spikeinit.neurons import integrate_and_fire

WORKFLOW = Path(__file__).parents[2] / "workflow"


@pytest.mark.parametrize("name", SURROGATES)
@pytest.mark.parametrize(
    ("reset", "detach", "per_neuron"), list(itertools.product(COMPILED_RESETS, [True, False], [True, False]))
)
def test_cpu_kernel_is_the_reference(name, reset, detach, per_neuron):
    current, parameters = random_case((6, 3, 4, 5), (4, 5) if per_neuron else ())
    options = {"surrogate": name, "slope": 0.9, "gain": 0.7, "reset": reset, "detach_reset": detach}
    expected = outcome(current, parameters, kernel="reference", **options)
    assert_same(outcome(current, parameters, kernel="cpu", **options), expected)
    assert_same(
        outcome(current, parameters, kernel="cpu", return_potential=False, **options),
        outcome(current, parameters, kernel="reference", return_potential=False, **options),
    )


@pytest.mark.parametrize("name", SURROGATES)
@pytest.mark.parametrize(
    ("reset", "detach", "neurons", "by_image"),
    list(itertools.product(COMPILED_RESETS, [True, False], [(), (4, 5)], [True, False])),
)
def test_cpu_kernel_with_spike_delay_is_the_reference(name, reset, detach, neurons, by_image):
    current, parameters = random_case((6, 3, 4, 5), neurons, by_image=by_image)
    options = {"surrogate": name, "slope": 0.9, "gain": 0.7, "reset": reset, "detach_reset": detach, "spike_delay": 1}
    assert_same(
        outcome(current, parameters, kernel="cpu", **options),
        outcome(current, parameters, kernel="reference", **options),
    )
    assert_same(
        outcome(current, parameters, kernel="cpu", return_potential=False, **options),
        outcome(current, parameters, kernel="reference", return_potential=False, **options),
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_cpu_kernel_is_the_reference_for_any_shape(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=5), label="shape"))
    order = data.draw(st.permutations(range(2, len(shape))), label="order of the neurons' dimensions in memory")
    mixed = [data.draw(st.sampled_from([1, size])) for size in shape[2:]]
    inclusive = data.draw(st.booleans())
    by_image = data.draw(st.booleans())
    current, parameters = random_case(shape, mixed[data.draw(st.integers(0, len(mixed))) :], by_image=by_image)
    current = current.permute(0, 1, *order).contiguous().permute(0, 1, *(2 + order.index(d) for d in sorted(order)))
    assert current.shape == torch.Size(shape)
    options = {"reset": data.draw(st.sampled_from(COMPILED_RESETS)), "inclusive": inclusive}
    options["spike_delay"] = data.draw(st.sampled_from(SPIKE_DELAYS))
    assert_same(
        outcome(current, parameters, kernel="cpu", **options),
        outcome(current, parameters, kernel="reference", **options),
    )


@pytest.mark.parametrize(
    ("shape", "neurons"),
    [
        ((2, 2, CHUNK + 7), (CHUNK + 7,)),  # a tile of more than one chunk
        ((2, CHUNK + 3, 3), (3,)),  # many tiles, the last one short
        ((2, 3 * CHUNK + 1, 2), ()),
        ((1, 1, 1), (1,)),
        ((2, 0, 3), (3,)),
    ],
)
@pytest.mark.parametrize(("by_image", "spike_delay"), [(False, 0), (True, 0), (True, 1)])
def test_sizes_around_the_chunks(shape, neurons, by_image, spike_delay):
    current, parameters = random_case(shape, neurons, by_image=by_image)
    assert_same(
        outcome(current, parameters, kernel="cpu", spike_delay=spike_delay),
        outcome(current, parameters, kernel="reference", spike_delay=spike_delay),
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("reset", "spike_delay"), list(itertools.product(COMPILED_RESETS, SPIKE_DELAYS)))
def test_forward_equals_the_reference_bit_for_bit(dtype, reset, spike_delay):
    current, start = torch.randn(21, 5, 1000, generator=torch.Generator().manual_seed(5)).to(dtype).split([20, 1])
    options = {"decay": 0.77, "threshold": 0.9, "gain": 1.1, "reset": reset, "return_potential": True}
    options |= {"spike_delay": spike_delay, "initial_potential": start[0]}
    for ours, theirs in zip(
        integrate_and_fire(current, **options, kernel="cpu"),
        integrate_and_fire(current, **options, kernel="reference"),
        strict=True,
    ):
        assert torch.equal(ours, theirs)


def test_channels_last_stays_channels_last_without_a_copy():
    generator = torch.Generator().manual_seed(0)
    merged = torch.randn(6, 4, 5, 3, generator=generator, dtype=torch.float64)
    merged = merged.contiguous(memory_format=torch.channels_last)
    current = merged.unflatten(0, (3, 2)).requires_grad_()
    decay = torch.rand(4, 1, 1, generator=generator, dtype=torch.float64).requires_grad_()
    threshold = torch.rand(4, 5, 3, generator=generator, dtype=torch.float64).requires_grad_()
    output = integrate_and_fire(current, decay=decay, threshold=threshold, kernel="cpu")
    assert output.stride() == current.stride()
    assert output.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)
    (by_current,) = torch.autograd.grad(output.sum(), current, retain_graph=True)
    assert by_current.stride() == current.stride()
    weights = torch.randn(output.shape, generator=generator, dtype=torch.float64)  # of other strides than the output
    actual = torch.autograd.grad((weights * output).sum(), (current, decay, threshold))
    plain = integrate_and_fire(current.contiguous(), decay=decay, threshold=threshold, kernel="reference")
    assert_same(actual, torch.autograd.grad((weights * plain).sum(), (current, decay, threshold)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("start_shape", [(2, 4, 5, 3), (1, 4, 5, 3), (2, 4, 1, 1)])
@pytest.mark.parametrize("spike_delay", SPIKE_DELAYS)
def test_start_of_each_image_with_channels_last_currents(dtype, start_shape, spike_delay):
    """Sums over the same values in another order: single precision agrees to its own rounding."""
    generator = torch.Generator().manual_seed(0)
    merged = torch.randn(6, 4, 5, 3, generator=generator, dtype=dtype).contiguous(memory_format=torch.channels_last)
    current = merged.unflatten(0, (3, 2)).requires_grad_()
    start = torch.randn(start_shape, generator=generator, dtype=dtype).requires_grad_()
    decay = torch.rand(4, 1, 1, generator=generator, dtype=dtype).requires_grad_()
    weights = torch.randn(current.shape, generator=generator, dtype=dtype)
    results = []
    for kernel in ("cpu", "reference"):
        output = integrate_and_fire(
            current, decay=decay, threshold=0.8, initial_potential=start, spike_delay=spike_delay, kernel=kernel
        )
        results.append([output, *torch.autograd.grad((weights * output).sum(), (current, decay, start))])
    assert results[0][0].stride() == current.stride()
    assert results[0][3].abs().sum() > 0
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype == torch.float32 else {}
    assert_same(results[0], results[1], **tolerance)


@pytest.mark.parametrize("kernel", ["reference", "cpu"])
@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_a_steep_surrogate_far_from_the_threshold_has_no_overflow(kernel, name):
    current = torch.tensor([[-1e4, -30.0, -9.0, 0.9, 30.0, 1e4]]).repeat(3, 1).requires_grad_()
    output = integrate_and_fire(current, decay=0.9, threshold=1.0, surrogate=name, slope=10.0, kernel=kernel)
    (gradient,) = torch.autograd.grad(output.sum(), current)
    assert torch.isfinite(gradient).all()
    assert (gradient[:, 3] > 0.01).any()
    assert gradient[:, [0, 5]].abs().max() == 0


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:, :, ::2],
        lambda x: x.transpose(0, 1),
        lambda x: x.transpose(1, 2),
        lambda x: x[:1].expand(4, -1, -1),
    ],
    ids=["strided", "time inside", "images inside", "expanded"],
)
def test_any_strides_are_understood(view):
    current, parameters = random_case((5, 6, 4), ())
    current = view(current)
    assert_same(outcome(current, parameters, kernel="cpu"), outcome(current, parameters, kernel="reference"))


def test_gradients_do_not_depend_on_the_number_of_threads():
    current, parameters = random_case((4, SERIAL // 300, 100), (100,))
    del parameters["amplitude"]  # its gradient is a sum of torch's own
    assert current.numel() > SERIAL
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            for learned in (parameters, {name: value.mean() for name, value in parameters.items()}):
                results.append(outcome(current.float(), learned, kernel="cpu"))
    finally:
        torch.set_num_threads(threads)
    for other in (*results[2::2], *results[3::2]):
        pair = results[0] if other[3].ndim else results[1]
        assert all(torch.equal(first, second) for first, second in zip(pair, other, strict=True))


def test_backward_twice_on_a_kept_graph():
    current, _ = random_case((5, 2, 3), ())
    current.requires_grad_()
    decay = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)
    output = integrate_and_fire(current, decay=decay, threshold=0.8, kernel="cpu")
    first = torch.autograd.grad(output.sum(), (current, decay), retain_graph=True)
    first = [part.clone() for part in first]
    second = torch.autograd.grad(output.sum(), (current, decay), retain_graph=True)
    last = torch.autograd.grad(output.sum(), (current, decay))
    assert_same(second, first, rtol=0, atol=0)
    assert_same(last, first, rtol=0, atol=0)


def test_a_returned_potential_survives_the_backward_pass():
    current, _ = random_case((5, 2, 3), ())
    output, potential = integrate_and_fire(
        current.requires_grad_(), decay=0.5, threshold=0.8, kernel="cpu", return_potential=True
    )
    before = potential.detach().clone()
    output.sum().backward()
    assert torch.equal(potential, before)


def test_without_gradients_nothing_is_kept_and_nothing_changes():
    current, _ = random_case((5, 2, 3), ())
    decay = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    learning = integrate_and_fire(current, decay=decay, threshold=0.8, kernel="cpu")
    with torch.no_grad():
        evaluating = integrate_and_fire(current, decay=decay, threshold=0.8, kernel="cpu")
    assert learning.requires_grad
    assert not evaluating.requires_grad
    assert torch.equal(learning, evaluating)


def test_memory_is_handed_out_again_only_when_nobody_looks_at_it():
    recycler = Recycler()
    shape, stride = torch.Size([2, SMALLEST]), (1, 2)
    first = recycler.empty(shape, stride, torch.float32)
    address = first.data_ptr()
    assert first.stride() == stride
    assert address % 64 == 0
    part = first[1, 5:].detach()
    del first
    assert recycler.empty(shape, stride, torch.float32).data_ptr() != address
    del part
    again = [recycler.empty(shape, stride, torch.float32) for _ in range(2)]
    assert address in [tensor.data_ptr() for tensor in again]


def test_idle_memory_is_limited():
    recycler = Recycler(largest_idle=SMALLEST)
    tensors = [recycler.empty(torch.Size([SMALLEST]), (1,), torch.uint8) for _ in range(3)]
    del tensors
    assert recycler.idle_bytes == SMALLEST


def test_compiles_where_nothing_can_be_cached(monkeypatch):
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])

    def double(x):
        return 2 * x

    assert compile_kernel(double)(21) == 42


INTERPRETED = """
import itertools, sys
sys.path.insert(0, {tests!r})
import torch
from neuron_cases import assert_same, outcome, random_case
from spikeinit.neurons import integrate_and_fire
from spikeinit.names.neurons import COMPILED_RESETS, SURROGATES

starts = [(0, False), (1, False), (0, True), (1, True)]
cases = itertools.product(COMPILED_RESETS, [True, False], [(), (3, 1), (3, 200)], starts)
for reset, detach, neurons, (delay, by_image) in cases:
    current, parameters = random_case((4, 2, 3, 200), neurons, by_image=by_image)
    current = current.transpose(2, 3).contiguous().transpose(2, 3)
    for name in SURROGATES if neurons == () else SURROGATES[:1]:
        options = dict(gain=0.7, slope=0.9, surrogate=name, reset=reset, detach_reset=detach, inclusive=not detach)
        options["spike_delay"] = delay
        assert_same(
            outcome(current, parameters, kernel="gpu", **options),
            outcome(current, parameters, kernel="reference", **options),
        )
for shape, delay in [((1, 1, 1), 0), ((2, 1, 1), 1), ((3, 0, 2), 0), ((3, 0, 2), 1), ((2, 700), 0), ((2, 700), 1)]:
    current, parameters = random_case(shape, (), by_image=delay == 1)
    options = dict(return_potential=False, spike_delay=delay)
    assert_same(
        outcome(current, parameters, kernel="gpu", **options),
        outcome(current, parameters, kernel="reference", **options),
    )
# Half precision is computed in float32 and only stored in half precision.
current = torch.randn(6, 50, generator=torch.Generator().manual_seed(0)).bfloat16().requires_grad_()
output, potential = integrate_and_fire(current, decay=0.5, threshold=1.0, kernel="gpu", return_potential=True)
exact, exact_potential = integrate_and_fire(
    current.detach().float(), decay=0.5, threshold=1.0, kernel="reference", return_potential=True
)
assert output.dtype == torch.bfloat16 and potential.dtype == torch.float32
assert torch.equal(output.float(), exact) and torch.equal(potential, exact_potential)
output.sum().backward()
assert current.grad.dtype == torch.bfloat16
print("same")
"""


@pytest.mark.slow
def test_interpreted_gpu_kernel_is_the_reference():
    pytest.importorskip("triton")
    finished = subprocess.run(
        [sys.executable, "-c", INTERPRETED.format(tests=str(Path(__file__).parent))],
        env={**os.environ, "PYTHONPATH": str(WORKFLOW), "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.stdout.strip() == "same", finished.stderr


@pytest.mark.parametrize("kind", ["fp32", "fp64", "bf16"])
@pytest.mark.parametrize("delayed", [False, True])
def test_gpu_kernel_compiles_without_a_gpu(kind, delayed, monkeypatch, tmp_path):
    pytest.importorskip("triton")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from triton.compiler import compile as compile_for

    from spikeinit.kernels.neurons import gpu

    constants = {
        "decay_per_neuron": False, "threshold_per_neuron": True, "initial_per_neuron": False,
        "amplitude_per_neuron": False, "initial_per_image": delayed, "gain": 0.8, "subtract": True, "inclusive": False,
        "spike_delay": int(delayed), "keep": True, "detach_reset": False, "profile": 0, "height": 0.8, "scale": 2.5,
        "with_grad_potential": False, "want_decay": True, "want_threshold": True, "want_initial": True,
        "block": gpu.BLOCK,
    }  # fmt: skip
    stored = ("current", "output", "grad_output", "grad_current")  # in the type of the current, all else as computed
    for function, options in ((gpu._forward, {"enable_fp_fusion": False}), (gpu._backward, {})):
        signature = {}
        for name in function.arg_names:
            if name in constants:
                signature[name] = "constexpr"
            elif name in ("steps", "total", "neurons", "last_row"):
                signature[name] = "i64"
            else:
                signature[name] = f"*{kind}" if name in stored or kind == "fp64" else "*fp32"
        values = {(function.arg_names.index(name),): constants[name] for name in constants if name in signature}
        source = ASTSource(function, signature, constexprs=values)
        code = compile_for(source, target=GPUTarget("cuda", 80, 32), options=options).asm["ptx"]
        assert ("fma" in code) == (function is gpu._backward)  # forward rounds every product, as the reference does
        if kind == "fp64":
            assert np.float64(0.8).tobytes()[::-1].hex() in code.lower()  # the constants are not rounded to float32
