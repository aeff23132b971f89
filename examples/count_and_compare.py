"""Two libraries, two initialisers: accuracy, spikes, operations and energy side by side. docs/count.md explains it."""

import pandas as pd
import snntorch.utils
import torch
from sklearn.datasets import load_digits
from spikingjelly.activation_based import neuron, surrogate
from spikingjelly.activation_based.functional import reset_net
from torch import nn

from spikeinit import count, initialize

STEPS, BATCH, EPOCHS, TEST, SEEDS = 8, 50, 4, 597, (0, 1, 2)
LIBRARIES = {
    "snnTorch": (lambda: snntorch.Leaky(beta=0.8, init_hidden=True), snntorch.utils.reset),
    "SpikingJelly": (lambda: neuron.LIFNode(5.0, False, v_reset=None, surrogate_function=surrogate.ATan()), reset_net),
}
pixels, classes = load_digits(return_X_y=True)
order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
grey, labels = torch.tensor(pixels / 16, dtype=torch.float32)[order], torch.tensor(classes)[order]


def encoded(rows, generator):
    """Spikes [T, B, 64]: at every step each pixel fires with the probability of its grey value."""
    return (torch.rand(STEPS, *grey[rows].shape, generator=generator) < grey[rows]).float()


def output(network, steps):
    """Output spikes [T, B, 10], step by step."""
    return torch.stack([network(step) for step in steps])


def measured(library, initializer, seed):
    """Accuracy in per cent, and the totals of `count`, of a network that was trained for a few epochs."""
    generator = torch.Generator().manual_seed(seed)
    neurons, reset = LIBRARIES[library]
    network = nn.Sequential(nn.Linear(64, 100), neurons(), nn.Linear(100, 10), neurons())
    initialize(network, initializer, generator=generator)
    optimizer = torch.optim.Adam(network.parameters(), 0.005)
    for _ in range(EPOCHS):
        for rows in (torch.randperm(len(grey) - TEST, generator=generator) + TEST).split(BATCH):
            reset(network)
            counted = output(network, encoded(rows, generator)).sum(0)
            optimizer.zero_grad()
            nn.functional.cross_entropy(counted, labels[rows]).backward()
            optimizer.step()
    reset(network)
    test = encoded(slice(0, TEST), generator)
    correct = output(network, test).sum(0).argmax(1) == labels[:TEST]
    return {"accuracy": 100 * correct.double().mean().item(), **count(network, [test], run=output).totals}


columns = ["accuracy", "spikes_per_neuron", "synaptic_operations", "energy_horowitz2014_45nm"]
for library in LIBRARIES:
    for initializer in ("he", "micheli2024"):
        found = pd.DataFrame([measured(library, initializer, seed) for seed in SEEDS])[columns]
        print(f"{library}, {initializer}, mean and standard deviation over {len(SEEDS)} seeds:")
        print(found.agg(["mean", "std"]).to_string(float_format="{:.3g}".format))
