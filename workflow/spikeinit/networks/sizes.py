"""How many values a network's parts take in, hold and give out, for one image at one time step.

It follows the description alone, so that the planner can ask for memory before anything is built; nothing here imports
torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spikeinit.kernels.convolution.sizes import windows_along
from spikeinit.networks.layers import Conv, Dense, Encoder, Layer, Network, Normalization, Pool, Residual

Shape = tuple[int, ...]

VALUE_BYTES = 4
FORWARD_BYTES = 2 << 30
"""What the values of a forward pass whose layers are let go one by one may take, unless one image takes more."""


@dataclass(frozen=True)
class PartSize:
    """Numbers of values (each a float32 of 4 bytes where it is held) of one part of a network.

    entering, leaving: values of its input and its output, per image and step. layers: channels and neurons of each of
    its layers of neurons, those inside a residual block included. weights: learned numbers, batch normalisation's
    included. normalized: currents that pass a batch normalisation, per image and step.
    """

    entering: int
    leaving: int
    layers: tuple[tuple[int, int], ...] = ()
    weights: int = 0
    normalized: int = 0

    @property
    def fired(self) -> int:
        """Outputs of all its neurons, per image and step."""
        return sum(neurons for _, neurons in self.layers)

    @property
    def at_once(self) -> int:
        """Values held while the part runs, per image and step, when it alone is held.

        Its input; the output of neurons before its last; and of its last layer the current, the current in thresholds,
        the spikes, and what signed neurons or the addition of a residual block need beside them.
        """
        return self.entering + max(0, self.fired - self.leaving) + 4 * self.leaving


def part_sizes(network: Network, input_shape: Shape) -> list[PartSize]:
    """One entry for each part that `networks.build.assemble` makes of `network`, for images of shape (C, H, W)."""
    shape = input_shape
    found = []
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Normalization):
            continue
        behind = network.layers[index + 1 : index + 2]
        size, shape = _part(layer, shape, bool(behind) and isinstance(behind[0], Normalization))
        found.append(size)
    return found


def pass_bytes(sizes: Sequence[PartSize], copies: int) -> int:
    """Bytes that one image takes in a pass that holds one part at a time, each of its values `copies` times.

    copies: the number of time steps, plus one for every network of one step that runs beside it.
    """
    return VALUE_BYTES * copies * max((size.at_once for size in sizes), default=0)


def images_at_once(sizes: Sequence[PartSize], copies: int, most: int) -> int:
    """How many images, at least one and at most `most`, run together within `FORWARD_BYTES`."""
    return max(1, min(most, FORWARD_BYTES // max(1, pass_bytes(sizes, copies))))


def _part(layer: Layer, shape: Shape, normalized: bool) -> tuple[PartSize, Shape]:
    entering = math.prod(shape)
    if isinstance(layer, Residual):
        return _residual(layer, shape)
    if isinstance(layer, Pool):
        shape = (shape[0], *(side // layer.size if layer.size else 1 for side in shape[1:]))
        return PartSize(entering, math.prod(shape)), shape
    if isinstance(layer, Encoder):
        return PartSize(entering, entering, ((shape[0], entering),)), shape
    if not isinstance(layer, (Conv, Dense)):
        return PartSize(entering, entering), shape
    after = _after(layer, shape)
    leaving = math.prod(after)
    learned = _weights(layer, shape, normalized)
    layers = ((after[0], leaving),) if layer.active else ()
    return PartSize(entering, leaving, layers, learned, leaving if normalized else 0), after


def _residual(layer: Residual, shape: Shape) -> tuple[PartSize, Shape]:
    """Every convolution of the body, the shortcut's if there is one, and the neurons behind the sum."""
    inside, learned, normalized = shape, 0, 0
    layers: list[tuple[int, int]] = []
    any_normalized = any(isinstance(item, Normalization) for item in layer.body)
    for item in layer.body:
        if isinstance(item, Conv):
            learned += _weights(item, inside, any_normalized)
            inside = _after(item, inside)
            normalized += math.prod(inside) if any_normalized else 0
            if item.active:
                layers.append((inside[0], math.prod(inside)))
    leaving = math.prod(inside)
    if inside != shape:
        shortcut = Conv(inside[0], kernel=1, stride=layer.stride, padding=0, active=False)
        learned += _weights(shortcut, shape, any_normalized)
        normalized += leaving if any_normalized else 0
    return PartSize(math.prod(shape), leaving, (*layers, (inside[0], leaving)), learned, normalized), inside


def _after(layer: Conv | Dense, shape: Shape) -> Shape:
    if isinstance(layer, Dense):
        return (layer.features,)
    return (layer.channels, *(windows_along(side, layer.kernel, layer.stride, layer.padding) for side in shape[1:]))


def _weights(layer: Conv | Dense, shape: Shape, normalized: bool) -> int:
    outputs = layer.features if isinstance(layer, Dense) else layer.channels
    inputs = math.prod(shape) if isinstance(layer, Dense) else shape[0] * layer.kernel**2
    return outputs * (inputs + layer.bias) + (2 * outputs if normalized else 0)
