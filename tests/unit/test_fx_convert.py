"""Conversion of any module: by hand, every way to write an operation, calibration, and the module that results."""

from __future__ import annotations

import copy
import operator

import pytest
import torch
import torch.nn.functional as F
from test_conversion import ENCODING, images, network, thresholds_of
from torch import nn

from spikeinit.conversion.activation_functions import ClippedRelu, Qcfs
from spikeinit.conversion.baselines import SignedNeuron, convert_by
from spikeinit.conversion.convert import ConvertedNeuron
from spikeinit.conversion.extraction import collect_activations
from spikeinit.conversion.methods import METHODS
from spikeinit.conversion.thresholds import optimal_threshold
from spikeinit.interop.convert import SpikingModule, convert
from spikeinit.interop.convert.over_time import CumulativeMaximum
from spikeinit.networks.modules import ResidualBlock, WeightedLayer

MANY = 1024


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def inputs(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=seeded(seed))


@pytest.fixture(autouse=True)
def drawn_alike():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class Written(nn.Module):
    """A convolution, whatever is to be tried, and classes."""

    def __init__(self, middle, channels: int = 4, **parts: nn.Module) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.last = nn.Linear(channels, 3)
        self.middle = middle
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.last(self.middle(self, self.first(x)).flatten(2).mean(2))


def agrees(module: nn.Module, given: torch.Tensor, *, layers: int, tolerance: float = 0.01, **options) -> SpikingModule:
    """The conversion for many steps, which has so many layers of neurons, answers as the module in evaluation mode."""
    spiking = convert(module, [given], timesteps=MANY, method=options.pop("method", "max_half"), **options)
    with torch.no_grad():
        expected = copy.deepcopy(module).eval()(given)
        found = spiking(given)
    assert len(spiking.neurons) == layers
    assert (found - expected).abs().max() <= tolerance * expected.abs().max()
    return spiking


def test_two_layers_by_hand():
    """a = 2x = 2 and 0.5, V = 2, v[0] = 0: the second image's potential is 0.5, 1, 1.5, 2 and spikes in step 4."""
    module = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1))
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), (2.0, 0.0, 3.0, 1.0), strict=True):
            parameter.fill_(value)
    given = torch.tensor([[1.0], [0.25]])
    spiking = convert(module, [given], timesteps=4, method="max")
    assert spiking.neurons["1"].threshold.item() == 2
    assert spiking.outputs(given)[:, :, 0].T.tolist() == [[7, 7, 7, 7], [1, 1, 1, 7]]
    assert spiking(given)[:, 0].tolist() == [7, 2.5]
    assert spiking.steps(torch.tensor([[[0.5]], [[0.5]], [[0.0]]])).flatten().tolist() == [1, 7, 1]


RELUS = {
    "module": lambda self, x: self.act(x),
    "function": lambda self, x: F.relu(x),
    "function in place": lambda self, x: F.relu(x, inplace=True),
    "torch": lambda self, x: torch.relu(x),
    "torch in place": lambda self, x: torch.relu_(x),
    "method": lambda self, x: x.relu(),
    "method in place": lambda self, x: x.relu_(),
    "clamp": lambda self, x: torch.clamp(x, min=0),
    "clamp method": lambda self, x: x.clamp(0),
    "clamp in place": lambda self, x: x.clamp_(min=0),
}


@pytest.mark.parametrize("form", RELUS)
def test_every_way_to_write_relu_becomes_neurons(form):
    agrees(Written(RELUS[form], act=nn.ReLU(inplace=True)), inputs(4, 2, 6, 6), layers=1)


BOUNDED = {
    "module": (lambda self, x: self.act(x), 1.5),
    "relu6 module": (lambda self, x: self.six(10 * x) / 10, 0.6),
    "relu6": (lambda self, x: F.relu6(10 * x) / 10, 0.6),
    "hardtanh": (lambda self, x: F.hardtanh(x, 0.0, 1.5), 1.5),
    "hardtanh in place": (lambda self, x: F.hardtanh(x, 0.0, 1.5, True), 1.5),
    "clamp": (lambda self, x: x.clamp(0, 1.5), 1.5),
    "clamp by name": (lambda self, x: torch.clamp(x, min=0, max=1.5), 1.5),
    "own": (lambda self, x: self.own(x), 1.5),
}


@pytest.mark.parametrize("form", BOUNDED)
def test_bounded_activations_keep_their_bound(form):
    middle, bound = BOUNDED[form]
    module = Written(middle, act=nn.Hardtanh(0, 1.5), six=nn.ReLU6(), own=ClippedRelu(1.5))
    given = 3 * inputs(4, 2, 6, 6)
    assert module.first(given).max() > 1.5 * bound  # otherwise the bound does nothing
    agrees(module, given, layers=1)


def test_a_threshold_lies_not_above_the_bound():
    """The best of all thresholds is T a / j, far above the samples where few are near the bound."""
    module = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU6())
    nn.init.ones_(module[0].weight)
    given = torch.tensor([[3.0]] * 20 + [[5.9]])
    search = optimal_threshold(given, 2, search="global").threshold
    assert search > 5.9
    (neuron,) = convert(module, given, timesteps=2, method="optimal_global").neurons.values()
    assert neuron.threshold.item() == min(search, 6.0)
    module[1] = nn.Hardtanh(0, 5.9)
    (neuron,) = convert(module, given, timesteps=2, method="optimal_global").neurons.values()
    assert neuron.threshold.item() == pytest.approx(5.9)
    assert neuron.initial_fraction.item() == pytest.approx(0.5 + 1e-5)


def _sizes_first(self, x):
    batch, channels = x.shape[0], x.size(1)
    return F.relu(x).view(batch, channels, -1).relu()


def _preactivated(self, x):
    out = F.relu(x, inplace=True)
    return self.conv(out) + x  # x is what ReLU has left of it


def _summed_in_place(self, x):
    before = self.conv(x)
    after = before
    after += F.relu(x)
    return torch.relu(before)  # the sum too


def _halves(self, x):
    one, two = x.chunk(2, dim=1)
    return torch.cat([F.relu(two), F.relu(one)], 1)


def _twice(self, x):
    return self.act(self.conv(self.act(self.conv(x))))


SHAPES = {
    "add": (lambda self, x: F.relu(x) + self.conv(F.relu(x)), 2),
    "add in place": (lambda self, x: F.relu(x).add_(self.conv(x)), 1),
    "iadd": (lambda self, x: operator.iadd(self.conv(x), F.relu(x)), 1),
    "torch.add": (lambda self, x: torch.add(F.relu(x), x, alpha=2), 1),
    "sub": (lambda self, x: F.relu(x) - x + 1.5, 1),
    "products": (lambda self, x: (F.relu(x) * 0.5 + -F.relu(-x) / 4) * self.scale, 2),
    "cat": (lambda self, x: torch.cat([F.relu(x), x], 1)[:, :4], 1),
    "cat by name": (lambda self, x: torch.cat((x, F.relu(x)), dim=-3)[:, 2:6], 1),
    "sizes first": (_sizes_first, 2),
    "preactivated": (_preactivated, 1),
    "summed in place": (_summed_in_place, 2),
    "one module twice": (_twice, 2),
    "average": (lambda self, x: self.average(F.relu(x)), 1),
    "average function": (lambda self, x: F.avg_pool2d(F.relu(x), 3, 2, 1), 1),
    "adaptive": (lambda self, x: nn.functional.adaptive_avg_pool2d(F.relu(x), (2, 3)), 1),
    "adaptive module": (lambda self, x: self.adaptive(F.relu(x)), 1),
    "mean": (lambda self, x: F.relu(x).mean((2, 3), keepdim=True), 1),
    "mean by negative": (lambda self, x: torch.mean(F.relu(x), dim=-1, keepdim=True), 1),
    "dropout": (lambda self, x: self.dropout(F.dropout(F.relu(x), 0.5, training=self.training)), 1),
    "identity": (lambda self, x: self.identity(F.relu(x)), 1),
    "reshape": (lambda self, x: torch.reshape(F.relu(x), (-1, 4, 36)), 1),
    "reshape method": (lambda self, x: F.relu(x.reshape(x.size(0), 4, 36)), 1),
    "flatten": (lambda self, x: torch.flatten(F.relu(x), 2), 1),
    "flatten module": (lambda self, x: self.unflatten(self.flatten(F.relu(x))), 1),
    "shuffled": (lambda self, x: F.relu(x).view(x.size(0), 2, 2, 6, 6).transpose(1, 2).reshape(x.size(0), 4, 6, 6), 1),
    "permuted": (lambda self, x: F.relu(x.permute(0, 1, 3, 2)).contiguous(), 1),
    "chunk": (_halves, 2),
    "split": (lambda self, x: torch.cat([torch.split(x, 2, dim=1)[1].relu(), x[:, :2]], 1), 1),
    "padded slices": (lambda self, x: F.pad(F.relu(x)[:, :2, ::2, ::2], (0, 0, 0, 0, 1, 1)), 1),
    "padding": (lambda self, x: self.pad(F.relu(x)), 1),
    "squeezed": (lambda self, x: F.relu(x).unsqueeze(2).squeeze(2), 1),
    "functional maximum": (lambda self, x: F.max_pool2d(F.relu(x), 2), 1),
    "maximum of currents": (lambda self, x: F.relu(F.max_pool2d(self.conv(F.relu(x)), 3, stride=2, padding=1)), 2),
    "maximum module": (lambda self, x: self.maximum(F.relu(x)), 1),
    "adaptive maximum": (lambda self, x: F.adaptive_max_pool2d(F.relu(x), 2), 1),
    "affine input": (lambda self, x: F.relu(self.batch_norm(F.relu(x))), 2),
}


def parts():
    found = {
        "conv": nn.Conv2d(4, 4, 3, padding=1),
        "act": nn.ReLU(inplace=True),
        "average": nn.AvgPool2d(2),
        "adaptive": nn.AdaptiveAvgPool2d(2),
        "dropout": nn.Dropout(0.5, inplace=True),
        "identity": nn.Identity(),
        "flatten": nn.Flatten(),
        "unflatten": nn.Unflatten(1, (4, 36)),
        "pad": nn.ZeroPad2d(1),
        "maximum": nn.MaxPool2d(2),
        "batch_norm": nn.BatchNorm2d(4),
        "scale": nn.Parameter(torch.tensor([2.0, -1.0, 1.0, 0.5]).reshape(4, 1, 1)),
    }
    found["batch_norm"](torch.randn(50, 4, 6, 6) * 2 + 1)
    return found


@pytest.mark.parametrize("form", SHAPES)
def test_every_supported_operation(form):
    middle, layers = SHAPES[form]
    spiking = agrees(Written(middle, **parts()), inputs(4, 2, 6, 6), layers=layers)
    one = inputs(1, 2, 6, 6)
    two = torch.cat([one, inputs(1, 2, 6, 6, seed=1)])
    torch.testing.assert_close(spiking(two)[:1], spiking(one), rtol=1e-4, atol=1e-5)  # images do not mix
    repeated = two.expand(MANY, -1, -1, -1, -1)
    torch.testing.assert_close(spiking.steps(repeated).mean(0), spiking(two), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dimensions", [1, 3])
def test_convolutions_in_one_and_three_dimensions(dimensions):
    convolution, normalization, pool, maximum = (
        getattr(nn, f"{name}{dimensions}d") for name in ("Conv", "BatchNorm", "AvgPool", "MaxPool")
    )
    module = nn.Sequential(
        *(convolution(2, 4, 3, padding=1, groups=2, bias=False), normalization(4), nn.ReLU(), pool(2)),
        *(convolution(4, 4, 1), nn.ReLU(), maximum(2), nn.Flatten(), nn.Linear(4 * 2**dimensions, 3)),
    )
    given = inputs(6, 2, *[8] * dimensions)
    for _ in range(20):
        module(given)
    spiking = agrees(module, given, layers=2, tolerance=0.02)
    assert not any("running" in name for name in spiking.state_dict())


class Normalized(nn.Module):
    """Batch normalisation where it cannot be folded, and where it can."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.apart, self.of_sequence = nn.BatchNorm2d(2), nn.BatchNorm2d(4), nn.BatchNorm1d(16)
        self.folded, self.again = nn.BatchNorm2d(4, affine=False), nn.BatchNorm2d(4)
        self.shared, self.dense, self.last = nn.Conv2d(2, 4, 3), nn.Linear(4, 5), nn.Linear(80, 3)

    def forward(self, x):
        x = self.before(x)
        one, two = torch.relu(self.folded(self.shared(x))), torch.relu(self.again(self.shared(-x)))
        kept = self.shared(x)
        both = one + two + torch.relu(self.apart(kept)) + kept  # apart's layer is used elsewhere
        sequence = self.of_sequence(self.dense(both.flatten(2).transpose(1, 2)))  # [B, 16, 5], normalised over 16
        return self.last(torch.relu(sequence).flatten(1))


def test_batch_normalisation_is_folded_or_stays_an_affine_step_in_any_mode():
    module, given = Normalized(), inputs(16, 2, 6, 6) + 0.5
    for normalization in (each for each in module.modules() if isinstance(each, nn.BatchNorm2d | nn.BatchNorm1d)):
        normalization.momentum = None
        if normalization.affine:
            nn.init.uniform_(normalization.weight, 0.5, 1.5)
            nn.init.normal_(normalization.bias)
    module(given)
    spiking = agrees(module, given, layers=4, tolerance=0.02)
    affine = {name.split(".")[1] for name in spiking.state_dict() if name.endswith("shift")}
    assert affine == {"before", "apart", "of_sequence"}
    with torch.no_grad():
        evaluated = spiking.eval()(given[:2])
        assert torch.equal(spiking.train()(given[:2]), evaluated)


class OurNetwork(nn.Module):
    """A network of this package, written as one of somebody else."""

    def __init__(self, ann) -> None:
        super().__init__()
        self.parts = ann.parts
        self.relu = nn.ReLU()

    def layer(self, layer, x):
        x = layer.operation(x.flatten(1) if isinstance(layer.operation, nn.Linear) else x)
        return x if layer.normalization is None else layer.normalization(x)

    def forward(self, x):
        for part in self.parts:
            if isinstance(part, WeightedLayer):
                x = self.layer(part, x)
                x = x if part.neuron is None else self.relu(x)
            elif isinstance(part, ResidualBlock):
                first, second = part.body
                inside = self.layer(second, self.relu(self.layer(first, x)))
                x = self.relu(inside + (x if part.shortcut is None else self.layer(part.shortcut, x)))
            else:
                x = part.pool(x)
        return x


@pytest.mark.parametrize("method", [name for name, one in METHODS.items() if "relu" in one.activations])
def test_it_is_the_conversion_of_the_package_itself(method, tmp_path):
    """Same thresholds and, in every layer, step and neuron, the same spikes."""
    ann, steps = network(), 4
    layers = collect_activations(ann, images().images, ENCODING, batch_size=24, limit=1 << 16, channel_limit=1 << 14)
    own = convert_by(method, ann, steps, thresholds_of(layers, [METHODS[method].thresholds], steps, tmp_path))
    given = images().images.float() / 255
    spiking = convert(OurNetwork(ann), [given[:10], given[10:]], timesteps=steps, method=method)
    for neuron, ours in zip(spiking.neurons.values(), own.neurons(), strict=True):
        torch.testing.assert_close(neuron.threshold, ours.threshold, rtol=1e-4, atol=0)
        neuron.load_state_dict(ours.state_dict())
    seen = watch(spiking)
    with torch.no_grad():
        output, trace = own.double()(given.double().expand(steps, -1, -1, -1, -1))
        found = spiking.double().outputs(given.double())
    for spikes, ours in zip(seen.values(), trace.spikes, strict=True):
        assert ours.count_nonzero() > 0
        torch.testing.assert_close(spikes, ours, rtol=1e-12, atol=0)
    torch.testing.assert_close(found, output, rtol=1e-9, atol=1e-12)


def watch(spiking: SpikingModule) -> dict[str, torch.Tensor]:
    """Filled with the spikes [T, B, ...] of each layer when the network runs."""
    seen: dict[str, torch.Tensor] = {}
    for name, neuron in spiking.neurons.items():
        neuron.register_forward_hook(lambda _module, _inputs, spikes, name=name: seen.__setitem__(name, spikes))
    return seen


def test_networks_whose_activations_hold_their_thresholds():
    module = nn.Sequential(nn.Linear(3, 8), Qcfs(levels=4, threshold=1.5), nn.Linear(8, 2))
    given = inputs(10, 3)
    spiking = convert(module, given, timesteps=4, method="qcfs")
    torch.testing.assert_close(spiking(given), module(given), rtol=1e-4, atol=1e-4)  # T = L: the same function
    bounded = nn.Sequential(nn.Linear(3, 8), nn.ReLU6(), nn.Linear(8, 2))
    (neuron,) = convert(bounded, given, timesteps=4, method="opt_clipped").neurons.values()
    assert (neuron.threshold.item(), neuron.shift) == (6, 1 / 8)
    assert isinstance(convert(bounded, given, method="snm").neurons["1"], SignedNeuron)


def test_maximum_pooling_over_time_by_hand():
    """Two inputs that spike in turn have the rates 1/2: so has their maximum. That of each step would always spike."""
    first, second = [2.0, 0.0, 2.0, 0.0, 0.0, 2.0], [0.0, 2.0, 2.0, 0.0, 0.0, 0.0]
    spikes = torch.tensor([first, second]).T.reshape(6, 1, 2)  # sums 2 2 4 4 4 6 and 0 2 4 4 4 4
    assert CumulativeMaximum(nn.MaxPool1d(2))(spikes, 6).flatten().tolist() == [2, 0, 2, 0, 0, 2]
    currents = inputs(5 * 3, 2, 4, 4).double()
    pooled = CumulativeMaximum(nn.MaxPool2d(3, 2, 1))(currents, 5).unflatten(0, (5, 3)).mean(0)
    torch.testing.assert_close(pooled, nn.MaxPool2d(3, 2, 1)(currents.unflatten(0, (5, 3)).mean(0)))


def test_maximum_pooling_of_each_step_loses_the_mean():
    module, given = Written(SHAPES["functional maximum"][0]), inputs(8, 2, 6, 6)
    errors = {}
    for pooling in ("cumulative", "steps"):
        spiking = convert(module, given, timesteps=MANY, method="max_half", max_pooling=pooling)
        errors[pooling] = (spiking(given) - module(given)).abs().max().item()
    assert errors["steps"] > 10 * errors["cumulative"]


def test_calibration_is_a_stream(monkeypatch):
    """Batches of any size, with labels or not, and runs of few images give the thresholds of all images at once."""
    module, given = Written(SHAPES["one module twice"][0], **parts()), inputs(30, 2, 6, 6)
    labels = torch.zeros(30)
    expected = convert(module, given, method="optimal_channel").state_dict()
    dataset = torch.utils.data.TensorDataset(given, labels)
    streams = [
        torch.utils.data.DataLoader(dataset, batch_size=7),
        ((part, None) for part in given.split(11)),
        [[part] for part in given.split(30)],
    ]
    for stream in streams:
        found = convert(module, stream, method="optimal_channel").state_dict()
        assert all(torch.equal(found[name], value) for name, value in expected.items())
    whole = convert(module, given)
    monkeypatch.setattr("spikeinit.networks.sizes.FORWARD_BYTES", 1)
    single = convert(module, given, method="optimal_channel").state_dict()
    for name, value in expected.items():
        torch.testing.assert_close(single[name], value, rtol=1e-5, atol=0)
    torch.testing.assert_close(whole(given), torch.cat([whole(image) for image in given.split(1)]))


def test_few_values_are_kept_of_many_images():
    module = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU())
    nn.init.ones_(module[0].weight)
    given = torch.rand(20_000, 1, generator=seeded())
    spiking = convert(module, iter(given.split(500)), values=256, method="percentile")
    assert spiking.neurons["1"].threshold.item() == pytest.approx(0.999, abs=0.02)
    assert spiking._calibration.images.shape == (64, 1)


def test_the_network_stays_as_it_is_and_its_hooks_are_not_called():
    module = Written(RELUS["module"], act=nn.ReLU(inplace=True), norm=nn.BatchNorm2d(4), drop=nn.Dropout())
    module.middle = lambda self, x: self.act(self.drop(self.norm(x)))
    module.train()
    calls = []
    handles = [each.register_forward_hook(lambda *_: calls.append(1)) for each in module.modules()]
    before, given = copy.deepcopy(module.state_dict()), inputs(4, 2, 6, 6)
    kept = given.clone()
    spiking = convert(module, given)
    assert not calls
    assert all(each.training for each in module.modules())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(each.requires_grad for each in module.parameters())
    assert all(len(each._forward_hooks) == 1 for each in module.modules())
    assert torch.equal(given, kept)
    handles[0].remove()
    shared = {each.data_ptr() for each in module.parameters()} & {each.data_ptr() for each in spiking.parameters()}
    assert not shared


def test_parametrised_weights_are_taken_as_they_act():
    module = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 6)), nn.ReLU(), nn.Linear(6, 2))
    expected = module(inputs(8, 4))
    agrees(module, inputs(8, 4), layers=1)
    assert torch.equal(module(inputs(8, 4)), expected)
    assert nn.utils.parametrize.is_parametrized(module[0], "weight")


def test_the_result_is_a_plain_module(tmp_path):
    module, given = Written(SHAPES["maximum of currents"][0], **parts()), inputs(8, 2, 6, 6)
    spiking = convert(module, given)
    output = spiking(given)
    assert torch.equal(spiking(given), output)
    torch.testing.assert_close(spiking.outputs(given).mean(0), output)
    other = convert(module, 2 * given)
    assert not torch.equal(other(given), output)
    other.load_state_dict(spiking.state_dict())
    assert torch.equal(other(given), output)
    assert torch.equal(copy.deepcopy(spiking)(given), output)
    torch.save(spiking, tmp_path / "spiking.pt")
    assert torch.equal(torch.load(tmp_path / "spiking.pt", weights_only=False)(given), output)
    assert not any(each.requires_grad for each in spiking.parameters())
    double = copy.deepcopy(spiking).double()
    torch.testing.assert_close(double(given.double()).float(), output, rtol=1e-4, atol=1e-4)
    assert len(double.report()) == 3


def test_gradients_pass_where_they_are_wanted():
    module, given = Written(RELUS["module"], act=nn.ReLU()), inputs(4, 2, 6, 6)
    spiking = convert(module, given)
    spiking.network.first.weight.requires_grad_(True)
    spiking(given).sum().backward()
    assert spiking.network.first.weight.grad.abs().max() > 0


def test_the_report_against_brute_force():
    module, given = Written(SHAPES["add"][0], **parts()), inputs(20, 2, 6, 6)
    spiking = convert(module, given, timesteps=5, method="percentile_half")
    table = spiking.report().set_index("layer")
    assert list(table.index) == ["relu", "relu_2", "output"]
    activation = module.first(given).relu()
    seen = watch(spiking)
    output = spiking(given)
    spikes = seen["relu"]
    row = table.loc["relu"]
    value = row["threshold"]
    assert value == pytest.approx(activation[activation > 0].double().quantile(0.999).item(), rel=1e-6)
    assert row["initial_potential"] == pytest.approx(value / 2, rel=1e-4)
    assert (row["neurons"], row["dead"]) == (144, False)
    assert row["clipped"] == pytest.approx((activation > value).double().mean().item()) != 0
    assert row["firing_rate"] == pytest.approx((spikes != 0).double().mean().item())
    assert row["mean_activation"] == pytest.approx(activation.mean().item(), rel=1e-5)
    assert row["error"] == pytest.approx((activation - spikes.mean(0)).abs().mean().item(), rel=1e-5)
    assert row["relative_error"] == pytest.approx(row["error"] / row["mean_activation"])
    assert row["quantization_error"] == pytest.approx(row["error"], rel=1e-4)  # its input is constant
    assert row["timing_error"] == pytest.approx(0, abs=1e-6)
    last = table.loc["output"]
    assert last["error"] == pytest.approx((output - module(given)).abs().mean().item(), rel=1e-5)


def test_the_report_names_dead_layers_and_counts_channels():
    module = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    with torch.no_grad():
        module[2].bias.fill_(-100.0)
    table = convert(module, inputs(90, 1, 2, 2), method="optimal_channel", timesteps=2).report().set_index("layer")
    assert table["dead"].tolist() == [False, True, False]
    assert table.loc["3", ["threshold", "firing_rate", "clipped"]].tolist() == [1, 0, 0]
    assert 0 < table.loc["1", "clipped"] < 1


def test_neurons_are_those_of_the_conversion_study():
    spiking = convert(Written(RELUS["method"]), inputs(4, 2, 6, 6))
    assert [type(neuron) for neuron in spiking.neurons.values()] == [ConvertedNeuron]
    assert (spiking.timesteps, spiking.method, spiking.max_pooling) == (8, "optimal", "cumulative")
