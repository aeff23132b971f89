"""Weights that torchvision publishes for ImageNet, from a local file into a network of this package.

torchvision names the parameters of a network without residual blocks "features.<n>.<parameter>" and
"classifier.<n>.<parameter>", n counting all modules; activations, poolings and dropout have none. In ascending order
they are the weighted layers of the description and the normalisations behind them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from spikeinit.conversion.state_dicts import as_float32, check_floating, read_state_dict
from spikeinit.errors import UserError
from spikeinit.networks.build import FeedForward
from spikeinit.networks.weights import differences

SECTIONS = ("features", "classifier")
NAMES = rf"(?:{'|'.join(SECTIONS)})\.\d+\.\w+"
"""What torchvision calls a parameter, as a regular expression."""
NETWORK = f"a torchvision network without residual blocks ({', '.join(f'{name}.<n>.weight' for name in SECTIONS)}, ..)"
UNUSED = "num_batches_tracked"
"""A count that normalisations keep and that no output depends on; older files have none."""


def load_torchvision_weights(network: FeedForward, path: str | Path) -> None:
    """Put the weights of a file of torch.save or safetensors into `network`, which computes in float32.

    The usual wrappings are taken off (`state_dicts`); a line says so. `UserError`, and an unchanged network, if the
    file is none, holds objects beside tensors (which are never executed), belongs to a network of other layers or
    sizes, or holds weights that are no finite floating-point numbers.
    """
    state = read_state_dict(path, NAMES, NETWORK)
    tensors = {name: tensor for name, tensor in state.tensors.items() if not name.endswith(f".{UNUSED}")}
    check_floating(path, tensors)
    modules = _modules(path, tensors)
    targets = _targets(network)
    if len(modules) != len(targets):
        raise UserError(
            f"{path}: weights of {len(modules)} layers and normalisations ({modules[0]} to {modules[-1]}), the network"
            f" has {len(targets)}; choose the network of the file (vgg16_imagenet, vgg16_bn_imagenet)"
        )
    own = {
        f"{module}.{name}": tensor.shape
        for module, target in zip(modules, targets, strict=True)
        for name, tensor in target.state_dict().items()
        if name != UNUSED
    }
    different = differences(own, {name: tensor.shape for name, tensor in tensors.items()})
    if different:
        raise UserError(f"{path}: not the weights of this network: {different}")
    numbers, converted = as_float32(path, tensors)
    negative = [name for name, tensor in numbers.items() if name.endswith(".running_var") and (tensor < 0).any()]
    if negative:
        raise UserError(f"{path}: {negative[0]} holds negative variances; give the weights as they were saved")
    said = ", ".join(filter(None, (state.taken(), converted)))
    if said:
        print(f"{path}: {said}", flush=True)
    for module, target in zip(modules, targets, strict=True):
        names = (name for name in target.state_dict() if name != UNUSED)
        target.load_state_dict({name: numbers[f"{module}.{name}"] for name in names}, strict=False)


def _modules(path: str | Path, tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """The names of the layers and normalisations, as "features.0", in the order of the network."""
    found = {name.rpartition(".")[0] for name in tensors if re.fullmatch(NAMES, name)}
    return sorted(found, key=lambda name: (SECTIONS.index(name.split(".")[0]), int(name.split(".")[1])))


def _targets(network: FeedForward) -> list[nn.Module]:
    modules: list[nn.Module] = []
    for layer in network.weighted_layers():
        modules += [layer.operation, *([] if layer.normalization is None else [layer.normalization])]
    return modules
