"""Key paths such as training.optimizer.name: what stands at one in nested mappings, and all there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any


def value_at(values: Mapping[str, Any], key: str, otherwise: Any = None) -> Any:
    """The value of a key path; `otherwise` where it is not set."""
    part: Any = values
    for name in key.split("."):
        if not isinstance(part, Mapping) or name not in part:
            return otherwise
        part = part[name]
    return part


def leaves(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """(key path, value) of everything in nested mappings that is no mapping, or an empty one."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def below(key: str, paths: Collection[str]) -> bool:
    """Whether a key path is one of `paths`, or leads further into one of them."""
    return any(key == path or key.startswith(f"{path}.") for path in paths)
