"""The shape of the signal behind every layer, and how many values a network's parts take in, hold and give out.

All of it is for one image at one time step. It follows the description alone, so that the planner can refuse images
that are too small, and ask for memory, before anything is built; nothing here imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spikeinit.kernels.convolution.sizes import windows_along
from spikeinit.networks.layers import Conv, Dense, Encoder, Layer, Network, Normalization, Pool, Residual

Shape = tuple[int, ...]
"""(channels, height, width), or (features,) behind a dense layer."""

VALUE_BYTES = 4
FORWARD_BYTES = 2 << 30
"""What the values of a forward pass whose layers are let go one by one may take, unless one image takes more."""


def behind(layer: Layer, shape: Shape) -> Shape:
    """The shape of what `layer` makes of a signal of `shape`; where `misfit` says nothing, all sides are positive."""
    if isinstance(layer, Dense):
        return (layer.features,)
    if isinstance(layer, Conv):
        return (layer.channels, *(windows_along(side, layer.kernel, layer.stride, layer.padding) for side in shape[1:]))
    if isinstance(layer, Pool):
        return (shape[0], *(side // pooled for side, pooled in zip(shape[1:], window(layer, shape), strict=True)))
    for item in layer.body if isinstance(layer, Residual) else ():
        shape = behind(item, shape)
    return shape


def window(layer: Pool, shape: Shape) -> Shape:
    """Height and width of the windows that `layer` pools on a map of `shape`: the whole map's without a size."""
    return shape[1:] if layer.size is None else (layer.size,) * len(shape[1:])


def shortcut(layer: Residual, shape: Shape) -> Conv | None:
    """The convolution that brings what enters `layer`, of `shape`, to the shape its body leaves; None if it has it."""
    left = behind(layer, shape)
    return None if left == shape else Conv(left[0], kernel=1, stride=layer.stride, padding=0, active=False)


def misfit(layer: Layer, shape: Shape) -> str:
    """Why `layer` cannot stand behind a signal of `shape`; "" if it can."""
    if not isinstance(layer, (Conv, Pool, Residual)):
        return ""
    if len(shape) != 3:
        return f"a {type(layer).__name__} stands behind a dense layer, which leaves no map; move it ahead"
    left = behind(layer, shape)
    if isinstance(layer, Residual):
        inside = shape
        for item in layer.body:
            if text := misfit(item, inside):
                return text
            inside = behind(item, inside)
        projection = shortcut(layer, shape)
        if projection and behind(projection, shape) != left:
            beside = _sides(behind(projection, shape)[1:])
            return (
                f"the body of a Residual leaves a map of {_sides(left[1:])} and its shortcut one of {beside}; give it"
                " the stride of its body, and convolutions an odd kernel with padding (kernel - 1) / 2"
            )
    elif min(left[1:]) < 1:
        if isinstance(layer, Conv):
            what = f"a convolution with a kernel of {_sides((layer.kernel,) * 2)} and padding {layer.padding}"
        else:
            what = f"pooling over {_sides(window(layer, shape))}"
        return (
            f"{what} leaves nothing of a map of {_sides(shape[1:])}: the images are too small for this network; take"
            " a network with fewer poolings (vgg9_small, resnet8) or larger images"
        )
    return ""


def _sides(sides: Sequence[int]) -> str:
    return " x ".join(map(str, sides))


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
        following = network.layers[index + 1 : index + 2]
        found.append(_part(layer, shape, bool(following) and isinstance(following[0], Normalization)))
        shape = behind(layer, shape)
    return found


def pass_bytes(sizes: Sequence[PartSize], copies: int) -> int:
    """Bytes that one image takes in a pass that holds one part at a time, each of its values `copies` times.

    copies: the number of time steps, plus one for every network of one step that runs beside it.
    """
    return VALUE_BYTES * copies * max((size.at_once for size in sizes), default=0)


def images_at_once(sizes: Sequence[PartSize], copies: int, most: int) -> int:
    """How many images, at least one and at most `most`, run together within `FORWARD_BYTES`."""
    return max(1, min(most, FORWARD_BYTES // max(1, pass_bytes(sizes, copies))))


def _part(layer: Layer, shape: Shape, normalized: bool) -> PartSize:
    if isinstance(layer, Residual):
        return _residual(layer, shape)
    entering, after = math.prod(shape), behind(layer, shape)
    leaving = math.prod(after)
    if isinstance(layer, Encoder):
        return PartSize(entering, leaving, ((shape[0], entering),))
    if not isinstance(layer, (Conv, Dense)):
        return PartSize(entering, leaving)
    layers = ((after[0], leaving),) if layer.active else ()
    return PartSize(entering, leaving, layers, _weights(layer, shape, normalized), leaving if normalized else 0)


def _residual(layer: Residual, shape: Shape) -> PartSize:
    """Every convolution of the body, the shortcut's if there is one, and the neurons behind the sum."""
    inside, learned, normalized = shape, 0, 0
    layers: list[tuple[int, int]] = []
    any_normalized = any(isinstance(item, Normalization) for item in layer.body)
    for item in layer.body:
        if isinstance(item, Conv):
            learned += _weights(item, inside, any_normalized)
            inside = behind(item, inside)
            normalized += math.prod(inside) if any_normalized else 0
            if item.active:
                layers.append((inside[0], math.prod(inside)))
    leaving = math.prod(inside)
    if projection := shortcut(layer, shape):
        learned += _weights(projection, shape, any_normalized)
        normalized += leaving if any_normalized else 0
    return PartSize(math.prod(shape), leaving, (*layers, (inside[0], leaving)), learned, normalized)


def _weights(layer: Conv | Dense, shape: Shape, normalized: bool) -> int:
    outputs = layer.features if isinstance(layer, Dense) else layer.channels
    inputs = math.prod(shape) if isinstance(layer, Dense) else shape[0] * layer.kernel**2
    return outputs * (inputs + layer.bias) + (2 * outputs if normalized else 0)
