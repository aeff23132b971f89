"""What one spike is worth in a tensor, followed from the neurons to the layer that receives it.

>>> heights = SpikeHeights()
>>> with heights:
...     pooled = torch.nn.AvgPool2d(2)(torch.ones(1, 3, 8, 8))
...     received = pooled.flatten(1)
>>> heights.of(received)
0.25

A spike is worth 1 where nothing else is known. Behind average pooling it is worth one part of its window, and neurons
of a converted network emit spikes as high as their threshold. With the height, values are read as numbers of spikes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

SHAPING = (
    "__getitem__", "bfloat16", "cat", "chunk", "clone", "contiguous", "detach", "double", "expand", "flatten", "float",
    "half", "movedim", "narrow", "permute", "repeat", "reshape", "select", "split", "squeeze", "stack", "swapaxes",
    "to", "transpose", "unbind", "unflatten", "unsqueeze", "view",
)  # fmt: skip
CHOOSING = tuple(f"{name}{axes}d" for name in ("dropout", "max_pool", "adaptive_max_pool") for axes in (1, 2, 3))
KEEP = frozenset((*SHAPING, *CHOOSING, "dropout"))
"""Functions of torch that leave spikes as high as they were."""
AVERAGE = frozenset(("avg_pool1d", "avg_pool2d", "avg_pool3d"))
ADAPTIVE = frozenset(("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"))
_OF_AVERAGE = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")


class SpikeHeights(TorchFunctionMode):
    """Follows heights through the functions of torch that are called while it is entered.

    Average pooling is followed where all of its windows have the same number of values. What any other function makes
    of spikes, as normalisation does, has no height, and `of` says 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known = WeakTensorKeyDictionary()

    def of(self, tensor: torch.Tensor) -> float:
        """What one spike is worth in this tensor."""
        return self._known.get(tensor, 1.0)

    def set(self, tensor: torch.Tensor, height: float) -> None:
        """Spikes in this tensor are worth `height` each."""
        self._known[tensor] = height

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        name = getattr(function, "__name__", "")
        if name in KEEP:
            found = {self.of(tensor) for tensor in _tensors(args)}
            if len(found) == 1 and found != {1.0}:
                for tensor in _tensors((result,)):
                    self.set(tensor, *found)
        elif name in AVERAGE or name in ADAPTIVE:
            averaged = next(_tensors((*args, *kwargs.values())))
            if name in AVERAGE:
                count = _averaged_values(int(name[-2]), args, kwargs)
            else:
                count = _adaptively_averaged_values(averaged, result)
            if count is not None:
                self.set(result, self.of(averaged) / count)
        elif name.endswith("_") and not name.endswith("__"):  # in place: what was known of the tensor no longer holds
            for tensor in _tensors(args[:1]):
                self._known.pop(tensor, None)
        return result


def _averaged_values(axes: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """By what average pooling over so many axes divides the sums of its windows; None where windows differ."""
    given = {**dict(zip(_OF_AVERAGE, args, strict=False)), **kwargs}
    if given.get("divisor_override"):
        return given["divisor_override"]
    padded = any(_of_axes(given.get("padding", 0), axes))
    if given.get("ceil_mode", False) or (padded and not given.get("count_include_pad", True)):
        return None
    return math.prod(_of_axes(given["kernel_size"], axes))


def _adaptively_averaged_values(averaged: torch.Tensor, result: torch.Tensor) -> int | None:
    """How many values a window of adaptive pooling has; None where windows differ."""
    sizes = list(zip(averaged.shape, result.shape, strict=True))
    if any(before % behind for before, behind in sizes):
        return None
    return math.prod(before // behind for before, behind in sizes)


def _of_axes(value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * axes if len(values) == 1 else values


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)
