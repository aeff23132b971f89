"""Networks of four libraries for tests: chains of linear layers, each with its neurons behind it."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from spikeinit.interop.initialize import initialize

LIBRARIES = ("snntorch", "spikingjelly", "sinabs", "norse")


@dataclass(frozen=True)
class Chain:
    """A network, how it runs on data [T, B, features], the names of its layers, and its neurons in order."""

    network: nn.Module
    run: Callable[[nn.Module, torch.Tensor], torch.Tensor]
    layers: list[str]
    neurons: list[nn.Module]

    def linear(self, place: int) -> nn.Linear:
        return self.network.get_submodule(self.layers[place])


def library(name: str) -> Any:
    """An optional library; its import may warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


class Spike(torch.autograd.Function):
    """A spike whose surrogate derivative is `height` within one of the threshold."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, height: float) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.height = height
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        (x,) = ctx.saved_tensors
        return gradient * ctx.height * (x.abs() < 1), None


class Surrogate(nn.Module):
    """`Spike` in the form that snnTorch and SpikingJelly take, and its derivative in the form that sinabs takes."""

    def __init__(self, height: float) -> None:
        super().__init__()
        self.height = height

    def forward(self, x: torch.Tensor, threshold: torch.Tensor | None = None) -> torch.Tensor:
        if threshold is not None:
            return self.height * ((x - threshold).abs() < 1).to(x.dtype)
        return Spike.apply(x, self.height)


def neurons(name: str, *, decay: float = 0.5, gain_by_decay: bool = False, surrogate: float | None = None) -> nn.Module:
    """Neurons of threshold 1 with a soft reset; the input has the factor 1 - decay if `gain_by_decay`.

    surrogate: height of a surrogate gradient that is zero beyond 1 from the threshold; None for the library's own.
    """
    given = None if surrogate is None else Surrogate(surrogate)
    if name == "snntorch":
        assert not gain_by_decay
        return library("snntorch").Leaky(beta=decay, init_hidden=True, spike_grad=given)
    if name == "spikingjelly":
        node = library("spikingjelly.activation_based.neuron").LIFNode
        options = {} if given is None else {"surrogate_function": given}
        return node(tau=1 / (1 - decay), decay_input=gain_by_decay, v_reset=None, step_mode="m", **options)
    if name == "sinabs":
        layers, activation = library("sinabs.layers"), library("sinabs.activation")
        options = {} if given is None else {"surrogate_grad_fn": given}
        tau = -1 / torch.tensor(decay).log().item()
        return layers.LIF(tau_mem=tau, norm_input=gain_by_decay, spike_fn=activation.SingleSpike, **options)
    assert name == "norse"
    library("norse.torch")
    box = importlib.import_module("norse.torch.functional.lif_box")
    subtract = importlib.import_module("norse.torch.functional.reset").reset_subtract
    options = {} if surrogate is None else {"method": "triangle", "alpha": surrogate}
    inverse = torch.tensor((1 - decay) * 1000)
    parameters = box.LIFBoxParameters(tau_mem_inv=inverse, reset_method=subtract, **options)
    return importlib.import_module("norse.torch.module.lif_box").LIFBoxCell(parameters)


class Stateful(nn.Module):
    """Layers and cells that are handed their states, called step by step."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        states: list[Any] = [None] * len(self.parts)
        spikes = []
        for step in data:
            for place, part in enumerate(self.parts):
                if isinstance(part, nn.Linear):
                    step = part(step)
                else:
                    step, states[place] = part(step, states[place])
            spikes.append(step)
        return torch.stack(spikes)


def whole(network: nn.Module, data: torch.Tensor) -> torch.Tensor:
    return network(data)


def step_by_step(network: nn.Module, data: torch.Tensor) -> torch.Tensor:
    return torch.stack([network(step) for step in data])


def images_first(network: nn.Module, data: torch.Tensor) -> torch.Tensor:
    return network(data.transpose(0, 1)).transpose(0, 1)


RUNS = {"snntorch": step_by_step, "spikingjelly": whole, "sinabs": images_first, "norse": whole}


def chain(name: str, sizes: Sequence[int], *, seed: int = 0, special: dict[int, dict[str, Any]] | None = None) -> Chain:
    """Layers of these sizes, initialised with micheli2024. special: options of the neurons behind a layer."""
    modules = []
    for place, (before, after) in enumerate(pairwise(sizes)):
        modules += [nn.Linear(before, after), neurons(name, **(special or {}).get(place, {}))]
    network = Stateful(modules) if name == "norse" else nn.Sequential(*modules)
    layers = [key for key, module in network.named_modules() if isinstance(module, nn.Linear)]
    built = Chain(network, RUNS[name], layers, modules[1::2])
    initialize(
        network,
        "micheli2024",
        generator=torch.Generator().manual_seed(seed),
        batch=images(1, sizes[0], count=2),
        run=built.run,
    )
    return built


def images(steps: int, features: int, *, count: int = 32, seed: int = 1, scale: float = 0.6) -> torch.Tensor:
    """Normal data [T, B, features], the same at every step; their mean square is 0.36."""
    data = torch.randn(count, features, generator=torch.Generator().manual_seed(seed)) * scale
    return data.repeat(steps, 1, 1)
