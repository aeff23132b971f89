"""What the saved weights of a run tell: the sizes of its layers, and which neurons have lost theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from spikeinit.errors import UserError


def dense_sizes(run: Path) -> list[int]:
    """Inputs and outputs of every layer of a run's fully connected network, by its weights; [] for another network."""
    with _opened(run / "weights.safetensors") as file:
        names = [name for name in file.keys() if name.endswith(".weight")]  # noqa: SIM118
        first_seed = min(name.partition("/")[0] for name in names)
        shapes = [file.get_slice(n).get_shape() for n in sorted(names, key=_layer) if n.startswith(f"{first_seed}/")]
    if any(len(shape) != 2 for shape in shapes):
        return []
    return [shapes[0][1], *(outputs for outputs, _ in shapes)]


def lost_neurons(run: Path) -> list[dict[str, Any]]:
    """For every seed of a run, how many neurons or features of its network have weights that are no numbers.

    A training with a surrogate gradient that overflows loses them one by one: they never spike again.
    """
    found: dict[int, int] = {}
    with _opened(run / "weights.safetensors") as file:
        for name in file.keys():  # noqa: SIM118
            seed = int(name.partition("/")[0])
            found.setdefault(seed, 0)
            if name.endswith(".weight"):
                weights = file.get_tensor(name)
                found[seed] += int(np.isnan(weights.reshape(len(weights), -1)).any(axis=1).sum())
    return [{"run": run.name, "seed": seed, "neurons_lost": count} for seed, count in found.items()]


def _opened(path: Path) -> safe_open:
    """The file, of which tensors are read one by one; `UserError` if it is missing or damaged."""
    try:
        return safe_open(str(path), framework="numpy")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable safetensors file ({error}); delete it and run again") from None


def _layer(name: str) -> list[int]:
    return [int(part) for part in name.split(".") if part.isdecimal()]
