"""What is measured of every layer: sums by hand, a new quantity in the tables of both stages, and in checkpoints."""

from __future__ import annotations

import dataclasses
import sys

import pytest
import torch
from bars import TEST, bars, write_bars
from test_training import SPEC

from spikeinit.encoding import encode
from spikeinit.interruption import Interrupted, Interruption
from spikeinit.io import load_tensors, read_csv, write_json
from spikeinit.measures.tally import MEASURED, OUTPUT, Quantity, Tally, per_layer, per_neuron, per_neuron_and_step
from spikeinit.networks.build import FeedForward, new_network
from spikeinit.networks.modules import EncodingNeurons
from spikeinit.neurons.layer import IntegrateAndFire
from spikeinit.specs import EncodingSpec, EvaluateSpec, NeuronSpec, to_json
from spikeinit.stages import evaluate_snn, train_snn
from spikeinit.training import checkpoint, loop
from spikeinit.training.job import FILES, initialized_network

SILENT = Quantity(lambda layer: layer.output.sum(0) == 0, per_neuron)
POTENTIAL = Quantity(lambda layer: layer.neurons.potential(layer.current), per_neuron_and_step, of_current=True)


def neurons_alone(layers=1):
    """Layers of three neurons without weights, leak or anything learned; the threshold is 1."""
    spec = NeuronSpec(decay=1.0, threshold=1.0, learn=())
    made = [IntegrateAndFire(spec, (3,), generator=torch.Generator(), kernel="reference") for _ in range(layers)]
    return FeedForward([EncodingNeurons(neurons) for neurons in made])


def test_quantities_by_hand():
    """Two steps, three neurons, the same current at both steps; potentials before the reset.

    First image, currents 0.6, 0.2, 1.5: potentials 0.6, 0.2, 1.5 and then 1.2, 0.4, 1.5 + 1.5 - 1 = 2.0, together 5.9;
    one, no and two spikes. Second image: no current, no spike.
    """
    network = neurons_alone()
    quantities = {
        "spikes": OUTPUT,
        "silent": SILENT,
        "potential": POTENTIAL,
        "all": Quantity(lambda layer: layer.output, per_layer),
    }
    tally = Tally(quantities, network, batches=2, device="cpu", whole=("loss",))
    assert tally.needs_currents
    for batch, currents in enumerate(([0.6, 0.2, 1.5], [0.0, 0.0, 0.0])):
        _, trace = network(torch.tensor(currents).repeat(2, 1, 1), keep_currents=True)
        tally.add(batch, trace, loss=torch.tensor(0.25))
    means = tally.means(images=2)
    assert {name: len(of_layers) for name, of_layers in means.items()} == dict.fromkeys(quantities, 1)
    assert means["spikes"][0] == 3 / (3 * 2)
    assert means["silent"][0] == pytest.approx((1 + 3) / (3 * 2))
    assert means["potential"][0] == pytest.approx(5.9 / (3 * 2 * 2))
    assert means["all"][0] == 3 / 2
    assert tally.totals().whole == {"loss": 0.5}
    assert tally.totals(slice(1, 2)).layers["silent"] == [3]
    assert tally.of_batches("loss").tolist() == [0.25, 0.25]


def test_a_further_quantity_changes_no_bit_of_the_others():
    """Sixteen columns and more are added up in another order than fifteen."""
    network = neurons_alone(layers=5)
    few = Tally({"spikes": OUTPUT}, network, batches=37, device="cpu", whole=("loss", "correct"))
    many = Tally(
        {"spikes": OUTPUT} | {f"silent{i}": SILENT for i in range(5)},
        network,
        batches=37,
        device="cpu",
        whole=("loss", "correct"),
    )
    generator = torch.Generator().manual_seed(0)
    many.sums.normal_(generator=generator)
    few.sums.copy_(many.sums[:, :7])
    assert many.totals().whole == few.totals().whole
    assert many.totals().layers["spikes"] == few.totals().layers["spikes"]
    assert many.totals().layers["silent3"] == pytest.approx(many.sums[:, 22:27].sum(0).tolist())


# --- through the stages, as rules call them

STATIC = dataclasses.replace(
    SPEC,
    encoding=EncodingSpec("static_spikes", 4),
    neuron=NeuronSpec(decay=0.9, threshold=0.3),
    training=dataclasses.replace(
        SPEC.training, epochs=1, optimizer={"name": "adam", "learning_rate": 1e-12}, trace_every=4
    ),
)
"""A learning rate that moves nothing, and an encoding that draws nothing."""

LAYERS = 6


def run(monkeypatch, stage, *words):
    monkeypatch.setattr(sys, "argv", [stage.__name__, *map(str, words)])
    stage.main()


@pytest.fixture
def tables(monkeypatch, tmp_path):
    """Files of a training and of its evaluation."""
    write_bars(tmp_path / "bars")
    write_json(tmp_path / "tracking.json", {"enabled": False})
    folder = tmp_path / "laptop/runs/energy/one"
    shared = ["--data", tmp_path / "bars/manifest.json", "--device", "cpu", "--kernel", "reference"]

    def made():
        words = ["--spec", to_json(STATIC), "--study", "energy", "--run", "one"]
        words += ["--tracking", tmp_path / "tracking.json", *shared]
        words += [word for name, file in FILES.items() for word in (f"--{name}", folder / file)]
        run(monkeypatch, train_snn, *words)
        spec = EvaluateSpec(
            **{name: getattr(STATIC, name) for name in ("images", "network", "encoding", "neuron", "seeds")},
            batch_size=16,
            conventions=("qiao2015",),
            loss=STATIC.training.loss,
        )
        words = ["--spec", to_json(spec), "--weights", folder / "weights.safetensors", *shared]
        names = ("accuracy", "spikes", "energy", "rates")
        run(monkeypatch, evaluate_snn, *words, *(w for name in names for w in (f"--{name}", folder / f"{name}.csv")))
        return folder

    return made


def stepped(network, images):
    """Silent share and mean potential of every layer, by a loop over layers and steps."""
    signal = encode(images.images, "static_spikes", 4)
    silent, potentials = [], []
    for layer in network.weighted_layers():
        potential, spikes = torch.zeros(()), torch.zeros(())
        seen, fired = [], []
        for step in signal:
            potential = layer.neuron.decay * potential + layer.current(step) - spikes * layer.neuron.threshold
            spikes = (potential > layer.neuron.threshold).float()
            seen.append(potential)
            fired.append(spikes)
        signal = torch.stack(fired)
        potentials.append(torch.stack(seen).mean().item())
        silent.append((signal.sum(0) == 0).double().mean().item())
    return silent, potentials


def test_one_entry_adds_its_columns_to_the_curves_and_to_the_evaluation(monkeypatch, tables):
    plain = {name: read_csv(tables() / f"{name}.csv") for name in ("curves", "iterations", "spikes")}
    (tables() / "seeds/0/checkpoint.safetensors").unlink()
    monkeypatch.setitem(MEASURED, "silent", SILENT)
    monkeypatch.setitem(MEASURED, "potential", POTENTIAL)
    folder = tables()

    columns = [f"{name}_{layer}" for name in ("silent", "potential") for layer in range(1, LAYERS + 1)]
    for name, added in (("curves", columns), ("iterations", columns), ("spikes", ["silent", "potential"])):
        rows = read_csv(folder / f"{name}.csv")
        assert list(rows[0]) == [*plain[name][0], *added]
        assert [{key: row[key] for key in plain[name][0]} for row in rows] == plain[name]

    weights, _ = load_tensors(folder / "weights.safetensors")
    network = new_network(STATIC, 0, TEST, "reference")
    network.load_state_dict({name.removeprefix("0/"): value for name, value in weights.items()})
    with torch.no_grad():
        trained, tested = stepped(network, bars(120, 0)), stepped(network, TEST)
    assert 0 < min(trained[0][:4]) < 1
    (row,) = read_csv(folder / "curves.csv")
    found = [float(row[column]) for column in columns]
    assert found == pytest.approx([*trained[0], *trained[1]], rel=1e-3, abs=1e-5)
    rows = read_csv(folder / "spikes.csv")
    assert [float(row["silent"]) for row in rows] == pytest.approx(tested[0], rel=1e-3)
    assert [float(row["potential"]) for row in rows] == pytest.approx(tested[1], rel=1e-3, abs=1e-5)


# --- in checkpoints

TRACED = dataclasses.replace(SPEC, training=dataclasses.replace(SPEC.training, trace_every=3))


def train(folder, spec=TRACED, *, measured=None, stop_at_batch=None):
    """Train from the checkpoint in `folder`; a signal comes while batch `stop_at_batch` (from 1) is drawn."""
    interruption, batches = Interruption(), []

    def count(images, generator):
        batches.append(len(images))
        if len(batches) == stop_at_batch:
            interruption.signal_number = 15
        return images

    train_images = bars(100, 0)
    return loop.train_seed(
        spec,
        0,
        initialized_network(spec, 0, train_images, "cpu", "auto"),
        train_images,
        TEST,
        device="cpu",
        checkpoint_path=folder / "checkpoint.safetensors",
        interruption=interruption,
        on_start=lambda result: None,
        on_epoch=lambda row: None,
        augment=count,
        measured={"silent": SILENT} if measured is None else measured,
    )


def test_a_training_stopped_within_an_epoch_keeps_what_was_measured(tmp_path):
    """Seven batches an epoch; the signal comes in the fourth of the second."""
    whole = train(tmp_path / "whole")
    assert 0 < whole.curves[-1]["silent_1"] < 1
    with pytest.raises(Interrupted):
        train(tmp_path / "part", stop_at_batch=11)
    resumed = train(tmp_path / "part")
    assert resumed.resumed_from == 1
    assert resumed.curves == whole.curves
    assert resumed.trace == whole.trace


def test_a_training_killed_behind_the_last_batch_of_an_epoch_goes_on(tmp_path, monkeypatch):
    """Then nothing of the epoch is left to be run, but its row is still to be written."""
    whole = train(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "SECONDS", -1.0)
        patch.setattr(loop, "_monitor", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(tmp_path / "part")
    resumed = train(tmp_path / "part")
    assert resumed.resumed_from == 0
    assert resumed.curves == whole.curves
    assert resumed.metrics() == whole.metrics()


def test_a_checkpoint_with_other_quantities_is_not_used(tmp_path, capsys):
    train(tmp_path)
    again = train(tmp_path, measured={})
    assert again.resumed_from is None
    assert "the checkpoint measured loss, correct, spikes, silent" in capsys.readouterr().out
    assert "silent_1" not in again.curves[0]
