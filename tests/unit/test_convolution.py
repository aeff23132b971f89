"""Our convolutions against PyTorch's: values and every gradient, whichever routine does the work."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from spikeinit.kernels.convolution import events, pointwise, strided, windows
from spikeinit.kernels.convolution.routing import convolve

SIZES = [
    ((2, 2), 3, 2, 1),
    ((4, 4), 3, 2, 1),
    ((1, 1), 3, 2, 1),
    ((1, 1), 3, 1, 1),
    ((3, 5), 3, 2, 1),
    ((5, 5), 5, 3, 2),
    ((7, 6), 3, 2, 1),
    ((6, 7), (3, 5), (1, 2), (0, 2)),
    ((5, 4), 1, 2, 0),
    ((1, 4), 3, 1, 1),
    ((4, 1), 3, 1, 1),
    ((2, 9), 3, 2, 1),
    ((9, 2), 3, 2, 1),
    ((12, 17), 3, 2, 1),
    ((2, 3), 1, 2, 1),
    ((2, 2), 1, 3, 2),
    ((7, 6), 1, 2, 3),
    ((5, 8), 3, 2, 4),
]


def places(size, kernel, stride, padding):
    """Output positions, as PyTorch has them."""
    return nn.Conv2d(1, 1, kernel, stride, padding)(torch.zeros(1, 1, *size)).numel()


def case(size, kernel, stride, padding, *, channels=3, features=4, share=1.0, dtype=torch.float64):
    """A convolution and an image in channels-last memory of which about `share` is not zero."""
    generator = torch.Generator().manual_seed(0)
    operation = nn.Conv2d(channels, features, kernel, stride, padding, dtype=dtype)
    image = torch.randn(5, *size, channels, dtype=dtype, generator=generator)
    image *= torch.rand(image.shape, generator=generator) < share
    return operation, image.permute(0, 3, 1, 2).requires_grad_(), generator


def compare(operation, image, generator, tolerance):
    leaves = (image, operation.weight, operation.bias)
    expected, found = operation(image), convolve(operation, image)
    torch.testing.assert_close(found, expected, **tolerance)
    assert found.is_contiguous(memory_format=torch.channels_last)
    gradient = torch.randn(expected.shape, dtype=expected.dtype, generator=generator)
    for ours, theirs in zip(
        torch.autograd.grad(found, leaves, gradient), torch.autograd.grad(expected, leaves, gradient), strict=True
    ):
        torch.testing.assert_close(ours, theirs, **tolerance)


@pytest.fixture
def used(monkeypatch):
    """The names of the routines that gave an output or an image's gradient, in order."""
    names = []

    def note(module, function):
        original, name = getattr(module, function), module.__name__.rpartition(".")[2]

        def noted(*arguments):
            names.append(name)
            return original(*arguments)

        monkeypatch.setattr(module, function, noted)

    note(windows, "forward")
    note(events, "forward")
    note(pointwise, "forward")
    note(strided, "image_gradient")
    return names


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), SIZES)
@pytest.mark.parametrize(("channels", "features"), [(32, 4), (37, 70), (48, 300)])
def test_events_give_the_convolution(size, kernel, stride, padding, channels, features, used):
    operation, image, generator = case(size, kernel, stride, padding, channels=channels, features=features, share=0.15)
    compare(operation, image, generator, {"rtol": 1e-11, "atol": 1e-11})
    assert used[0] == "events"


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), [case for case in SIZES if places(*case) <= 4])
def test_windows_give_the_convolution(size, kernel, stride, padding, used):
    compare(*case(size, kernel, stride, padding), {"rtol": 1e-12, "atol": 1e-12})
    assert used == ["windows"]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"), [case for case in SIZES if places(*case) > 4 and case[2] != 1]
)
@pytest.mark.parametrize(("channels", "features"), [(16, 5), (32, 32)])
def test_strided_image_gradients(size, kernel, stride, padding, channels, features, used):
    compare(*case(size, kernel, stride, padding, channels=channels, features=features), {"rtol": 1e-11, "atol": 1e-11})
    assert used == ["strided"]


@pytest.mark.parametrize("channels", [1, 2, 8, 15])
@pytest.mark.parametrize(("size", "stride"), [((56, 60), 2), ((40, 97), (2, 2)), ((64, 64), (1, 2)), ((96, 90), 3)])
def test_strided_convolutions_of_one_pixel(channels, size, stride, used):
    """In single precision too, where PyTorch's own gradient of these weights would destroy memory."""
    compare(*case(size, 1, stride, 0, channels=channels, features=2 * channels), {"rtol": 1e-11, "atol": 1e-11})
    assert used == ["pointwise"]
    operation, image, _ = case(size, 1, stride, 0, channels=channels, dtype=torch.float32)
    convolve(operation, image).square().sum().backward()
    double, image = operation.weight.double(), image.detach().double()
    gradient = torch.nn.grad.conv2d_weight(
        image, double.shape, 2 * torch.conv2d(image, double, operation.bias.double(), stride), stride
    )
    torch.testing.assert_close(operation.weight.grad.double(), gradient, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "channels"),
    [((52, 52), 1, 2, 8), ((64, 64), 1, 2, 31), ((64, 64), 1, 1, 8), ((64, 64), 3, 2, 8)],
)
def test_other_convolutions_are_not_pointwise(size, kernel, stride, channels, used):
    convolve(*case(size, kernel, stride, 0, channels=channels, features=2)[:2]).sum().backward()
    assert used == []


def test_events_in_single_precision():
    compare(*case((7, 7), 3, 2, 1, channels=64, features=64, share=0.1, dtype=torch.float32),
            {"rtol": 1e-4, "atol": 1e-5})  # fmt: skip


def test_an_image_without_events_gives_the_bias(used):
    operation, image, _ = case((7, 7), 3, 2, 1, channels=32, share=0.0)
    found = convolve(operation, image)
    assert used == ["events"]
    assert torch.equal(found, operation.bias.view(-1, 1, 1).expand(5, -1, 4, 4))
    found.sum().backward()
    assert operation.weight.grad.count_nonzero() == 0


def test_gradients_are_the_same_bits_on_any_number_of_threads():
    operation, image, generator = case((32, 32), 3, 2, 1, channels=32, features=300, share=0.2, dtype=torch.float32)
    gradient = torch.randn(5, 300, 16, 16, generator=generator).contiguous(memory_format=torch.channels_last)
    threads = torch.get_num_threads()
    results = []
    try:
        for number in (1, 3):
            torch.set_num_threads(number)
            found = convolve(operation, image)
            results.append((found, *torch.autograd.grad(found, (image, operation.weight), gradient)))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, three) for one, three in zip(*results, strict=True))


@pytest.mark.parametrize(
    "make",
    [
        lambda: (nn.Conv2d(32, 32, 3, 1, 1), torch.ones(1, 32, 7, 7)),
        lambda: (nn.Conv2d(40, 32, 3, 2, 1), torch.ones(1, 40, 7, 7)),
        lambda: (nn.Conv2d(2, 2, 3, 2, 1), torch.zeros(1, 2, 9, 9)),
        lambda: (nn.Conv2d(32, 32, 3, 2, 1, groups=2), torch.zeros(1, 32, 4, 4)),
        lambda: (nn.Conv2d(32, 32, 3, 2, 2, dilation=2), torch.zeros(1, 32, 4, 4)),
        lambda: (nn.Conv2d(32, 32, 3, 2, 1, padding_mode="reflect"), torch.zeros(1, 32, 4, 4)),
    ],
)
def test_all_else_is_left_to_pytorch(make, used):
    operation, image = make()
    image = image.contiguous(memory_format=torch.channels_last)
    assert torch.equal(convolve(operation, image), operation(image))
    assert used == []
