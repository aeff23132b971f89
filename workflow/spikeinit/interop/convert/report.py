"""What a conversion did, layer by layer: thresholds, rates, and how far the spiking layers are from the analogue ones.

| column | what it says |
|---|---|
| layer | name of the activation in the network; the last row is the output |
| neurons | how many there are |
| threshold, initial_potential | in units of the activation; the mean where channels or neurons differ |
| dead | whether no activation of the layer was positive on the calibration images; the threshold is 1 then |
| clipped | share of all activations on the calibration images that are above the threshold |
| firing_rate | spikes per neuron and step |
| mean_activation | mean activation of the analogue layer; of the output, the mean magnitude |
| error | mean over neurons and images of |a - r|: a the activation, r the mean output over the steps |
| relative_error | error / mean_activation |
| quantization_error | mean of |a - q|, q the output of the same neurons if their whole input came at once |
| timing_error | mean of |q - r|: what comes of spikes that are unevenly spread over the steps |

Thresholds and shares are those of all calibration images. Rates and errors are measured on the first of them, which are
kept: at most `MOST_IMAGES`, and at most `MOST_BYTES`, but one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import fx, nn

from spikeinit.conversion.convert import FIRING_TOLERANCE, LayerThreshold
from spikeinit.conversion.counting import layer_sums
from spikeinit.conversion.extraction import LayerActivations
from spikeinit.interop.convert.over_time import neurons_of, timeless
from spikeinit.interop.convert.rewriting import activation_nodes
from spikeinit.networks import sizes

if TYPE_CHECKING:
    import pandas as pd

    from spikeinit.interop.convert.spiking import SpikingModule

MOST_IMAGES = 64
MOST_BYTES = 64 << 20
OUTPUT = "output"


@dataclass(frozen=True)
class Clipping:
    """Of one layer: whether it is dead, and the share of its activations above the threshold."""

    dead: bool
    clipped: float


@dataclass
class Calibration:
    """What is kept of the calibration: the analogue network in its plain form, and its first images.

    shape: of one image. peak: most values of one image that are held at a time.
    """

    analogue: fx.GraphModule
    shape: torch.Size
    peak: int
    layers: list[Clipping] = field(default_factory=list)
    images: torch.Tensor | None = None

    def keep(self, images: torch.Tensor) -> None:
        """Keep some of `images` [B, ...], while there is room."""
        bytes_of_one = images[0].numel() * images.element_size()
        most = max(1, min(MOST_IMAGES, MOST_BYTES // bytes_of_one))
        held = 0 if self.images is None else len(self.images)
        if held < most:
            new = images[: most - held].to("cpu", copy=True)
            self.images = new if self.images is None else torch.cat([self.images, new])

    def images_at_once(self, images: torch.Tensor, copies: int) -> int:
        """How many images like `images` [B, ...] run together, each value that flows being held `copies` times."""
        larger = math.ceil(images[0].numel() / self.shape.numel())
        needed = self.peak * larger * copies * images.element_size()
        return max(1, min(len(images), sizes.FORWARD_BYTES // max(1, needed)))


def clipping(layer: LayerActivations, given: LayerThreshold) -> Clipping:
    """What the thresholds clip of the activations that were seen; per neuron nothing, for theirs are the maxima."""
    above = 0.0
    if layer.channels or given.threshold.dim() == 0:
        for summary, threshold in zip(
            layer.channels or [layer.layer], given.threshold.reshape(-1).tolist(), strict=True
        ):
            values = summary.values()
            above += float((values > np.float32(threshold)).mean()) * summary.count if values.size else 0.0
    return Clipping(layer.layer.count == 0, above / layer.layer.total)


@torch.no_grad()
def report(spiking: SpikingModule, calibration: Calibration) -> pd.DataFrame:
    """The table that the module's docstring describes."""
    import pandas as pd

    networks = _Networks(spiking, calibration)
    sums = networks.measure()
    count = len(networks.images)
    rows = []
    for (name, neuron), seen in zip(spiking.neurons.items(), calibration.layers, strict=True):
        spikes, error, quantization, timing, mean = (value / count for value in sums[name])
        potential = (neuron.initial_fraction - FIRING_TOLERANCE) * neuron.threshold
        rows.append(
            {
                "layer": name,
                "neurons": networks.neurons[name],
                "threshold": neuron.threshold.double().mean().item(),
                "initial_potential": potential.double().mean().item(),
                "dead": seen.dead,
                "clipped": seen.clipped,
                "firing_rate": spikes / spiking.timesteps,
                "mean_activation": mean,
                "error": error,
                "relative_error": error / mean if mean else math.nan,
                "quantization_error": quantization,
                "timing_error": timing,
            }
        )
    error, mean = (value / count for value in sums[OUTPUT])
    last = {"layer": OUTPUT, "neurons": networks.neurons[OUTPUT], "dead": False, "mean_activation": mean}
    rows.append({**last, "error": error, "relative_error": error / mean if mean else math.nan})
    return pd.DataFrame(rows)


class _Networks:
    """The analogue network, the spiking one, and that without time, which run side by side on the kept images."""

    def __init__(self, spiking: SpikingModule, calibration: Calibration) -> None:
        weight = next((each for each in spiking.parameters() if each.is_floating_point()), calibration.images)
        self.spiking = spiking
        self.analogue = calibration.analogue.to(weight.device)
        names = [node.target for node in activation_nodes(self.analogue)]
        self.activations = {name: self.analogue.get_submodule(name) for name in names}
        self.timeless = timeless(spiking.network, spiking.timesteps)
        self.images = calibration.images.to(weight)
        self.neurons: dict[str, int] = {}

    def measure(self) -> dict[str, list[float]]:
        """Of each layer, the sums over images of what `conversion.counting.OF_NEURONS` names; of the output two."""
        sums: dict[str, list[float]] = {}
        for part in self.images.split(self.spiking.images_at_once(self.images, self.spiking.timesteps)):
            for name, values in self._measure(part).items():
                sums[name] = [a + b for a, b in zip(sums.get(name, [0.0] * len(values)), values, strict=True)]
        return sums

    def _measure(self, images: torch.Tensor) -> dict[str, Sequence[float]]:
        activations: dict[str, torch.Tensor] = {}
        quantizations: dict[str, torch.Tensor] = {}
        found: dict[str, Sequence[float]] = {}

        def count(name: str, spikes: torch.Tensor) -> None:
            activation = activations.pop(name).unsqueeze(0)
            self.neurons[name] = activation[0, 0].numel()
            (found[name],) = layer_sums(spikes, activation, [quantizations.pop(name)], [self.spiking.timesteps])

        expected = watched(self.activations, activations.__setitem__, self.analogue, images)
        watched(neurons_of(self.timeless), quantizations.__setitem__, self.timeless, images, 1, 1)
        output = watched(self.spiking.neurons, count, self.spiking, images)
        self.neurons[OUTPUT] = expected[0].numel()
        found[OUTPUT] = [
            each.abs().sum(dtype=torch.float64).item() / each[0].numel() for each in (expected - output, expected)
        ]
        return found


def watched(
    modules: Mapping[str, nn.Module], watch: Callable[[str, torch.Tensor], Any], network: nn.Module, *inputs: Any
) -> torch.Tensor:
    """What `network` gives for `inputs`, while `watch(name, output)` sees what each of `modules` inside gives."""
    handles = [module.register_forward_hook(partial(_seen, watch, name)) for name, module in modules.items()]
    try:
        return network(*inputs)
    finally:
        for handle in handles:
            handle.remove()


def _seen(
    watch: Callable[[str, torch.Tensor], Any], name: str, _module: nn.Module, _inputs: Any, output: torch.Tensor
) -> None:
    watch(name, output)
