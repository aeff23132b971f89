"""Initialisers: one file per paper with its law; sampling and assignment are elsewhere and the same for all.

>>> from spikeinit.initializers import law
>>> law("he", fan_in=50).variance
0.04
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spikeinit.initializers.law import Law
from spikeinit.initializers.registry import get, register

if TYPE_CHECKING:
    import torch

    from spikeinit.initializers.sampling import Network

__all__ = ["Law", "initialize", "law", "register"]


def law(name: str, *, fan_in: int, fan_out: int | None = None, **parameters: Any) -> Law:
    """Law of the weights of a layer with `fan_in` inputs and `fan_out` outputs per neuron.

    fan_in, fan_out as PyTorch counts them: for a convolution channels times the size of the kernel.
    Raises `UserError` for an unknown name, ValueError or TypeError for impossible parameters, and ValueError where the
    law depends on a `fan_out` that is not given.
    """
    initializer = get(name)
    if fan_in < 1:
        raise ValueError(f"fan_in = {fan_in}: a neuron has at least one input")
    if fan_out is None and initializer.needs_fan_out:
        raise ValueError(f"fan_out is not given, and the law of {name} depends on it: give the outputs per neuron")
    if fan_out is not None and fan_out < 1:
        raise ValueError(f"fan_out = {fan_out}: a neuron has at least one output")
    return initializer.law(fan_in, fan_out, **parameters)


def initialize(network: Network, name: str, *, generator: torch.Generator, **parameters: Any) -> None:
    """Draw all weights and biases of `network` in place from the law of `name`; see `sampling.initialize`.

    network: one that this package builds, or one that offers what `sampling` says, as no plain `torch.nn.Module` does.
    """
    from spikeinit.initializers import sampling

    sampling.initialize(network, name, generator=generator, **parameters)
