"""Operations in place: whether a graph without them would compute the same.

`out += x` writes into the memory of `out`. Where that value is used later, it is the new one, so the plain form of the
graph gives later users the result. Through another view of the memory, as `out.view(-1)` is one, the new value would
come in another shape. That is refused.
"""

from __future__ import annotations

from torch import fx, nn

from spikeinit.interop.convert.operations import IGNORED, SHAPED, SHARES_MEMORY, in_place, name_of


def shares_memory(node: fx.Node, order: dict[fx.Node, int], modules: dict[str, nn.Module]) -> str:
    """What is wrong with an operation in place, "" for nothing: another view of its input that is used later.

    order: the place of each node in the graph.
    """
    views = _views(_origin(node.args[0], modules), modules)
    later = any(
        order[view] < order[node] and any(order[user] > order[node] for user in view.users)
        for view in views
        if _origin(view, modules) is not _origin(node.args[0], modules)
    )
    return "it works in place on memory that another view uses later; write it without inplace" if later else ""


def _origin(node: fx.Node, modules: dict[str, nn.Module]) -> fx.Node:
    """The first node with the same value in the same memory, however it was written since."""
    while node.op != "placeholder" and node.args and isinstance(node.args[0], fx.Node):
        module = modules[node.target] if node.op == "call_module" else None
        same = isinstance(module, IGNORED) or name_of(node) == "dropout" or in_place(node, module)
        if not same:
            break
        node = node.args[0]
    return node


def _views(node: fx.Node, modules: dict[str, nn.Module]) -> set[fx.Node]:
    """All nodes whose value may lie in the memory of `node`'s, or in whose memory it may lie."""
    found: set[fx.Node] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        waiting += [user for user in current.users if _of_same_memory(user, modules)]
        waiting += [each for each in current.all_input_nodes if _of_same_memory(current, modules)]
    return found


def _of_same_memory(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    module = modules[node.target] if node.op == "call_module" else None
    if module is not None:
        return isinstance(module, (*IGNORED, *SHAPED)) or in_place(node, module)
    return name_of(node) in (*SHARES_MEMORY, "dropout", "contiguous") or in_place(node, module)
