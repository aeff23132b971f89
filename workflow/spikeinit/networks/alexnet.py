"""AlexNet for 32 x 32 images (Wu et al. 2019, "Direct training for spiking neural networks: faster, larger, better").

96 and 256 channels, pooling, 384, pooling, 384 and 256 channels, two fully connected layers of 1024; 3x3 convolutions,
average pooling, batch normalisation behind every convolution.
"""

from __future__ import annotations

from spikeinit.networks import register
from spikeinit.networks.layers import Conv, Dense, Network, Normalization, Pool, scaled


@register("alexnet")
def alexnet(classes: int, width: float = 1.0) -> Network:
    """The published network for `width` 1; hidden channels and features scaled by `width`."""

    def convolution(channels: int) -> tuple[Conv, Normalization]:
        return Conv(scaled(channels, width)), Normalization()

    features = scaled(1024, width)
    return Network(
        "alexnet",
        (
            *convolution(96),
            *convolution(256),
            Pool(),
            *convolution(384),
            Pool(),
            *convolution(384),
            *convolution(256),
            Dense(features),
            Dense(features),
            Dense(classes, active=False),
        ),
    )
