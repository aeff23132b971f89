"""State dictionaries as training scripts save them: read without executing anything, and freed of their wrappings.

A script rarely saves `model.state_dict()` alone. The weights may lie under a key beside the optimiser's state, and
each name may carry the prefix of a module around the network. Both are taken off where only one set of weights can
be meant; a file with two is refused.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from spikeinit.conversion.weights_file import REMEDY, kind
from spikeinit.errors import UserError
from spikeinit.io import load_tensors
from spikeinit.networks.weights import listed

WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""Parts of names that DataParallel, averaged models, torch.compile, FSDP and checkpointing add, wherever they stand."""
COUNTERS = ("n_averaged",)
"""Tensors of a wrapper itself, which belong to no layer."""
FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_DEEPEST = 3


@dataclass(frozen=True)
class StateDict:
    """The weights of one network in a file: `tensors` by their names in the network, and by those in the file.

    names: name in the network -> name in the file. where: the keys that lead to the weights, as "['state_dict']"; ""
    for a file that holds nothing else.
    """

    tensors: dict[str, Any]
    names: dict[str, str]
    where: str

    def taken(self) -> str:
        """What was taken off, in words; "" if nothing was."""
        renamed = next(((own, theirs) for own, theirs in self.names.items() if own != theirs), None)
        parts = [f"the weights under {self.where}"] if self.where else []
        parts += [f"{renamed[1]} as {renamed[0]} and so on"] if renamed else []
        return "took " + ", ".join(parts) if parts else ""


def read_state_dict(path: str | Path, pattern: str, network: str) -> StateDict:
    """The weights in a file of torch.save or safetensors whose names in the network match `pattern`, a regular
    expression; `network` says in an error which network that is.

    Tensors of other names beside them keep their names. `UserError` for a file that is neither, or that is damaged;
    for objects beside tensors, which are never executed; and for no such weights, or more than one set of them.
    """
    path = Path(path)
    content = _read(path)
    found = [state for where, mapping in _mappings(content) for state in _states(path, where, mapping, pattern)]
    if not found:
        raise UserError(f"{path}: no weights of {network}; {_shown_content(content)}")
    if len(found) > 1:
        sets = [f"{state.where or 'at the top'} ({next(iter(state.names.values()))}, ..)" for state in found]
        alone = f"torch.load(path){found[-1].where}" if found[-1].where != found[0].where else "network.state_dict()"
        raise UserError(
            f"{path}: {len(found)} sets of weights: {listed(sets)}; save the one that is meant alone, for instance"
            f" torch.save({alone}, other_path)"
        )
    return found[0]


def check_floating(path: str | Path, tensors: Mapping[str, Any]) -> None:
    """`UserError` that names all but dense tensors of floating-point numbers, such as quantised weights."""
    wrong = [f"{name} is {text}" for name, tensor in tensors.items() if (text := _not_numbers(tensor))]
    if wrong:
        raise UserError(f"{path}: {listed(wrong)}; floating-point weights are needed, not rounded or quantised ones")


def as_float32(path: str | Path, tensors: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], str]:
    """`tensors` as float32, and in words which types they had, if others.

    Half precision is taken as it is; float64 is rounded. `UserError` that names all with NaN and infinity.
    """
    given = {tensor.dtype for tensor in tensors.values()} - {torch.float32}
    numbers = {name: tensor.detach().to(torch.float32) for name, tensor in tensors.items()}
    lost = {name: int((~torch.isfinite(tensor)).sum()) for name, tensor in numbers.items()}
    texts = [f"{count} of {numbers[name].numel()} in {name}" for name, count in lost.items() if count]
    if texts:
        raise UserError(f"{path}: NaN or infinity among the weights: {listed(texts)}; give weights that are all finite")
    names = sorted(str(dtype).removeprefix("torch.") for dtype in given)
    return numbers, f"{' and '.join(names)} made float32" if names else ""


def _not_numbers(value: Any) -> str:
    """What a value is that is no dense tensor of floating-point numbers; "" for one that is."""
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    if value.dtype not in FLOATING:
        return str(value.dtype).removeprefix("torch.")
    if value.layout != torch.strided:
        return "sparse"
    return "without its values" if value.is_meta else ""


def _read(path: Path) -> Any:
    if kind(path) == "safetensors":
        try:
            return load_tensors(path)[0]
        except UserError:
            raise UserError(f"{path}: a damaged safetensors file; fetch or save it again") from None
    try:
        with path.open("rb") as file, warnings.catch_warnings():  # torch.load would go by the name of a path
            warnings.simplefilter("ignore")  # about protocols of pickles
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # no list says what a damaged or malicious pickle makes the reader raise
        refused = re.search(r"GLOBAL (\S+) was not an allowed", str(error))
        if refused:
            raise UserError(
                f"{path}: not a file of tensors alone: it asks for {refused[1]}, and nothing was executed; save the"
                " weights alone, where the file is trusted: torch.save(model.state_dict(), path)"
            ) from None
        raise UserError(
            f"{path}: not a file of tensors alone, or damaged ({type(error).__name__}); fetch it again, or save it"
            " with torch.save(model.state_dict(), path)"
        ) from None


def _mappings(content: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The mappings that hold tensors by name, with the keys that lead to them; each once, at no great depth."""
    seen: set[int] = set()
    layer = [("", content)]
    for _ in range(_DEEPEST):
        inner = []
        for where, value in layer:
            if not isinstance(value, Mapping) or id(value) in seen:
                continue
            seen.add(id(value))
            if any(isinstance(tensor, torch.Tensor) for tensor in value.values()):
                yield where, {key: tensor for key, tensor in value.items() if isinstance(key, str)}
            inner += [(f"{where}[{key!r}]", below) for key, below in value.items() if isinstance(key, str)]
        layer = inner


def _states(path: Path, where: str, mapping: Mapping[str, Any], pattern: str) -> Iterator[StateDict]:
    """The sets of weights in a mapping, one for each prefix of names that match."""
    own_name = re.compile(rf"(?P<prefix>(?:\w+\.)*?)(?P<name>{pattern})")
    sets: dict[str, dict[str, str]] = {}
    others = []
    for key, value in mapping.items():
        match = own_name.fullmatch(".".join(part for part in key.split(".") if part not in WRAPPERS))
        if match is None:
            others += [key] if isinstance(value, torch.Tensor) and key not in COUNTERS else []
            continue
        names = sets.setdefault(match["prefix"], {})
        if match["name"] in names:
            raise UserError(f"{path}: {match['name']} is there twice, as {names[match['name']]} and as {key}")
        names[match["name"]] = key
    for names in sets.values():
        both = {**names, **{key: key for key in others}}
        yield StateDict({own: mapping[theirs] for own, theirs in both.items()}, both, where)


def _shown_content(content: Any) -> str:
    """What a file holds in the place of weights, and the remedy if it is no tensors."""
    tensors = [key[:80] for _, mapping in _mappings(content) for key in mapping]
    if tensors:
        return f"it holds {listed(tensors)}"
    return f"it holds a {type(content).__name__} without tensors by name; {REMEDY}"
