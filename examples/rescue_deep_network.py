"""A deep spiking network that is silent from its second layer on, and what a doctor makes of it.

    python examples/rescue_deep_network.py

writes before.png and after.png into the current folder, or into the one given. It needs snnTorch; docs/diagnose.md
explains what is printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import snntorch
import torch
from torch import nn

from spikeinit import diagnose, initialize
from spikeinit.interop.diagnose import Diagnosis

STEPS, IMAGES, PIXELS, WIDTH, LAYERS, CLASSES = 8, 64, 100, 200, 12, 10


def deep_network() -> nn.Sequential:
    """Twelve layers with PyTorch's default weights."""
    sizes = [PIXELS, *[WIDTH] * (LAYERS - 1), CLASSES]
    network = nn.Sequential()
    for number in range(LAYERS):
        network.add_module(f"fc{number + 1}", nn.Linear(sizes[number], sizes[number + 1]))
        network.add_module(f"lif{number + 1}", snntorch.Leaky(beta=0.5, init_hidden=True))
    return network


def run(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Spikes [T, B, classes] of images [B, pixels] that are shown at every step."""
    return torch.stack([network(images) for _ in range(STEPS)])


def loss(spikes: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(spikes.sum(0), labels)


def main(folder: Path) -> tuple[Diagnosis, Diagnosis]:
    torch.manual_seed(0)
    network, images, labels = deep_network(), torch.randn(IMAGES, PIXELS), torch.randint(CLASSES, (IMAGES,))
    before = diagnose(network, images, loss=loss, targets=labels, run=run)
    initialize(network, "micheli2024", generator=torch.Generator().manual_seed(0), batch=images, run=run)
    after = diagnose(network, images, loss=loss, targets=labels, run=run)
    for name, diagnosis in {"before": before, "after": after}.items():
        print(diagnosis, end="\n\n")
        diagnosis.figure().savefig(folder / f"{name}.png", dpi=150)
    return before, after


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
