"""What a conversion did, layer by layer: thresholds, rates, and how far the spiking layers are from the analogue ones.

| column | what it says |
|---|---|
| layer | name of the activation in the network; the last row is the output |
| neurons | how many there are |
| threshold, initial_potential | of the neurons, in units of the activation; their mean where channels or neurons differ |
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
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from spikeinit.conversion.convert import FIRING_TOLERANCE, LayerThreshold, QuantizedActivation
from spikeinit.conversion.counting import layer_sums
from spikeinit.conversion.extraction import LayerActivations
from spikeinit.interop.convert.rewriting import activation_nodes
from spikeinit.interop.convert.spiking import Stepped, neurons_of, over_time
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
    summaries = layer.channels if given.threshold.dim() == 1 else [layer.layer]
    above = 0.0
    if given.threshold.dim() < 2:
        for summary, threshold in zip(summaries, given.threshold.reshape(-1).tolist(), strict=True):
            values = summary.values()
            above += float((values > threshold).mean()) * summary.count if values.size else 0.0
    return Clipping(layer.layer.count == 0, above / layer.layer.total)


@torch.no_grad()
def report(spiking: SpikingModule, calibration: Calibration) -> pd.DataFrame:
    """The table that the module's docstring describes."""
    import pandas as pd

    timesteps = spiking.timesteps
    weight = next((each for each in spiking.parameters() if each.is_floating_point()), calibration.images)
    analogue = calibration.analogue.to(weight.device)
    stand_ins = {
        name: Stepped(QuantizedActivation(neuron, timesteps))
        for name, neuron in zip(_names(analogue), spiking.neurons.values(), strict=True)
    }
    timeless = over_time(analogue, stand_ins, max_pooling=spiking.max_pooling)
    sums: dict[str, list[float]] = {}
    neurons: dict[str, int] = {}
    images = calibration.images.to(weight)
    for part in images.split(spiking.images_at_once(images, timesteps)):
        activations: dict[str, torch.Tensor] = {}
        quantizations: dict[str, torch.Tensor] = {}
        found = {name: analogue.get_submodule(name) for name in stand_ins}
        expected = _watched(found, activations.__setitem__, lambda: analogue(part))
        _watched(neurons_of(timeless), quantizations.__setitem__, lambda: timeless(part, 1, 1))

        def count(name: str, spikes: torch.Tensor) -> None:
            activation = activations.pop(name).unsqueeze(0)  # noqa: B023 (called within this round)
            values = layer_sums(spikes, activation, [quantizations.pop(name)], [timesteps])[0]  # noqa: B023
            neurons[name] = activation[0, 0].numel()
            sums[name] = [a + b for a, b in zip(sums.get(name, [0.0] * len(values)), values, strict=True)]

        output = _watched(spiking.neurons, count, lambda: spiking(part))
        differences = [(expected - output).abs(), expected.abs()]
        values = [each.sum(dtype=torch.float64).item() / each[0].numel() for each in differences]
        sums[OUTPUT] = [a + b for a, b in zip(sums.get(OUTPUT, [0.0, 0.0]), values, strict=True)]
    rows = []
    for (name, neuron), clipped in zip(spiking.neurons.items(), calibration.layers, strict=True):
        spikes, error, quantization, timing, mean = (value / len(images) for value in sums[name])
        potential = (neuron.initial_fraction - FIRING_TOLERANCE) * neuron.threshold
        rows.append(
            {
                "layer": name,
                "neurons": neurons[name],
                "threshold": neuron.threshold.double().mean().item(),
                "initial_potential": potential.double().mean().item(),
                "dead": clipped.dead,
                "clipped": clipped.clipped,
                "firing_rate": spikes / timesteps,
                "mean_activation": mean,
                "error": error,
                "relative_error": error / mean if mean else math.nan,
                "quantization_error": quantization,
                "timing_error": timing,
            }
        )
    error, mean = (value / len(images) for value in sums[OUTPUT])
    last = {"layer": OUTPUT, "neurons": expected[0].numel(), "dead": False, "mean_activation": mean, "error": error}
    rows.append({**last, "relative_error": error / mean if mean else math.nan})
    return pd.DataFrame(rows)


def _names(analogue: fx.GraphModule) -> list[str]:
    return [node.target for node in activation_nodes(analogue)]


def _watched(
    modules: dict[str, nn.Module], watch: Callable[[str, torch.Tensor], Any], run: Callable[[], torch.Tensor]
) -> torch.Tensor:
    """What `run` gives, while `watch(name, output)` sees what each of `modules` gives."""
    handles = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: _none(watch(name, output)))
        for name, module in modules.items()
    ]
    try:
        return run()
    finally:
        for handle in handles:
            handle.remove()


def _none(_: Any) -> None:
    """A hook that gives nothing leaves what its module gives."""
