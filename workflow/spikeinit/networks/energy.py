"""The network of the energy study (Pärna 2025, Sec. 3.1 and Fig. 5).

Five 3x3 convolutions of stride 2 and padding 1 and a fully connected output, integrate-and-fire neurons after each of
the six. On 28 x 28 images: 25,088, 12,544, 8,192, 4,096, 512 and 10 neurons.
"""

from spikeinit.networks import register
from spikeinit.networks.layers import Conv, Dense, Network, scaled

CHANNELS = (128, 256, 512, 1024, 512)


@register("energy")
def energy(classes: int, width: float = 1.0) -> Network:
    """The published network for `width` 1; hidden channels scaled by `width`."""
    convolutions = [Conv(scaled(channels, width), stride=2) for channels in CHANNELS]
    return Network("energy", (*convolutions, Dense(classes)))
