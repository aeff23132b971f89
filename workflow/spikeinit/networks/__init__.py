"""Networks as data: a family gives a list of layers, one builder (build.py) makes modules of it.

One file per family or kin of families; files are imported only when their family is asked for, and none imports torch.
A user's own family is registered in the same way, in a file that `network_files` of the configuration names:

    from spikeinit.networks import Conv, Dense, Network, register

    @register("my_net")
    def my_net(classes, width=1.0):
        return Network("my_net", (Conv(32), Dense(classes)))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spikeinit.errors import UserError
from spikeinit.networks.layers import (
    Conv,
    Dense,
    Dropout,
    Encoder,
    Layer,
    Network,
    Normalization,
    Pool,
    Residual,
    scaled,
)
from spikeinit.registry import Registry

__all__ = [
    "Conv",
    "Dense",
    "Dropout",
    "Encoder",
    "Layer",
    "Network",
    "Normalization",
    "Pool",
    "Residual",
    "describe",
    "names",
    "register",
    "scaled",
]


@dataclass(frozen=True)
class Family:
    """A family of this package: the module that registers it, and whether the configuration may name it where a
    spiking network is trained, where an analogue network is trained and converted, or in both places."""

    module: str
    spiking: bool = False
    analogue: bool = False


FAMILIES = {
    "energy": Family("energy", spiking=True, analogue=True),
    "mlp": Family("mlp", spiking=True),
    "five_layer": Family("five_layer", spiking=True),
    "vgg9": Family("vgg9", spiking=True),
    "vgg9_dvs": Family("vgg9", spiking=True),
    "vgg11": Family("vgg11", spiking=True),
    "vgg16": Family("vgg", analogue=True),
    "vgg9_small": Family("vgg", analogue=True),
    "vgg16_imagenet": Family("vgg", analogue=True),
    "vgg16_bn_imagenet": Family("vgg", analogue=True),
    "resnet18": Family("resnet", analogue=True),
    "resnet19": Family("resnet", analogue=True),
    "resnet20": Family("resnet", analogue=True),
    "resnet8": Family("resnet", analogue=True),
    "cifarnet": Family("cifarnet", analogue=True),
    "alexnet": Family("alexnet", analogue=True),
    "deep_mlp": Family("deep_mlp", spiking=True),
    "deep_cnn": Family("deep_cnn", spiking=True),
}
"""Every family of this package. A user's own family may be named in both places."""

Describe = Callable[..., Network]
"""`family(classes, width, **options) -> Network`."""

REGISTRY: Registry[Describe] = Registry(
    "network family",
    {name: f"{__package__}.{family.module}" for name, family in FAMILIES.items()},
    remedy="your own: network_files",
)


def register(name: str) -> Callable[[Describe], Describe]:
    """Register the decorated function `family(classes, width=1.0, **options) -> Network` under `name`.

    classes: the number of outputs. width: a factor for the channels of hidden layers, see `scaled`. options: what the
    configuration gives as `network.options`. `UserError` for a name that is taken.
    """

    def decorate(family: Describe) -> Describe:
        REGISTRY.add(name, family, module=family.__module__)
        return family

    return decorate


def describe(name: str, *, classes: int, width: float = 1.0, **options: Any) -> Network:
    """The family `name` for that many classes, hidden channels scaled by `width`, with the family's own `options`.

    Raises `UserError` for an unknown family and for one that gives no list of layers with `classes` outputs, TypeError
    or ValueError for options that it does not take.
    """
    network = REGISTRY.get(name)(classes, width, **options)
    if not isinstance(network, Network):
        raise UserError(f"network family {name!r} returns {network!r}; it must return a Network")
    strange = [layer for layer in network.layers if not isinstance(layer, Layer)]
    if strange:
        raise UserError(f"network family {name!r}: {strange[0]!r} is no layer; they stand in spikeinit.networks.layers")
    last = network.layers[-1] if network.layers else None
    if not isinstance(last, Dense) or last.features != classes:
        raise UserError(f"network family {name!r}: its last layer is {last}; it must be Dense({classes}), the classes")
    return network


def names(*, analogue: bool) -> list[str]:
    """The families that may be named as an analogue network, or as a spiking one: the package's, then users' own."""
    own = [name for name in REGISTRY.names() if name not in FAMILIES]
    return [name for name, family in FAMILIES.items() if (family.analogue if analogue else family.spiking)] + own
