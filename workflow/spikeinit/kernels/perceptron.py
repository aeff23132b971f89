"""One batch of a small fully connected spiking network, compiled as a whole: forward, loss, backward, Adam.

In a network such as 784-10-10 with five time steps, starting each of PyTorch's many operations takes several times as
long as its arithmetic. Here one call does all of them. The first layer receives spikes and gathers the weights of those
pixels that spiked. The neurons are those of `spikeinit.kernels.neurons.loops`, so that there is one neuron model. The
results are those of the same steps in PyTorch up to the order of summation.

Shapes: T steps, B images, n_l neurons of layer l. Signals are [T, B * n_l]. Weights are PyTorch's, [n_l, n_l-1].
"""

from __future__ import annotations

import math

import numpy as np

from spikeinit.kernels.native import inlined, kernel
from spikeinit.kernels.neurons import loops
from spikeinit.kernels.vectors import LANES, add_to_rows, gather_rows

SQUARED_ERROR, CROSS_ENTROPY = range(2)
"""Losses of the output summed over the steps and scaled; both are means over the images."""


@kernel
def find_lit(pixels, places, levels):
    """How many of `pixels` (uint8, flat) are above zero; their places and values go into arrays one longer."""
    found = 0
    for n in range(pixels.size):
        value = pixels[n]
        places[found] = n
        levels[found] = value
        found += np.int64(value != 0)
    return found


@inlined
def _find_events(drawn, lit, levels, inputs, starts, place):
    """The pixels that spike, place below `inputs`: those of row t * B + b are [starts[row], starts[row + 1])."""
    steps, count = drawn.shape
    images = (starts.size - 1) // steps
    found = 0
    for t in range(steps):
        k = 0
        for b in range(images):
            starts[t * images + b] = found
            end = (b + 1) * inputs
            while k < count and lit[k] < end:
                place[found] = lit[k] - b * inputs
                found += np.int64(drawn[t, k] < levels[k])
                k += 1
    starts[steps * images] = found


@inlined
def _first_current(table, bias, starts, place, ones, row, current):
    """current [rows * n] from the rows of `table`, the transposed weights padded to whole vectors."""
    neurons = bias.size
    for index in range(starts.size - 1):
        row[:] = 0
        row[:neurons] = bias
        gather_rows(row, table, place, ones, starts[index], starts[index + 1], 0, 0, row.size)
        current[index * neurons : (index + 1) * neurons] = row[:neurons]


@inlined
def _current(weight, bias, signal, current):
    """current [rows * n] from signal [rows * m]."""
    neurons, inputs = weight.shape
    for index in range(current.size // neurons):
        for j in range(neurons):
            total = bias[j]
            for i in range(inputs):
                total += weight[j, i] * signal[index * inputs + i]
            current[index * neurons + j] = total


@inlined
def _back_through(weight, gradient, signal, grad_weight, grad_bias, grad_signal):
    """From the gradient [rows * n] of a current to those of weight, bias and signal [rows * m]."""
    neurons, inputs = weight.shape
    grad_signal[:] = 0
    for index in range(gradient.size // neurons):
        for j in range(neurons):
            slope = gradient[index * neurons + j]
            grad_bias[j] += slope
            for i in range(inputs):
                grad_weight[j, i] += slope * signal[index * inputs + i]
                grad_signal[index * inputs + i] += slope * weight[j, i]


@inlined
def _loss(scores, labels, kind, gradient):
    """(loss, correct answers) of scores [B * classes], and the loss's gradient by them."""
    images = labels.size
    classes = scores.size // images
    total = 0.0
    correct = 0
    for b in range(images):
        own = scores[b * classes : (b + 1) * classes]
        slopes = gradient[b * classes : (b + 1) * classes]
        best = 0
        for c in range(classes):
            if own[c] > own[best]:
                best = c
        correct += np.int64(best == labels[b])
        if kind == SQUARED_ERROR:
            for c in range(classes):
                error = own[c] - (1.0 if c == labels[b] else 0.0)
                total += error * error / (images * classes)
                slopes[c] = 2.0 * error / (images * classes)
        else:
            mass = 0.0
            for c in range(classes):
                mass += math.exp(own[c] - own[best])
            total += (math.log(mass) + own[best] - own[labels[b]]) / images
            for c in range(classes):
                share = math.exp(own[c] - own[best]) / mass
                slopes[c] = (share - (1.0 if c == labels[b] else 0.0)) / images
    return total, correct


@inlined
def _adam(values, gradient, first, second, rate, beta_1, beta_2, epsilon, step):
    """One step of Adam (Kingma & Ba 2015) on flat arrays, in the order of PyTorch's operations."""
    size = rate / (1.0 - beta_1**step)
    root = math.sqrt(1.0 - beta_2**step)
    for n in range(values.size):
        slope = gradient[n]
        moved = first[n] + np.float32(1.0 - beta_1) * (slope - first[n])
        power = second[n] * np.float32(beta_2) + np.float32(1.0 - beta_2) * slope * slope
        first[n], second[n] = moved, power
        values[n] -= np.float32(size) * (moved / (np.sqrt(power) / np.float32(root) + np.float32(epsilon)))


@kernel
def batch(
    drawn, lit, levels, place, ones, labels, weights, biases, initial, decay, threshold, gain, subtract, spike_delay,
    detach_reset, profile, height, scale, kind, score_scale, training, first_moments, second_moments, adam, sums,
):  # fmt: skip
    """See one batch, and with `training` learn from it. `sums`: loss and correct answers of the batch, spikes by layer.

    drawn: uint8 [T, pixels above zero]; a pixel spikes where it is below its value. lit, levels: see `find_lit`.
    place: int32, to work in, and ones: as many ones, both at least one longer than all of `drawn`.
    weights, biases, initial (flat [B * n_l]): tuples by layer. decay, threshold: [L]. score_scale: what the summed
    output is multiplied by. The moments are those of Adam, weights first, then biases. adam: rate, betas, epsilon and
    the number of this step.
    """
    steps, images, layers = len(drawn), labels.size, len(weights)
    real = np.float32
    inputs = weights[0].shape[1]
    width = -(-weights[0].shape[0] // LANES) * LANES
    table = np.zeros((inputs, width), real)
    for j in range(weights[0].shape[0]):
        for i in range(inputs):
            table[i, j] = weights[0][j, i]
    starts = np.empty(steps * images + 1, np.int64)
    _find_events(drawn, lit, levels, inputs, starts, place)
    row = np.zeros(width, real)

    potentials, outputs = [], []
    nothing = np.empty((0, 0), real)
    for layer in range(layers):
        size = biases[layer].size * images
        current = np.empty((steps, size), real)
        if layer == 0:
            _first_current(table, biases[0], starts, place, ones, row, current.ravel())
        else:
            _current(weights[layer], biases[layer], outputs[layer - 1].ravel(), current.ravel())
        potential, output = np.empty((steps, size), real), np.empty((steps, size), real)
        theta = np.full(size, threshold[layer], real)
        loops.forward(0, 1, 1, size, current, np.full(size, decay[layer], real), theta, theta, initial[layer],
                      np.ones(size, real), gain, subtract, spike_delay, True, potential, output)  # fmt: skip
        potentials.append(potential)
        outputs.append(output)
        sums[2 + layer] = output.sum()

    last = outputs[layers - 1]
    scores = np.zeros(last.shape[1], real)
    for t in range(steps):
        scores += last[t]
    scores *= score_scale
    slopes = np.empty(scores.size, real)
    loss, correct = _loss(scores, labels, kind, slopes)
    sums[0], sums[1] = loss * images, correct
    if not training:
        return

    arriving = np.empty((steps, scores.size), real)
    for t in range(steps):
        arriving[t] = slopes * score_scale
    for back in range(layers):
        layer = layers - 1 - back
        size = biases[layer].size * images
        gradient = np.empty((steps, size), real)
        theta = np.full(size, threshold[layer], real)
        loops.backward(0, 1, 1, size, potentials[layer], np.full(size, decay[layer], real), theta, theta,
                       initial[layer], np.ones(size, real), gain, subtract, spike_delay, detach_reset, profile, height,
                       scale, arriving, nothing, gradient, False, False, False, np.zeros((1, 3, 1)),
                       np.empty(0))  # fmt: skip
        grad_weight, grad_bias = np.zeros(weights[layer].shape, real), np.zeros(biases[layer].size, real)
        if layer == 0:
            table[:] = 0
            neurons = grad_bias.size
            flat = gradient.ravel()
            for index in range(starts.size - 1):
                row[:neurons] = flat[index * neurons : (index + 1) * neurons]
                grad_bias += row[:neurons]
                add_to_rows(table, place, ones, starts[index], starts[index + 1], 0, 0, width, row)
            for j in range(neurons):
                for i in range(inputs):
                    grad_weight[j, i] = table[i, j]
        else:
            arriving = np.empty((steps, outputs[layer - 1].shape[1]), real)
            _back_through(weights[layer], gradient.ravel(), outputs[layer - 1].ravel(), grad_weight, grad_bias,
                          arriving.ravel())  # fmt: skip
        for values, slope, at in (
            (weights[layer].ravel(), grad_weight.ravel(), layer),
            (biases[layer], grad_bias, layers + layer),
        ):
            _adam(values, slope, first_moments[at], second_moments[at], adam[0], adam[1], adam[2], adam[3], adam[4])
