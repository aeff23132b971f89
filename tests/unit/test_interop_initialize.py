"""Initialising networks that other libraries' code builds."""

from __future__ import annotations

import importlib
import warnings

import pytest
import torch
from torch import nn

from spikeinit.errors import UserError
from spikeinit.initializers import law
from spikeinit.interop.initialize import initialize
from spikeinit.interop.structure import structure


def library(name: str):
    """An optional library; its import may warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Stepped(nn.Module):
    """snnTorch as its tutorials write it: layers in one order, called in another, over a loop of steps."""

    def __init__(self, steps: int = 6) -> None:
        super().__init__()
        snn = library("snntorch")
        self.steps = steps
        self.out = nn.Linear(30, 10)
        self.lif_out = snn.Leaky(beta=0.7, threshold=2.0)
        self.hidden = nn.Linear(20, 30)
        self.lif_hidden = snn.Leaky(beta=0.9, threshold=1.0)

    def forward(self, x):
        hidden, out = self.lif_hidden.reset_mem(), self.lif_out.reset_mem()
        spikes = []
        for _ in range(self.steps):
            fired, hidden = self.lif_hidden(self.hidden(x), hidden)
            last, out = self.lif_out(self.out(fired), out)
            spikes.append(last)
        return torch.stack(spikes)


def spikingjelly_network(depth: int = 3, step_mode: str = "m", **options) -> nn.Module:
    library("spikingjelly.activation_based.neuron")
    neuron = importlib.import_module("spikingjelly.activation_based.neuron")
    layer = importlib.import_module("spikingjelly.activation_based.layer")
    parts = []
    for index in range(depth):
        parts += [
            layer.Conv2d(2 if index == 0 else 12, 12, 3, padding=1, step_mode=step_mode),
            neuron.LIFNode(tau=2.0, step_mode=step_mode, **options),
        ]
    return nn.Sequential(*parts, layer.Flatten(step_mode=step_mode), layer.Linear(12 * 36, 10, step_mode=step_mode))


@pytest.mark.parametrize("given", ["nothing", "a batch"])
def test_layers_are_found_in_the_order_of_the_data(given):
    network = Stepped()
    batch = torch.rand(4, 20) if given == "a batch" else None
    found = structure(network, batch)
    assert [layer.name for layer in found.layers] == ["hidden", "out"]
    assert [layer.neurons.name for layer in found.layers] == ["lif_hidden", "lif_out"]
    assert found.never_reached == []


@pytest.mark.parametrize("given", ["nothing", "a batch"])
def test_both_branches_of_a_residual_block_lead_to_the_neurons_behind_their_sum(given):
    snn = library("snntorch")

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.shortcut = nn.Conv2d(3, 8, 1)
            self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
            self.inner, self.outer = (snn.Leaky(beta=beta, init_hidden=True) for beta in (0.5, 0.6))
            self.unused = nn.Linear(3, 3)

        def forward(self, x):
            return self.outer(self.second(self.inner(self.first(x))) + self.shortcut(x))

    found = structure(Block(), torch.rand(2, 3, 8, 8) if given == "a batch" else None)
    behind = {layer.name: layer.neurons.name for layer in found.layers}
    assert behind == {"first": "inner", "second": "outer", "shortcut": "outer"}
    assert found.never_reached == ["unused"]


def test_the_laws_are_those_of_the_neurons_that_are_read():
    table = initialize(Stepped(), "micheli2024", generator=generator())
    expected = [
        law("micheli2024", fan_in=20, threshold=1.0).variance,
        law("micheli2024", fan_in=30, threshold=2.0).variance,
    ]
    assert table.law_variance.tolist() == pytest.approx(expected)
    assert table.library.tolist() == ["snntorch"] * 2
    assert table.decay.tolist() == pytest.approx([0.9, 0.7])
    assert table.weight_variance.tolist() == pytest.approx(expected, rel=0.25)
    assert table.bias.tolist() == [0.0, 0.0]


def test_a_network_of_this_package_gets_the_same_weights_either_way():
    from spikeinit.initializers import initialize as own
    from spikeinit.networks.build import build
    from spikeinit.specs import NetworkSpec, NeuronSpec

    def network():
        return build(
            NetworkSpec("mlp", options={"hidden": [30, 20]}),
            NeuronSpec(decay=0.8),
            input_shape=(1, 6, 6),
            classes=10,
            generator=generator(7),
            timesteps=5,
        )

    ours, theirs = network(), network()
    batch = (torch.rand(5, 8, 1, 6, 6, generator=generator(3)) < 0.4).float()
    for name in ("micheli2024_soft_reset", "rossbroich2022", "lsuv"):
        own(ours, name, generator=generator(1), inputs=batch)
        table = initialize(theirs, name, generator=generator(1), batch=batch)
        for mine, reference in zip(theirs.parameters(), ours.parameters(), strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-6, atol=1e-7)
        assert table.library.tolist() == ["spikeinit"] * 3


@pytest.mark.parametrize("step_mode", ["s", "m"])
def test_lsuv_gives_the_librarys_own_potentials_unit_variance(step_mode):
    network = spikingjelly_network(step_mode=step_mode, v_reset=None, v_threshold=1.2)
    frames = (torch.rand(8, 6, 2, 6, 6, generator=generator(2)) < 0.5).float()

    def run(module, batch):
        return module(batch) if step_mode == "m" else torch.stack([module(step) for step in batch])

    initialize(network, "lsuv", generator=generator(), batch=frames, run=run)
    nodes = [module for module in network if hasattr(module, "v_threshold")]
    potentials = {node: [] for node in nodes}
    for node in nodes:  # the library's own charge: H = V + s * threshold with a soft reset
        node.step_mode, node.single = "s", node.single_step_forward
    network.eval()
    with torch.no_grad():
        for module in network:
            module.step_mode = "s"
        for step in frames:
            value = step
            for module in network:
                value = module(value)
                if module in potentials:
                    potentials[module].append(module.v + value * module.v_threshold)
    for node in nodes:
        assert torch.stack(potentials[node]).var().item() == pytest.approx(1.0, abs=0.011)


def test_data_are_run_through_in_evaluation_mode_and_leave_nothing_behind():
    snn = library("snntorch")
    network = nn.Sequential(
        nn.Linear(20, 30), nn.BatchNorm1d(30), snn.Leaky(beta=0.9, init_hidden=True), nn.Dropout(0.5), nn.Linear(30, 5)
    )
    network[1].eval()
    modes = [module.training for module in network.modules()]
    state = torch.get_rng_state()
    initialize(network, "rossbroich2022", generator=generator(), batch=torch.rand(6, 20, generator=generator(1)))
    assert [module.training for module in network.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert network[1].num_batches_tracked == 0
    assert not network[2].mem.any()
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_recurrent_and_other_weights_are_left_alone_and_named():
    snn = library("snntorch")
    network = nn.Sequential(nn.Linear(20, 30), snn.RLeaky(beta=0.9, linear_features=30, init_hidden=True))
    before = {name: value.clone() for name, value in network.named_parameters()}
    table = initialize(network, "he", generator=generator(), neurons={"1": {"threshold": 1.0, "decay": 0.9}}).set_index(
        "layer"
    )
    assert table.loc["1.recurrent.weight", "note"] == "left alone: weights of the neurons 1"
    assert torch.equal(network[1].recurrent.weight, before["1.recurrent.weight"])
    assert not torch.equal(network[0].weight, before["0.weight"])
    other = initialize(nn.Sequential(nn.Linear(3, 4), nn.LSTM(4, 4)), "he", generator=generator())
    assert "left alone: weights of a LSTM" in other.note.tolist()


def test_an_initialiser_that_sets_thresholds_sets_those_of_the_library():
    network = spikingjelly_network(depth=2)
    frames = (torch.rand(4, 6, 2, 6, 6, generator=generator(2)) < 0.5).float()
    initialize(network, "lee2016", generator=generator(), batch=frames, threshold_factor=1.5)
    assert network[1].v_threshold == law("lee2016", fan_in=18, threshold_factor=1.5).threshold
    read = structure(network, frames).neurons[0].dynamics.threshold_value
    assert read == pytest.approx(network[1].v_threshold)


def test_tied_weights_are_drawn_once():
    network = nn.Sequential(nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 20))
    network[2].weight = network[0].weight
    table = initialize(network, "he", generator=generator())
    assert table.layer.tolist() == ["0", "2"]
    assert table.note.tolist() == ["", "left alone: its weights are those of 0"]
    alone = nn.Linear(20, 20)
    initialize(alone, "he", generator=generator())
    assert torch.equal(network[2].weight, alone.weight)


class Mine(nn.Module):
    """A neuron that nobody knows."""

    def forward(self, x):
        return (x > 0.5).to(x.dtype)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: initialize(nn.Sequential(nn.ReLU()), "he", generator=generator()), "no layer with weights"),
        (
            lambda: initialize(nn.Sequential(nn.Linear(4, 3), Mine()), "micheli2024", generator=generator()),
            r"not known behind 0 \(no module behind it is known to fire\). Give threshold=",
        ),
        (
            lambda: initialize(spikingjelly_network(), "rossbroich2022", generator=generator()),
            "looks at data: give `batch`",
        ),
        (
            lambda: initialize(
                nn.Sequential(nn.Linear(4, 3)), "he", generator=generator(), neurons={"lif": {"decay": 0.5}}
            ),
            "no module 'lif'",
        ),
        (
            lambda: initialize(
                nn.Sequential(nn.Linear(4, 3)), "he", generator=generator(), neurons={"0": {"beta": 0.5}}
            ),
            "unknown beta; give threshold, decay, gain, reset",
        ),
        (
            lambda: initialize(Stepped(), "lsuv", generator=generator(), batch=torch.rand(4, 21)),
            r"fails on the batch of shape \[4, 21\]",
        ),
        (
            lambda: initialize(Stepped(), "lsuv", generator=generator(), batch=torch.rand(4, 20, device="meta")),
            "the batch is on meta and the network on cpu",
        ),
        (
            lambda: initialize(
                nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))), "he", generator=generator()
            ),
            "0: the weights are computed from other tensors",
        ),
        (lambda: initialize(nn.Sequential(nn.LazyLinear(3)), "he", generator=generator()), "0: lazy layers"),
        (lambda: initialize(Stepped(), "micheli", generator=generator()), "micheli2024"),
    ],
)
def test_wrong_input_is_one_clear_message(call, words):
    with pytest.raises(UserError, match=words):
        call()


def test_neurons_that_are_told_are_used():
    network = nn.Sequential(nn.Linear(400, 300), Mine(), nn.Linear(300, 10))
    table = initialize(
        network, "micheli2024", generator=generator(), neurons={"1": {"threshold": 0.5, "decay": 0.0, "gain": 2.0}}
    )
    assert table.law_variance.tolist() == pytest.approx(
        [law("micheli2024", fan_in=fan_in, threshold=0.5, gain=2.0).variance for fan_in in (400, 300)]
    )
    assert table.note.tolist() == ["", "no neurons behind it; values of 1"]


def test_data_dependent_control_flow_asks_for_a_batch():
    class Branching(Stepped):
        def forward(self, x):
            return super().forward(x if x.sum() > 0 else -x)

    with pytest.raises(UserError, match="give `batch`"):
        initialize(Branching(), "micheli2024", generator=generator())
    assert len(initialize(Branching(), "micheli2024", generator=generator(), batch=torch.rand(4, 20))) == 2
