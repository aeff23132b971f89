"""The nine-layer VGG of Ding et al. 2022, Table A4, for CIFAR-10, and its relative for CIFAR10-DVS.

vgg9: convolutions of 128, 128, pool, 256, 256, pool, 256, 256, 256, pool, a dense layer of 1024 with dropout, ten
outputs. vgg9_dvs, for 128 x 128 pixels: convolutions of 64, 128, pool, 128, 128, pool and three times 128, pool, then
two dense layers of 1024 with dropout. Unstated: padding (1 here), the kind of pooling (`pooling`) and the dropout rate
(`dropout`, 0.5 by default).
"""

from __future__ import annotations

from typing import Any

from spikeinit.networks import register
from spikeinit.networks.layers import Network
from spikeinit.networks.stacks import POOL, stack

CONVOLUTIONS = (128, 128, POOL, 256, 256, POOL, 256, 256, 256, POOL)
DVS_CONVOLUTIONS = (64, 128, POOL, 128, 128, POOL, 128, POOL, 128, POOL, 128, POOL)


@register("vgg9")
def vgg9(classes: int, width: float = 1.0, *, dropout: float = 0.5, **options: Any) -> Network:
    """The published network for `width` 1; options: pooling, dropout, normalization (see `stacks.stack`)."""
    return stack("vgg9", CONVOLUTIONS, (1024,), classes, width, dropout=dropout, **options)


@register("vgg9_dvs")
def vgg9_dvs(classes: int, width: float = 1.0, *, dropout: float = 0.5, **options: Any) -> Network:
    """The one for CIFAR10-DVS, with the same options."""
    return stack("vgg9_dvs", DVS_CONVOLUTIONS, (1024, 1024), classes, width, dropout=dropout, **options)
