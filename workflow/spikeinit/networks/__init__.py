"""Networks as data: a family gives a list of layers, one builder (build.py) makes modules of it.

One file per family or kin of families; files are imported only when their family is asked for, and none imports torch.
"""

from __future__ import annotations

import importlib
from typing import Any

from spikeinit.networks.layers import Network

FAMILIES = {
    "energy": "energy",
    "mlp": "mlp",
    "five_layer": "five_layer",
    "vgg9": "vgg9",
    "vgg9_dvs": "vgg9",
    "vgg11": "vgg11",
    "vgg16": "vgg",
    "vgg9_small": "vgg",
    "vgg16_imagenet": "vgg",
    "vgg16_bn_imagenet": "vgg",
    "resnet18": "resnet",
    "resnet19": "resnet",
    "resnet20": "resnet",
    "resnet8": "resnet",
    "cifarnet": "cifarnet",
    "alexnet": "alexnet",
    "deep_mlp": "deep_mlp",
    "deep_cnn": "deep_cnn",
}
"""Family -> the module of this package that describes it, in a function of its name or called `network`."""


def describe(name: str, *, classes: int, width: float = 1.0, **options: Any) -> Network:
    """The family `name` for that many classes, hidden channels scaled by `width`, with the family's own `options`.

    KeyError for an unknown family, TypeError or ValueError for options it does not take.
    """
    module = importlib.import_module(f"spikeinit.networks.{FAMILIES[name]}")
    return (getattr(module, name, None) or module.network)(classes, width, **options)
