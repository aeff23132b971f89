"""Published networks against torchvision and by hand, activations against hand values, ready weights from files."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from spikeinit.conversion.activation_functions import ClippedRelu, Qcfs, Relu, make_activation
from spikeinit.conversion.ann import build_ann, load_ann
from spikeinit.conversion.torchvision_weights import load_torchvision_weights
from spikeinit.errors import UserError
from spikeinit.networks import FAMILIES, describe
from spikeinit.networks.build import assemble
from spikeinit.neurons import integrate_and_fire
from spikeinit.specs import NetworkSpec


def spec(name, width=1.0, activation=None, **options):
    return SimpleNamespace(network=NetworkSpec(name, width, options), activation=activation or {"name": "relu"})


def on_no_device(name, shape, classes):
    with torch.device("meta"):
        return build_ann(spec(name), input_shape=shape, classes=classes)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def convolution(inputs, outputs, side=3):
    """A convolution with bias and the normalisation behind it."""
    return (side * side * inputs + 1 + 2) * outputs


def dense(inputs, outputs):
    return (inputs + 1) * outputs


VGG16 = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256), (256, 512)] + [(512, 512)] * 5
BY_HAND = {
    "vgg16": sum(convolution(*sizes) for sizes in VGG16) + dense(512, 4096) + dense(4096, 4096) + dense(4096, 10),
    "cifarnet": sum(convolution(*sizes) for sizes in [(3, 128), (128, 256), (256, 512), (512, 1024), (1024, 512)])
    + dense(512 * 64, 1024)
    + dense(1024, 512)
    + dense(512, 10),
    "alexnet": sum(convolution(*sizes) for sizes in [(3, 96), (96, 256), (256, 384), (384, 384), (384, 256)])
    + dense(256 * 64, 1024)
    + dense(1024, 1024)
    + dense(1024, 10),
    "resnet19": convolution(3, 128)
    + 6 * convolution(128, 128)
    + convolution(128, 256)
    + 5 * convolution(256, 256)
    + convolution(128, 256, 1)
    + convolution(256, 512)
    + 3 * convolution(512, 512)
    + convolution(256, 512, 1)
    + dense(512, 256)
    + dense(256, 10),
    "resnet20": convolution(3, 16)
    + 6 * convolution(16, 16)
    + convolution(16, 32)
    + 5 * convolution(32, 32)
    + convolution(16, 32, 1)
    + convolution(32, 64)
    + 5 * convolution(64, 64)
    + convolution(32, 64, 1)
    + dense(64, 10),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_published_sizes(name):
    assert parameters(on_no_device(name, (3, 32, 32), 10)) == BY_HAND[name]


@pytest.mark.parametrize("name", ["vgg16", "vgg16_bn"])
def test_imagenet_networks_have_torchvisions_parameters(name):
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)()
    assert parameters(on_no_device(f"{name}_imagenet", (3, 224, 224), 1000)) == parameters(theirs)


def test_resnet18_is_torchvisions_with_another_stem():
    """Same weights, same outputs, narrow enough to be quick; our convolutions have a bias, zero here."""
    torch.manual_seed(0)
    theirs = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2], num_classes=10)
    theirs.conv1, theirs.maxpool = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False), torch.nn.Identity()
    ours = build_ann(spec("resnet18"), input_shape=(3, 16, 16), classes=10)
    sources = [(theirs.conv1, theirs.bn1)]
    for stage in (theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4):
        for block in stage:
            sources += [(block.conv1, block.bn1), (block.conv2, block.bn2)]
            sources += [tuple(block.downsample)] if block.downsample is not None else []
    with torch.no_grad():
        for layer, (conv, norm) in zip(ours.weighted_layers(), sources, strict=False):
            norm.running_mean.uniform_(-0.1, 0.1)
            layer.weight.copy_(conv.weight)
            layer.bias.zero_()
            layer.normalization.load_state_dict(norm.state_dict())
        ours.weighted_layers()[-1].operation.load_state_dict(theirs.fc.state_dict())
        images = torch.rand(2, 3, 16, 16)
        expected = theirs.eval()(images)
        output, trace = ours.eval()(images[None])
    assert torch.allclose(output[0], expected, atol=1e-4)
    assert len(trace.spikes) == len(ours.neurons()) == 17


@pytest.mark.parametrize("name", [name for name in FAMILIES if not name.endswith("imagenet")])
def test_every_network_gives_logits_for_colour_images(name):
    network = build_ann(spec(name, 1 / 16), input_shape=(3, 32, 32), classes=7).eval()
    output, trace = network(torch.rand(1, 2, 3, 32, 32))
    assert output.shape == (1, 2, 7)
    assert network.weighted_layers()[-1].neuron is None
    assert len(network.neurons()) == len(trace.spikes)
    assert all((signal >= 0).all() for signal in trace.spikes)


def test_a_familys_options_shape_its_analogue_network_too():
    network = build_ann(spec("mlp"), input_shape=(1, 2, 2), classes=3, hidden=[6, 4])
    assert [tuple(layer.operation.weight.shape) for layer in network.weighted_layers()] == [(6, 4), (4, 6), (3, 4)]


@pytest.mark.parametrize("name", ["vgg9_small", "resnet8", "resnet20", "energy"])
def test_small_networks_take_the_laptops_images(name):
    for shape in ((1, 28, 28), (1, 8, 8)):
        network = build_ann(spec(name, 1 / 16), input_shape=shape, classes=10).eval()
        assert network(torch.rand(1, 2, *shape))[0].shape == (1, 2, 10)


def test_images_too_small_for_the_poolings_are_refused():
    with pytest.raises(UserError, match="too small for this network"):
        build_ann(spec("vgg16", 1 / 16), input_shape=(1, 28, 28), classes=10)


def test_neurons_come_in_the_order_of_their_spikes():
    numbers = iter(range(100))

    class Numbered(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.number = next(numbers)

        def forward(self, current):
            return torch.full_like(current, float(self.number))

    network = assemble(describe("resnet8", classes=3, width=0.25), (1, 8, 8), lambda _: Numbered()).eval()
    _, trace = network(torch.rand(1, 2, 1, 8, 8))
    assert [signal.flatten()[0].item() for signal in trace.spikes] == [neuron.number for neuron in network.neurons()]


# --- activations


def test_activations_by_hand():
    current = torch.tensor([-1.0, 0.0, 0.3, 0.95, 2.0, 5.0])
    assert Relu()(current).tolist() == pytest.approx([0, 0, 0.3, 0.95, 2, 5])
    assert ClippedRelu(bound=1.5)(current).tolist() == pytest.approx([0, 0, 0.3, 0.95, 1.5, 1.5])
    # V = 2, L = 4: levels 0, 0.5, 1, 1.5, 2, each from a quarter below it
    assert Qcfs(levels=4, threshold=2.0)(current).tolist() == pytest.approx([0, 0, 0.5, 1.0, 2, 2])


@pytest.mark.parametrize("levels", [1, 4, 8])
def test_qcfs_is_what_a_neuron_of_as_many_steps_emits(levels):
    generator = torch.Generator().manual_seed(0)
    current = torch.rand(500, generator=generator, dtype=torch.float64) * 4 - 1
    threshold = 1.7
    output = integrate_and_fire(
        current.expand(levels, 1, -1),
        decay=1.0,
        threshold=threshold,
        initial_potential=threshold / 2,
        amplitude=threshold,
        kernel="reference",
    )
    expected = Qcfs(levels=levels, threshold=threshold).double()(current)
    assert torch.allclose(output.mean(0)[0], expected, atol=1e-6)


def test_qcfs_derivatives_are_those_of_the_straight_through_floor():
    activation = Qcfs(levels=4, threshold=2.0).double()
    current = torch.tensor([-0.1, 0.3, 0.95, 1.9, 2.5], dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([1.0, 10.0, 100.0, 1000.0, 1e4], dtype=torch.float64)
    (activation(current) * weights).sum().backward()
    assert current.grad.tolist() == [0, 10, 100, 1000, 0]
    # (q - x) / V inside, 1 above, 0 below
    inside = 10 * (0.5 - 0.3) / 2 + 100 * (1.0 - 0.95) / 2 + 1000 * (2.0 - 1.9) / 2
    assert activation.threshold.grad.item() == pytest.approx(inside + 1e4)


def test_qcfs_derivatives_are_those_of_its_operations_one_by_one():
    generator = torch.Generator().manual_seed(1)
    current = (torch.rand(1, 40, 6, generator=generator, dtype=torch.float64) * 6 - 2).requires_grad_()
    weights = torch.randn(1, 40, 6, generator=generator, dtype=torch.float64)
    activation = Qcfs(levels=8, threshold=2.5).double()
    gradients = torch.autograd.grad((activation(current) * weights).sum(), [current, activation.threshold])

    threshold = torch.tensor(2.5, dtype=torch.float64, requires_grad=True)
    shifted = (current / threshold).clamp(0, 1) * 8 + 0.5
    floored = shifted + (shifted.floor() - shifted).detach()
    expected = torch.autograd.grad((floored / 8 * threshold * weights).sum(), [current, threshold])
    for ours, theirs in zip(gradients, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-12)


def test_a_learned_bound_gets_the_gradient_of_what_is_clipped():
    activation = ClippedRelu(bound=1.0, learn=True)
    current = torch.tensor([-1.0, 0.5, 2.0, 3.0], requires_grad=True)
    activation(current).sum().backward()
    assert activation.bound.grad.item() == 2
    assert current.grad.tolist() == [0, 1, 0, 0]
    assert not ClippedRelu().bound.requires_grad


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        ({"name": "tanh"}, "activation 'tanh' is unknown"),
        ({"name": "relu", "bound": 1}, "relu"),
        ({"name": "clipped_relu", "bound": -1.0}, "bound=-1.0; a positive number"),
        ({"name": "qcfs", "levels": 0}, "levels=0"),
        ({"name": "qcfs", "threshold": float("nan")}, "threshold=nan"),
    ],
)
def test_activations_that_do_not_exist_are_refused(activation, message):
    with pytest.raises(UserError, match=message):
        make_activation(activation)


# --- ready weights


def narrow(network, width):
    """torchvision's network with fewer channels, by its own layers."""

    def count(channels):
        return channels if channels in (3, 5) else max(1, round(channels * width))

    for part in (network.features, network.classifier):
        for index, module in enumerate(part):
            if isinstance(module, torch.nn.Conv2d):
                part[index] = torch.nn.Conv2d(count(module.in_channels), count(module.out_channels), 3, padding=1)
            elif isinstance(module, torch.nn.BatchNorm2d):
                part[index] = torch.nn.BatchNorm2d(count(module.num_features))
                part[index].running_mean.uniform_(-0.1, 0.1)
    first, second, third = (index for index, module in enumerate(network.classifier) if hasattr(module, "weight"))
    features = count(4096)
    network.classifier[first] = torch.nn.Linear(count(512) * 49, features)
    network.classifier[second] = torch.nn.Linear(features, features)
    network.classifier[third] = torch.nn.Linear(features, 5)
    return network.eval()


@pytest.fixture(scope="module", params=["vgg16", "vgg16_bn"])
def published(request):
    """A narrow torchvision network, and ours of the same size."""
    torch.manual_seed(1)
    with torch.device("meta"):
        empty = getattr(torchvision.models, request.param)()
    with torch.device("cpu"):
        theirs = narrow(empty, 1 / 128)
    ours = build_ann(
        spec(f"{request.param}_imagenet", 1 / 128), input_shape=(3, 224, 224), classes=5, pooling="max"
    ).eval()
    return theirs, ours


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_torchvisions_weights_give_torchvisions_outputs(published, suffix, tmp_path):
    theirs, ours = published
    path = tmp_path / f"weights.{suffix}"
    (torch.save if suffix == "pth" else save_file)(theirs.state_dict(), path)
    load_torchvision_weights(ours, path)
    images = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.allclose(ours(images[None])[0][0], theirs(images), rtol=1e-3, atol=1e-5)


def test_weights_come_back_from_their_file(tmp_path):
    network = build_ann(spec("resnet8", 0.25), input_shape=(1, 8, 8), classes=3)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, tmp_path / "w.safetensors")
    loaded = load_ann(spec("resnet8", 0.25), tmp_path / "w.safetensors", input_shape=(1, 8, 8), classes=3)
    assert not loaded.training
    assert all(torch.equal(loaded.state_dict()[name], tensor) for name, tensor in network.state_dict().items())
    with pytest.raises(UserError, match="not the weights of vgg9_small"):
        load_ann(spec("vgg9_small", 0.25), tmp_path / "w.safetensors", input_shape=(1, 8, 8), classes=3)
