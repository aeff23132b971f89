"""A network of SpikingJelly, initialised for its own neurons. docs/initialize.md explains it."""

import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

from spikeinit import initialize

network = nn.Sequential(
    layer.Conv2d(1, 16, 3, stride=2, padding=1, step_mode="m"),
    neuron.IFNode(v_threshold=1.0, step_mode="m"),
    layer.Conv2d(16, 32, 3, stride=2, padding=1, step_mode="m"),
    neuron.LIFNode(tau=2.0, v_threshold=0.5, step_mode="m"),
    layer.Flatten(step_mode="m"),
    layer.Linear(128, 10, step_mode="m"),
    neuron.LIFNode(tau=2.0, decay_input=False, step_mode="m"),
)
table = initialize(network, "micheli2024", generator=torch.Generator().manual_seed(0))
columns = ["layer", "kind", "fan_in", "neurons", "threshold", "decay", "gain", "law_variance", "weight_variance"]
print(table[columns].round(4).to_string(index=False))
