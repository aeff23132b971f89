"""Multilayer perceptrons: fully connected layers with integrate-and-fire neurons after each, the output included.

The sensitivity study's network (Peat 2024) is 784-10-10: one hidden layer of ten on 28 x 28 images of ten classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from spikeinit.networks import register
from spikeinit.networks.layers import Dense, Network, scaled

HIDDEN = (10,)


@register("mlp")
def mlp(classes: int, width: float = 1.0, hidden: Sequence[int] = HIDDEN) -> Network:
    """Hidden layers of `hidden` neurons times `width`, then one output per class."""
    layers = [Dense(scaled(features, width)) for features in hidden]
    return Network("mlp", (*layers, Dense(classes)))
