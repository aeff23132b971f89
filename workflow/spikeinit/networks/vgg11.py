"""The eleven-layer VGG with which Ding et al. 2022, Table A8, compare normalisations.

The paper gives no sizes: these are configuration A of Simonyan & Zisserman (2015), 64, 128, 256, 256, 512, 512, 512,
512 channels and two dense layers of 4096. `pools` says after how many of its five stages the map is halved: images of
28 pixels allow four.

Kim & Panda (2021), whose normalisation Table A8 uses, have one dense layer of 4096, no biases, and an eps of 1e-4 in
their public code: {hidden: [4096], bias: false, eps: 1.0e-4}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spikeinit.networks import register
from spikeinit.networks.layers import Network
from spikeinit.networks.stacks import POOL, stack

STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))


@register("vgg11")
def vgg11(
    classes: int,
    width: float = 1.0,
    *,
    pools: int = 5,
    dropout: float = 0.5,
    hidden: Sequence[int] = (4096, 4096),
    **options: Any,
) -> Network:
    """The network for `width` 1; further options are those of `stacks.stack`."""
    if not 1 <= pools <= len(STAGES):
        raise ValueError(f"pools = {pools}: give 1 to {len(STAGES)}")
    convolutions: list[int | str] = []
    for index, channels in enumerate(STAGES):
        convolutions += [*channels, *([POOL] if index < pools else [])]
    return stack("vgg11", convolutions, hidden, classes, width, dropout=dropout, **options)
