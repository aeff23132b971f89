"""A spiking network of its own kind of neurons that begins as the copy of a trained ReLU network (`data_driven`).

The ReLU network has the same layers. Its weights and the thresholds V of its activations (optimal for the number of
steps) are written in units of the spiking network's own threshold theta, so that spikes have height 1 and every layer
keeps the threshold that the study gives it:

    W' = W V_before theta / (V gain),    b' = b theta / (V gain),

with V_before = 1 for the input. The potentials begin at theta / 2, which is V/2 (Bojković et al. 2024, Theorem 4.3).
That is exactly their converted network where neurons do not leak; the leak of the energy study's neurons is what the
training then finds, as it finds everything else. A gain of one_minus_decay already makes up for the leak in the mean,
and counts as 1. The output layer, which spikes too, has the optimal threshold of the positive logits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from spikeinit.conversion.convert import LayerThreshold
from spikeinit.conversion.layer_thresholds import read_thresholds
from spikeinit.datasets.load import Images
from spikeinit.errors import UserError
from spikeinit.io import load_tensors
from spikeinit.networks.build import FeedForward, new_network
from spikeinit.networks.modules import WeightedLayer
from spikeinit.specs import TrainSpec
from spikeinit.tracking.links import ann_key

KIND = "optimal"
PARAMETERS = ("operation.weight", "operation.bias")


@dataclass(frozen=True)
class ConvertedStart:
    """The trained analogue network that a run's networks start as copies of: files of its weights and thresholds."""

    weights: Path
    thresholds: Path

    def network(self, spec: TrainSpec, seed: int, train: Images, device: str, kernel: str) -> FeedForward:
        """The spiking network of one seed for images like `train`, on the device, with these weights and thresholds.

        Seeds differ in their decays, where these are drawn, and in everything that training draws. `UserError` where
        the files belong to another network.
        """
        network = new_network(spec, seed, train, kernel)
        chosen = read_thresholds(self.thresholds, output=True)[spec.encoding.timesteps][KIND]
        initialize_from(network, load_tensors(self.weights)[0], chosen)
        return network.to(device)

    def labels(self, spec: TrainSpec, folder: Path, study: str) -> dict[str, str]:
        """The recorded run of the analogue network, for the record of a run in `folder`."""
        ann_seed = spec.initializer.parameters["ann_seed"]
        return {"ann_run": ann_key(folder.parents[2].name, study, self.weights, ann_seed)}


def initialize_from(
    network: FeedForward, weights: Mapping[str, torch.Tensor], thresholds: Sequence[LayerThreshold]
) -> None:
    """Write an analogue network's weights, in units of its thresholds, into a spiking network of the same layers.

    thresholds: one for each weighted layer, the output included. `UserError` for networks with residual blocks or
    normalisation, for neurons with a spike delay or without a given start, and where the layers differ.
    """
    layers = network.weighted_layers()
    kept = [part for part in network.parts if isinstance(part, WeightedLayer)]
    if len(kept) != len(layers) or any(layer.normalization is not None or layer.neuron is None for layer in layers):
        raise UserError("data_driven takes networks of plain spiking layers, without residual blocks or normalisation")
    if any(layer.neuron.spec.spike_delay or layer.neuron.start_changes for layer in layers):
        raise UserError(
            "data_driven copies neurons that spike in the step in which they reach the threshold, from a given initial "
            "potential; give spike_delay 0 and a number as initial_potential"
        )
    names = {f"{name}.{kind}" for name, part in network.named_modules() if part in kept for kind in PARAMETERS}
    if names != set(weights) or len(thresholds) != len(layers):
        raise UserError("data_driven: the analogue network has other layers than the spiking one; train it again")
    amplitude = 1.0
    with torch.no_grad():
        for name, layer in network.named_modules():
            if layer not in kept:
                continue
            threshold = float(thresholds[kept.index(layer)].threshold)
            gain = layer.neuron.spec.gain
            unit = layer.neuron.threshold_value / (threshold * (1.0 if isinstance(gain, str) else float(gain)))
            layer.weight.copy_(weights[f"{name}.operation.weight"].double() * (amplitude * unit))
            layer.bias.copy_(weights[f"{name}.operation.bias"].double() * unit)
            amplitude = threshold
