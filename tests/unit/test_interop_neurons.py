"""Neurons of other libraries: what is read of them, by running the equation beside the library's own code."""

from __future__ import annotations

import importlib
import warnings

import pytest
import torch
from torch import nn

from spikeinit.interop.dynamics import Dynamics
from spikeinit.interop.libraries import reader

STEPS, BATCH, NEURONS = 12, 3, 40


def library(name: str):
    """An optional library; its import may warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


def currents(scale: float = 0.8) -> torch.Tensor:
    return torch.randn(STEPS, BATCH, NEURONS, generator=torch.Generator().manual_seed(0)) * scale + 0.2


def snntorch(kind: str, **options) -> nn.Module:
    return getattr(library("snntorch"), kind)(init_hidden=True, **options)


def spikingjelly(kind: str, **options) -> nn.Module:
    library("spikingjelly.activation_based.neuron")
    return getattr(importlib.import_module("spikingjelly.activation_based.neuron"), kind)(**options)


def norse(kind: str, **options) -> nn.Module:
    torch_norse = library("norse.torch")
    parameters = {"LIFBox": "LIFBoxParameters", "IAF": "IAFParameters"}.get(kind.removesuffix("Cell"), "LIFParameters")
    given = {key: torch.as_tensor(value) if isinstance(value, float) else value for key, value in options.items()}
    module = importlib.import_module(f"norse.torch.module.{_file(kind)}")
    functional = importlib.import_module(f"norse.torch.functional.{_file(kind)}")
    assert torch_norse
    return getattr(module, kind)(getattr(functional, parameters)(**given))


def _file(kind: str) -> str:
    return {"LIFBox": "lif_box", "IAF": "iaf"}.get(kind.removesuffix("Cell"), "lif")


def sinabs(kind: str, *, single: bool = False, zero: bool = False, **options) -> nn.Module:
    layers, activation = library("sinabs.layers"), library("sinabs.activation")
    if single:
        options["spike_fn"] = activation.SingleSpike
    if zero:
        options["reset_fn"] = activation.MembraneReset()
    return getattr(layers, kind)(**options)


def soft_reset():
    return importlib.import_module("norse.torch.functional.reset").reset_subtract


CASES = {
    "snntorch Leaky": lambda: snntorch("Leaky", beta=0.8, threshold=0.7),
    "snntorch Leaky, a beta for each neuron": lambda: snntorch("Leaky", beta=torch.linspace(0.1, 1.2, NEURONS)),
    "snntorch Leaky, hard reset": lambda: snntorch("Leaky", beta=0.9, reset_mechanism="zero"),
    "snntorch Leaky, no reset": lambda: snntorch("Leaky", beta=0.5, reset_mechanism="none"),
    "snntorch Leaky, reset at once": lambda: snntorch("Leaky", beta=0.9, reset_mechanism="zero", reset_delay=False),
    "snntorch Synaptic": lambda: snntorch("Synaptic", alpha=0.6, beta=0.8),
    "spikingjelly IFNode": lambda: spikingjelly("IFNode", v_threshold=1.5),
    "spikingjelly IFNode, soft reset": lambda: spikingjelly("IFNode", v_reset=None),
    "spikingjelly LIFNode": lambda: spikingjelly("LIFNode", tau=3.0, v_threshold=0.4),
    "spikingjelly LIFNode, soft": lambda: spikingjelly("LIFNode", v_reset=None, decay_input=False),
    "spikingjelly LIFNode, rests elsewhere": lambda: spikingjelly("LIFNode", v_reset=-0.3, v_threshold=0.5),
    "spikingjelly LIFNode, sequences": lambda: spikingjelly("LIFNode", step_mode="m", v_threshold=0.3),
    "spikingjelly ParametricLIFNode": lambda: spikingjelly("ParametricLIFNode", init_tau=4.0, v_threshold=0.4),
    "norse LIF": lambda: norse("LIF", v_th=0.2),
    "norse LIFCell": lambda: norse("LIFCell", v_th=0.2, v_reset=-0.1, v_leak=0.05),
    "norse LIFBoxCell": lambda: norse("LIFBoxCell", v_th=0.1),
    "norse LIFBoxCell, soft reset": lambda: norse("LIFBoxCell", v_th=0.1, reset_method=soft_reset()),
    "norse IAFCell": lambda: norse("IAFCell", v_th=0.9),
    "sinabs LIF": lambda: sinabs("LIF", tau_mem=8.0, spike_threshold=torch.tensor(0.2)),
    "sinabs LIF, single spikes, hard reset": lambda: sinabs(
        "LIF", tau_mem=5.0, single=True, zero=True, norm_input=False
    ),
    "sinabs LIF with a synapse": lambda: sinabs("LIF", tau_mem=5.0, tau_syn=3.0, spike_threshold=torch.tensor(0.3)),
    "sinabs IAF": lambda: sinabs("IAF", spike_threshold=torch.tensor(0.5)),
}


def run_library(module: nn.Module, current: torch.Tensor) -> torch.Tensor:
    """Spikes [T, B, ...] that the library's own code makes, read with its reader."""
    read = reader(module)
    read.start_anew()
    if read.library == "sinabs":
        return read.signals(current.transpose(0, 1), module(current.transpose(0, 1)))[1]
    sequences = getattr(module, "step_mode", "s") == "m" or type(module).__name__ in ("LIF", "LIFBox", "IAF")
    if sequences:
        return read.signals(current, module(current))[1]
    spikes, state = [], None
    for step in current:
        output = module(step, state) if read.library == "norse" else module(step)
        state = output[1] if read.library == "norse" else None
        received, fired = read.signals(step, output)
        assert received.shape == (1, *step.shape)
        spikes.append(fired)
    return torch.cat(spikes)


@pytest.mark.parametrize("case", CASES)
def test_the_equation_fires_as_the_library_does(case):
    module = CASES[case]()
    current = currents()
    dynamics = reader(module).dynamics()
    with torch.no_grad():
        theirs = run_library(module, current)
        again = run_library(module, current)
    _, ours = dynamics.run(current)
    assert 0.02 < theirs.mean() < 2.5
    torch.testing.assert_close(again, theirs)  # nothing is left of the first batch
    assert (ours != theirs).float().mean() < 0.002  # a potential within rounding of the threshold


@pytest.mark.parametrize("case", CASES)
def test_a_threshold_that_is_set_is_the_one_that_is_read_and_fires(case):
    module = CASES[case]()
    read = reader(module)
    read.set_threshold(0.35)
    assert read.dynamics().threshold_value == pytest.approx(0.35)
    with torch.no_grad():
        theirs = run_library(module, currents())
    assert (read.dynamics().run(currents())[1] != theirs).float().mean() < 0.002


def test_what_is_read_by_hand():
    leaky = reader(snntorch("Leaky", beta=torch.tensor([0.5, 0.7]), threshold=2.0)).dynamics()
    assert (leaky.threshold_value, leaky.decay_value, leaky.gain_value) == pytest.approx((2.0, 0.6, 1.0))
    node = reader(spikingjelly("LIFNode", tau=4.0)).dynamics()
    assert (node.decay_value, node.gain_value, node.reset) == (0.75, 0.25, "zero")
    lif = reader(norse("LIFCell")).dynamics()  # dt 0.001, tau_mem 0.01, tau_syn 0.005
    assert (lif.decay_value, lif.gain_value, lif.synapse_decay_value) == pytest.approx((0.9, 0.1, 0.8))
    layer = reader(sinabs("LIF", tau_mem=10.0)).dynamics()
    assert layer.decay_value == pytest.approx(0.904837, abs=1e-6)
    assert layer.gain_value == pytest.approx(0.095163, abs=1e-6)


def test_potentials_by_hand():
    dynamics = Dynamics(
        "told", torch.tensor(1.0), torch.tensor(0.5), torch.tensor(2.0), "subtract", synapse_decay=torch.tensor(0.5)
    )
    current = torch.tensor([0.4, 0.2, 0.0]).reshape(3, 1, 1)
    # i = 0.4, 0.4, 0.2; u = 0.8, 0.5 * 0.8 + 0.8 = 1.2, 0.5 * 0.2 + 0.4 = 0.5
    potential, spikes = dynamics.run(current)
    torch.testing.assert_close(potential.flatten(), torch.tensor([0.8, 1.2, 0.5]))
    assert spikes.flatten().tolist() == [0, 1, 0]


def test_neurons_that_are_known_to_fire_and_whose_dynamics_are_not_read():
    assert reader(snntorch("Alpha", alpha=0.9, beta=0.8)).dynamics() is None
    assert reader(snntorch("Synaptic", alpha=0.9, beta=0.8, reset_mechanism="zero")).dynamics() is None
    assert reader(spikingjelly("QIFNode")).dynamics() is None
    assert reader(sinabs("LIF", tau_mem=9.0, min_v_mem=-1.0)).dynamics() is None
    assert reader(nn.ReLU()) is None


def test_a_threshold_of_one_layer_of_sinabs_leaves_the_others_alone():
    first, second = sinabs("LIF", tau_mem=9.0), sinabs("LIF", tau_mem=9.0)
    reader(first).set_threshold(0.25)
    assert [reader(each).dynamics().threshold_value for each in (first, second)] == [0.25, 1.0]
