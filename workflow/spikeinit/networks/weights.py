"""What sets the tensors of a file apart from those that a network has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch

from spikeinit.errors import UserError

SHOWN = 3
"""Names that an error lists; of the others it tells the number."""


def load_weights(network: torch.nn.Module, tensors: Mapping[str, torch.Tensor], where: str) -> None:
    """Put `tensors` into `network`; `UserError` that begins with `where` if they are not exactly the network's."""
    own = {name: tensor.shape for name, tensor in network.state_dict().items()}
    different = differences(own, {name: tensor.shape for name, tensor in tensors.items()})
    if different:
        raise UserError(f"{where}: {different}")
    network.load_state_dict(tensors)


def differences(own: Mapping[str, Iterable[int]], given: Mapping[str, Iterable[int]]) -> str:
    """In words, which names of `own` are missing in `given`, which are unexpected, and which have another shape.

    own, given: name -> shape. Of each kind the first few are named and the others counted; "" if there is none.
    """
    missing = [_shown(name, shape) for name, shape in own.items() if name not in given]
    unexpected = [_shown(name, shape) for name, shape in given.items() if name not in own]
    others = [
        f"{_shown(name, given[name])} instead of {list(shape)}"
        for name, shape in own.items()
        if name in given and list(given[name]) != list(shape)
    ]
    kinds = {"missing": missing, "unexpected": unexpected, "of another shape": others}
    return "; ".join(f"{kind}: {listed(found)}" for kind, found in kinds.items() if found)


def _shown(name: str, shape: Iterable[int]) -> str:
    return f"{name} {list(shape)}"


def listed(texts: Sequence[str]) -> str:
    """The first few of `texts`, and how many more there are."""
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more
