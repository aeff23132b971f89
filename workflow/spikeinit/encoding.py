"""Encodings: from images to the input [T, B, C, H, W] of a spiking network.

With x = pixel / 255 in [0, 1] and steps t = 1 .. T:

    rate            s[t] = 1 with probability x, independently (Bernoulli; Pärna 2025; as snnTorch's spikegen.rate)
    constant        (x - mean) / std in every step: the analogue value is the first layer's current ("constant
                    coding" of Ding et al. 2022, "direct input" elsewhere); mean and std may be one per channel
    static_spikes   s[t] = 1 where x > 1/2, the same in every step
    retina          v[t] = v[t-1] + x - threshold * s[t-1], s[t] = 1 where v[t] >= threshold, v[0] = phase: each pixel
                    integrates its luminance and spikes at a threshold (Ding et al. 2022; Zhu et al. 2019,
                    "A retina-inspired sampling method for visual texture reconstruction")
    standardized    (x - mean) / std in every step, with the mean and standard deviation over all pixels of the training
                    images: mean 0, variance 1 (Micheli et al. 2024, Sec. V)
    events          recordings, not images: s[t] = 1 where at least one event fell into the t-th window of window_ms
                    milliseconds; later events are left out
    slices          recordings: the events of each, in order, cut into T parts of equally many; the number of events of
                    each pixel in the t-th (Fang et al. 2021, App. F, for the event data sets of Ding et al. 2022)

Their parameters and defaults: `spikeinit.names.encodings.ENCODINGS`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from spikeinit.datasets.recordings import Recordings
from spikeinit.errors import UserError
from spikeinit.names.encodings import ENCODINGS, complete, is_binary, misfit
from spikeinit.specs import EncodingSpec

__all__ = ["ENCODINGS", "encode", "encode_images", "is_binary"]

_WHITE = 255


def encode(
    images: torch.Tensor | Recordings,
    name: str,
    timesteps: int,
    *,
    generator: torch.Generator | None = None,
    statistics: tuple[float, float] | None = None,
    dtype: torch.dtype = torch.float32,
    **parameters: float | Sequence[float],
) -> torch.Tensor:
    """Images uint8 [B, C, H, W], or recordings, as input [T, B, C, H, W] of `dtype`, on the images' device.

    `generator`, on the same device, is needed by `rate` alone; `statistics`, the mean and standard deviation of the
    training images' x, by `standardized` alone. Encodings that repeat themselves return an expanded view of one step:
    do not write into it. Raises `UserError` for an unknown encoding or parameter and for images where recordings are
    needed or the reverse, ValueError for images that are not uint8, timesteps below 1, missing generator or statistics.
    """
    filled = complete(name, parameters)
    if timesteps < 1:
        raise ValueError(f"timesteps = {timesteps}; at least 1 is needed")
    if problem := misfit(name, recordings=isinstance(images, Recordings)):
        raise UserError(problem)
    if name == "slices":
        return images.slices(timesteps, dtype)
    if name == "events":
        return images.frames(timesteps, filled["window_ms"], dtype)
    if images.dtype != torch.uint8:
        raise ValueError(f"images are {images.dtype}; they must be torch.uint8, 0 .. 255")
    if name == "rate":
        return _rate(images, timesteps, generator, dtype)
    if name == "retina":
        return _retina(images, timesteps, dtype, **filled)
    if name in ("constant", "standardized"):
        if name == "standardized":
            if statistics is None:
                raise ValueError("encoding standardized needs the mean and standard deviation of the training images")
            filled = dict(zip(("mean", "std"), statistics, strict=True))
        mean, std = (_per_channel(filled[key], images) for key in ("mean", "std"))
        step = ((images.to(torch.float32) / _WHITE - mean) / std).to(dtype)
    else:
        step = (images > _WHITE // 2).to(dtype)
    return step.expand(timesteps, *step.shape)


def encode_images(
    images: torch.Tensor | Recordings,
    encoding: EncodingSpec,
    *,
    statistics: tuple[float, float] | None = None,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """`encode` as a spec says it: the encoding's name, its number of time steps and its parameters."""
    return encode(
        images,
        encoding.name,
        encoding.timesteps,
        generator=generator,
        statistics=statistics,
        **encoding.parameters,
    )


def _per_channel(value: float | Sequence[float], images: torch.Tensor) -> float | torch.Tensor:
    """A number as it is; a list as a tensor [C, 1, 1]. `UserError` if the images have another number of channels."""
    if not isinstance(value, (list, tuple)):
        return value
    if len(value) != images.shape[1]:
        raise UserError(f"encoding constant: {len(value)} values for images of {images.shape[1]} channels")
    return torch.tensor(value, dtype=torch.float32, device=images.device)[:, None, None]


def _rate(images: torch.Tensor, timesteps: int, generator: torch.Generator | None, dtype: torch.dtype) -> torch.Tensor:
    """Integers uniform on 0 .. 254 below the pixel: probability pixel / 255 exactly, and one byte per draw to move.

    On a processor, where drawing takes longest, black pixels are passed over in images that are mostly black.
    """
    if generator is None:
        raise ValueError("encoding rate draws at random; pass a torch.Generator on the images' device as generator")
    shape = (timesteps, *images.shape)
    options = {"dtype": torch.uint8, "device": images.device, "generator": generator}
    if images.device.type == "cpu":
        pixels = images.reshape(-1)
        lit = pixels.nonzero().squeeze(1)
        if len(lit) <= len(pixels) // 2:
            drawn = torch.randint(0, _WHITE, (timesteps, len(lit)), **options)
            spikes = torch.zeros(timesteps, len(pixels), dtype=dtype)
            return spikes.index_copy_(1, lit, (drawn < pixels[lit]).to(dtype)).view(shape)
    drawn = torch.randint(0, _WHITE, shape, **options)
    spikes = torch.empty(shape, dtype=dtype, device=images.device)
    return torch.lt(drawn, images, out=spikes)


def _retina(
    images: torch.Tensor, timesteps: int, dtype: torch.dtype, *, threshold: float, phase: float
) -> torch.Tensor:
    """Spike trains looked up by grey value: by step t a pixel spiked min(t, floor((phase + t x) / threshold)) times."""
    grey = torch.arange(_WHITE + 1, dtype=torch.float64)
    step = torch.arange(timesteps + 1, dtype=torch.float64)[:, None]
    # In units of 1/255, so that at threshold 1 every quantity is an integer and no rounding can move a spike.
    spiked = torch.floor((phase * _WHITE + step * grey) / (threshold * _WHITE)).minimum(step)
    trains = spiked.diff(dim=0).to(images.device, dtype)
    return trains[:, images.int()]
