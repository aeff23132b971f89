"""VGG networks (Simonyan & Zisserman 2015), with average pooling and batch normalisation.

vgg16 is configuration D as it is used for 32 x 32 images (Bu et al. 2022; Bojković et al. 2024, Sec. 8.1): thirteen
3x3 convolutions in five stages, then three fully connected layers, the first two of 4,096. vgg9_small is a small
relative for images from 4 x 4, this project's own: two convolutions in each of three stages of 64, 128 and 256
channels, the last one pooled over its whole map, then two fully connected layers of 256 and one of the classes.
vgg16_imagenet and vgg16_bn_imagenet are torchvision's networks for 224 x 224 images, with dropout, layer by layer, so
that torchvision's weights fit. Their maximum pooling is replaced by average pooling, as Bojković et al. do before they
convert a network; pooling="max" keeps torchvision's own.
"""

from __future__ import annotations

from spikeinit.networks import register
from spikeinit.networks.layers import Conv, Dense, Dropout, Layer, Network, Normalization, Pool, scaled
from spikeinit.networks.stacks import POOLINGS

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
SMALL_STAGES = ((64, 64), (128, 128), (256, 256))
FULLY_CONNECTED = 4096
SMALL_FULLY_CONNECTED = 256


@register("vgg16")
def vgg16(classes: int, width: float = 1.0) -> Network:
    """VGG16 for 32 x 32 images; hidden channels and features scaled by `width`."""
    layers: list[Layer] = []
    for stage in STAGES:
        layers += [*_stage(stage, width), Pool()]
    features = scaled(FULLY_CONNECTED, width)
    return Network("vgg16", (*layers, Dense(features), Dense(features), Dense(classes, active=False)))


@register("vgg9_small")
def vgg9_small(classes: int, width: float = 1.0) -> Network:
    """The small VGG; hidden channels and features scaled by `width`."""
    first, second, last = (_stage(stage, width) for stage in SMALL_STAGES)
    features = scaled(SMALL_FULLY_CONNECTED, width)
    return Network(
        "vgg9_small",
        (
            *first,
            Pool(),
            *second,
            Pool(),
            *last,
            Pool(size=None),
            Dense(features),
            Dense(features),
            Dense(classes, active=False),
        ),
    )


@register("vgg16_imagenet")
def vgg16_imagenet(classes: int, width: float = 1.0, pooling: str = "average") -> Network:
    """torchvision's vgg16 with `pooling` "average" or "max"."""
    return _imagenet("vgg16_imagenet", classes, width, pooling, normalized=False)


@register("vgg16_bn_imagenet")
def vgg16_bn_imagenet(classes: int, width: float = 1.0, pooling: str = "average") -> Network:
    """torchvision's vgg16_bn with `pooling` "average" or "max"."""
    return _imagenet("vgg16_bn_imagenet", classes, width, pooling, normalized=True)


def _imagenet(name: str, classes: int, width: float, pooling: str, *, normalized: bool) -> Network:
    if pooling not in POOLINGS:
        raise ValueError(f"pooling = {pooling!r}: give one of {', '.join(POOLINGS)}")
    layers: list[Layer] = []
    for stage in STAGES:
        layers += [*_stage(stage, width, normalized=normalized), Pool(kind=pooling)]
    features = scaled(FULLY_CONNECTED, width)
    for _ in range(2):
        layers += [Dense(features), Dropout()]
    return Network(name, (*layers, Dense(classes, active=False)))


def _stage(channels: tuple[int, ...], width: float, *, normalized: bool = True) -> list[Layer]:
    layers: list[Layer] = []
    for count in channels:
        layers.append(Conv(scaled(count, width)))
        if normalized:
            layers.append(Normalization())
    return layers
