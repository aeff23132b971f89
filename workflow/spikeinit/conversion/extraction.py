"""Statistics of an analogue network's activations on training images, layer by layer and channel by channel.

Evaluation mode, no augmentation. A layer is whatever an integrate-and-fire layer will take the place of: every active
layer, in a residual block after the addition; last comes the output, whose positive logits are kept for completeness.
The features of a fully connected layer count as its channels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spikeinit.conversion.activations import ActivationSummary, update_channels
from spikeinit.conversion.ann import activations
from spikeinit.conversion.memory import EXTRACTION_COPIES
from spikeinit.errors import UserError
from spikeinit.io import load_tensors, save_tensors
from spikeinit.networks.build import FeedForward
from spikeinit.networks.modules import ResidualBlock
from spikeinit.networks.sizes import images_at_once
from spikeinit.specs import EncodingSpec

OUTPUT = "output"
LARGEST = "largest"
SORTED_POINTS = 200


@dataclass
class LayerActivations:
    """A layer's positive activations: of all its neurons, of those of each channel, and the largest of each neuron.

    largest: float32 of the layer's shape, [channels, height, width] or [features]; 0 for a neuron that never responds.
    """

    name: str
    layer: ActivationSummary
    channels: list[ActivationSummary]
    largest: np.ndarray

    @classmethod
    def empty(cls, name: str, shape: Sequence[int], *, limit: int, channel_limit: int | None) -> LayerActivations:
        """A layer that has seen no image yet, whose activations for one image have `shape` [channels, ...].

        At most `limit` values are kept of the layer and `channel_limit` of each channel; None keeps no channels apart.
        """
        channels = [] if channel_limit is None else [ActivationSummary(channel_limit) for _ in range(shape[0])]
        return cls(name, ActivationSummary(limit), channels, np.zeros(tuple(shape), np.float32))

    def update(self, activation: torch.Tensor) -> None:
        """Take in the activations [B, channels, ...] of some images; `UserError` if they are not finite."""
        values = activation.detach().cpu()
        try:
            self.layer.update(values)
        except ValueError as error:
            raise UserError(
                f"{self.name}: {error}; the network has diverged, train it with a smaller learning rate"
            ) from None
        if self.channels:
            update_channels(self.channels, values)
        np.maximum(self.largest, values.amax(0).float().numpy(), out=self.largest)


def collect_activations(
    network: FeedForward,
    images: torch.Tensor,
    encoding: EncodingSpec,
    *,
    batch_size: int,
    limit: int,
    channel_limit: int,
) -> list[LayerActivations]:
    """Run images [N, C, H, W] uint8 through the network; at most `limit` values a layer and `channel_limit` a channel.

    batch_size: images that run together at most; there are fewer where they would not fit into memory. Layers in the
    order of a trace, then the output. `UserError` for activations that are not finite.
    """
    found: list[LayerActivations] = []
    names = [*layer_names(network), OUTPUT]
    for batch in images.split(images_at_once(network.sizes, EXTRACTION_COPIES, batch_size)):
        for index, activation in enumerate(activations(network, batch, encoding)):
            of_images = activation.flatten(0, 1)
            if len(found) == index:
                shape = of_images.shape[1:]
                found.append(LayerActivations.empty(names[index], shape, limit=limit, channel_limit=channel_limit))
            found[index].update(of_images)
    return found


def layer_names(network: FeedForward) -> list[str]:
    """A name for each active layer, in the order of a trace: its weighted layer's, or for a sum that of its block."""
    return [
        f"{part.body[-1].name}_sum" if isinstance(part, ResidualBlock) else part.name
        for outer in network.parts
        for part in outer.firing()
    ]


def save_activations(path: Path, layers: list[LayerActivations], digest: str) -> None:
    """Write all summaries into one safetensors file; `load_activations` is the inverse."""
    tensors = {}
    for index, layer in enumerate(layers):
        summaries = {"layer": layer.layer} | {f"channel/{number}": one for number, one in enumerate(layer.channels)}
        for key, summary in summaries.items():
            for name, array in summary.state().items():
                tensors[f"{index}/{key}/{name}"] = torch.from_numpy(np.ascontiguousarray(array))
        tensors[f"{index}/{LARGEST}"] = torch.from_numpy(layer.largest)
    names = json.dumps([layer.name for layer in layers])
    save_tensors(path, tensors, {"layers": names, "digest": digest})


def load_activations(path: str | Path) -> list[LayerActivations]:
    """Layers in the order of a trace, last one the output; `UserError` for a file that holds something else."""
    tensors, metadata = load_tensors(path)
    states: dict[tuple[int, int], dict[str, np.ndarray]] = {}
    try:
        names = json.loads(metadata["layers"])
        for key, tensor in tensors.items():
            index, *place, name = key.split("/")
            if name == LARGEST:
                continue
            channel = -1 if place == ["layer"] else int(place[1])
            states.setdefault((int(index), channel), {})[name] = tensor.numpy()
        summaries = {place: ActivationSummary.from_state(state) for place, state in sorted(states.items())}
        return [
            LayerActivations(
                name,
                summaries[index, -1],
                [summary for (layer, channel), summary in summaries.items() if layer == index and channel >= 0],
                tensors[f"{index}/{LARGEST}"].numpy(),
            )
            for index, name in enumerate(names)
        ]
    except (KeyError, ValueError, IndexError) as error:
        raise UserError(f"{path}: not a file of activations ({error}); delete it and run again") from None


def table_rows(layers: list[LayerActivations]) -> list[dict[str, Any]]:
    """Rows of activations.csv."""
    return [
        {
            "layer": number,
            "name": one.name,
            "channels": len(one.channels),
            "total": one.layer.total,
            "positive": one.layer.count,
            "maximum": one.layer.maximum,
            "mean": one.layer.mean,
            "exact": one.layer.exact,
            "rank_error": one.layer.rank_error,
        }
        for number, one in _numbered(layers)
    ]


def histogram_rows(layers: list[LayerActivations]) -> list[dict[str, Any]]:
    """Rows of histogram.csv: low <= activation < high, eight bins for every power of two."""
    rows = []
    for number, one in _numbered(layers):
        edges, counts = one.layer.histogram()
        bins = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
        rows += [{"layer": number, "low": low, "high": high, "count": count} for low, high, count in bins]
    return rows


def sorted_rows(layers: list[LayerActivations], points: int = SORTED_POINTS) -> list[dict[str, Any]]:
    """Rows of sorted.csv: the sorted positive activations at no more than `points` ranks from 0 to 1."""
    rows = []
    for number, one in _numbered(layers):
        values = one.layer.values()
        places = np.unique(np.linspace(0, len(values) - 1, min(points, len(values))).round().astype(np.int64))
        for place in places.tolist():
            rank = place / max(1, len(values) - 1)
            rows.append({"layer": number, "rank": rank, "value": float(values[place])})
    return rows


def _numbered(layers: list[LayerActivations]) -> Iterator[tuple[int | str, LayerActivations]]:
    for number, one in enumerate(layers, start=1):
        yield (OUTPUT if one.name == OUTPUT else number), one
