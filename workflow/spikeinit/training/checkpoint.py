"""Checkpoints of a training in the middle: safetensors, never pickle, replaced atomically, bound to one spec.

A checkpoint holds everything the next batch depends on: parameters, optimiser state, the random streams, the order of
the epoch's images and the position in it. A training resumed on the same processor therefore ends with the same bits.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from spikeinit.errors import UserError
from spikeinit.io import load_tensors, save_tensors


def save(
    path: Path,
    *,
    spec_digest: str,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    generators: dict[str, torch.Generator],
    tensors: dict[str, torch.Tensor],
    progress: dict[str, Any],
) -> None:
    """Write a checkpoint. `progress` is any JSON value without infinities; `tensors` whatever the loop needs beside
    it.
    """
    contents = {f"network/{name}": tensor for name, tensor in network.state_dict().items()}
    scalars = {}
    for index, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            name = f"optimizer/{index}/{key}"
            if isinstance(value, torch.Tensor):
                contents[name] = value
            else:
                scalars[name] = value
    contents |= {f"generator/{name}": generator.get_state() for name, generator in generators.items()}
    contents |= {f"loop/{name}": tensor for name, tensor in tensors.items()}
    save_tensors(
        path,
        {name: tensor.detach().cpu() for name, tensor in contents.items()},
        {"spec_digest": spec_digest, "progress": json.dumps(progress), "scalars": json.dumps(scalars)},
    )


def restore(
    path: Path,
    *,
    spec_digest: str,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    generators: dict[str, torch.Generator],
) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """Put a checkpoint back into the given objects; its loop tensors and progress, or None if there is nothing to
    resume.

    A checkpoint of another spec, or a file that is none, is not used: the reason is printed and training starts anew.
    """
    if not path.exists():
        return None
    try:
        contents, metadata = load_tensors(path)
        if metadata.get("spec_digest") != spec_digest:
            raise UserError(f"{path}: belongs to another spec")
        groups: dict[str, dict[str, torch.Tensor]] = {"network": {}, "optimizer": {}, "generator": {}, "loop": {}}
        for name, tensor in contents.items():
            group, _, rest = name.partition("/")
            groups[group][rest] = tensor
        network.load_state_dict(groups["network"])
        _restore_optimizer(optimizer, groups["optimizer"], json.loads(metadata["scalars"]))
        for name, generator in generators.items():
            generator.set_state(groups["generator"][name])
        return groups["loop"], json.loads(metadata["progress"])
    except (UserError, KeyError, RuntimeError, ValueError) as error:
        print(f"not resumed, training starts anew: {error}", flush=True)
        return None


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor], scalars: dict[str, Any]
) -> None:
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        index, _, key = name.partition("/")
        state.setdefault(int(index), {})[key] = value
    for name, value in scalars.items():
        _, index, key = name.split("/")
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
