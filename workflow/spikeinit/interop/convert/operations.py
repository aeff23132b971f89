"""What the operations of a traced network are, however they were written: as a module, a function or a method.

A call of a function and a call of a method of the same name are one operation: their arguments stand in the same
places.
`x.relu_()`, `torch.relu_(x)` and `x += y` end in an underscore, as PyTorch has it: they work in place.
"""

from __future__ import annotations

import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from spikeinit.conversion.activation_functions import ClippedRelu, Relu
from spikeinit.conversion.convert import ACTIVATIONS
from spikeinit.networks.modules import Convolution

SHAPE = "shape"
"""Of a node's `meta`: the shape of its value for an example, None where the value is not a tensor."""

TENSORS = "tensors"
"""Of a node's `meta`: whether its value is a tensor or holds tensors. Sizes, and what is computed of them, do not."""

WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, Convolution)
NORMALIZATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
MAXIMA = (
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
)
AVERAGES = (
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
)
IGNORED = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
PADS = (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d, nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)
SHAPED = (nn.Flatten, nn.Unflatten)

FUNCTIONS: dict[Any, str] = {
    **{torch.relu: "relu", torch.relu_: "relu_", F.relu: "relu", F.relu_: "relu_", F.relu6: "relu6"},
    **{F.hardtanh: "hardtanh", torch.clamp: "clamp", torch.clamp_: "clamp_", torch.clip: "clamp"},
    **{getattr(F, f"dropout{kind}"): "dropout" for kind in ("", "1d", "2d", "3d")},
    **{operator.add: "add", operator.iadd: "add_", torch.add: "add"},
    **{operator.sub: "sub", operator.isub: "sub_", torch.sub: "sub", operator.neg: "neg", torch.neg: "neg"},
    **{operator.mul: "mul", operator.imul: "mul_", torch.mul: "mul"},
    **{operator.truediv: "div", operator.itruediv: "div_", torch.div: "div"},
    **{torch.cat: "cat", torch.concat: "cat", torch.flatten: "flatten", torch.reshape: "reshape"},
    **{torch.mean: "mean", torch.transpose: "transpose", torch.permute: "permute"},
    **{torch.squeeze: "squeeze", torch.unsqueeze: "unsqueeze"},
    **{torch.chunk: "chunk", torch.split: "split", operator.getitem: "getitem", F.pad: "pad"},
    **{getattr(F, f"avg_pool{kind}"): "average" for kind in ("1d", "2d", "3d")},
    **{getattr(F, f"adaptive_avg_pool{kind}"): "average" for kind in ("1d", "2d", "3d")},
    **{getattr(F, f"max_pool{kind}"): f"max_pool{kind}" for kind in ("1d", "2d", "3d")},
    **{getattr(torch, f"max_pool{kind}"): f"max_pool{kind}" for kind in ("1d", "2d", "3d")},
    **{getattr(F, f"adaptive_max_pool{kind}"): f"adaptive_max_pool{kind}" for kind in ("1d", "2d", "3d")},
}
METHODS = {
    **{name: name for name in ("relu", "relu_", "add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_", "neg")},
    **{name: name for name in ("flatten", "reshape", "view", "mean", "transpose", "permute", "squeeze", "unsqueeze")},
    **{name: name for name in ("chunk", "split", "contiguous", "clamp", "clamp_")},
    **{"clip": "clamp", "clip_": "clamp_"},
}
SHARES_MEMORY = frozenset(
    ("flatten", "reshape", "view", "transpose", "permute", "squeeze", "unsqueeze", "chunk", "split", "getitem")
)
"""Operations whose result may lie in the memory of what they get."""


def name_of(node: fx.Node) -> str:
    """The operation of a function or method call, "" for one that is unknown and for everything else."""
    if node.op == "call_function":
        return FUNCTIONS.get(node.target, "")
    return METHODS.get(node.target, "") if node.op == "call_method" else ""


def argument(node: fx.Node, position: int, name: str, default: Any = None) -> Any:
    """An argument of a call, wherever it stands."""
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


def in_place(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether the operation changes what it gets. Dropout does not, in evaluation mode."""
    if module is not None:
        return bool(getattr(module, "inplace", False)) and not isinstance(module, IGNORED)
    name = name_of(node)
    if name in ("relu", "relu6", "hardtanh") and node.op == "call_function":
        position = 3 if name == "hardtanh" else 1
        return bool(argument(node, position, "inplace", False))
    return name.endswith("_")


def activation(node: fx.Node, module: nn.Module | None) -> nn.Module | None:
    """The activation of this package that the operation is: `Relu`, `ClippedRelu` or what stands there; or None."""
    low, high = 0.0, None
    if module is not None:
        if isinstance(module, ACTIVATIONS):
            return module
        if isinstance(module, nn.Hardtanh):  # ReLU6 is one
            low, high = module.min_val, module.max_val
        elif not isinstance(module, nn.ReLU):
            return None
    else:
        name = name_of(node).removesuffix("_")
        if name == "relu6":
            high = 6.0
        elif name == "hardtanh":
            low, high = argument(node, 1, "min_val", -1.0), argument(node, 2, "max_val", 1.0)
        elif name == "clamp":
            low, high = argument(node, 1, "min"), argument(node, 2, "max")
        elif name != "relu":
            return None
    if low != 0 or isinstance(low, bool) or isinstance(high, fx.Node) or (high is not None and not high > 0):
        return None
    return Relu() if high is None else ClippedRelu(float(high))
