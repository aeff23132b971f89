"""Convert torchvision's ResNet18 to a spiking network, and compare both. docs/convert.md explains it.

    PYTHONPATH=workflow python examples/convert_resnet18.py

The 1,797 digits of scikit-learn are enough for an example: 8 x 8 pixels, enlarged twice. It takes a minute.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch.utils.data import DataLoader, TensorDataset
from torchvision.models import resnet18

from spikeinit import convert
from spikeinit.datasets import catalogue
from spikeinit.datasets.obtain import obtain
from spikeinit.datasets.readers import csv

TIMESTEPS = 32
TRAINED_ON, TESTED_ON = 1200, 300


def digits() -> tuple[TensorDataset, TensorDataset]:
    """Training and test images, float32 [3, 16, 16] around 0, with their labels."""
    entry = catalogue.get("digits")
    paths = obtain(entry, root=None, cache=Path("results/datasets"))
    everything = csv.read(paths, shape=entry.shape, classes=entry.classes, **entry.options)["train"]
    small = torch.from_numpy(everything.images).float() / 127.5 - 1
    images = torch.nn.functional.interpolate(small, scale_factor=2).repeat(1, 3, 1, 1)
    data = images, torch.from_numpy(everything.labels)
    return TensorDataset(*(part[:TRAINED_ON] for part in data)), TensorDataset(*(part[-TESTED_ON:] for part in data))


@torch.no_grad()
def accuracy(network: torch.nn.Module, data: TensorDataset) -> float:
    """Per cent of the images whose largest output is that of their label."""
    answers = [network(images).argmax(1) == labels for images, labels in DataLoader(data, batch_size=100)]
    return 100 * torch.cat(answers).float().mean().item()


def main() -> None:
    torch.manual_seed(0)
    train, test = digits()
    network = resnet18(num_classes=10)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(4):
        for images, labels in DataLoader(train, batch_size=50, shuffle=True):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(images), labels).backward()
            optimizer.step()
    network.eval()
    spiking = convert(network, DataLoader(train, batch_size=100), timesteps=TIMESTEPS)
    print(spiking.report().round(3).to_string(index=False))
    print(f"ResNet18 {accuracy(network, test):.1f} %, spiking {accuracy(spiking, test):.1f} % in {TIMESTEPS} steps")


if __name__ == "__main__":
    main()
