"""A small network's compiled batches beside the same training through PyTorch and the reference neurons."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from test_training import SPEC as CONVOLUTIONAL
from test_training import TRAIN, same_weights, train

from spikeinit.interruption import Interrupted
from spikeinit.specs import EncodingSpec, InitializerSpec, NetworkSpec, NeuronSpec
from spikeinit.training import compiled
from spikeinit.training.job import initialized_network

LATE = NeuronSpec(
    decay=0.8, threshold=0.6, surrogate="sigmoid", initial_potential="kaiming_uniform", spike_delay=1, learn=()
)
AT_REST = NeuronSpec(decay=0.7, threshold=0.5, gain=1.5, reset="zero", detach_reset=False, slope=2.0, learn=())
MEAN_SQUARED = {"name": "mean_squared_error", "reduction": "mean"}
COUNTS = {"name": "cross_entropy", "reduction": "sum"}
SMALL = dataclasses.replace(
    CONVOLUTIONAL,
    network=NetworkSpec("mlp", options={"hidden": [9]}),
    encoding=EncodingSpec("rate", 5),
    neuron=LATE,
    initializer=InitializerSpec("pytorch"),
    training=dataclasses.replace(CONVOLUTIONAL.training, loss=MEAN_SQUARED, batch_size=24),
)


def with_neuron(neuron, loss=MEAN_SQUARED, hidden=(9,)):
    training = dataclasses.replace(SMALL.training, loss=loss)
    network = NetworkSpec("mlp", options={"hidden": list(hidden)})
    return dataclasses.replace(SMALL, neuron=neuron, training=training, network=network)


def applies(spec):
    network = initialized_network(spec, 0, TRAIN, "cpu", "auto")
    return compiled.applies(network, spec.encoding, spec.training, TRAIN)


@pytest.mark.parametrize("loss", [MEAN_SQUARED, COUNTS], ids=lambda loss: loss["name"])
@pytest.mark.parametrize(("neuron", "hidden"), [(LATE, (9,)), (AT_REST, (9,)), (LATE, (9, 7))])
def test_it_trains_as_pytorch_does(neuron, hidden, loss, tmp_path):
    """Three epochs of five batches, the last of four images: the same spikes, and weights equal up to rounding."""
    spec = with_neuron(neuron, loss, hidden)
    assert applies(spec)
    fast, _ = train(tmp_path / "fast", spec)
    plain, _ = train(tmp_path / "plain", spec, kernel="reference")
    start = initialized_network(spec, 0, TRAIN, "cpu", "auto").state_dict()
    expected = plain.network.state_dict()
    for name, values in fast.network.state_dict().items():
        torch.testing.assert_close(values, expected[name], rtol=0, atol=2e-5)
        if name.endswith("weight"):
            assert (values - start[name]).abs().max() > 0.01
    for one, other in zip(fast.curves, plain.curves, strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    assert fast.curves[-1]["spikes_2"] > 0


def test_a_stopped_training_goes_on_where_it_was(tmp_path):
    whole, _ = train(tmp_path / "whole", SMALL)
    with pytest.raises(Interrupted):
        train(tmp_path / "part", SMALL, stop_after=1)
    resumed, resumed_from = train(tmp_path / "part", SMALL)
    assert resumed_from == 1
    assert same_weights(whole, resumed)
    assert whole.curves == resumed.curves


def test_a_training_begun_through_pytorch_can_go_on_compiled(tmp_path):
    plain, _ = train(tmp_path / "whole", SMALL, kernel="reference")
    with pytest.raises(Interrupted):
        train(tmp_path / "part", SMALL, stop_after=1, kernel="reference")
    resumed, _ = train(tmp_path / "part", SMALL)
    expected = plain.network.state_dict()
    for name, values in resumed.network.state_dict().items():
        torch.testing.assert_close(values, expected[name], rtol=0, atol=2e-5)


def changed(**values):
    return dataclasses.replace(SMALL, **values)


@pytest.mark.parametrize(
    "spec",
    [
        CONVOLUTIONAL,
        changed(encoding=EncodingSpec("constant", 5)),
        changed(neuron=dataclasses.replace(LATE, learn=("decay",))),
        changed(neuron=dataclasses.replace(LATE, gain="one_minus_decay")),
        changed(neuron=dataclasses.replace(LATE, initial_potential="running_mean")),
        changed(network=NetworkSpec("mlp", options={"hidden": [65]})),
        changed(
            training=dataclasses.replace(SMALL.training, loss={"name": "cross_entropy_per_step", "reduction": "sum"})
        ),
        changed(training=dataclasses.replace(SMALL.training, optimizer={"name": "sgd", "learning_rate": 0.1})),
        changed(
            training=dataclasses.replace(
                SMALL.training, optimizer={"name": "adam", "learning_rate": 0.1, "weight_decay": 0.1}
            )
        ),
    ],
)
def test_what_it_does_not_do_goes_through_pytorch(spec):
    assert not applies(spec)


def test_a_neuron_whose_surrogate_overflows_falls_silent_and_the_others_learn_on(tmp_path):
    """Weights of one neuron of -30: its potential lies far below the threshold, where the surrogate is no number."""
    neuron = dataclasses.replace(LATE, surrogate="overflowing_sigmoid", slope=10.0)
    spec = with_neuron(neuron)
    make = initialized_network

    def start(*arguments):
        network = make(*arguments)
        with torch.no_grad():
            network.parts[0].weight[0] = -30.0
        return network

    results = {}
    for kernel in ("auto", "reference"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("test_training.initialized_network", start)
            results[kernel], _ = train(tmp_path / kernel, spec, kernel=kernel)
        weights = results[kernel].network.parts[0].weight
        assert weights[0].isnan().all()
        assert weights[1:].isfinite().all()
        assert results[kernel].network.parts[1].weight.isfinite().all()
        assert (results[kernel].outcome, results[kernel].outcome_epoch) == ("diverged", 1)
        assert results[kernel].metrics()["epochs"] == spec.training.epochs
    for one, other in zip(results["auto"].curves, results["reference"].curves, strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    finite = with_neuron(dataclasses.replace(neuron, surrogate="sigmoid"))
    assert train(tmp_path / "finite", finite)[0].outcome == "trained"
