"""What a user of the installed package may do: run by test_wheel.py in environments of few packages.

usage: python -I -W error wheel_session.py MODULE...

Imports the modules, all of the library, after the rest; prints one line of JSON: what was found.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from pathlib import Path

import spikeinit

FOUND: dict[str, object] = {"file": spikeinit.__file__, "variance": spikeinit.law("he", fan_in=50).variance}
FOUND["torch_is_imported"] = "torch" in sys.modules

import numpy as np  # noqa: E402
import torch  # noqa: E402

from spikeinit.conversion.thresholds import optimal_threshold  # noqa: E402
from spikeinit.datasets.load import Images  # noqa: E402
from spikeinit.initializers import initialize  # noqa: E402
from spikeinit.interruption import Interruption  # noqa: E402
from spikeinit.kernels.convolution.routing import convolve  # noqa: E402
from spikeinit.networks.build import build  # noqa: E402
from spikeinit.neurons import integrate_and_fire  # noqa: E402
from spikeinit.randomness import stream  # noqa: E402
from spikeinit.specs import (  # noqa: E402
    EncodingSpec,
    ImageSelection,
    InitializerSpec,
    NetworkSpec,
    NeuronSpec,
    TrainingSpec,
    TrainSpec,
)
from spikeinit.training.loop import train_seed  # noqa: E402


def spec(network: NetworkSpec) -> TrainSpec:
    """One batch of Bernoulli spikes, Adam."""
    return TrainSpec(
        images=ImageSelection("noise"),
        network=network,
        encoding=EncodingSpec("rate", 4),
        neuron=NeuronSpec(decay=0.5, threshold=0.3, learn=()),
        initializer=InitializerSpec("he"),
        training=TrainingSpec(
            epochs=1,
            batch_size=16,
            optimizer={"name": "adam", "learning_rate": 0.01},
            schedule={"name": "constant"},
            loss={"name": "cross_entropy", "reduction": "sum"},
            monitor_images=16,
        ),
        seeds=(0,),
    )


def train(network: NetworkSpec, kernel: str) -> dict[str, float]:
    """Loss, accuracy and spikes of the one step, and of the test images after it."""
    what = spec(network)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 255, (16, 1, 12, 12), dtype=torch.uint8, generator=generator)
    data = Images(images, torch.arange(16) % 10, 10, "noise", "")
    made = build(
        network, what.neuron, input_shape=(1, 12, 12), classes=10, generator=stream(0, "neurons"), kernel=kernel
    )
    initialize(made, "he", generator=stream(0, "weights"))
    with tempfile.TemporaryDirectory() as folder:
        result = train_seed(
            what,
            0,
            made,
            data,
            data,
            device="cpu",
            checkpoint_path=Path(folder) / "checkpoint.safetensors",
            interruption=Interruption(),
            on_start=lambda result: None,
            on_epoch=lambda row: None,
        )
    (row,) = result.curves
    return {name: float(value) for name, value in row.items()}


NETWORKS = {
    "convolutional": NetworkSpec("energy", 1 / 4),
    "small": NetworkSpec("mlp", options={"hidden": [10]}),
}
FOUND["training"] = {
    f"{name} {kernel}": train(network, kernel) for name, network in NETWORKS.items() for kernel in ("reference", "auto")
}
image = (torch.rand(4, 32, 9, 9, generator=stream(0, "image")) < 0.1).float()
image = image.to(memory_format=torch.channels_last).requires_grad_()
convolution = torch.nn.Conv2d(32, 8, 3, stride=2, padding=1, bias=False)
torch.nn.init.normal_(convolution.weight, generator=stream(0, "weights"))
output = convolve(convolution, image)
(output**2).sum().backward()
FOUND["convolution"] = [tensor.abs().sum().item() for tensor in (output, image.grad, convolution.weight.grad)]

values = np.random.default_rng(0).exponential(size=2000).astype(np.float32)
FOUND["thresholds"] = [
    optimal_threshold(values, timesteps, norm=norm, search=search).threshold
    for timesteps in (1, 4)
    for norm in (1, 2)
    for search in ("samples", "global")
]

try:
    integrate_and_fire(torch.full((6, 1), 0.75), decay=0.5, threshold=1.0, kernel="cpu")
    FOUND["cpu"] = "runs"
except spikeinit.UserError as error:
    FOUND["cpu"] = str(error)


class Squared(torch.nn.Module):
    """Neurons that the package does not know."""

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        return (current**2 > 1).float()


network = torch.nn.Sequential(torch.nn.Linear(50, 20), Squared())
table = spikeinit.initialize(
    network, "he", generator=torch.Generator().manual_seed(0), neurons={"1": {"threshold": 1.0}}
)
FOUND["law_variance"] = table.law_variance.tolist()

FOUND["not_imported"] = {}
for module in sys.argv[1:]:
    try:
        importlib.import_module(module)
    except ImportError as error:
        FOUND["not_imported"][module] = error.name
print(json.dumps(FOUND))
