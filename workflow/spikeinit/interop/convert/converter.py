"""From any PyTorch module to a spiking one: trace, check, calibrate, and put neurons in the place of activations."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import fx, nn
from torch.nn.utils import parametrize

from spikeinit.conversion.activation_functions import ClippedRelu
from spikeinit.conversion.activations import DEFAULT_LIMIT
from spikeinit.conversion.baselines import method_neurons, method_thresholds
from spikeinit.conversion.convert import LayerThreshold
from spikeinit.conversion.extraction import LayerActivations
from spikeinit.conversion.layer_thresholds import CHANNELS, layer_threshold
from spikeinit.conversion.memory import EXTRACTION_COPIES
from spikeinit.conversion.methods import METHODS
from spikeinit.conversion.thresholds import NORMS
from spikeinit.errors import UserError
from spikeinit.interop.convert.operations import SHAPE
from spikeinit.interop.convert.over_time import Stepped, over_time
from spikeinit.interop.convert.report import Calibration, clipping, watched
from spikeinit.interop.convert.rewriting import activation_nodes, simplify
from spikeinit.interop.convert.rules import check
from spikeinit.interop.convert.shapes import Shapes, peak
from spikeinit.interop.convert.spiking import SpikingModule
from spikeinit.interop.convert.tracing import trace
from spikeinit.networks.build import FeedForward

MAX_POOLING = ("cumulative", "steps", "refuse")
AGREEMENT = 1e-3
"""Largest difference between a network and its traced copy, relative to the largest output."""
_EXAMPLES = 2


@torch.no_grad()
def convert(
    network: nn.Module,
    batches: Iterable[Any],
    *,
    timesteps: int = 8,
    method: str = "optimal",
    norm: int = 1,
    max_pooling: str = "cumulative",
    values: int = DEFAULT_LIMIT,
    channel_values: int = 1 << 14,
    kernel: str = "auto",
) -> SpikingModule:
    """The spiking copy of a trained `network`, for `timesteps` steps.

        spiking = convert(torchvision.models.resnet18(weights="DEFAULT"), loader, timesteps=32)

    network: any module with ReLU-like activations whose `forward` takes one batch [B, ...] of images and returns one
    tensor, and can be traced by torch.fx. It is copied and stays as it is; the copy acts as the network does in
    evaluation mode, without hooks. `spikeinit.interop.convert.rules` says which operations are supported.

    batches: calibration images, a tensor [N, ...] or an iterable of batches, as the network takes them: tensors
    [B, ...], or tuples of which they come first, as a DataLoader gives. They are read once, and of the activations at
    most `values` float32 values a layer (`channel_values` a channel) are kept, however many images there are.

    method: one of `spikeinit.conversion.methods.METHODS`: "optimal" for the thresholds and potentials of Bojković et
    al. (2024), a baseline such as "max" or "percentile", "qcfs" and "opt_clipped" for networks whose activations hold
    their thresholds. norm: 1 or 2, the exponent of the error that the optimal threshold minimises. A bounded activation
    as ReLU6 has no threshold above its bound.

    max_pooling: "cumulative" commutes with the mean over steps, "steps" pools the spikes of each step (module
    `spiking`), "refuse" is an error where the network pools maxima. kernel: of the neurons, as in `integrate_and_fire`.

    `UserError` names what cannot be converted, all of it at once, or what is wrong with the batches.
    """
    _check_options(timesteps, method, norm, max_pooling)
    copied = _copied(network)
    device = _device(copied)
    inputs = _Inputs(batches, copied, device)
    stream = iter(inputs)
    first = next(stream, None)
    if first is None:
        raise UserError("batches is empty: give at least one batch of calibration images")
    example = first[:_EXAMPLES]
    expected = _run(copied, example)
    graph = trace(copied)
    Shapes(graph).run(example.clone())
    check(graph, maxima=max_pooling != "refuse")
    simplify(graph)
    graph.to(first.device).requires_grad_(False)
    Shapes(graph).run(example)
    _compare(graph(example), expected)
    activations = {node.target: graph.get_submodule(node.target) for node in activation_nodes(graph)}
    _check_method(method, activations)

    calibration = Calibration(graph, first.shape[1:], peak(graph.graph) // len(example))
    limits = {"limit": values, "channel_limit": channel_values if METHODS[method].thresholds == CHANNELS else None}
    layers = {
        node.target: LayerActivations.empty(node.target, node.meta[SHAPE][1:], **limits)
        for node in activation_nodes(graph)
    }
    _observe(graph, layers, first, stream, calibration)
    kind = METHODS[method].thresholds
    searched = {}
    if kind != "trained":
        searched[kind] = [layer_threshold(layer, kind, timesteps, norm) for layer in layers.values()]
    chosen = map(_bounded, method_thresholds(method, activations.values(), searched), activations.values())
    make_neuron = method_neurons(method, timesteps, kernel=kernel)
    neurons = {}
    for (name, layer), given in zip(layers.items(), chosen, strict=True):
        calibration.layers.append(clipping(layer, given))
        neurons[name] = Stepped(make_neuron(given)).to(first.device)
    return SpikingModule(
        over_time(graph, neurons, max_pooling=max_pooling),
        timesteps=timesteps,
        method=method,
        max_pooling=max_pooling,
        calibration=calibration,
    )


def _check_options(timesteps: Any, method: str, norm: Any, max_pooling: str) -> None:
    if isinstance(timesteps, bool) or not isinstance(timesteps, int) or timesteps < 1:
        raise UserError(f"timesteps={timesteps!r}; a whole number of steps, at least 1")
    for name, given, allowed in (
        ("method", method, METHODS),
        ("norm", norm, NORMS),
        ("max_pooling", max_pooling, MAX_POOLING),
    ):
        if given not in allowed:
            raise UserError(f"{name}={given!r}; choose one of {', '.join(map(repr, allowed))}")


def _check_method(method: str, activations: dict[str, nn.Module]) -> None:
    if not activations:
        raise UserError("the network has no activation, so nothing would spike; give one with ReLU activations")
    allowed = METHODS[method].activations
    if "relu" in allowed:
        allowed = (*allowed, "clipped_relu")
    for name, activation in activations.items():
        if activation.kind not in allowed:
            fitting = ", ".join(known for known, one in METHODS.items() if activation.kind in one.activations)
            remedy = "bounded activations such as nn.ReLU6" if activation.kind == "relu" else f"one of {fitting}"
            raise UserError(f"method={method!r} does not fit {name}, a {type(activation).__name__}; use {remedy}")


def _copied(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode without hooks and parametrisations."""
    if isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
        network = network.module
    network = getattr(network, "_orig_mod", network)  # of torch.compile
    name = type(network).__name__
    if isinstance(network, FeedForward):
        raise UserError(f"{name} is a network of this package; use spikeinit.conversion.convert.convert")
    if isinstance(network, torch.jit.ScriptModule) or not isinstance(network, nn.Module):
        raise UserError(f"{name} cannot be traced; give the torch.nn.Module that it was made from")
    if any(isinstance(each, nn.parameter.UninitializedParameter) for each in network.parameters()):
        raise UserError(f"{name} has lazy layers without weights yet; run it on one batch first")
    try:
        copied = copy.deepcopy(network)
    except Exception as error:  # PyTorch's for tensors that were computed, or of anything the network holds
        raise UserError(
            f"{name} cannot be copied ({error}); remove what it computed and kept, as torch.nn.utils.remove_weight_norm"
        ) from None
    for module in copied.modules():
        for hooks in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks):
            hooks.clear()
        if parametrize.is_parametrized(module):
            _fix_parameters(module)
    return copied.eval()


def _fix_parameters(module: nn.Module) -> None:
    """Put what its parametrisations make of a module's parameters in their place.

    PyTorch's `remove_parametrizations` would change the class, which the copy shares with the user's own module.
    """
    values = {name: getattr(module, name).detach() for name in module.parametrizations}
    del module.parametrizations
    module.__class__ = type(module).__bases__[0]
    for name, value in values.items():
        module.register_parameter(name, nn.Parameter(value))


def _device(network: nn.Module) -> torch.device | None:
    devices = {tensor.device for tensor in (*network.parameters(), *network.buffers())}
    if len(devices) > 1:
        raise UserError(f"the network lies on {', '.join(sorted(map(str, devices)))}; bring all of it to one device")
    device = next(iter(devices), None)
    if device is not None and device.type == "meta":
        raise UserError("the network is on the meta device and has no weights; load them onto another one first")
    return device


class _Inputs:
    """The input of each batch, checked, on the network's device."""

    def __init__(self, batches: Any, network: nn.Module, device: torch.device | None) -> None:
        self.batches = [batches] if isinstance(batches, torch.Tensor) else batches
        self.device = device
        self.dtype = next((each.dtype for each in network.parameters() if each.is_floating_point()), None)

    def __iter__(self) -> Iterator[torch.Tensor]:
        shape = None
        for number, batch in enumerate(self.batches, start=1):
            images = batch[0] if isinstance(batch, tuple | list) and batch else batch
            self._check(images, number, shape)
            shape = images.shape[1:]
            yield images if self.device is None else images.to(self.device)

    def _check(self, images: Any, number: int, shape: torch.Size | None) -> None:
        start = f"batch {number} of the calibration"
        if not isinstance(images, torch.Tensor):
            raise UserError(f"{start} is a {type(images).__name__}; give a tensor [B, ...], or a tuple that begins so")
        if images.dim() < 2 or images.numel() == 0:
            raise UserError(f"{start} has shape {list(images.shape)}; give images [B, ...], at least one")
        if shape is not None and images.shape[1:] != shape:
            raise UserError(f"{start} has images of shape {list(images.shape[1:])}, those before {list(shape)}")
        if images.dtype != (self.dtype or images.dtype):
            raise UserError(f"{start} is {images.dtype} and the network {self.dtype}; convert the images as for it")
        if images.device.type == "meta" or not bool(images.isfinite().all()):
            raise UserError(f"{start} holds NaN, infinite or no values; give images as the network was trained on")


def _run(network: nn.Module, images: torch.Tensor) -> Any:
    try:
        return network(images.clone())
    except Exception as error:  # whatever the user's code raises
        raise UserError(
            f"{type(network).__name__} does not run on images of shape {list(images.shape)}, {images.dtype}: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}; give batches as it takes them"
        ) from None


def _compare(found: torch.Tensor, expected: torch.Tensor) -> None:
    largest = expected.abs().max().item()
    difference = (found - expected).abs().max().item() if found.shape == expected.shape else float("inf")
    if not difference <= AGREEMENT * max(largest, 1e-6):
        raise UserError(
            f"the traced copy of the network gives other outputs than the network itself (up to {difference:.3g} of "
            f"{largest:.3g}): its forward does what tracing does not see, such as random numbers or NaN; "
            "remove that from the network"
        )


def _observe(
    graph: fx.GraphModule,
    layers: dict[str, LayerActivations],
    first: torch.Tensor,
    others: Iterator[torch.Tensor],
    calibration: Calibration,
) -> None:
    """Run all batches, part by part, and take in the activations of each layer when it has run."""
    modules = {name: graph.get_submodule(name) for name in layers}
    for batch in itertools.chain([first], others):
        calibration.keep(batch)
        for part in batch.split(calibration.images_at_once(batch, EXTRACTION_COPIES)):
            output = watched(modules, lambda name, found: layers[name].update(found), graph, part)
            if not bool(output.isfinite().all()):
                raise UserError("the network's outputs are NaN or infinite; train it with a smaller learning rate")


def _bounded(given: LayerThreshold, activation: nn.Module) -> LayerThreshold:
    """The threshold, or the bound of the activation if that is lower; the potential is the same part of it."""
    if not isinstance(activation, ClippedRelu):
        return given
    threshold = given.threshold.clamp(max=activation.threshold_value)
    return LayerThreshold(threshold, given.initial_potential * (threshold / given.threshold))
