"""Residual networks for small images (He et al. 2016): 3x3 stem without pooling, neurons after every addition.

resnet18  four stages of two blocks, 64 to 512 channels (He et al. 2016, Table 1, with the stem of their CIFAR networks)
resnet19  three stages of 3, 3 and 2 blocks, 128 to 512 channels, and a hidden fully connected layer of 256 (Zheng et
          al. 2021, "Going deeper with directly-trained larger spiking neural networks", Table 1)
resnet20  three stages of three blocks, 16 to 64 channels (He et al. 2016, Sec. 4.2, n = 3)
resnet8   the same with one block per stage (n = 1), for laptops

Where a block changes the shape, its shortcut is a normalised 1x1 convolution (option B of He et al.); the networks of
their Sec. 4.2 pad the missing channels with zeros instead (option A).
"""

from __future__ import annotations

from spikeinit.networks import register
from spikeinit.networks.layers import Conv, Dense, Layer, Network, Normalization, Pool, Residual, scaled


@register("resnet18")
def resnet18(classes: int, width: float = 1.0) -> Network:
    """ResNet18 with a 3x3 stem; channels scaled by `width`."""
    return _resnet("resnet18", ((64, 2), (128, 2), (256, 2), (512, 2)), (), classes, width)


@register("resnet19")
def resnet19(classes: int, width: float = 1.0) -> Network:
    """ResNet19; channels and features scaled by `width`."""
    return _resnet("resnet19", ((128, 3), (256, 3), (512, 2)), (256,), classes, width)


@register("resnet20")
def resnet20(classes: int, width: float = 1.0) -> Network:
    """ResNet20; channels scaled by `width`."""
    return _resnet("resnet20", ((16, 3), (32, 3), (64, 3)), (), classes, width)


@register("resnet8")
def resnet8(classes: int, width: float = 1.0) -> Network:
    """ResNet8; channels scaled by `width`."""
    return _resnet("resnet8", ((16, 1), (32, 1), (64, 1)), (), classes, width)


def _resnet(
    name: str, stages: tuple[tuple[int, int], ...], hidden: tuple[int, ...], classes: int, width: float
) -> Network:
    """Stages of (channels, blocks); each but the first halves the image in its first block."""
    layers: list[Layer] = [Conv(scaled(stages[0][0], width)), Normalization()]
    for number, (channels, blocks) in enumerate(stages):
        for block in range(blocks):
            layers.append(_block(scaled(channels, width), stride=2 if number and not block else 1))
    dense = [Dense(scaled(features, width)) for features in hidden]
    return Network(name, (*layers, Pool(size=None), *dense, Dense(classes, active=False)))


def _block(channels: int, stride: int) -> Residual:
    body = (Conv(channels, stride=stride), Normalization(), Conv(channels, active=False), Normalization())
    return Residual(body, stride)
