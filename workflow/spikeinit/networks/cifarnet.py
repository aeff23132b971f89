"""CIFARNet (Wu et al. 2019, "Direct training for spiking neural networks: faster, larger, better", Table 1).

128 and 256 channels, pooling, 512, pooling, 1024 and 512 channels, fully connected layers of 1024 and 512; 3x3
convolutions, average pooling, batch normalisation behind every convolution.
"""

from __future__ import annotations

from spikeinit.networks import register
from spikeinit.networks.layers import Conv, Dense, Network, Normalization, Pool, scaled


@register("cifarnet")
def cifarnet(classes: int, width: float = 1.0) -> Network:
    """The published network for `width` 1; hidden channels and features scaled by `width`."""

    def convolution(channels: int) -> tuple[Conv, Normalization]:
        return Conv(scaled(channels, width)), Normalization()

    return Network(
        "cifarnet",
        (
            *convolution(128),
            *convolution(256),
            Pool(),
            *convolution(512),
            Pool(),
            *convolution(1024),
            *convolution(512),
            Dense(scaled(1024, width)),
            Dense(scaled(512, width)),
            Dense(classes, active=False),
        ),
    )
