"""A network's graph over time: neurons in the place of activations, all steps of all images in one batch.

Signals travel as [T*B, ...]; only neurons, and maximum pooling, see [T, B, ...]. What lies before the first neurons is
the same at every step of a repeated image: it is computed once and then repeated.

**Maximum pooling** does not commute with the mean over steps: of two inputs that spike in turn, the larger of each step
spikes always. "cumulative" pools the sums over the steps so far, and emits by how much their maximum has grown,

    y[t] = max_i S_i[t] - max_i S_i[t-1],    S_i[t] = x_i[1] + .. + x_i[t].

The mean of y over all steps is exactly the maximum of the means. Of spikes of one height V the maximum grows by 0 or V
in each step, so y is a spike train too: that of the input that has fired most so far. (The gates of Rueckauer et al.
2017 are of the same spirit: only the spikes of the input with the highest rate pass.) "steps" pools the spikes of each
step by themselves, as the networks of this package do.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import fx, nn

from spikeinit.conversion.convert import QuantizedActivation
from spikeinit.interop.convert.operations import MAXIMA, TENSORS
from spikeinit.interop.convert.rewriting import called
from spikeinit.interop.convert.tracing import attribute

REPEATED = "_repeated"
"""Name of the module that repeats what is the same at every step."""


class Stepped(nn.Module):
    """Neurons over [T, B, ...], or what stands in for them, in a network whose signals are [T*B, ...]."""

    def __init__(self, neuron: nn.Module) -> None:
        super().__init__()
        self.neuron = neuron

    def forward(self, merged: torch.Tensor, timesteps: int) -> torch.Tensor:
        return self.neuron(merged.unflatten(0, (timesteps, -1))).flatten(0, 1)


class CumulativeMaximum(nn.Module):
    """Maximum pooling that commutes with the mean over steps, as the module's docstring says."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, merged: torch.Tensor, timesteps: int) -> torch.Tensor:
        if timesteps == 1:
            return self.pool(merged)
        sums = merged.unflatten(0, (timesteps, -1)).cumsum(0).flatten(0, 1)
        maxima = self.pool(sums).unflatten(0, (timesteps, -1))
        return torch.cat([maxima[:1], maxima.diff(dim=0)]).flatten(0, 1)


class RepeatedSteps(nn.Module):
    """[steps*B, ...] as [timesteps*B, ...]: what is the same at every step has steps = 1 and is repeated."""

    def forward(self, signal: torch.Tensor, steps: int, timesteps: int) -> torch.Tensor:
        if steps == timesteps:
            return signal
        return signal.expand(timesteps, *signal.shape).flatten(0, 1)


def over_time(analogue: fx.GraphModule, neurons: Mapping[str, nn.Module], *, max_pooling: str) -> fx.GraphModule:
    """The graph of (images [steps*B, ...], steps, timesteps) with `neurons`, by name, in the place of activations.

    analogue: in its plain form. It stays as it is; all modules but the activations are shared with it. The result is
    [timesteps*B, ...].
    """
    return _OverTime(analogue, neurons, max_pooling).build()


class _OverTime:
    """Copies a graph. A node has up to two copies: once for all steps (`still`), or for each of them (`timed`)."""

    def __init__(self, analogue: fx.GraphModule, neurons: Mapping[str, nn.Module], max_pooling: str) -> None:
        self.analogue, self.neurons, self.max_pooling = analogue, neurons, max_pooling
        self.graph = fx.Graph()
        self.held: dict[str, Any] = {}
        self.still: dict[fx.Node, fx.Node] = {}
        self.timed: dict[fx.Node, fx.Node] = {}

    def build(self) -> fx.GraphModule:
        for node, module in called(self.analogue):
            if node.op == "placeholder":
                self.still[node] = self.graph.placeholder("images")
                self.steps, self.timesteps = map(self.graph.placeholder, ("steps", "timesteps"))
            elif node.op == "output":
                self.graph.output(self.of_all_steps(node.args[0]))
            elif node.target in self.neurons and node.op == "call_module":
                current = self.of_all_steps(node.args[0])
                self.timed[node] = self.call(node, self.neurons[node.target], (current, self.timesteps))
            elif any(each in self.timed for each in node.all_input_nodes):
                self.timed[node] = self.copy(node, module, self.of_all_steps, self.timesteps)
            else:
                self.still[node] = self.copy(node, module, self.still.__getitem__, self.steps)
        return fx.GraphModule(self.held, self.graph, type(self.analogue).__name__)

    def of_all_steps(self, node: fx.Node) -> fx.Node:
        """The copy of `node` with a value for each step; sizes are then those of the batch of all steps."""
        if node.op == "get_attr":
            return self.still[node]
        if node not in self.timed:
            if node.meta[TENSORS]:
                self.held[REPEATED] = RepeatedSteps()
                self.timed[node] = self.graph.call_module(REPEATED, (self.still[node], self.steps, self.timesteps))
            else:
                self.timed[node] = self.graph.node_copy(node, self.of_all_steps)
        return self.timed[node]

    def copy(
        self, node: fx.Node, module: nn.Module | None, of: Callable[[fx.Node], fx.Node], steps: fx.Node
    ) -> fx.Node:
        if module is None:
            if node.op == "get_attr":
                self.held[node.target] = attribute(self.analogue, node.target)
            return self.graph.node_copy(node, of)
        if isinstance(module, MAXIMA) and self.max_pooling == "cumulative":
            return self.call(node, CumulativeMaximum(module), (of(node.args[0]), steps))
        self.held[node.target] = module
        return self.graph.node_copy(node, of)

    def call(self, node: fx.Node, module: nn.Module, arguments: tuple[fx.Node, ...]) -> fx.Node:
        self.held[node.target] = module
        return self.graph.call_module(node.target, arguments)


def neurons_of(network: fx.GraphModule) -> dict[str, nn.Module]:
    """What stands in the place of each activation, by its name, in the order in which it runs."""
    return {node.target: module.neuron for node, module in called(network) if isinstance(module, Stepped)}


def timeless(network: fx.GraphModule, timesteps: int) -> fx.GraphModule:
    """The network without time: one step, every neuron replaced by the Q of `timesteps` steps. It shares the weights.

    It is to this graph what `conversion.convert.quantized` is to a network of this package.
    """
    shared = {id(each): each for each in (*network.parameters(), *network.buffers())}
    copied = copy.deepcopy(network, shared)
    for _, module in called(copied):
        if isinstance(module, Stepped):
            module.neuron = QuantizedActivation(module.neuron, timesteps)
    return copied
