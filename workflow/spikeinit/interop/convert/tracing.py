"""A network's operations as a graph, by the symbolic tracing of torch.fx.

Modules of `torch.nn` are single operations, containers apart; so are the activations and the convolutions of this
package. All other modules are traced through. What a module does must not depend on the values of its input: tracing
sees no values.
"""

from __future__ import annotations

import itertools
import operator
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn

from spikeinit.conversion.convert import ACTIVATIONS
from spikeinit.errors import UserError
from spikeinit.networks.modules import Convolution

PLACE = "place"
"""Of a node's `meta`: file and line of the user's code that the operation is called in, or ""."""
_ROOT = "network"
_TORCH = str(Path(torch.__file__).parent)


class _Root(nn.Module):
    """Calls the network with one argument, so that all others have their defaults."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: fx.Proxy) -> fx.Proxy:
        return self.network(images)


class _Proxy(fx.Proxy):
    """Notes `x += y` as what it is; torch.fx takes it for x + y, though it changes x for all who hold it."""

    def __iadd__(self, other: Any) -> fx.Proxy:
        return self._in_place(operator.iadd, other)

    def __isub__(self, other: Any) -> fx.Proxy:
        return self._in_place(operator.isub, other)

    def __imul__(self, other: Any) -> fx.Proxy:
        return self._in_place(operator.imul, other)

    def __itruediv__(self, other: Any) -> fx.Proxy:
        return self._in_place(operator.itruediv, other)

    def _in_place(self, function: Callable[[Any, Any], Any], other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", function, (self, other), {})


class _Tracer(fx.Tracer):
    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, (*ACTIVATIONS, Convolution)) or super().is_leaf_module(module, name)

    def create_node(self, *arguments: Any, **options: Any) -> fx.Node:
        node = super().create_node(*arguments, **options)
        node.meta[PLACE] = next(_places(_stack()), "")
        return node


def trace(network: nn.Module) -> fx.GraphModule:
    """The graph of `network`, with the network's own modules under the names that they have there.

    `UserError` says where in the user's code the network cannot be traced.
    """
    tracer = _Tracer()
    try:
        graph = tracer.trace(_Root(network))
    except Exception as error:  # whatever the user's code raises when it gets symbols in the place of values
        places = list(_places(traceback.walk_tb(error.__traceback__)))
        raise UserError(
            f"{places[-1] if places else type(network).__name__}: {type(network).__name__} cannot be traced here: "
            f"{_first_line(error)}; a path that depends on the data's values or shapes cannot be converted: choose it "
            "by an argument of the constructor, or convert the part of the network that is the same for all data"
        ) from None
    held: dict[str, Any] = {}
    for node in graph.nodes:
        if node.op in ("call_module", "get_attr"):
            found = attribute(tracer.root, node.target)
            node.target = _own_name(node.target)
            held[node.target] = found
    return fx.GraphModule(held, graph, type(network).__name__)


def attribute(root: nn.Module, name: str) -> Any:
    """What `root` holds under a name with dots."""
    for part in name.split("."):
        root = getattr(root, part)
    return root


def owner(node: fx.Node) -> str:
    """Name in the network of the module that the operation is called in; "" for the network itself."""
    stack = [name for name, _ in (node.meta.get("nn_module_stack") or {}).values()]
    name = stack[-1] if stack else _ROOT
    return "" if name == _ROOT else _own_name(name)


def _stack() -> Iterator[tuple[Any, int]]:
    """The frames that called the tracer, innermost first, as far as the call of the network."""
    return itertools.takewhile(
        lambda frame: frame[0].f_code is not _Root.forward.__code__, traceback.walk_stack(sys._getframe(2))
    )


def _own_name(name: str) -> str:
    return name.removeprefix(f"{_ROOT}.")


def _places(frames: Iterator[tuple[Any, int]]) -> Iterator[str]:
    """`file.py, line 12` of the frames of the user's code: those that lie neither in torch nor in this module."""
    for frame, line in frames:
        file = frame.f_code.co_filename
        if file != __file__ and not file.startswith((_TORCH, "<eval_with_key")):
            yield f"{file}, line {line}"


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].split(". ")[0].rstrip(".")
