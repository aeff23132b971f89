"""Convert a trained PyTorch network to a spiking one.

from spikeinit.interop.convert import convert

spiking = convert(network, loader, timesteps=8)    # loader: batches of inputs, or of (inputs, labels)
logits = spiking(images)                           # [B, classes], the mean over 8 steps
print(spiking.report())

tracing     the network's operations as a graph, by torch.fx
operations  which operations can be converted, and why the others cannot
rewriting   the graph in a plain form: nothing in place, batch normalisation folded, one module per activation
over_time   the graph over time, with neurons in the place of activations
spiking     that graph as a plain module, which any loop can run
converter   all of it, with the activations on the calibration batches in between
report      thresholds, rates and errors, layer by layer
"""

from __future__ import annotations

from spikeinit.interop.convert.converter import convert
from spikeinit.interop.convert.spiking import SpikingModule

__all__ = ["SpikingModule", "convert"]
