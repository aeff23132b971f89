"""Which operations of a traced network can be converted, and why the others cannot.

A converted network averages over time steps. So every operation but an activation must commute with the mean over steps
(what is linear or adds a constant does), and must treat each image by itself, because the steps of all images go
through it as one batch. For each operation there is a rule: a function that returns "" or says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import fx, nn

from spikeinit.errors import UserError
from spikeinit.interop.convert.aliases import shares_memory
from spikeinit.interop.convert.operations import (
    AVERAGES,
    IGNORED,
    MAXIMA,
    NORMALIZATIONS,
    PADS,
    SHAPE,
    TENSORS,
    WEIGHTED,
    activation,
    argument,
    in_place,
    name_of,
)
from spikeinit.interop.convert.tracing import PLACE, owner

SUPPORTED = (
    "ReLU, ReLU6, Hardtanh from 0 and clamp from 0 (as module, function or method); Conv1d-3d, Linear, BatchNorm1d-3d; "
    "average, adaptive average and maximum pooling, mean over dimensions of the image; flatten, view, reshape, "
    "transpose, permute, chunk, split, slices, padding; +, -, cat, products with constants; dropout, Identity"
)


def check(graph: fx.GraphModule, *, maxima: bool) -> None:
    """`UserError` that names every operation which cannot be converted; nodes have their `SHAPE`.

    maxima: whether maximum pooling is allowed.
    """
    modules = dict(graph.named_modules())
    order = {node: place for place, node in enumerate(graph.graph.nodes)}
    problems: list[str] = []
    for node in graph.graph.nodes:
        module = modules[node.target] if node.op == "call_module" else None
        problem = _problem(node, module, maxima) or (in_place(node, module) and shares_memory(node, order, modules))
        if problem:
            problems.append(f"  {_described(node, module)}: {problem}")
    if problems:
        count = "1 operation" if len(problems) == 1 else f"{len(problems)} operations"
        raise UserError("\n".join([f"{count} cannot be converted; supported are {SUPPORTED}", *problems]))


def _described(node: fx.Node, module: nn.Module | None) -> str:
    if module is not None:
        return f"{node.target} ({type(module).__name__})"
    name = getattr(node.target, "__name__", str(node.target))
    place = ", ".join(filter(None, (owner(node), node.meta.get(PLACE, ""))))
    return f"{'.' if node.op == 'call_method' else ''}{name}{f' in {place}' if place else ''}"


def _problem(node: fx.Node, module: nn.Module | None, maxima: bool) -> str:
    if node.op in ("placeholder", "get_attr"):
        return ""
    if node.op == "output":
        single = isinstance(node.args[0], fx.Node) and node.args[0].meta.get(SHAPE) is not None
        return "" if single else "the network returns several values; return the logits alone"
    if module is not None:
        return _module_problem(node, module, maxima)
    if not node.meta[TENSORS]:
        return ""  # sizes and what is computed from them
    if activation(node, None) is not None:
        return ""
    name = name_of(node)
    rule = RULES.get(name) or (RULES.get(name.removesuffix("_")) if name.endswith("_") else None)
    if rule is None:
        return OTHERS.get(getattr(node.target, "__name__", node.target), "not supported")
    if "max_pool" in name:
        return _maximum(bool(argument(node, 6, "return_indices", False)), maxima)
    return rule(node)


def _module_problem(node: fx.Node, module: nn.Module, maxima: bool) -> str:
    if activation(node, module) is not None:
        return ""
    if isinstance(module, NORMALIZATIONS):
        if module.running_mean is None:
            return "it has no running statistics, so that images depend on their batch; train it with them"
        return ""
    if isinstance(module, MAXIMA):
        return _maximum(module.return_indices, maxima)
    if isinstance(module, nn.Flatten):
        return _first_kept(module.start_dim, len(node.args[0].meta[SHAPE]))
    if isinstance(module, nn.Unflatten):
        return _first_kept(module.dim, len(node.args[0].meta[SHAPE]))
    if isinstance(module, nn.Hardtanh):
        return f"a neuron rests at 0 and cannot give {module.min_val}; use nn.Hardtanh(0, high), nn.ReLU6 or nn.ReLU"
    if type(module) in (*WEIGHTED, *AVERAGES, *IGNORED, *PADS):
        return ""
    return OTHERS.get(type(module).__name__, "not supported")


_SMOOTH = "a spiking neuron imitates ReLU alone; train the network with nn.ReLU or nn.ReLU6 in its place"
_OUTSIDE = "it does not commute with the mean over steps; return what it gets and apply it to the converted outputs"
OTHERS = {
    **dict.fromkeys(("GELU", "gelu", "SiLU", "silu", "Mish", "mish", "Hardswish", "hardswish", "ELU", "elu"), _SMOOTH),
    **dict.fromkeys(("LeakyReLU", "leaky_relu", "PReLU", "prelu", "SELU", "selu", "CELU", "Softplus"), _SMOOTH),
    **dict.fromkeys(("Tanh", "tanh", "hardtanh", "clamp", "clamp_", "clip", "RReLU", "rrelu"), _SMOOTH),
    **dict.fromkeys(("Softmax", "softmax", "LogSoftmax", "log_softmax", "Sigmoid", "sigmoid", "argmax"), _OUTSIDE),
}
"""What to do about operations that are often met."""


def _maximum(indices: bool, allowed: bool) -> str:
    if indices:
        return "maximum pooling with return_indices; unpooling cannot be converted"
    return "" if allowed else 'max_pooling="refuse"; use average pooling, or max_pooling="cumulative"'


def _first_kept(dimension: Any, rank: int) -> str:
    """What is wrong with an operation on a dimension, which must not be that of the images."""
    if not isinstance(dimension, int):
        return "the dimension must be a number in the code"
    return "" if dimension % rank else "it acts on dimension 0, that of the images"


def _rank(node: fx.Node) -> int:
    return len(node.args[0].meta[SHAPE])


def _sum(node: fx.Node) -> str:
    """Tensors, numbers and parameters may be added: a constant has its own value as mean."""
    return "" if all(_tensor(value) or _constant(value) for value in node.args[:2]) else _NUMBERS


def _product(node: fx.Node) -> str:
    first, second = node.args[:2]
    if _constant(second) or (_constant(first) and name_of(node).startswith("mul")):
        return "" if _tensor(first) or _tensor(second) else _NUMBERS
    return "a product of two signals does not commute with the mean over steps; only constants may be factors"


_NUMBERS = "an operand must be a signal, a parameter, or a number in the code; sizes of the batch change with it"


def _tensor(value: Any) -> bool:
    return isinstance(value, fx.Node) and value.meta.get(SHAPE) is not None


def _constant(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, fx.Node) and value.op == "get_attr")


def _cat(node: fx.Node) -> str:
    tensors = argument(node, 0, "tensors")
    return _first_kept(argument(node, 1, "dim", 0), len(tensors[0].meta[SHAPE]))


def _reshape(node: fx.Node) -> str:
    sizes = node.args[1:] or (node.kwargs.get("shape"),)
    first = sizes[0][0] if isinstance(sizes[0], tuple | list) else sizes[0]
    if isinstance(first, int) and first != -1:
        return f"the batch size {first} is fixed in the code; write x.size(0) or -1 in its place"
    return ""


def _along(name: str, position: int, default: Any = None) -> Callable[[fx.Node], str]:
    def rule(node: fx.Node) -> str:
        dimensions = argument(node, position, name, default)
        if dimensions is None:
            return f"give the dimensions ({name}=...), so that the images stay apart"
        found = dimensions if isinstance(dimensions, tuple | list) else (dimensions,)
        rank = _rank(node) + (name_of(node) == "unsqueeze")
        return next(filter(None, (_first_kept(dimension, rank) for dimension in found)), "")

    return rule


def _transpose(node: fx.Node) -> str:
    pair = (argument(node, 1, "dim0"), argument(node, 2, "dim1"))
    return next(filter(None, (_first_kept(dimension, _rank(node)) for dimension in pair)), "")


def _permute(node: fx.Node) -> str:
    given = node.args[1:] or (node.kwargs.get("dims"),)
    dimensions = given[0] if isinstance(given[0], tuple | list) else given
    return "" if dimensions[0] == 0 else "it moves dimension 0, that of the images"


def _getitem(node: fx.Node) -> str:
    if not _tensor(node.args[0]):
        return ""  # one of the parts that chunk or split gave
    key = node.args[1] if isinstance(node.args[1], tuple) else (node.args[1],)
    plain = all(isinstance(each, int | slice) for each in key)
    return "" if plain and key[0] == slice(None) else "an index must keep all images, as in x[:, ::2]"


def _pad(node: fx.Node) -> str:
    if argument(node, 2, "mode", "constant") != "constant":
        return "only padding with a constant"
    return "" if len(argument(node, 1, "pad")) < 2 * _rank(node) else "it pads dimension 0, that of the images"


def _dropout(node: fx.Node) -> str:
    if argument(node, 2, "training", True):
        return "it is active in evaluation mode too; write F.dropout(x, p, training=self.training)"
    return ""


def _always(node: fx.Node) -> str:
    return ""


RULES: dict[str, Callable[[fx.Node], str]] = {
    "add": _sum,
    "sub": _sum,
    "neg": _always,
    "mul": _product,
    "div": _product,
    "cat": _cat,
    "flatten": _along("start_dim", 1, 0),
    "reshape": _reshape,
    "view": _reshape,
    "mean": _along("dim", 1),
    "squeeze": _along("dim", 1),
    "unsqueeze": _along("dim", 1),
    "transpose": _transpose,
    "permute": _permute,
    "chunk": _along("dim", 2, 0),
    "split": _along("dim", 2, 0),
    "getitem": _getitem,
    "pad": _pad,
    "contiguous": _always,
    "average": _always,
    "dropout": _dropout,
    **{f"{kind}max_pool{size}d": _always for kind in ("", "adaptive_") for size in (1, 2, 3)},
}
