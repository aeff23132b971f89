"""The doctor's numbers by hand and beside the libraries; what it leaves as it was; what it refuses."""

from __future__ import annotations

import copy
import importlib
import random

import numpy as np
import pytest
import torch
from interop_networks import LIBRARIES, chain, images, library, step_by_step
from scipy import stats
from test_diagnose_findings import first_spikes
from torch import nn

from spikeinit.errors import UserError
from spikeinit.interop.diagnose import diagnose
from spikeinit.interop.diagnose.measures import memory
from spikeinit.interop.dynamics import Dynamics
from spikeinit.interop.libraries import reader
from spikeinit.simulation.mean_field import predict
from spikeinit.simulation.networks import DeepNetwork

SIZES = (50, 60, 60, 60, 60, 60, 10)


def leaky(beta: float = 0.5, **options):
    return library("snntorch").Leaky(beta=beta, init_hidden=True, **options)


def test_two_neurons_by_hand():
    network = nn.Sequential(nn.Linear(2, 2, bias=False), leaky())
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, 0.5], [-1.0, 0.0]]))
    data = torch.tensor([[[0.4, 0.4]], [[0.8, 0.4]]])  # two steps of one image; currents 0.6, 1.0 and -0.4, -0.8
    row = diagnose(network, data, run=step_by_step).table.iloc[0]
    potentials = np.array([0.6, 1.3, -0.4, -1.0])  # 0.5 * 0.6 + 1.0 = 1.3 fires; 0.5 * -0.4 - 0.8
    assert row.firing_rate == 0.25
    assert row.silent == 0.5
    assert row.saturated == 0
    assert row.potential_mean == pytest.approx(potentials.mean())
    assert row.potential_variance == pytest.approx(potentials.var())
    assert row.potential_skewness == pytest.approx(stats.skew(potentials))
    assert row.within_reach == 0.5  # between 0 and 2
    assert row.input_mean == pytest.approx(0.5)
    assert row.input_mean_square == pytest.approx((0.16 * 3 + 0.64) / 4)
    assert row.weight_mean == pytest.approx(0.125)
    assert row.weight_variance == pytest.approx(np.var([1.0, 0.5, -1.0, 0.0]))
    # 1 / (fan_in P(u > 1)), and 1 / (fan_in E[x^2] (1 + 0.5^2)) for two steps
    assert row.law_variance == pytest.approx(1 / (2 * stats.norm.sf(1)))
    assert row.needed_variance == pytest.approx(1 / (2 * 0.28 * 1.25))


def test_memory_of_neurons_by_hand():
    one = torch.tensor(1.0)
    assert memory(Dynamics("told", one, one * 0.5, one * 2, "zero", rest=one * 9), 3) == pytest.approx(4 * 1.3125)
    assert memory(Dynamics("told", one, one, one, "subtract", leak_first=True), 7) == pytest.approx(7)
    # with a synapse, u = 1, 0.5 + 0.5, 0.5 * 1 + 0.25
    assert memory(Dynamics("told", one, one * 0.5, one, "none", synapse_decay=one * 0.5), 3) == pytest.approx(2.5625)


@pytest.mark.parametrize("name", LIBRARIES)
def test_gradients_are_those_of_the_librarys_own_backward_pass(name):
    built = chain(name, SIZES)
    table = diagnose(built.network, images(4, 50), loss=first_spikes, run=built.run).table
    for each in built.neurons:
        reader(each).start_anew()
    first_spikes(built.run(built.network, images(4, 50))).backward()
    for place, row in table.iterrows():
        linear = built.linear(place)
        assert row.weight_gradient == pytest.approx(linear.weight.grad.norm().item(), rel=1e-4)
        # the bias is added to every current, so that for one image and step its gradient is that of the current
    one = diagnose(built.network, images(1, 50, count=1), loss=first_spikes, run=built.run).table
    built.network.zero_grad()
    for each in built.neurons:
        reader(each).start_anew()
    first_spikes(built.run(built.network, images(1, 50, count=1))).backward()
    for place, row in one.iterrows():
        assert row.current_gradient == pytest.approx(built.linear(place).bias.grad.norm().item(), rel=1e-4)


@pytest.mark.parametrize("name", LIBRARIES)
def test_rates_are_those_of_the_librarys_own_spikes(name):
    built = chain(name, SIZES)
    table = diagnose(built.network, images(4, 50), run=built.run).table
    for each in built.neurons:
        reader(each).start_anew()
    with torch.no_grad():
        spikes = built.run(built.network, images(4, 50))
    assert table.firing_rate.iloc[-1] == pytest.approx(spikes.mean().item())
    assert table.silent.iloc[-1] == pytest.approx((spikes.sum((0, 1)) == 0).float().mean().item())
    assert table.current_gradient.isna().all()


def test_one_step_is_predicted_as_by_the_simulations_own_mean_field():
    built = chain("snntorch", (4000, *[300] * 4), special={})
    for place in range(4):
        with torch.no_grad():  # the laws of a deep network of width 300, drawn exactly
            weight = built.linear(place).weight
            weight.sub_(weight.mean()).mul_((6.3030 / weight.shape[1] / weight.var(correction=0)).sqrt())
    data = torch.randn(1, 8, 4000, generator=torch.Generator().manual_seed(0))
    data = data / data.square().mean().sqrt() * stats.norm.sf(1) ** 0.5
    table = diagnose(built.network, data, run=built.run).table
    theory = predict("micheli2024", DeepNetwork(depth=4, width=300, threshold=1.0))
    assert table.predicted_variance.tolist() == pytest.approx(theory.variance.tolist(), rel=1e-4)
    assert table.predicted_firing_rate.tolist() == pytest.approx(theory.firing_rate.tolist(), rel=1e-4)


@pytest.mark.parametrize("name", LIBRARIES)
def test_many_steps_in_wide_layers_do_what_is_predicted(name):
    built = chain(name, (400, 500, 500, 500))
    table = diagnose(built.network, images(6, 400, count=64), run=built.run).table
    assert table.firing_rate.tolist() == pytest.approx(table.predicted_firing_rate.tolist(), abs=0.03)
    assert table.potential_variance.tolist() == pytest.approx(table.predicted_variance.tolist(), rel=0.2)
    assert table.potential_mean.tolist() == pytest.approx(table.predicted_mean.tolist(), abs=0.15)


class Branches(nn.Module):
    """A residual block: two branches meet before their neurons, and pooling stands before the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.branch, self.normal = nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.shortcut, self.drop = nn.Conv2d(4, 8, 1), nn.Dropout(0.3)
        self.last, self.unused = nn.Linear(8 * 4 * 4, 3), nn.Linear(3, 3)
        self.lif1, self.lif2 = leaky(), leaky()

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        total = 0.0
        for step in data:
            spikes = self.lif1(self.first(step))
            spikes = self.lif2(self.normal(self.branch(spikes)) + self.shortcut(spikes))
            total = total + self.last(self.drop(nn.functional.avg_pool2d(spikes, 2)).flatten(1))
        return total


def pictures(steps: int = 3) -> torch.Tensor:
    return torch.randn(steps, 16, 1, 8, 8, generator=torch.Generator().manual_seed(3)) * 2


def test_branches_meet_before_their_neurons_and_a_readout_has_none():
    torch.manual_seed(0)
    diagnosis = diagnose(Branches(), pictures(), loss=lambda output: output.square().mean())
    table = diagnosis.table.set_index("layer")
    assert table.neurons.fillna("").to_dict() == {"first": "lif1", "branch": "lif2", "shortcut": "lif2", "last": ""}
    assert table.steps.fillna(0).tolist() == [3, 3, 3, 0]
    assert table.current_gradient.gt(0).all()
    assert table.predicted_variance.notna().tolist() == [True, False, False, False]
    assert [finding.code for finding in diagnosis.findings if finding.severity != "note"] == []
    assert diagnosis.findings[-1].code == "unused_layer"


class Shared(nn.Module):
    """One module of neurons behind two layers; `states` hands it a potential for each, as its makers intend."""

    def __init__(self, states: bool) -> None:
        super().__init__()
        self.one, self.two, self.states = nn.Linear(20, 30), nn.Linear(30, 30), states
        self.lif = library("snntorch").Leaky(beta=0.9, init_hidden=not states)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        first, second = torch.zeros(data.shape[1], 30), torch.zeros(data.shape[1], 30)
        for step in data:
            if self.states:
                spikes, first = self.lif(self.one(step), first)
                spikes, second = self.lif(self.two(spikes), second)
            else:
                spikes = self.lif(self.two(self.lif(self.one(step))))
        return spikes


def test_neurons_that_serve_behind_two_layers():
    torch.manual_seed(0)
    data = torch.randn(6, 32, 20) * 3
    good = diagnose(Shared(True), data)
    assert good.table[["layer", "neurons"]].values.tolist() == [["one", "lif"], ["two", "lif"]]
    assert good.table.potential_variance.notna().all()
    assert "equation_differs" not in [finding.code for finding in good.findings]
    mixed = diagnose(Shared(False), data)
    assert {finding.layer for finding in mixed.findings if finding.code == "equation_differs"} >= {"two"}
    assert np.isnan(mixed.table.potential_variance[1])


def test_the_network_is_left_as_it_was_to_the_bit():
    torch.manual_seed(0)
    network = Branches().train()
    network.drop.eval()
    network(pictures()).sum().backward()  # gradients, running statistics and potentials that a user may have
    before = copy.deepcopy(network.state_dict())
    tensors = dict(network.named_buffers())
    values = {name: tensor.clone() for name, tensor in tensors.items()}
    gradients = {
        name: (each.grad, each.grad.clone()) for name, each in network.named_parameters() if each.grad is not None
    }
    modes = [module.training for module in network.modules()]
    hooks = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules()]
    attributes = [dict(module.__dict__) for module in network.modules()]
    numbers, own = torch.get_rng_state(), random.getstate()
    diagnosis = diagnose(network, pictures(5)[:, :7], loss=lambda output: output.square().mean())
    assert diagnosis.table.images[0] == 7
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())
    for name, tensor in network.named_buffers():
        assert tensor is tensors[name]
        assert torch.equal(tensor, values[name])
    for name, parameter in network.named_parameters():
        if name in gradients:
            assert parameter.grad is gradients[name][0]
            assert torch.equal(parameter.grad, gradients[name][1])
        else:
            assert parameter.grad is None
    assert [module.training for module in network.modules()] == modes
    assert [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules()] == hooks
    assert [dict(module.__dict__) for module in network.modules()] == attributes
    assert torch.equal(torch.get_rng_state(), numbers)
    assert random.getstate() == own


def test_it_is_left_as_it_was_where_the_pass_fails():
    network = Branches().train()
    modes, numbers = [module.training for module in network.modules()], torch.get_rng_state()
    state = copy.deepcopy(network.state_dict())
    with pytest.raises(UserError, match=r"of shape \[3, 16, 2, 8, 8\]"):
        diagnose(network, pictures().repeat(1, 1, 2, 1, 1))
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in state.items())
    assert [module.training for module in network.modules()] == modes
    assert torch.equal(torch.get_rng_state(), numbers)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda output: output, "has shape"),
        (lambda output: output.sum().item(), "returns a float"),
        (lambda output: output.detach().sum(), "cannot be differentiated"),
        (lambda output: output @ output, "the loss fails on the network's output .shape"),
        (lambda output: output.exp().add_(1).exp().mul_(0).sum() + _in_place(output), "in-place"),
    ],
)
def test_losses_that_are_none(loss, message):
    network = nn.Sequential(nn.Linear(5, 7), leaky())
    with pytest.raises(UserError, match=message):
        diagnose(network, torch.randn(3, 4, 5), run=step_by_step, loss=loss)


def _in_place(output: torch.Tensor) -> torch.Tensor:
    changed = output.exp()
    value = changed.square().sum()
    changed.add_(1)
    return value


def test_what_is_refused():
    with pytest.raises(UserError, match="no neurons that are known to fire"):
        diagnose(nn.Sequential(nn.Linear(5, 7), nn.ReLU()), torch.randn(3, 5))
    with pytest.raises(UserError, match="lazy layers have no weights yet"):
        diagnose(nn.Sequential(nn.LazyLinear(7), leaky()), torch.randn(3, 5))
    with pytest.raises(UserError, match="no layer with weights"):
        diagnose(nn.Sequential(leaky()), torch.randn(3, 5))
    network = nn.Sequential(nn.Linear(5, 7), leaky())
    with pytest.raises(UserError, match=r"the batch is on meta and the network on cpu"):
        diagnose(network, torch.randn(3, 5, device="meta"))
    with pytest.raises(UserError, match="no dimension for the images"):
        diagnose(network, torch.randn(5))
    with pytest.raises(UserError, match="targets are given without a loss"):
        diagnose(network, torch.randn(3, 5), targets=torch.zeros(3))
    with pytest.raises(UserError, match="no neurons of Sequential are called"):
        diagnose(network, torch.randn(3, 5), run=lambda network, data: network[0](data))
    with pytest.raises(UserError, match="network is a list"):
        diagnose([network], torch.randn(3, 5))


def test_neurons_of_ones_own_are_told():
    class Step(nn.Module):
        def forward(self, current):
            return (current > 0.5).float()

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 70), Step())
    told = {"1": {"threshold": 0.5, "decay": 0.0, "reset": "none"}}
    row = diagnose(network, torch.randn(64, 5), neurons=told).table.iloc[0]
    with torch.no_grad():
        current = network[0](torch.randn(64, 5))
    assert row.library == "told"
    assert 0 < row.firing_rate < 0.5
    assert row.potential_variance == pytest.approx(current.var().item(), rel=0.3)


def test_text_page_and_figure():
    network = nn.Sequential()
    network.add_module("<b>", nn.Linear(5, 60))
    network.add_module("lif", leaky())
    network.add_module("a_name_that_is_rather_long", nn.Linear(60, 3))
    network.add_module("lif2", leaky())
    torch.manual_seed(0)
    diagnosis = diagnose(network, torch.randn(4, 32, 5) * 300, run=step_by_step, loss=first_spikes)
    assert max(map(len, str(diagnosis).splitlines())) <= 100
    page = diagnosis._repr_html_()
    assert "<b>" not in page.replace("<p><b>", "")
    assert "&lt;b&gt;" in page
    figure = diagnosis.figure()
    assert [axes.get_title() for axes in figure.axes] == [
        "firing rate",
        "mean of the potential",
        "variance of the potential",
        "gradient",
    ]
    drawn = figure.axes[0].get_lines()[0].get_ydata()
    assert list(drawn) == pytest.approx(diagnosis.table.firing_rate.tolist())


def test_one_pass_forward_and_one_back(monkeypatch):
    built = chain("spikingjelly", SIZES)
    passes = []
    differentiate = torch.autograd.grad

    def counted(*arguments, **options):
        passes.append("back")
        return differentiate(*arguments, **options)

    monkeypatch.setattr(torch.autograd, "grad", counted)
    built.network[0].register_forward_hook(lambda *_: passes.append("forward"))
    diagnose(built.network, images(4, 50), loss=first_spikes, run=built.run)
    assert passes == ["forward", "back"]


def test_the_example_rescues_a_deep_network(checkout, tmp_path, monkeypatch, capsys):
    library("snntorch")
    monkeypatch.syspath_prepend(checkout / "examples")
    example = importlib.import_module("rescue_deep_network")
    before, after = example.main(tmp_path)
    (finding,) = before.findings
    assert (finding.code, finding.layer) == ("dead_layer", "fc2")
    assert finding.layers == tuple(f"fc{number}" for number in range(2, 13))
    assert after.findings == ()
    assert after.table.firing_rate.between(0.05, 0.4).all()
    printed = capsys.readouterr().out
    assert str(before) in printed
    assert str(after) in printed
    assert {path.name for path in tmp_path.iterdir()} == {"before.png", "after.png"}
