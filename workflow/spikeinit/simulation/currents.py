"""Currents W s + b of one layer of random weights, drawn so that no work is spent on what cannot be seen.

Three ways, all exact in distribution:

- Independent weights multiply spikes; a weight whose input never fires is never drawn, since no output depends on it.
- Normal weights need no matrix. Given the spikes s[t], the currents of one neuron are jointly normal over the steps,
  with mean mean(w) * sum(s[t]) and covariance Var[w] * (s[t] . s[t']), the Gram matrix of the spike trains; different
  neurons are independent. A root of that matrix times standard normal numbers has the distribution of the product.
- A random orthogonal matrix turns the spike trains into a uniformly distributed orthonormal frame times a root of their
  Gram matrix.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import torch

from spikeinit.errors import UserError
from spikeinit.initializers.law import Law
from spikeinit.initializers.registry import Initializer

Draw = Callable[[torch.Tensor, Law, torch.Generator], torch.Tensor]
"""(spikes [T, width], law, generator) -> currents [T, width] without bias."""


def draw(
    initializer: Initializer,
    laws: Sequence[Law],
    spikes: torch.Tensor,
    generators: Sequence[torch.Generator],
    *,
    shortcut: bool,
    pool: Executor,
) -> torch.Tensor:
    """Currents [T, repeats, width] for spikes of that shape; one law and one generator per repeat.

    shortcut: whether normal weights are left out. pool: draws several repeats at once.
    """
    if initializer.draw not in DRAWS:
        raise UserError(f"{initializer.name}: the simulation cannot draw {initializer.draw!r} weights")
    current = torch.zeros_like(spikes)
    firing = spikes.any(0).any(-1).tolist()

    def fill(repeat: int) -> None:
        law, generator = laws[repeat], generators[repeat]
        if firing[repeat]:
            normal = initializer.draw == "independent" and law.distribution == "normal"
            method = normal_currents if shortcut and normal else DRAWS[initializer.draw]
            current[:, repeat] = method(spikes[:, repeat], law, generator)
        if law.bias != 0:
            current[:, repeat] += bias(law, spikes.shape[-1], generator)

    if shortcut:  # too little work to share
        for repeat in range(spikes.shape[1]):
            fill(repeat)
    else:
        list(pool.map(fill, range(spikes.shape[1])))
    return current


def bias(law: Law, width: int, generator: torch.Generator) -> torch.Tensor | float:
    """Bias of every neuron: the law's constant, or PyTorch's default U(-1/sqrt(width), 1/sqrt(width))."""
    if law.bias is not None:
        return law.bias
    return (torch.rand(width, generator=generator) * 2 - 1) / math.sqrt(width)


def normal_currents(spikes: torch.Tensor, law: Law, generator: torch.Generator) -> torch.Tensor:
    """Currents of independent normal weights from their joint distribution."""
    root = _gram_root(spikes) * law.standard_deviation
    noise = torch.randn(root.shape[1], spikes.shape[1], generator=generator)
    return torch.addmm(spikes.sum(1, keepdim=True) * law.mean, root, noise)


def independent_currents(spikes: torch.Tensor, law: Law, generator: torch.Generator) -> torch.Tensor:
    """Currents of independent weights, of which those from silent neurons are not drawn."""
    count, width = spikes.sum(1, keepdim=True), spikes.shape[1]
    active = spikes[:, spikes.any(0)]
    sample = torch.randn if law.distribution == "normal" else torch.rand
    product = active @ sample(active.shape[1], width, generator=generator)
    if law.distribution == "uniform":
        product = (2 * product - count) * math.sqrt(3)
    return product * law.standard_deviation + count * law.mean


def row_normalized_currents(spikes: torch.Tensor, law: Law, generator: torch.Generator) -> torch.Tensor:
    """Currents of weights U(-1, 1) with each neuron's weights scaled to the same Euclidean norm."""
    width = spikes.shape[1]
    weight = torch.rand(width, width, generator=generator).mul_(2).sub_(1)
    return spikes @ weight * (math.sqrt(width * law.variance) / torch.linalg.vector_norm(weight, dim=0))


def orthogonal_currents(spikes: torch.Tensor, law: Law, generator: torch.Generator) -> torch.Tensor:
    """Currents of an orthogonal matrix scaled to the law's mean square."""
    width = spikes.shape[1]
    root = _gram_root(spikes)
    frame, triangle = torch.linalg.qr(torch.randn(width, root.shape[1], generator=generator))
    frame *= triangle.diagonal().sign()
    return root @ frame.T * math.sqrt(width * law.variance)


def _gram_root(spikes: torch.Tensor) -> torch.Tensor:
    """R [T, rank] with R R^T the Gram matrix of spike trains [T, width]; at most `width` columns."""
    if spikes.shape[0] == 1:
        return spikes.sum(1, keepdim=True).sqrt()
    values, vectors = torch.linalg.eigh((spikes @ spikes.T).double())
    keep = values > 1e-9 * values[-1]
    return (vectors[:, keep] * values[keep].sqrt()).float()


DRAWS: dict[str, Draw] = {
    "independent": independent_currents,
    "row_normalized": row_normalized_currents,
    "orthogonal": orthogonal_currents,
}
