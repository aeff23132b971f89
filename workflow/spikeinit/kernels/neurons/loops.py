"""The compiled loops of the CPU kernel over all time steps of one chunk of neurons after another.

The potential of a chunk stays in the cache from one step to the next, so that main memory is read and written once per
value: the forward pass reads the current and writes potential and output, the backward pass reads the potential and
the output's gradient. Loops over neurons are plain enough for the compiler to vectorise; the surrogate and the reset
are chosen outside them. No operation is reordered or fused: the forward pass equals the reference bit for bit.

All parameters are arrays of one length, the `tile`; the N neurons of the data are a row of tiles. The initial potential
may have a value for each of the N instead. A work item is one chunk (a range of columns) of all tiles of one group, see
`spikeinit.kernels.neurons.cpu`.
"""

from __future__ import annotations

import numpy as np

from spikeinit.kernels.native import inlined, kernel
from spikeinit.kernels.surrogates import LOGISTIC, OVERFLOWING, RATIONAL


@inlined
def _forward_step(previous, current, decay, threshold, level, amplitude, gain, subtract, potential, output):
    """One step of one chunk after the first: u and output from the u before."""
    zero = decay.dtype.type(0)
    one = decay.dtype.type(1)
    if subtract:
        for n in range(current.size):
            before = previous[n]
            reset = threshold[n] if before > level[n] else zero
            u = decay[n] * before + gain * current[n] - reset
            potential[n] = u
            output[n] = amplitude[n] if u > level[n] else zero
    else:
        for n in range(current.size):
            before = previous[n]
            memory = before * (zero if before > level[n] else one)
            u = decay[n] * memory + gain * current[n]
            potential[n] = u
            output[n] = amplitude[n] if u > level[n] else zero


@inlined
def _first_step(initial, current, decay, level, amplitude, gain, potential, output):
    zero = decay.dtype.type(0)
    for n in range(current.size):
        u = decay[n] * initial[n] + gain * current[n]
        potential[n] = u
        output[n] = amplitude[n] if u > level[n] else zero


@inlined
def _delayed_step(previous, current, decay, threshold, level, amplitude, gain, subtract, potential, output):
    """One step of one chunk with the spike delay: the u before fires, then the step's own u is computed."""
    zero = decay.dtype.type(0)
    one = decay.dtype.type(1)
    if subtract:
        for n in range(current.size):
            before = previous[n]
            reset = threshold[n] if before > level[n] else zero
            potential[n] = decay[n] * before + gain * current[n] - reset
            output[n] = amplitude[n] if before > level[n] else zero
    else:
        for n in range(current.size):
            before = previous[n]
            memory = before * (zero if before > level[n] else one)
            potential[n] = decay[n] * memory + gain * current[n]
            output[n] = amplitude[n] if before > level[n] else zero


@kernel
def forward(first, last, groups, chunk, current, decay, threshold, level, initial, amplitude, gain, subtract,
            spike_delay, keep, potential, output):  # fmt: skip
    """Work items [first, last). With `keep` all potentials are stored in `potential` [T, N], else none."""
    steps, total = current.shape
    tile = decay.size
    tiles = -(-total // tile)
    rows = np.empty((2, chunk), current.dtype)
    for item in range(first, last):
        column, group = item // groups * chunk, item % groups
        for index in range(group * tiles // groups, (group + 1) * tiles // groups):
            begin = index * tile + column
            size = min(chunk, tile - column, total - begin)
            if size <= 0:
                continue
            end = begin + size
            here = slice(column, column + size)
            start = initial[begin:end] if initial.size == total else initial[here]
            for t in range(steps):
                now = potential[t, begin:end] if keep else rows[t % 2, :size]
                if t == 0:
                    before = start
                else:
                    before = potential[t - 1, begin:end] if keep else rows[(t - 1) % 2, :size]
                if spike_delay:
                    _delayed_step(before, current[t, begin:end], decay[here], threshold[here], level[here],
                                  amplitude[here], gain, subtract, now, output[t, begin:end])  # fmt: skip
                elif t == 0:
                    _first_step(before, current[t, begin:end], decay[here], level[here], amplitude[here], gain,
                                now, output[t, begin:end])  # fmt: skip
                else:
                    _forward_step(before, current[t, begin:end], decay[here], threshold[here], level[here],
                                  amplitude[here], gain, subtract, now, output[t, begin:end])  # fmt: skip


@inlined
def _rational(potential, threshold, height, scale, slopes):
    one = potential.dtype.type(1)
    for n in range(potential.size):
        scaled = scale * (potential[n] - threshold[n])
        slopes[n] = height / (one + scaled * scaled)


@inlined
def _window(potential, threshold, height, scale, slopes):
    zero = potential.dtype.type(0)
    one = potential.dtype.type(1)
    for n in range(potential.size):
        slopes[n] = height if abs(scale * (potential[n] - threshold[n])) < one else zero


@inlined
def _logistic(potential, threshold, height, scale, slopes):
    """height * sech^2, by an exponential of our own: a call of the library's cannot be vectorised.

    exp(y) for -700 <= y <= 0 is 2^n exp(r) with |r| <= ln(2) / 2 and a Taylor polynomial for exp(r), error < 1e-16.
    """
    round_to_integer = 6755399441055744.0  # 1.5 * 2^52: adding it leaves the rounded sum in the lowest bits
    for n in range(potential.size):
        y = -2.0 * abs(float(scale) * (float(potential[n]) - float(threshold[n])))
        y = -700.0 if y < -700.0 else y
        shifted = y * 1.4426950408889634 + round_to_integer
        whole = shifted - round_to_integer
        r = (y - whole * 0.6931471803691238) - whole * 1.9082149292705877e-10
        p = 1.0 / 6227020800.0
        p = p * r + 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r + 1.0
        p = p * r + 1.0
        exponent = np.int64(np.float64(shifted).view(np.int64) << 52) + np.int64(0x3FF0000000000000)
        power = np.int64(exponent).view(np.float64)
        decreasing = p * power
        slopes[n] = float(height) * 4.0 * decreasing / ((1.0 + decreasing) * (1.0 + decreasing))


@inlined
def _overflowing(potential, threshold, height, scale, slopes):
    """The same by exp(-2 z) in the potential's own precision: NaN where that and its square are infinite."""
    one = potential.dtype.type(1)
    twice = potential.dtype.type(-2)
    four = potential.dtype.type(4)
    for n in range(potential.size):
        growing = np.exp(twice * (scale * (potential[n] - threshold[n])))
        slopes[n] = height * four * growing / ((one + growing) * (one + growing))


@inlined
def _spike_gradients(potential, grad_output, decay, threshold, amplitude, later, subtract, detach_reset, slopes):
    """Turn the surrogate's slopes into the loss's derivative by u[t] through the spike; `later` is that by u[t+1].

    `grad_output` is that of the step in which the spike goes out: t, or with the spike delay t + 1.
    """
    if detach_reset:
        for n in range(slopes.size):
            slopes[n] = slopes[n] * (amplitude[n] * grad_output[n])
    elif subtract:
        for n in range(slopes.size):
            slopes[n] = slopes[n] * (amplitude[n] * grad_output[n] - threshold[n] * later[n])
    else:
        for n in range(slopes.size):
            slopes[n] = slopes[n] * (amplitude[n] * grad_output[n] - decay[n] * potential[n] * later[n])


@inlined
def _add_decay_gradient(potential, level, later, subtract, total):
    """du[t+1]/ddecay is m[t]."""
    zero = potential.dtype.type(0)
    one = potential.dtype.type(1)
    if subtract:
        for n in range(later.size):
            total[n] += later[n] * potential[n]
    else:
        for n in range(later.size):
            total[n] += later[n] * potential[n] * (zero if potential[n] > level[n] else one)


@inlined
def _add_threshold_gradient(potential, level, later, through_spike, subtract, total):
    """The spike moves against the threshold, and a soft reset takes the threshold from u[t+1]."""
    zero = potential.dtype.type(0)
    one = potential.dtype.type(1)
    if subtract:
        for n in range(later.size):
            total[n] -= through_spike[n] + later[n] * (one if potential[n] > level[n] else zero)
    else:
        for n in range(later.size):
            total[n] -= through_spike[n]


@inlined
def _backward_step(potential, decay, level, gain, subtract, through_spike, later, grad_current):
    """`later` becomes the loss's derivative by u[t].

    `grad_current` may be the memory of `potential`: written in a loop of its own, that does not hinder vectorising.
    """
    zero = decay.dtype.type(0)
    one = decay.dtype.type(1)
    if subtract:
        for n in range(later.size):
            later[n] = through_spike[n] + decay[n] * later[n]
    else:
        for n in range(later.size):
            later[n] = through_spike[n] + decay[n] * later[n] * (zero if potential[n] > level[n] else one)
    for n in range(later.size):
        grad_current[n] = gain * later[n]


@kernel
def backward(first, last, groups, chunk, potential, decay, threshold, level, initial, amplitude, gain, subtract,
             spike_delay, detach_reset, profile, height, scale, grad_output, grad_potential, grad_current,
             want_decay, want_threshold, want_initial, totals, grad_initial):  # fmt: skip
    """Work items [first, last). `grad_potential` has no rows if u was not returned; `totals` is [groups, 3, tile].

    `grad_initial` is [N] for an initial potential of that length, whose gradient it receives; else empty. With the
    spike delay the initial potential fires too: it is u[-1], and its step is like every other.
    """
    steps, total = potential.shape
    tile = decay.size
    tiles = -(-total // tile)
    rows = np.empty((3, chunk), potential.dtype)
    for item in range(first, last):
        column, group = item // groups * chunk, item % groups
        for index in range(group * tiles // groups, (group + 1) * tiles // groups):
            begin = index * tile + column
            size = min(chunk, tile - column, total - begin)
            if size <= 0:
                continue
            end = begin + size
            here = slice(column, column + size)
            start = initial[begin:end] if initial.size == total else initial[here]
            later, slopes = rows[0, :size], rows[1, :size]
            later[:] = 0
            for t in range(steps - 1, -1 - spike_delay, -1):
                u = potential[t, begin:end] if t >= 0 else start
                if t + spike_delay == steps:
                    slopes[:] = 0  # no step is left in which its spike could go out
                else:
                    if profile == RATIONAL:
                        _rational(u, threshold[here], height, scale, slopes)
                    elif profile == LOGISTIC:
                        _logistic(u, threshold[here], height, scale, slopes)
                    elif profile == OVERFLOWING:
                        _overflowing(u, threshold[here], height, scale, slopes)
                    else:
                        _window(u, threshold[here], height, scale, slopes)
                    _spike_gradients(u, grad_output[t + spike_delay, begin:end], decay[here], threshold[here],
                                     amplitude[here], later, subtract, detach_reset, slopes)  # fmt: skip
                if want_decay and t < steps - 1:
                    _add_decay_gradient(u, level[here], later, subtract, totals[group, 0, here])
                if want_threshold:
                    _add_threshold_gradient(u, level[here], later, slopes, subtract, totals[group, 1, here])
                if t >= 0 and grad_potential.shape[0] > 0:
                    slopes += grad_potential[t, begin:end]
                by_current = grad_current[t, begin:end] if t >= 0 else rows[2, :size]
                _backward_step(u, decay[here], level[here], gain, subtract, slopes, later, by_current)
            if want_decay and not spike_delay:
                _add_decay_gradient(start, level[here], later, True, totals[group, 0, here])
            if want_initial:
                by_initial = totals[group, 2, here] if grad_initial.size == 0 else grad_initial[begin:end]
                if spike_delay:
                    by_initial += later
                else:
                    _add_decay_gradient(decay[here], level[here], later, True, by_initial)
