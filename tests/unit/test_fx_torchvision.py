"""torchvision's networks: with more and more steps, the converted network is the network."""

from __future__ import annotations

import re
import runpy

import pytest
import torch
import torchvision
from torch import nn

from spikeinit.interop.convert import convert


def settled(module: nn.Module, given: torch.Tensor) -> nn.Module:
    """The network with random weights, in evaluation mode, whose normalisation has the statistics of `given`."""
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.momentum = None
    with torch.no_grad():
        module.train()(given)
    return module.eval()


def vgg16(batch_norm: bool = True) -> nn.Module:
    """VGG16's convolutions with its five maximum poolings, on one small classifier."""
    features = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"], batch_norm=batch_norm)
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def mobilenet_v2() -> nn.Module:
    setting = [[1, 8, 1, 1], [6, 12, 2, 2], [6, 16, 1, 1]]
    return torchvision.models.MobileNetV2(num_classes=10, inverted_residual_setting=setting)


NETWORKS = {
    "resnet18": (torchvision.models.resnet18, 17, 512, 0.15),
    "mobilenet_v2": (mobilenet_v2, 9, 512, 0.1),
}
SLOW = {
    "vgg16": (vgg16, 13, 1024, 0.1),
    "resnet34": (torchvision.models.resnet34, 33, 1024, 0.3),
    "densenet": (lambda: torchvision.models.DenseNet(8, (3, 3), 16, num_classes=10), 15, 1024, 0.1),
    "shufflenet_v2": (torchvision.models.shufflenet_v2_x0_5, 37, 4096, 0.3),  # 37 layers deep, with random weights
    "squeezenet": (torchvision.models.squeezenet1_1, 26, 1024, 0.1),
}
CASES = [*NETWORKS, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]


@pytest.mark.parametrize("name", CASES)
def test_many_steps_are_the_network_itself(name):
    make, layers, timesteps, tolerance = (NETWORKS | SLOW)[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        given = torch.randn(32, 3, 32, 32)
        module = settled(make(), given)
    few = given[:2]
    with torch.no_grad():
        expected = module(few)
        errors = []
        for steps in (timesteps // 8, timesteps):
            spiking = convert(module, given, timesteps=steps, method="max_half")
            assert len(spiking.neurons) == layers
            errors.append(((spiking(few) - expected).abs().mean() / expected.abs().mean()).item())
    assert errors[1] < tolerance
    assert errors[1] < 0.4 * errors[0]


@pytest.mark.slow
def test_the_example_runs(checkout, capsys, monkeypatch):
    """It trains, converts, and loses little accuracy."""
    monkeypatch.chdir(checkout)
    runpy.run_path(str(checkout / "examples/convert_resnet18.py"), run_name="__main__")
    *table, last = capsys.readouterr().out.splitlines()
    assert len(table) == 1 + 17 + 1  # heading, layers, output
    analogue, spiking = map(float, re.findall(r"([0-9.]+) %", last))
    assert analogue > 85
    assert spiking > analogue - 5
