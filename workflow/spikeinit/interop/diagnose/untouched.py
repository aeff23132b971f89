"""A network is looked at, and afterwards it is as it was: to the bit, states and random numbers included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

KEPT_APART = ("_parameters", "_modules")
"""Entries of a module whose tensors and modules stay in place."""


@contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Whatever happens to `network` inside, it leaves with the parameters, buffers, states and modes that it had.

    Inside, copies stand in for all buffers and states, so that nothing reaches the user's own tensors and their graphs.
    Parameters stay, and get their values back if those have changed. Gradients that a parameter holds are not for this
    to keep: whoever looks uses `torch.autograd.grad`. The random numbers of the CPU and of the network's GPUs are those
    that would have come without looking.
    """
    modules = list(network.modules())
    saved = [_saved(module) for module in modules]
    parameters = [(parameter, parameter._version, parameter.detach().clone()) for parameter in network.parameters()]
    copies: dict[int, torch.Tensor] = {}
    for module in modules:
        _stand_in(module.__dict__, copies)
    gpus = {tensor.device for tensor in (*network.parameters(), *network.buffers()) if tensor.device.type == "cuda"}
    try:
        with torch.random.fork_rng(devices=[device.index for device in gpus]):
            yield
    finally:
        for module, values in zip(modules, saved, strict=True):
            _restore(module, *values)
        with torch.no_grad():
            for parameter, version, value in parameters:
                if parameter._version != version:
                    parameter.copy_(value)


def _saved(module: nn.Module) -> tuple[dict[str, Any], dict[str, dict | list | set]]:
    """The attributes of a module, and what its dictionaries, lists and sets hold."""
    attributes = dict(module.__dict__)
    return attributes, {name: value.copy() for name, value in attributes.items() if type(value) in (dict, list, set)}


def _restore(module: nn.Module, attributes: dict[str, Any], held: dict[str, dict | list | set]) -> None:
    module.__dict__.clear()
    module.__dict__.update(attributes)
    for name, contents in held.items():
        container = attributes[name]
        container.clear()
        if isinstance(container, list):
            container.extend(contents)
        else:
            container.update(contents)


def _stand_in(values: dict[str, Any], copies: dict[int, torch.Tensor]) -> None:
    """Put a copy in the place of every tensor; one tensor in two places stays one."""
    for name, value in values.items():
        if name in KEPT_APART:
            continue
        if isinstance(value, torch.Tensor) and not isinstance(value, nn.Parameter):
            values[name] = copies.setdefault(id(value), value.detach().clone())
        elif type(value) is dict:
            _stand_in(value, copies)
