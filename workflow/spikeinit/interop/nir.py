"""Write networks as NIR graphs (neuromorphic intermediate representation, Pedersen et al. 2024), which others read.

    from spikeinit.interop.nir import to_nir

    to_nir(spiking, "network.nir", soft_reset=True, pooling="sum")     # a converted network, for sinabs
    to_nir(trained, "network.nir", input_shape=(1, 28, 28))            # a trained network with hard reset

NIR states equations in continuous time: tau dv/dt = v_leak - v + R I for LIF, dv/dt = R I for IF; a spike, of height 1,
where v > v_threshold, which sets v to v_reset. Readers take forward Euler steps of dt. With the decay d and the gain g
of a neuron of this package,

    d < 1, LIF:    u[t] = d u[t-1] + g i[t],    d = 1 - dt / tau,    g = R dt / tau,    so tau = dt / (1 - d),
                                                                                           R = g / (1 - d)
    d = 1, IF:     u[t] = u[t-1] + g i[t],                           g = R dt,          so R = g / dt

is such a step. A converted network has spikes of the height V of their threshold. They are written as spikes of height
1 of neurons with the threshold 1: weights become those of the layer before times its V, divided by the V of their own,
and a bias shift goes into the biases.

**What NIR cannot say** is refused by name: an initial potential, a spike delay, negative spikes, thresholds per neuron
behind a convolution. **Soft reset** is outside of NIR's text, yet sinabs subtracts the threshold where it reads IF or
LIF. With `soft_reset=True` such neurons are written, and the file is for such readers alone. Since their potential
starts at 0, the tolerance of converted neurons (1e-5 thresholds) is left out; NIR's v > threshold differs from their
v >= threshold where both are equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from spikeinit.errors import UserError
from spikeinit.interop.convert.spiking import SpikingModule
from spikeinit.interop.nir_parts import Neurons, Part, converted_parts, own_parts
from spikeinit.networks.build import FeedForward

if TYPE_CHECKING:
    import nir

POOLING = ("average", "sum")


def to_nir(
    network: SpikingModule | FeedForward,
    path: str | Path | None = None,
    *,
    input_shape: Sequence[int] | None = None,
    dt: float = 1e-4,
    soft_reset: bool = False,
    pooling: str = "average",
) -> nir.NIRGraph:
    """The NIR graph of a converted network or of a spiking network of this package, written to `path` if one is given.

    input_shape: of one step of one image; a converted network knows its own. dt: the step in seconds that the reader
    takes (snnTorch and SpikingJelly 1e-4, norse 1e-3). soft_reset: write neurons with soft reset, for a reader that
    subtracts the threshold (module docstring). pooling: "average" (AvgPool2d: snnTorch, SpikingJelly) or "sum"
    (SumPool2d, divided in the next weights: sinabs, norse).

    The output is the current of the last layer where it has no neurons: the reader takes its mean over the steps.
    `UserError` names what NIR cannot say, and the package nir if it is not installed.
    """
    try:
        import nir
    except ImportError:
        raise UserError("to_nir needs the package nir; install it with pip install nir") from None
    if pooling not in POOLING:
        raise UserError(f"pooling={pooling!r}; choose one of {', '.join(map(repr, POOLING))}")
    if isinstance(network, SpikingModule):
        shape, parts = network._calibration.shape, converted_parts(network)
    elif isinstance(network, FeedForward):
        if input_shape is None:
            raise UserError("give input_shape, such as (1, 28, 28): the network does not know the size of its images")
        shape, parts = torch.Size(input_shape), own_parts(network)
    else:
        raise UserError(f"{type(network).__name__} is no spiking network of this package; convert it first")
    graph = _Writer(nir, shape, dt, soft_reset, pooling).write(list(parts))
    if path is not None:
        nir.write(str(path), graph)
    return graph


class _Writer:
    """Writes one part behind the other. `scale` is what the written signal is multiplied with to be the network's."""

    def __init__(self, nir: Any, shape: torch.Size, dt: float, soft_reset: bool, pooling: str) -> None:
        self.nir, self.dt, self.soft_reset, self.pooling = nir, dt, soft_reset, pooling
        self.signal = torch.zeros(1, *shape)
        self.scale = torch.ones((), dtype=torch.float64)
        self.nodes: dict[str, Any] = {"input": nir.Input(np.array(shape))}

    def write(self, parts: list[Part]) -> nir.NIRGraph:
        for index, (name, part) in enumerate(parts):
            if isinstance(part, Neurons):
                before = parts[index - 1][1] if index else None
                in_weights = isinstance(before, nn.Linear | nn.Conv1d | nn.Conv2d)
                self.neurons(name, part, divided=in_weights)
                continue
            behind = parts[index + 1][1] if index + 1 < len(parts) else None
            after = self.run(name, part)
            if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d):
                self.weights(name, part, behind if isinstance(behind, Neurons) else None, after)
            elif isinstance(part, nn.Flatten):
                self.flatten(name, after)
            else:
                self.pool(name, part, after)
            self.signal = after
        if not bool((self.scale == 1).all()):
            raise UserError(
                "the network ends in spikes or pooled values that NIR has no scale for; end it with a Linear layer"
            )
        self.nodes["output"] = self.nir.Output(np.array(self.signal.shape[1:]))
        names = list(self.nodes)
        return self.nir.NIRGraph(self.nodes, list(itertools.pairwise(names)), metadata={})

    def run(self, name: str, module: nn.Module) -> torch.Tensor:
        weight = next(module.parameters(), self.signal)
        try:
            with torch.no_grad():
                return module(self.signal.to(weight))
        except RuntimeError as error:
            raise UserError(f"{name}: {str(error).splitlines()[0]}; input_shape is not what it takes") from None

    def weights(self, name: str, layer: nn.Module, neurons: Neurons | None, after: torch.Tensor) -> None:
        weight = layer.weight.detach().double().cpu()
        bias = torch.zeros(len(weight), dtype=torch.float64)
        if layer.bias is not None:
            bias = layer.bias.detach().double().cpu()
        weight = weight * self.of_inputs(layer)
        self.scale = torch.ones((), dtype=torch.float64)
        if neurons is not None:
            if neurons.amplitude.dim() > 1:
                raise UserError(f"{name}: its neurons have thresholds of their own, and NIR's weights are per channel")
            bias = (bias + neurons.shift) / neurons.amplitude
            weight = weight / neurons.amplitude.reshape(-1, *[1] * (weight.dim() - 1))
        if not isinstance(layer, nn.Linear):
            weight = _dense(weight, layer.groups)
        arrays = weight.float().numpy(), bias.float().numpy()
        if isinstance(layer, nn.Linear):
            if self.signal.dim() != 2:
                raise UserError(f"{name}: a Linear layer on {self.signal.dim() - 1} dimensions; flatten them before it")
            self.nodes[_key(name)] = self.nir.Affine(*arrays)
            return
        if layer.padding_mode != "zeros":
            raise UserError(f"{name}: padding_mode {layer.padding_mode!r}; NIR pads with zeros")
        kind = self.nir.Conv1d if isinstance(layer, nn.Conv1d) else self.nir.Conv2d
        size = tuple(self.signal.shape[2:])
        along = (lambda values: values[0]) if isinstance(layer, nn.Conv1d) else tuple
        padding = layer.padding if isinstance(layer.padding, str) else along(layer.padding)
        self.nodes[_key(name)] = kind(
            along(size), arrays[0], along(layer.stride), padding, along(layer.dilation), 1, arrays[1]
        )

    def of_inputs(self, layer: nn.Module) -> torch.Tensor:
        """The scale in a shape that broadcasts to the layer's weights."""
        if self.scale.dim() == 0:
            return self.scale
        if isinstance(layer, nn.Linear):
            return self.scale.expand(layer.in_features)
        groups = self.scale.reshape(layer.groups, -1)  # output channels of a group see the inputs of that group
        each = groups.repeat_interleave(layer.out_channels // layer.groups, 0)
        return each.reshape(*each.shape, *[1] * (layer.weight.dim() - 2))

    def flatten(self, name: str, after: torch.Tensor) -> None:
        shape = self.signal.shape[1:]
        if shape == after.shape[1:]:
            return
        if self.scale.dim() == 1:
            self.scale = self.scale.reshape(-1, *[1] * (len(shape) - 1)).expand(shape).reshape(-1)
        self.nodes[_key(name)] = self.nir.Flatten(np.array(shape), 0, -1)

    def pool(self, name: str, pool: nn.Module, after: torch.Tensor) -> None:
        kernel, stride, padding = _windows(name, pool, self.signal.shape[2:], after.shape[2:])
        if self.pooling == "sum":
            self.scale = self.scale / (kernel[0] * kernel[1])
        kind = self.nir.SumPool2d if self.pooling == "sum" else self.nir.AvgPool2d
        self.nodes[_key(name)] = kind(*map(np.array, (kernel, stride, padding)))

    def neurons(self, name: str, given: Neurons, *, divided: bool) -> None:
        """divided: whether current and threshold are in units of the amplitude already, by the weights before."""
        if given.soft and not self.soft_reset:
            raise UserError(
                f"{name} has soft reset, and NIR's neurons are set to v_reset; pass soft_reset=True for a reader that "
                "subtracts the threshold, as sinabs does, or train with the reset 'zero'"
            )
        if not given.soft and self.soft_reset:
            raise UserError(f"{name} has hard reset; leave soft_reset=True out")
        gain = given.gain if divided else given.gain * self.scale / given.amplitude
        if not divided and bool((given.shift != 0).any()):
            raise UserError(f"{name} has a bias shift and no layer before it that could take it; give it one")
        shape = self.signal.shape[1:]
        threshold, gain, decay = (
            _spread(name, value, shape) for value in (given.threshold / given.amplitude, gain, given.decay)
        )
        integrating = decay == 1
        if integrating.any() and not integrating.all():
            raise UserError(f"{name} has neurons with and without leak, which NIR keeps in different nodes")
        if integrating.all():
            self.nodes[_key(name)] = self.nir.IF(gain / self.dt, threshold, np.zeros_like(threshold))
        else:
            tau, zeros = self.dt / (1 - decay), np.zeros_like(threshold)
            self.nodes[_key(name)] = self.nir.LIF(tau, gain / (1 - decay), zeros, threshold, zeros.copy())
        self.scale = given.amplitude


def _dense(weight: torch.Tensor, groups: int) -> torch.Tensor:
    """The weights [out, in, ...] of a convolution in `groups`, zero between them: NIR's shapes are those without."""
    if groups == 1:
        return weight
    out, within, *kernel = weight.shape
    whole = torch.zeros(out, within * groups, *kernel, dtype=weight.dtype)
    for group, rows in enumerate(torch.arange(out).chunk(groups)):
        whole[rows, group * within : (group + 1) * within] = weight[rows]
    return whole


def _key(name: str) -> str:
    """A node's name: other libraries make attributes of modules of it, which have no dots."""
    return name.replace(".", "_")


def _spread(name: str, values: torch.Tensor, shape: torch.Size) -> np.ndarray:
    """One value, one per channel, or one per neuron, as an array of all neurons."""
    if values.dim() == 1:
        values = values.reshape(-1, *[1] * (len(shape) - 1))
    try:
        return values.expand(shape).numpy().copy()
    except RuntimeError:
        raise UserError(f"{name} has values of shape {list(values.shape)} for neurons {list(shape)}") from None


def _windows(name: str, pool: nn.Module, before: torch.Size, after: torch.Size) -> tuple[tuple[int, ...], ...]:
    """Kernel, stride and padding of an average pooling, in height and width; `UserError` for what NIR cannot say."""
    if isinstance(pool, nn.AdaptiveAvgPool2d):
        if any(large % small for large, small in zip(before, after, strict=True)):
            raise UserError(f"{name} pools a map of {list(before)} to {list(after)}, with windows of different size")
        kernel = tuple(large // small for large, small in zip(before, after, strict=True))
        return kernel, kernel, (0, 0)
    given = (pool.kernel_size, pool.stride, pool.padding)
    pairs = [value if isinstance(value, tuple) else (value,) * 2 for value in given]
    padded = any(pairs[2])
    if pool.ceil_mode or pool.divisor_override or (padded and not pool.count_include_pad):
        raise UserError(f"{name}: NIR's pooling has no ceil_mode, divisor_override, or count_include_pad=False")
    return tuple(pairs)
