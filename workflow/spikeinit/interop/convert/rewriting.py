"""The graph of a network in a plain form: nothing in place, no dropout, one module per activation.

Every call of an activation gets a module of its own, also where the code calls one module several times or a function.
Batch normalisation is folded into the convolution or fully connected layer that alone feeds it. Elsewhere, as ahead of
a convolution, it stays an affine step of its own, whatever mode the module is in later.
"""

from __future__ import annotations

import copy
import operator
from collections import Counter
from collections.abc import Iterator

import torch
from torch import fx, nn

from spikeinit.conversion.convert import ACTIVATIONS, fold_into, normalization_scale
from spikeinit.interop.convert.operations import (
    IGNORED,
    MAXIMA,
    NORMALIZATIONS,
    SHAPE,
    WEIGHTED,
    activation,
    argument,
    in_place,
    name_of,
)
from spikeinit.interop.convert.tracing import owner

_PLAIN = {
    **{operator.iadd: operator.add, operator.isub: operator.sub},
    **{operator.imul: operator.mul, operator.itruediv: operator.truediv},
}


class ChannelAffine(nn.Module):
    """x scale + shift along dimension 1 of [B, channels, ...]: a batch normalisation that no layer takes in."""

    def __init__(self, normalization: nn.Module) -> None:
        super().__init__()
        scale, shift = normalization_scale(normalization)
        self.register_buffer("scale", scale.to(normalization.running_mean))
        self.register_buffer("shift", shift.to(normalization.running_mean))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        shape = (-1, *[1] * (signal.dim() - 2))
        return signal * self.scale.reshape(shape) + self.shift.reshape(shape)


def simplify(graph: fx.GraphModule) -> None:
    """Bring a checked graph, whose nodes have their `SHAPE`, to its plain form."""
    _remove_ignored(graph)
    _leave_place(graph)
    _fold(graph)
    _own_modules(graph)
    graph.graph.eliminate_dead_code()
    graph.delete_all_unused_submodules()
    graph.recompile()


def activation_nodes(graph: fx.GraphModule) -> list[fx.Node]:
    """The activations of a graph in its plain form, in the order in which they are computed."""
    return [node for node, module in called(graph) if isinstance(module, ACTIVATIONS)]


def called(graph: fx.GraphModule) -> Iterator[tuple[fx.Node, nn.Module | None]]:
    """Each node, and the module that it calls or None; nodes may be replaced on the way."""
    modules = dict(graph.named_modules())
    for node in list(graph.graph.nodes):
        yield node, modules[node.target] if node.op == "call_module" else None


def _remove_ignored(graph: fx.GraphModule) -> None:
    for node, module in called(graph):
        if isinstance(module, IGNORED) or name_of(node) == "dropout":
            _replace(graph, node, node.args[0])


def _leave_place(graph: fx.GraphModule) -> None:
    """Replace what works in place; whoever uses its input later gets its result."""
    order = {node: place for place, node in enumerate(graph.graph.nodes)}
    for node, module in called(graph):
        if not in_place(node, module):
            continue
        node.args[0].replace_all_uses_with(node, lambda user, node=node: order[user] > order[node])
        if node.op == "call_method":
            node.target = node.target.removesuffix("_")
        node.target = _PLAIN.get(node.target, node.target)


def _fold(graph: fx.GraphModule) -> None:
    names = _Names(graph)
    modules = dict(graph.named_modules())
    calls = Counter(node.target for node in graph.graph.nodes if node.op == "call_module")
    for node, module in called(graph):
        if not isinstance(module, NORMALIZATIONS):
            continue
        before = node.args[0]
        layer = modules[before.target] if before.op == "call_module" else None
        channels_first = not isinstance(layer, nn.Linear) or len(before.meta[SHAPE]) == 2
        if type(layer) in WEIGHTED and channels_first and len(before.users) == 1:
            folded = copy.deepcopy(layer)
            fold_into(folded, module)
            before.target = names.place(before.target, folded, free=calls[before.target] == 1)
            _replace(graph, node, before)
        else:
            node.target = names.place(node.target, ChannelAffine(module))


def _own_modules(graph: fx.GraphModule) -> None:
    """A module of its own for each call of an activation or of maximum pooling."""
    names = _Names(graph)
    for node, module in called(graph):
        own = activation(node, module)
        if own is None:
            own = module if isinstance(module, MAXIMA) else _pooling(node)
        if own is None:
            continue
        if module is None:
            given = name_of(node).removesuffix("_")
            where = owner(node)
            name = names.place(f"{where}.{given}" if where else given, own, free=False)
        else:
            name = names.place(node.target, copy.deepcopy(own))
        with graph.graph.inserting_before(node):
            call = graph.graph.call_module(name, (node.args[0],))
        call.meta = dict(node.meta)
        _replace(graph, node, call)


def _pooling(node: fx.Node) -> nn.Module | None:
    """The module of a function that pools maxima."""
    name = name_of(node)
    size = f"{name[-2:]}"
    if name.startswith("adaptive_max_pool"):
        return getattr(nn, f"AdaptiveMaxPool{size}")(argument(node, 1, "output_size"))
    if name.startswith("max_pool"):
        order = ("kernel_size", "stride", "padding", "dilation")
        given = dict(zip(order, node.args[1:5], strict=False)) | {
            key: value for key, value in node.kwargs.items() if key in (*order, "ceil_mode")
        }
        if len(node.args) > 5:
            given["ceil_mode"] = node.args[5]
        return getattr(nn, f"MaxPool{size}")(**{**given, "stride": given.get("stride") or None})
    return None


class _Names:
    """Gives every module a name: that of the module in whose place it comes for the first call, else a new one."""

    def __init__(self, graph: fx.GraphModule) -> None:
        self.graph = graph
        self.taken: set[str] = set()
        self.held = {name for name, _ in (*graph.named_modules(), *graph.named_parameters(), *graph.named_buffers())}

    def place(self, name: str, module: nn.Module, *, free: bool = True) -> str:
        """Put `module` at `name`, or at `name`_2, `name`_3 .. if that is taken; `free`: what it holds now may go."""
        number, found = 1, name
        while found in self.taken or (found in self.held and not (free and number == 1)):
            number += 1
            found = f"{name}_{number}"
        self.taken.add(found)
        self.graph.add_submodule(found, module)
        return found


def _replace(graph: fx.GraphModule, node: fx.Node, value: fx.Node) -> None:
    node.replace_all_uses_with(value)
    graph.graph.erase_node(node)
