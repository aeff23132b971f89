"""What cannot be converted is refused by name, all of it at once, with the place in the user's code and the remedy."""

from __future__ import annotations

import re

import pytest
import torch
import torch.nn.functional as F
from test_fx_convert import Written, inputs, parts
from torch import nn

from spikeinit.conversion.convert import ACTIVATIONS
from spikeinit.errors import UserError
from spikeinit.interop.convert import convert
from spikeinit.interop.convert.converter import MAX_POOLING
from spikeinit.networks.build import assemble
from spikeinit.networks.layers import Dense, Network


def refused(module: nn.Module, given=None, **options) -> str:
    with pytest.raises(UserError) as error:
        convert(module, inputs(4, 2, 6, 6) if given is None else given, **options)
    return str(error.value)


def _view_changed(self, x):
    flat = x.view(x.size(0), 4, 36)
    x.relu_()
    return flat + 1


def _kept_before(self, x):
    flat = x.flatten(2)
    x += 1
    return F.relu(flat)


OPERATIONS = {
    "gelu": (lambda self, x: F.gelu(x), "gelu in .*test_fx_refusals.py, line .*nn.ReLU"),
    "gelu module": (lambda self, x: self.gelu(x), r"gelu \(GELU\): .*ReLU alone"),
    "leaky": (lambda self, x: F.leaky_relu(x), "leaky_relu in"),
    "hardtanh": (lambda self, x: F.hardtanh(x), "hardtanh in .*nn.ReLU"),
    "hardtanh module": (
        lambda self, x: self.hardtanh(x),
        r"hardtanh \(Hardtanh\): a neuron rests at 0 and cannot give -1",
    ),
    "clamp": (lambda self, x: x.clamp(-1, 1), r"\.clamp in"),
    "softmax": (lambda self, x: F.softmax(F.relu(x), 1), "softmax in .*apply it to the converted outputs"),
    "sigmoid": (lambda self, x: torch.sigmoid(F.relu(x)), "sigmoid in"),
    "product": (lambda self, x: F.relu(x) * x, "mul in .*product of two signals"),
    "quotient": (lambda self, x: 1 / (1 + F.relu(x)), "truediv in .*product"),
    "by the batch": (lambda self, x: F.relu(x) * x.size(0), "mul in .*only constants"),
    "plus the batch": (lambda self, x: F.relu(x) + x.size(0), "add in .*sizes of the batch"),
    "group norm": (lambda self, x: self.group(F.relu(x)), r"group \(GroupNorm\): not supported"),
    "no statistics": (lambda self, x: F.relu(self.batch(x)), r"batch \(BatchNorm2d\): it has no running statistics"),
    "cat of images": (lambda self, x: torch.cat([F.relu(x), x])[:4], "cat in .*dimension 0"),
    "flatten all": (lambda self, x: F.relu(x).flatten().view(-1, 4, 36), r"\.flatten in .*dimension 0"),
    "fixed batch": (lambda self, x: F.relu(x).view(2, 4, -1), r"\.view in .*batch size 2 is fixed"),
    "mean of all": (lambda self, x: x - F.relu(x).mean(), r"\.mean in .*give the dimensions"),
    "mean of images": (lambda self, x: x - F.relu(x).mean(-4, keepdim=True), r"\.mean in .*dimension 0"),
    "squeeze": (lambda self, x: F.relu(x).squeeze(), r"\.squeeze in .*give the dimensions"),
    "images moved": (lambda self, x: F.relu(x).transpose(0, 1).transpose(0, 1), r"\.transpose in .*dimension 0"),
    "images permuted": (
        lambda self, x: F.relu(x).permute(1, 0, 2, 3).permute(1, 0, 2, 3),
        r"\.permute in .*dimension 0",
    ),
    "one image": (lambda self, x: F.relu(x)[:1], "getitem in .*keep all images"),
    "reflected": (lambda self, x: F.pad(F.relu(x), (1, 1, 1, 1), mode="reflect"), "pad in .*constant"),
    "active dropout": (lambda self, x: F.relu(F.dropout(x)), "dropout in .*training=self.training"),
    "functional convolution": (lambda self, x: F.relu(F.conv2d(x, self.conv.weight)), "conv2d in .*not supported"),
    "indices": (lambda self, x: self.indices(F.relu(x))[0], r"indices \(MaxPool2d\): .*return_indices"),
    "attention": (lambda self, x: self.attention(*[F.relu(x).flatten(2)] * 3)[0], r"attention \(MultiheadAttention\)"),
    "view changed": (_view_changed, "relu_ in .*in place on memory that another view uses later"),
    "view kept": (_kept_before, "iadd in .*in place"),
}


@pytest.mark.parametrize("form", OPERATIONS)
def test_an_operation_is_refused_by_name(form):
    middle, expected = OPERATIONS[form]
    more = {
        "gelu": nn.GELU(),
        "hardtanh": nn.Hardtanh(),
        "group": nn.GroupNorm(2, 4),
        "batch": nn.BatchNorm2d(4, track_running_stats=False),
        "indices": nn.MaxPool2d(2, return_indices=True),
        "attention": nn.MultiheadAttention(36, 1),
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        message = refused(Written(middle, **{**parts(), **more}), inputs(2, 2, 6, 6))
    first, *problems = message.splitlines()
    assert first.startswith(f"{len(problems)} operation")
    assert re.search(expected, message)


def test_all_problems_are_named_at_once():
    class Many(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.act, self.norm = nn.Linear(4, 4), nn.SiLU(), nn.LayerNorm(4)

        def forward(self, x):
            return torch.tanh(self.norm(self.act(self.first(x))))

    message = refused(nn.Sequential(Many(), nn.ReLU(), nn.ELU()), inputs(3, 4))
    assert message.startswith("4 operations cannot be converted; supported are ReLU")
    assert re.findall(r"^  (\S+)", message, re.M) == ["0.act", "0.norm", "tanh", "2"]
    assert "tanh in 0, " in message


def test_max_pooling_can_be_refused():
    pools = nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU(), nn.MaxPool2d(2))
    assert '1 (MaxPool2d): max_pooling="refuse"' in refused(pools, max_pooling="refuse").replace("  2", "  1")
    assert "max_pool2d in" in refused(Written(lambda self, x: F.max_pool2d(x.relu(), 2)), max_pooling="refuse")


class Branching(nn.Module):
    def __init__(self, path):
        super().__init__()
        self.first, self.path = nn.Linear(4, 4), path

    def forward(self, x):
        return self.path(torch.relu(self.first(x)))


def _by_value(x):
    if x.sum() > 0:  # the line that the error names
        x = -x
    return x


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (_by_value, "control flow"),
        (lambda x: x * float(x.mean()), "traced|float"),
        (lambda x: torch.stack(list(x)), "iterated"),
    ],
)
def test_what_depends_on_data_is_refused_with_its_place(path, reason):
    message = refused(Branching(path), inputs(3, 4))
    line = path.__code__.co_firstlineno + (path is _by_value)
    assert message.startswith(f"{__file__}, line {line}: Branching cannot be traced here: ")
    assert re.search(reason, message)
    assert "choose it by an argument of the constructor" in message


def test_what_tracing_does_not_see_is_found():
    class Random(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(4, 4)

        def forward(self, x):
            return torch.relu(self.first(x)) + torch.rand(4)

    class Counting(Random):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return torch.relu(self.first(x)) * self.calls

    for module in (Random(), Counting()):
        assert "the traced copy of the network gives other outputs" in refused(module, inputs(3, 4))


NETWORK = nn.Sequential(nn.Linear(4, 4), nn.ReLU())


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([], "batches is empty"),
        (iter(()), "batches is empty"),
        (torch.zeros(0, 4), "batch 1 of the calibration has shape"),
        ([torch.zeros(4)], r"batch 1 .* has shape \[4\]; give images \[B, ...\]"),
        ([torch.zeros(2, 4), torch.zeros(2, 5)], r"batch 2 .* has images of shape \[5\], those before \[4\]"),
        ([torch.zeros(2, 5)], r"Sequential does not run on images of shape \[2, 5\].*as it takes them"),
        ([torch.zeros(2, 4, dtype=torch.uint8)], "batch 1 .* is torch.uint8 and the network torch.float32"),
        ([torch.zeros(2, 4).double()], "is torch.float64"),
        ([torch.zeros(2, 4), torch.full((2, 4), torch.nan)], "batch 2 .* holds NaN, infinite"),
        ([torch.full((2, 4), torch.inf)], "batch 1 .* holds NaN, infinite"),
        ([torch.zeros(2, 4, device="meta")], "batch 1 .* holds NaN, infinite or no values"),
        ([{"images": torch.zeros(2, 4)}], "batch 1 .* is a dict"),
        ([()], "batch 1 .* is a tuple"),
        ([[1.0, 2.0]], "batch 1 .* is a float"),
    ],
)
def test_wrong_batches_are_refused(batches, expected):
    assert re.search(expected, refused(NETWORK, batches))


def test_activations_that_are_not_finite_are_refused():
    module = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Linear(1, 1, bias=False), nn.ReLU())
    with torch.no_grad():
        module[0].weight.fill_(1.0)
        module[2].weight.fill_(3e38)
    message = refused(module, [torch.ones(2, 1), 2 * torch.ones(2, 1)])  # 6e38 is infinite in single precision
    assert message.startswith("3: ")
    assert "NaN or infinite" in message
    assert "outputs are NaN or infinite" in refused(module[:3], [torch.ones(2, 1), 2 * torch.ones(2, 1)])


def several(x):
    return x, x


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Sequential(nn.Linear(4, 4)), "has no activation"),
        (Branching(several), "output.*return the logits alone"),
        (Branching(lambda x: {"out": x}), "return the logits alone"),
        (nn.Sequential(nn.Linear(4, 4, device="meta"), nn.ReLU()), "lies on|meta device"),
        (nn.Sequential(nn.Linear(4, 4, device="meta"), nn.ReLU(), nn.Linear(4, 4)), "lies on cpu, meta"),
        (nn.Bilinear(4, 4, 4), "does not run on images"),
        ("network", "str cannot be traced"),
    ],
)
def test_wrong_networks_are_refused(module, expected):
    assert re.search(expected, refused(module, torch.zeros(2, 4)))


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace:FutureWarning", "ignore:Lazy modules:UserWarning")
def test_networks_that_are_not_ready_are_refused():
    script = torch.jit.trace(NETWORK, torch.zeros(2, 4))
    assert "give the torch.nn.Module that it was made from" in refused(script, torch.zeros(2, 4))
    assert "lazy layers without weights" in refused(nn.Sequential(nn.LazyLinear(4), nn.ReLU()), torch.zeros(2, 4))


def test_a_network_that_keeps_what_it_computed_cannot_be_copied():
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    module.kept = module(torch.zeros(2, 4))
    assert "Sequential cannot be copied" in refused(module, torch.zeros(2, 4))


def test_networks_of_the_package_have_their_own_conversion():
    ann = assemble(Network("own", (Dense(4), Dense(2, active=False))), (1, 2, 2), lambda _: ACTIVATIONS[0]())
    assert "use spikeinit.conversion.convert.convert" in refused(ann, torch.zeros(2, 1, 2, 2))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"timesteps": 0}, "timesteps=0"),
        ({"timesteps": True}, "timesteps=True"),
        ({"timesteps": 2.5}, "timesteps=2.5"),
        ({"method": "optimum"}, "method='optimum'; choose one of 'max'"),
        ({"norm": 3}, "norm=3; choose one of 1, 2"),
        ({"max_pooling": "average"}, "max_pooling='average'; choose one of 'cumulative', 'steps', 'refuse'"),
        ({"method": "opt_clipped"}, "method='opt_clipped' does not fit 1, a Relu; use bounded activations"),
        ({"method": "qcfs"}, "method='qcfs' does not fit 1, a Relu"),
    ],
)
def test_wrong_options_are_refused(options, expected):
    assert expected in refused(NETWORK, torch.zeros(2, 4), **options)
    assert MAX_POOLING[0] == "cumulative"


def test_wrong_inputs_of_the_converted_network_are_refused():
    spiking = convert(NETWORK, inputs(3, 4))
    for wrong in (torch.zeros(4), torch.zeros(0, 4), torch.zeros(3, 2, 4)):
        with pytest.raises(UserError, match=r"input of shape .* at least one image; one of calibration was"):
            spiking(wrong)
    with pytest.raises(UserError, match=r"give steps \[T, B, ...\]"):
        spiking.steps(torch.zeros(3, 4))
    with pytest.raises(UserError, match="the network is on cpu and its input on meta"):
        spiking(torch.zeros(3, 4, device="meta"))
