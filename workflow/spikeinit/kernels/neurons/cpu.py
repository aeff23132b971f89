"""The CPU kernel: cuts the work into items, spreads them over threads, sums the gradients of parameters.

Parameters are repeated along a tile of neurons, about a chunk long; the data is a row of tiles. A tile is cut into
chunks, the tiles into groups; one work item is one chunk of all tiles of one group, and adds the gradients of
parameters into its own float64 cells. The cut depends on sizes alone, so gradients are the same bits for any number of
threads. The loops are in `spikeinit.kernels.neurons.loops`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from spikeinit.kernels import native
from spikeinit.kernels.neurons import loops
from spikeinit.kernels.neurons.dynamics import Dynamics
from spikeinit.kernels.neurons.memory import RECYCLER

CHUNK = 2048
"""Neurons of a chunk: the rows of one step, with those of the parameters, stay in the fast caches."""
WORK_ITEMS = 64
"""Work items aimed at: enough for the threads of one job to share evenly."""


def empty(shape: torch.Size, stride: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Uninitialised memory on the CPU for a large result."""
    return RECYCLER.empty(shape, stride, dtype)


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
    if current.numel() == 0:
        return
    decay, threshold, initial, amplitude = _tiled(current, decay, threshold, initial_potential, amplitude)
    real = current.numpy().dtype.type
    work = _Work(current.shape[1], decay.size)
    work.run(
        current.numel(),
        loops.forward,
        current.detach().numpy(),
        decay,
        threshold,
        _firing_level(threshold, dynamics.inclusive),
        initial,
        amplitude,
        real(dynamics.gain),
        dynamics.subtract,
        dynamics.spike_delay,
        potential is not None,
        np.empty((0, 0), real) if potential is None else potential.numpy(),
        output.numpy(),
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
    """Fill `grad_current` [T, N]; return the gradients [P] of decay, threshold and initial potential.

    `grad_current` may be `potential` itself. Gradients that are not `wanted` are zero. That of an initial potential
    [B, P] has its shape.
    """
    neurons = max(parameter.shape[-1] for parameter in (decay, threshold, initial_potential, amplitude))
    by_image = initial_potential.ndim == 2
    grad_initial = np.zeros(initial_potential.shape if by_image else 0)
    if potential.numel() == 0:
        of_parameters = [torch.zeros(neurons, dtype=torch.float64) for _ in wanted]
        return [*of_parameters[:2], torch.from_numpy(grad_initial)] if by_image else of_parameters
    decay, threshold, initial, amplitude = _tiled(potential, decay, threshold, initial_potential, amplitude)
    real = potential.numpy().dtype.type
    work = _Work(potential.shape[1], decay.size)
    totals = np.zeros((work.groups, len(wanted), decay.size))
    work.run(
        potential.numel(),
        loops.backward,
        potential.numpy(),
        decay,
        threshold,
        _firing_level(threshold, dynamics.inclusive),
        initial,
        amplitude,
        real(dynamics.gain),
        dynamics.subtract,
        dynamics.spike_delay,
        dynamics.detach_reset,
        dynamics.surrogate.profile,
        real(dynamics.surrogate.height),
        real(dynamics.surrogate.scale),
        grad_output.numpy(),
        np.empty((0, 0), real) if grad_potential is None else grad_potential.numpy(),
        grad_current.numpy(),
        *wanted,
        totals,
        grad_initial.ravel(),
    )
    by_neuron = list(torch.from_numpy(totals.sum(axis=0).reshape(len(wanted), -1, neurons).sum(axis=1)))
    return [*by_neuron[:2], torch.from_numpy(grad_initial)] if by_image else by_neuron


def _tiled(matrix: torch.Tensor, *parameters: torch.Tensor) -> list[np.ndarray]:
    """Parameters [1] or [P] repeated to one length: about a chunk, a multiple of P, no longer than the data.

    One that is [B, P] only becomes flat, [N].
    """
    neurons = max(parameter.shape[-1] for parameter in parameters)
    repeats = max(1, min(CHUNK, matrix.shape[1]) // neurons)
    values = [parameter.detach().numpy() for parameter in parameters]
    return [each.ravel() if each.ndim == 2 else _repeated(each, neurons, repeats) for each in values]


def _repeated(values: np.ndarray, neurons: int, repeats: int) -> np.ndarray:
    """[1] or [neurons] as [neurons * repeats]; numpy, because torch takes longer for it than a small layer's loops."""
    tiled = np.empty((repeats, neurons), values.dtype)
    tiled[:] = values
    return tiled.ravel()


def _firing_level(threshold: np.ndarray, inclusive: bool) -> np.ndarray:
    """The level that u must exceed: u >= threshold is u > the number just below the threshold."""
    return np.nextafter(threshold, threshold.dtype.type(-np.inf)) if inclusive else threshold


class _Work:
    """How N values in tiles are cut into work items; see the module's docstring."""

    def __init__(self, total: int, tile: int) -> None:
        chunks, tiles = -(-tile // CHUNK), -(-total // tile)
        self.groups = max(1, min(tiles, WORK_ITEMS // chunks))
        self.items = chunks * self.groups

    def run(self, values: int, function: Callable, *arguments: object) -> None:
        """Run all items by `function(first, last, groups, chunk, *arguments)`; the call handles so many `values`."""
        native.run(function, self.items, values, self.groups, CHUNK, *arguments)
