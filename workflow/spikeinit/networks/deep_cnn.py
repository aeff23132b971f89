"""The convolutional network of Micheli et al. (2024, Sec. V).

Six 3x3 convolutions of 64 channels with padding 1, which keep the image's size, neurons after each, and a fully
connected output layer whose neurons spike. The first convolution receives the image itself.
"""

from spikeinit.networks import register
from spikeinit.networks.layers import Conv, Dense, Network, scaled

CHANNELS = 64
DEPTH = 6


@register("deep_cnn")
def deep_cnn(classes: int, width: float = 1.0, depth: int = DEPTH) -> Network:
    """The published network for `width` 1; channels scaled by `width`."""
    convolutions = [Conv(scaled(CHANNELS, width)) for _ in range(depth)]
    return Network("deep_cnn", (*convolutions, Dense(classes)))
