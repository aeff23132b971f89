"""Random streams: one independent, named generator per use, all derived from the run's seed."""

from __future__ import annotations

import hashlib

import torch

Draws = int | str
"""What a run's streams are derived from: its seed, or its seed and what sets it apart from other runs."""


def stream(seed: Draws, use: str, device: str | torch.device = "cpu") -> torch.Generator:
    """A generator for one use ("weights", "order", "encoding", ...) of one seed, or of one run's `draws`.

    Uses do not share a stream, so drawing more in one (longer training, say) leaves the others as they were.
    """
    number = int.from_bytes(hashlib.sha256(f"{seed}/{use}".encode()).digest()[:8], "big") >> 1
    return torch.Generator(device).manual_seed(number)


def draws(seed: int, apart: str) -> Draws:
    """What the streams of one seed of a run are derived from; `apart` is "" for runs that share the streams of a seed.

    Runs that share them are paired: the weights of two normal laws differ by the difference of their means, neuron by
    neuron. That sharpens a comparison which is made in pairs, and spoils a test that takes runs to be independent.
    """
    return f"{seed}/{apart}" if apart else seed
