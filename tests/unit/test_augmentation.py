"""Augmentation against a loop over the images, and against torchvision's own policy."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms import AutoAugment, AutoAugmentPolicy, InterpolationMode
from torchvision.transforms.autoaugment import _apply_op

from spikeinit.errors import UserError
from spikeinit.training.augmentation import Policy, crop, cutout, flip, make_augmentation


def images(count=200, channels=3, side=6):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(1, 256, (count, channels, side, side), generator=generator, dtype=torch.uint8)


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_crop_is_a_window_of_the_padded_image_and_all_windows_occur():
    before = images(600)
    after = crop(before, 1, stream())
    padded = torch.nn.functional.pad(before, (1, 1, 1, 1))
    seen = set()
    for image, result in zip(padded, after, strict=True):
        places = [(y, x) for y in range(3) for x in range(3) if torch.equal(image[:, y : y + 6, x : x + 6], result)]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) == 9


def test_half_of_the_images_are_mirrored():
    before = images(1000)
    after = flip(before, stream())
    mirrored = [torch.equal(result, image.flip(-1)) for image, result in zip(before, after, strict=True)]
    same = [torch.equal(result, image) for image, result in zip(before, after, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 420 < sum(mirrored) < 580


@pytest.mark.parametrize("side", [2, 3])
def test_a_cut_is_one_square_around_a_pixel_in_the_colour(side):
    before = images(400)
    after = cutout(before, side, stream(), [7, 8, 9])
    colour = torch.tensor([7, 8, 9], dtype=torch.uint8)[:, None, None]
    squares = {}
    for y in range(6):
        for x in range(6):
            top, left = y - side // 2, x - side // 2
            mask = torch.zeros(6, 6, dtype=torch.bool)
            mask[max(0, top) : top + side, max(0, left) : left + side] = True
            squares[y, x] = mask
    seen = set()
    for image, result in zip(before, after, strict=True):
        fits = [place for place, mask in squares.items() if torch.equal(torch.where(mask, colour, image), result)]
        assert fits
        seen.update(fits)
    assert len(seen) == 36


def test_the_policy_does_to_each_image_what_torchvision_does():
    before = images(150, side=8)
    policy = Policy()
    generator = stream(3)
    which = torch.randint(25, (150,), generator=generator)
    chance = torch.rand((2, 150), generator=generator)
    negative = torch.randint(2, (2, 150), generator=generator).bool()
    after = policy.apply(before, which, chance, negative)
    auto = AutoAugment(AutoAugmentPolicy.CIFAR10)
    space = auto._augmentation_space(10, (8, 8))
    for index, image in enumerate(before):
        expected = image
        for position, (name, probability, level) in enumerate(auto.policies[which[index]]):
            if chance[position, index] <= probability:
                magnitudes, signed = space[name]
                size = float(magnitudes[level]) if level is not None else 0.0
                size = -size if signed and negative[position, index] else size
                expected = _apply_op(expected, name, size, InterpolationMode.NEAREST, fill=None)
        assert torch.equal(after[index], expected), (index, auto.policies[which[index]])
    assert not torch.equal(before, after)


def test_the_generator_alone_decides():
    augment = make_augmentation({"crop": 2, "flip": True, "policy": "cifar10", "cutout": 3}, fill=120)
    before = images(20)
    kept = before.clone()
    first = augment(before, stream())
    torch.manual_seed(5)
    assert torch.equal(first, augment(before, stream()))
    assert not torch.equal(first, augment(before, stream(1)))
    assert torch.equal(before, kept)
    assert first.shape == before.shape
    assert first.dtype == torch.uint8


def test_nothing_asked_for_is_no_augmentation():
    assert make_augmentation({}) is None
    assert make_augmentation({"crop": 0, "flip": False, "policy": None, "cutout": 0}) is None


def test_what_does_not_exist_is_refused():
    with pytest.raises(UserError, match="augmentation 'mixup' is unknown"):
        make_augmentation({"mixup": 1})
    with pytest.raises(UserError, match="policy 'imagenet' is unknown"):
        make_augmentation({"policy": "imagenet"})
