"""The five-layer MNIST network of Ding et al. 2022, Table A4.

Two 3x3 convolutions of 32 channels with pooling behind each, dense layers of 500 and 100, ten outputs. Unstated: the
padding (1 here), the kind of pooling (`pooling`, average by default) and whether the output spikes (it does not).
"""

from __future__ import annotations

from typing import Any

from spikeinit.networks import register
from spikeinit.networks.layers import Network
from spikeinit.networks.stacks import POOL, stack


@register("five_layer")
def five_layer(classes: int, width: float = 1.0, **options: Any) -> Network:
    """The published network for `width` 1; options: pooling, dropout, normalization (see `stacks.stack`)."""
    return stack("five_layer", (32, POOL, 32, POOL), (500, 100), classes, width, **options)
