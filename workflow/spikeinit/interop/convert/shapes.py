"""The shapes of all signals in a graph, for an example."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from spikeinit.interop.convert.operations import SHAPE, TENSORS


class Shapes(fx.Interpreter):
    """Runs a graph and notes `SHAPE` and `TENSORS` of each node."""

    def run_node(self, node: fx.Node) -> Any:
        value = super().run_node(node)
        parts = value if isinstance(value, tuple | list) else (value,)
        node.meta[SHAPE] = value.shape if isinstance(value, torch.Tensor) else None
        node.meta[TENSORS] = any(isinstance(part, torch.Tensor) for part in parts)
        return value


def peak(graph: fx.Graph) -> int:
    """Most values that are held at a time, when each is let go after its last use; nodes have their `SHAPE`."""
    last = {used: node for node in graph.nodes for used in node.all_input_nodes}
    held: dict[fx.Node, int] = {}
    most = 0
    for node in graph.nodes:
        if node.op == "get_attr":
            continue
        held[node] = 0 if node.meta[SHAPE] is None else node.meta[SHAPE].numel()
        most = max(most, sum(held.values()))
        for used in [each for each in held if last.get(each, node) is node]:
            del held[used]
    return most
