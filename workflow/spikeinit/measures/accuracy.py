"""Loss and accuracy of a network on images."""

from __future__ import annotations

import torch

from spikeinit.datasets.load import Images
from spikeinit.encoding import encode_images
from spikeinit.losses import Loss, predict
from spikeinit.networks.build import FeedForward
from spikeinit.specs import EncodingSpec

BATCH = 250
"""Images that are encoded together; a network that is large sees fewer at once."""


@torch.no_grad()
def loss_and_accuracy(
    network: FeedForward,
    images: Images,
    encoding: EncodingSpec,
    loss: Loss,
    generator: torch.Generator | None = None,
) -> tuple[float, float]:
    """Mean loss, and accuracy in percent, over at least one image; the network is left in evaluation mode.

    generator: what an encoding at random draws from, on the images' device.
    """
    network.eval()
    total, correct = 0.0, 0
    for start in range(0, len(images), BATCH):
        batch, labels = images.batch(slice(start, start + BATCH))
        inputs = encode_images(batch, encoding, statistics=images.statistics, generator=generator)
        output = network.output(inputs)
        total += loss(output, labels).item() * len(labels)
        correct += int((predict(output) == labels).sum())
    return total / len(images), 100 * correct / len(images)
