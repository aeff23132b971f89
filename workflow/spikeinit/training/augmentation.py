"""Changing training images at random: whole batches on their device, from an explicit generator.

    crop     zero padding by so many pixels on each side, then a window of the old size at random
    flip     left and right exchanged, with probability 1/2
    policy   AutoAugment (Cubuk et al. 2019) with the policy found for CIFAR-10, by torchvision's operations
    cutout   a square of that side around a random pixel set to a colour, cut at the border (DeVries & Taylor 2017)

They are applied in this order, that of the code published with Bu et al. (2022).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from spikeinit.errors import UserError

KEYS = ("crop", "flip", "policy", "cutout")
POLICIES = ("cifar10",)


def make_augmentation(
    choice: Mapping[str, Any], *, fill: Sequence[int] | int = 0
) -> Callable[[torch.Tensor, torch.Generator], torch.Tensor] | None:
    """A function of images uint8 [B, C, H, W] and a generator on their device; None if `choice` asks for nothing.

    choice: {"crop": pixels, "flip": bool, "policy": "cifar10" or None, "cutout": side}. fill: the colour of what is cut
    out, a grey value or one per channel. `UserError` for another key or policy.
    """
    unknown = sorted(set(choice) - set(KEYS))
    if unknown:
        raise UserError(f"augmentation {unknown[0]!r} is unknown (known: {', '.join(KEYS)})")
    wanted = choice.get("policy")
    if wanted is not None and wanted not in POLICIES:
        raise UserError(f"augmentation policy {wanted!r} is unknown (known: {', '.join(POLICIES)})")
    steps: list[Callable[[torch.Tensor, torch.Generator], torch.Tensor]] = []
    if padding := choice.get("crop"):
        steps.append(lambda images, generator: crop(images, padding, generator))
    if choice.get("flip"):
        steps.append(flip)
    if wanted is not None:
        steps.append(Policy())
    if side := choice.get("cutout"):
        steps.append(lambda images, generator: cutout(images, side, generator, fill))
    if not steps:
        return None

    def augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        for step in steps:
            images = step(images, generator)
        return images

    return augment


def crop(images: torch.Tensor, padding: int, generator: torch.Generator) -> torch.Tensor:
    """Images [B, C, H, W] padded with zeros and cropped back to H x W, each at a place of its own."""
    count, _, height, width = images.shape
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    top, left = _integers(2 * padding + 1, (2, count), images.device, generator)
    rows = top[:, None] + torch.arange(height, device=images.device)
    columns = left[:, None] + torch.arange(width, device=images.device)
    image = torch.arange(count, device=images.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def flip(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Images [B, C, H, W], each mirrored with probability 1/2."""
    mirrored = _integers(2, (len(images),), images.device, generator).bool()
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


def cutout(images: torch.Tensor, side: int, generator: torch.Generator, fill: Sequence[int] | int = 0) -> torch.Tensor:
    """Images [B, C, H, W] with a square of `side` pixels each set to `fill`; what lies outside the image is lost."""
    count, channels, height, width = images.shape
    row = _integers(height, (count, 1), images.device, generator)
    column = _integers(width, (count, 1), images.device, generator)
    rows = _within(torch.arange(height, device=images.device), row, side)
    columns = _within(torch.arange(width, device=images.device), column, side)
    hole = (rows[:, :, None] & columns[:, None, :])[:, None]
    colour = torch.as_tensor(fill, dtype=images.dtype, device=images.device).expand(channels)[:, None, None]
    return torch.where(hole, colour, images)


class Policy:
    """AutoAugment's CIFAR-10 policy: 25 sub-policies of two operations, each with its probability and magnitude.

    Every image draws its sub-policy, and for each of the two operations whether it is done and its sign; images that
    drew the same are changed together by torchvision's own function.
    """

    def __init__(self) -> None:
        from torchvision.transforms import AutoAugment, AutoAugmentPolicy

        self._auto = AutoAugment(AutoAugmentPolicy.CIFAR10)

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Changed images of images uint8 [B, C, H, W]."""
        count = len(images)
        which = _integers(len(self._auto.policies), (count,), images.device, generator).cpu()
        chance = torch.rand((2, count), generator=generator, device=images.device).cpu()
        negative = _integers(2, (2, count), images.device, generator).bool().cpu()
        return self.apply(images, which, chance, negative)

    def apply(
        self, images: torch.Tensor, which: torch.Tensor, chance: torch.Tensor, negative: torch.Tensor
    ) -> torch.Tensor:
        """Images [B, C, H, W] for given draws: sub-policy [B], uniform numbers [2, B] and signs [2, B]."""
        from torchvision.transforms import InterpolationMode
        from torchvision.transforms.autoaugment import _apply_op

        images = images.clone()
        space = self._auto._augmentation_space(10, tuple(images.shape[-2:]))
        for number, operations in enumerate(self._auto.policies):
            for position, (name, probability, level) in enumerate(operations):
                magnitudes, signed = space[name]
                magnitude = float(magnitudes[level]) if level is not None else 0.0
                done = (which == number) & (chance[position] <= probability)
                for sign in (False, True) if signed else (None,):
                    chosen = done if sign is None else done & (negative[position] == sign)
                    rows = chosen.nonzero().flatten().to(images.device)
                    if len(rows):
                        size = -magnitude if sign else magnitude
                        images[rows] = _apply_op(images[rows], name, size, InterpolationMode.NEAREST, fill=None)
        return images


def _integers(end: int, shape: tuple[int, ...], device: torch.device, generator: torch.Generator) -> torch.Tensor:
    return torch.randint(end, shape, device=device, generator=generator)


def _within(positions: torch.Tensor, centre: torch.Tensor, side: int) -> torch.Tensor:
    """[B, length]: whether each position lies in the `side` pixels around each centre [B, 1]."""
    start = centre - side // 2
    return (positions >= start) & (positions < start + side)
