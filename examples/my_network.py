"""A network family of one's own: a few convolutions, pooling, and the classes. docs/own_network.md explains it."""

from spikeinit.networks import Conv, Dense, Network, Pool, register, scaled


@register("my_net")
def my_net(classes, width=1.0, depth=2):
    """`depth` 3x3 convolutions of 16 channels times `width`, 2x2 average pooling, and one output per class."""
    convolutions = [Conv(scaled(16, width)) for _ in range(depth)]
    return Network("my_net", (*convolutions, Pool(), Dense(classes)))
