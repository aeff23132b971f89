"""The GPU kernel, in Triton: one program walks a block of neurons through all time steps, forward and backward.

A block's potential stays in registers; memory is read and written once per value. Every program stores its own share
of the parameters' gradients, which torch then sums in a fixed order: no atomics, the same bits every time. With
TRITON_INTERPRET=1 the kernel runs on CPU tensors, slowly, for tests.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from spikeinit.kernels.neurons.dynamics import Dynamics
from spikeinit.kernels.surrogates import LOGISTIC, OVERFLOWING, RATIONAL

BLOCK = 512

RATIONAL_PROFILE = tl.constexpr(RATIONAL)
LOGISTIC_PROFILE = tl.constexpr(LOGISTIC)
OVERFLOWING_PROFILE = tl.constexpr(OVERFLOWING)


@triton.jit
def _parameter(pointer, place, mask, per_neuron: tl.constexpr):
    if per_neuron:
        return tl.load(pointer + place, mask=mask, other=0)
    return tl.load(pointer + place * 0)


@triton.jit
def _fires(potential, threshold, inclusive: tl.constexpr):
    if inclusive:
        return (potential >= threshold).to(threshold.dtype)
    return (potential > threshold).to(threshold.dtype)


@triton.jit
def _start(initial, offsets, place, mask, per_neuron: tl.constexpr, per_image: tl.constexpr):
    """Initial potentials: one, one for each neuron of an image, or one for each neuron of each image."""
    if per_image:
        return tl.load(initial + offsets, mask=mask, other=0)
    return _parameter(initial, place, mask, per_neuron)


@triton.jit
def _slope(x, profile: tl.constexpr, height: tl.constexpr, scale: tl.constexpr):
    scaled = x * scale
    if profile == RATIONAL_PROFILE:
        return height / (scaled * scaled + 1)
    if profile == LOGISTIC_PROFILE:
        decreasing = tl.exp(-2 * tl.abs(scaled))
        return decreasing * (4 * height) / ((decreasing + 1) * (decreasing + 1))
    if profile == OVERFLOWING_PROFILE:
        growing = tl.exp(scaled * -2)
        return growing * (4 * height) / ((growing + 1) * (growing + 1))
    return (tl.abs(scaled) < 1).to(x.dtype) * height


@triton.jit
def _after(u, spikes, threshold, subtract: tl.constexpr):
    """What the next step finds of a potential that fired or not: what is left to decay, and what is taken away."""
    if subtract:
        return u, threshold * spikes
    return u * (1 - spikes), threshold * 0


@triton.jit
def _forward(current, decay, threshold, initial, amplitude, potential, output, steps, total, neurons,
             decay_per_neuron: tl.constexpr, threshold_per_neuron: tl.constexpr, initial_per_neuron: tl.constexpr,
             amplitude_per_neuron: tl.constexpr, initial_per_image: tl.constexpr, gain: tl.constexpr,
             subtract: tl.constexpr, inclusive: tl.constexpr, spike_delay: tl.constexpr, keep: tl.constexpr,
             block: tl.constexpr):  # fmt: skip
    offsets = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    mask = offsets < total
    place = offsets % neurons
    decay_values = _parameter(decay, place, mask, decay_per_neuron)
    threshold_values = _parameter(threshold, place, mask, threshold_per_neuron)
    amplitude_values = _parameter(amplitude, place, mask, amplitude_per_neuron)
    u = _start(initial, offsets, place, mask, initial_per_neuron, initial_per_image)
    memory = u
    reset = threshold_values * 0
    spikes = reset
    here = offsets
    for _ in range(steps):
        if spike_delay:
            spikes = _fires(u, threshold_values, inclusive)
            memory, reset = _after(u, spikes, threshold_values, subtract)
        drive = tl.load(current + here, mask=mask, other=0).to(threshold_values.dtype) * gain
        u = decay_values * memory + drive - reset
        if not spike_delay:
            spikes = _fires(u, threshold_values, inclusive)
            memory, reset = _after(u, spikes, threshold_values, subtract)
        if keep:
            tl.store(potential + here, u, mask=mask)
        tl.store(output + here, spikes * amplitude_values, mask=mask)
        here += total


@triton.jit
def _add_up(values, target, offsets, mask, per_neuron: tl.constexpr):
    """Store each neuron's value, or their sum over the block where one parameter serves them all."""
    if per_neuron:
        tl.store(target + offsets, values, mask=mask)
    else:
        tl.store(target + tl.program_id(0), tl.sum(tl.where(mask, values, 0), axis=0))


@triton.jit
def _back(u, later, grad_output, decay, threshold, amplitude, subtract: tl.constexpr, inclusive: tl.constexpr,
          detach_reset: tl.constexpr, profile: tl.constexpr, height: tl.constexpr, scale: tl.constexpr):  # fmt: skip
    """From the loss's derivative by u[t+1], `later`, and by the spike of u[t], `grad_output`, those by three things:

    u[t] through its spike, m[t] without its own decay, and the threshold.
    """
    spikes = _fires(u, threshold, inclusive)
    by_spike = amplitude * grad_output.to(threshold.dtype)
    if not detach_reset:
        if subtract:
            by_spike -= threshold * later
        else:
            by_spike -= decay * u * later
    through_spike = _slope(u - threshold, profile, height, scale) * by_spike
    if subtract:
        return through_spike, later, -(through_spike + spikes * later)
    return through_spike, later * (1 - spikes), -through_spike


@triton.jit
def _backward(potential, decay, threshold, initial, amplitude, grad_output, grad_potential, grad_current,
              decay_shares, threshold_shares, initial_shares, steps, total, last_row, neurons,
              decay_per_neuron: tl.constexpr, threshold_per_neuron: tl.constexpr, initial_per_neuron: tl.constexpr,
              amplitude_per_neuron: tl.constexpr, initial_per_image: tl.constexpr, gain: tl.constexpr,
              subtract: tl.constexpr, inclusive: tl.constexpr, spike_delay: tl.constexpr, detach_reset: tl.constexpr,
              profile: tl.constexpr, height: tl.constexpr, scale: tl.constexpr, with_grad_potential: tl.constexpr,
              want_decay: tl.constexpr, want_threshold: tl.constexpr, want_initial: tl.constexpr,
              block: tl.constexpr):  # fmt: skip
    offsets = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    mask = offsets < total
    place = offsets % neurons
    decay_values = _parameter(decay, place, mask, decay_per_neuron)
    threshold_values = _parameter(threshold, place, mask, threshold_per_neuron)
    amplitude_values = _parameter(amplitude, place, mask, amplitude_per_neuron)
    initial_values = _start(initial, offsets, place, mask, initial_per_neuron, initial_per_image)
    later = tl.zeros([block], dtype=threshold_values.dtype)  # the loss's derivative by u[t+1]
    decay_share = later
    threshold_share = later
    here = offsets + last_row
    for _ in range(steps):
        u = tl.load(potential + here, mask=mask, other=0)
        if spike_delay:  # the spike goes out one step later, that of the last potential never
            by_spike = tl.load(grad_output + here + total, mask=mask & (here < last_row), other=0)
        else:
            by_spike = tl.load(grad_output + here, mask=mask, other=0)
        through_spike, kept, by_threshold = _back(u, later, by_spike, decay_values, threshold_values,
                                                  amplitude_values, subtract, inclusive, detach_reset, profile, height,
                                                  scale)  # fmt: skip
        threshold_share += by_threshold
        decay_share += kept * u
        later = through_spike + decay_values * kept
        if with_grad_potential:
            later += tl.load(grad_potential + here, mask=mask, other=0)
        tl.store(grad_current + here, later * gain, mask=mask)
        here -= total
    if spike_delay:  # the initial potential fires in step 0
        by_spike = tl.load(grad_output + offsets, mask=mask, other=0)
        through_spike, kept, by_threshold = _back(initial_values, later, by_spike, decay_values, threshold_values,
                                                  amplitude_values, subtract, inclusive, detach_reset, profile, height,
                                                  scale)  # fmt: skip
        threshold_share += by_threshold
        decay_share += kept * initial_values
        later = through_spike + decay_values * kept
    else:
        decay_share += later * initial_values
        later = decay_values * later
    if want_decay:
        _add_up(decay_share, decay_shares, offsets, mask, decay_per_neuron)
    if want_threshold:
        _add_up(threshold_share, threshold_shares, offsets, mask, threshold_per_neuron)
    if want_initial:
        _add_up(later, initial_shares, offsets, mask, initial_per_neuron or initial_per_image)


def empty(shape: torch.Size, stride: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Uninitialised memory on the device for a large result; torch recycles it."""
    return torch.empty_strided(shape, stride, dtype=dtype, device=device)


def forward(
    current: torch.Tensor,
    decay: torch.Tensor,
    threshold: torch.Tensor,
    initial_potential: torch.Tensor,
    amplitude: torch.Tensor,
    *,
    dynamics: Dynamics,
    output: torch.Tensor,
    potential: torch.Tensor | None,
) -> None:
    """Fill `output` and, if given, `potential`, both [T, N], from `current` [T, N] and parameters [1] or [P].

    The initial potential may be [B, P], a value for each of the N neurons.
    """
    steps, total = current.shape
    if total == 0:
        return
    parameters = (decay, threshold, initial_potential, amplitude)
    with torch.cuda.device_of(current):
        _forward[(triton.cdiv(total, BLOCK),)](
            current,
            *parameters,
            output if potential is None else potential,
            output,
            steps,
            total,
            max(parameter.shape[-1] for parameter in parameters),
            *(parameter.shape[-1] > 1 for parameter in parameters),
            initial_per_image=initial_potential.ndim == 2,
            gain=dynamics.gain,
            subtract=dynamics.subtract,
            inclusive=dynamics.inclusive,
            spike_delay=dynamics.spike_delay,
            keep=potential is not None,
            block=BLOCK,
            enable_fp_fusion=False,  # a fused multiply-add rounds once, the reference twice: spikes could differ
        )


def backward(
    potential: torch.Tensor,
    decay: torch.Tensor,
    threshold: torch.Tensor,
    initial_potential: torch.Tensor,
    amplitude: torch.Tensor,
    *,
    dynamics: Dynamics,
    grad_output: torch.Tensor,
    grad_potential: torch.Tensor | None,
    grad_current: torch.Tensor,
    wanted: tuple[bool, bool, bool],
) -> list[torch.Tensor]:
    """Fill `grad_current` [T, N]; return the gradients [1] or [P] of decay, threshold and initial potential.

    `grad_current` may be `potential` itself. Gradients that are not `wanted` are meaningless. That of an initial
    potential [B, P] has its shape.
    """
    steps, total = potential.shape
    parameters = (decay, threshold, initial_potential, amplitude)
    blocks = triton.cdiv(total, BLOCK)
    shares = [
        potential.new_empty(0 if not want else total if parameter.shape[-1] > 1 or parameter.ndim == 2 else blocks)
        for parameter, want in zip(parameters, wanted, strict=False)
    ]
    if total > 0:
        with torch.cuda.device_of(potential):
            _backward[(blocks,)](
                potential,
                *parameters,
                grad_output,
                grad_output if grad_potential is None else grad_potential,
                grad_current,
                *shares,
                steps,
                total,
                (steps - 1) * total,
                max(parameter.shape[-1] for parameter in parameters),
                *(parameter.shape[-1] > 1 for parameter in parameters),
                initial_per_image=initial_potential.ndim == 2,
                gain=dynamics.gain,
                subtract=dynamics.subtract,
                inclusive=dynamics.inclusive,
                spike_delay=dynamics.spike_delay,
                detach_reset=dynamics.detach_reset,
                profile=dynamics.surrogate.profile,
                height=dynamics.surrogate.height,
                scale=dynamics.surrogate.scale,
                with_grad_potential=grad_potential is not None,
                want_decay=wanted[0],
                want_threshold=wanted[1],
                want_initial=wanted[2],
                block=BLOCK,
            )
    return [
        share.double() if parameter.ndim == 2 else share.reshape(-1, parameter.numel()).sum(0, dtype=torch.float64)
        for share, parameter in zip(shares, parameters, strict=False)
    ]
