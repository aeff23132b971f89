"""Checkpoints of a training in the middle: safetensors, never pickle, replaced atomically, bound to one spec.

A checkpoint holds everything the next batch depends on: parameters, optimiser state, the random streams, the order of
the epoch's images and the position in it. A training resumed on the same processor therefore ends with the same bits.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from spikeinit.errors import UserError
from spikeinit.io import load_tensors, save_tensors

SECONDS = 120.0
"""A checkpoint is written after every epoch and, in long epochs, this often."""

GROUPS = ("network", "optimizer", "generator", "loop")
"""What the names of a checkpoint's tensors begin with."""

Unpacked = TypeVar("Unpacked")


class Checkpoint:
    """The file of one training, and the objects whose state it holds.

    spec_digest: what decides the training's numbers; a file of another digest is not used.
    """

    def __init__(
        self,
        path: Path,
        *,
        spec_digest: str,
        network: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        generators: dict[str, torch.Generator],
    ) -> None:
        self.path = path
        self.spec_digest = spec_digest
        self.network = network
        self.optimizer = optimizer
        self.generators = generators
        self._saved_at = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last one was written, or this training began, more than `SECONDS` ago."""
        return time.monotonic() - self._saved_at > SECONDS

    def save(self, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        """Write the state of all objects, and what the training loop needs beside it: tensors, and JSON values.

        The values hold no infinity, which JSON does not know.
        """
        contents = {f"network/{name}": tensor for name, tensor in self.network.state_dict().items()}
        scalars = {}
        for index, state in self.optimizer.state_dict()["state"].items():
            for key, value in state.items():
                name = f"optimizer/{index}/{key}"
                if isinstance(value, torch.Tensor):
                    contents[name] = value
                else:
                    scalars[name] = value
        contents |= {f"generator/{name}": generator.get_state() for name, generator in self.generators.items()}
        contents |= {f"loop/{name}": tensor for name, tensor in tensors.items()}
        save_tensors(
            self.path,
            {name: tensor.detach().cpu() for name, tensor in contents.items()},
            {"spec_digest": self.spec_digest, "progress": json.dumps(values), "scalars": json.dumps(scalars)},
        )
        self._saved_at = time.monotonic()

    def restore(self, unpack: Callable[[dict[str, torch.Tensor], dict[str, Any]], Unpacked]) -> Unpacked | None:
        """Put the state of the file back into the objects; what `unpack` makes of its tensors and values.

        None if there is nothing to resume. A checkpoint of another spec, or a file that is none, is not used: the
        reason is printed and training starts anew. `unpack` is called before any object is changed.
        """
        if not self.path.exists():
            return None
        try:
            contents, metadata = load_tensors(self.path)
            if metadata.get("spec_digest") != self.spec_digest:
                raise UserError(f"{self.path}: belongs to another spec")
            groups: dict[str, dict[str, torch.Tensor]] = {group: {} for group in GROUPS}
            for name, tensor in contents.items():
                group, _, rest = name.partition("/")
                groups[group][rest] = tensor
            unpacked = unpack(groups["loop"], json.loads(metadata["progress"]))
            self.network.load_state_dict(groups["network"])
            _restore_optimizer(self.optimizer, groups["optimizer"], json.loads(metadata["scalars"]))
            for name, generator in self.generators.items():
                generator.set_state(groups["generator"][name])
            return unpacked
        except (UserError, KeyError, RuntimeError, ValueError) as error:
            print(f"not resumed, training starts anew: {error}", flush=True)
            return None


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor], scalars: dict[str, Any]
) -> None:
    """The state of every parameter, laid out in memory as its parameter is.

    A file holds tensors row by row, convolutions keep theirs with channels last, and the fused optimisers go through
    both as they lie in memory, without looking.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        index, _, key = name.partition("/")
        parameter = parameters[int(index)]
        if value.shape == parameter.shape:
            value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        state.setdefault(int(index), {})[key] = value
    for name, value in scalars.items():
        _, index, key = name.split("/")
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
