"""Networks that are one stack: convolutions and pooling, hidden dense layers, and an output that does not spike.

What the papers leave open is an option of the families built from this: the kind of pooling, the dropout rate, and the
normalisation of the hidden layers.
"""

from __future__ import annotations

from collections.abc import Sequence

from spikeinit.networks.layers import Conv, Dense, Dropout, Layer, Network, Normalization, Pool, scaled

POOL = "pool"
POOLINGS = ("average", "max")
NORMALIZATIONS = {"none": None, "batch": "images_and_steps", "batch_through_time": "step"}
"""Option -> what `Normalization` averages over."""


def stack(
    name: str,
    convolutions: Sequence[int | str],
    hidden: Sequence[int],
    classes: int,
    width: float,
    *,
    pooling: str = "average",
    dropout: float = 0.0,
    normalization: str = "none",
    eps: float = 1e-5,
    bias: bool = True,
) -> Network:
    """3x3 convolutions of these channels (`POOL`: 2x2 pooling), dense layers `hidden`, and `classes` analogue outputs.

    `width` multiplies channels and hidden features. Dropout follows every hidden dense layer, normalisation with `eps`
    every layer but the output. ValueError for an option that does not exist, a rate outside [0, 1), or an eps of 0.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"pooling = {pooling!r}: give one of {', '.join(POOLINGS)}")
    if normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization = {normalization!r}: give one of {', '.join(NORMALIZATIONS)}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout = {dropout}: a rate lies in [0, 1)")
    over = NORMALIZATIONS[normalization]
    if eps <= 0:
        raise ValueError(f"eps = {eps}: what keeps a division by a variance of 0 away is above 0")
    behind: tuple[Layer, ...] = () if over is None else (Normalization(over, eps),)
    after_dense: tuple[Layer, ...] = (Dropout(dropout),) if dropout else ()
    layers: list[Layer] = []
    for channels in convolutions:
        layers += [Pool(kind=pooling)] if channels == POOL else [Conv(scaled(channels, width), bias=bias), *behind]
    for features in hidden:
        layers += [Dense(scaled(features, width), bias=bias), *behind, *after_dense]
    return Network(name, (*layers, Dense(classes, active=False, bias=bias)))
