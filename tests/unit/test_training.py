"""The training loop: same bits for the same spec, resuming without a trace, and outcomes that are recorded."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from bars import bars
from safetensors.torch import save_file

from spikeinit.encoding import encode
from spikeinit.errors import UserError
from spikeinit.interruption import Interrupted, Interruption
from spikeinit.randomness import stream
from spikeinit.specs import (
    EncodingSpec,
    ImageSelection,
    InitializerSpec,
    NetworkSpec,
    NeuronSpec,
    TrainingSpec,
    TrainSpec,
)
from spikeinit.training.job import initialized_network
from spikeinit.training.loop import train_seed

SPEC = TrainSpec(
    images=ImageSelection("bars"),
    network=NetworkSpec("energy", 1 / 32),
    encoding=EncodingSpec("rate", 4),
    neuron=NeuronSpec(decay=(0.34, 0.67)),
    initializer=InitializerSpec("he"),
    training=TrainingSpec(
        epochs=3,
        batch_size=16,
        optimizer={"name": "adam", "learning_rate": 0.01},
        schedule={"name": "constant"},
        loss={"name": "cross_entropy_per_step", "reduction": "sum"},
        monitor_images=20,
    ),
    seeds=(0,),
)


TRAIN, TEST = bars(100, 0), bars(40, 1)


def train(folder, spec=SPEC, *, stop_after=None, seed=0, kernel="auto"):
    interruption = Interruption()
    epochs, starts = [], []

    def on_epoch(row):
        epochs.append(row)
        if len(epochs) == stop_after:
            interruption.signal_number = 15

    result = train_seed(
        spec,
        seed,
        initialized_network(spec, seed, TRAIN, "cpu", kernel),
        TRAIN,
        TEST,
        device="cpu",
        checkpoint_path=folder / "checkpoint.safetensors",
        interruption=interruption,
        on_start=lambda result: starts.append(result.resumed_from),
        on_epoch=on_epoch,
    )
    return result, starts[0]


def same_weights(first, second):
    a, b = first.network.state_dict(), second.network.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_same_spec_gives_the_same_bits(tmp_path):
    first, _ = train(tmp_path / "a")
    second, _ = train(tmp_path / "b")
    assert same_weights(first, second)
    assert first.curves == second.curves


def test_another_seed_gives_other_weights(tmp_path):
    first, _ = train(tmp_path / "a")
    second, _ = train(tmp_path / "b", seed=1)
    assert not same_weights(first, second)


def test_a_stopped_training_goes_on_where_it_was(tmp_path):
    whole, _ = train(tmp_path / "whole")
    with pytest.raises(Interrupted) as stopped:
        train(tmp_path / "part", stop_after=1)
    assert stopped.value.exit_status == 143
    resumed, resumed_from = train(tmp_path / "part")
    assert resumed_from == 1
    assert same_weights(whole, resumed)
    assert whole.curves == resumed.curves


RANDOM = dataclasses.replace(
    SPEC, neuron=NeuronSpec(decay=0.9, threshold=0.3, initial_potential="kaiming_uniform", spike_delay=1),
    encoding=EncodingSpec("rate", 8),
)  # fmt: skip


def test_a_stopped_training_draws_the_initial_potentials_that_were_next(tmp_path):
    whole, _ = train(tmp_path / "whole", RANDOM)
    with pytest.raises(Interrupted):
        train(tmp_path / "part", RANDOM, stop_after=1)
    resumed, resumed_from = train(tmp_path / "part", RANDOM)
    assert resumed_from == 1
    assert same_weights(whole, resumed)
    assert whole.curves == resumed.curves
    assert min(whole.curves[-1][f"spikes_{layer}"] for layer in range(1, 7)) > 0


def test_monitoring_draws_no_initial_potentials_of_the_training(tmp_path):
    training = dataclasses.replace(RANDOM.training, monitor_images=0)
    monitored, _ = train(tmp_path / "a", RANDOM)
    alone, _ = train(tmp_path / "b", dataclasses.replace(RANDOM, training=training))
    assert monitored.curves[-1]["test_loss"] is not None
    assert alone.curves[-1]["test_loss"] is None
    assert same_weights(monitored, alone)


def test_monitored_images_start_alike_at_every_epoch(tmp_path):
    """Where training moves nothing, every epoch sees the monitored images as the one before, batches are new."""
    optimizer = {"name": "adam", "learning_rate": 1e-12}
    training = dataclasses.replace(RANDOM.training, optimizer=optimizer)
    encoding = EncodingSpec("static_spikes", 8)
    result, _ = train(tmp_path, dataclasses.replace(RANDOM, training=training, encoding=encoding))
    losses = [[row[f"{split}_loss"] for row in result.curves] for split in ("test", "train")]
    assert losses[0] == pytest.approx([losses[0][0]] * 3, rel=1e-6)
    assert abs(losses[1][1] - losses[1][0]) > 1e-6


def test_random_starts_change_what_is_learned(tmp_path):
    random, _ = train(tmp_path / "a", RANDOM)
    fixed, _ = train(
        tmp_path / "b", dataclasses.replace(RANDOM, neuron=dataclasses.replace(RANDOM.neuron, initial_potential=0.0))
    )
    assert random.curves[0]["train_loss"] != fixed.curves[0]["train_loss"]


@pytest.mark.parametrize("name", ["lsuv", "rossbroich2022"])
def test_data_dependent_initialisers_see_delay_and_random_start(name):
    """Alike for a seed; lsuv gives every layer potentials of variance one, whatever they start from."""
    spec = dataclasses.replace(RANDOM, initializer=InitializerSpec(name), encoding=EncodingSpec("static_spikes", 8))
    network, again = (initialized_network(spec, 0, TRAIN, "cpu", "auto") for _ in range(2))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(network.parameters(), again.parameters(), strict=True))
    if name == "lsuv":
        network.set_generators(initial_potential=stream(9, "test"))
        with torch.no_grad():
            _, trace = network(encode(TRAIN.images[:16], "static_spikes", 8), keep_currents=True)
            potentials = [n.potential(c) for n, c in zip(network.neurons(), trace.currents, strict=True)]
        assert [potential.var().item() for potential in potentials[:4]] == pytest.approx([1.0] * 4, rel=0.15)


def test_a_finished_training_is_not_repeated(tmp_path):
    first, _ = train(tmp_path)
    again, resumed_from = train(tmp_path)
    assert resumed_from == SPEC.training.epochs
    assert same_weights(first, again)


def test_a_checkpoint_of_another_spec_is_not_used(tmp_path, capsys):
    train(tmp_path)
    _, resumed_from = train(tmp_path, dataclasses.replace(SPEC, source="edited"))
    assert resumed_from is None
    assert "belongs to another spec" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95cposix\nsystem\n", b"garbage" * 100])
def test_a_file_that_is_no_checkpoint_is_never_executed(tmp_path, content, capsys):
    (tmp_path / "checkpoint.safetensors").write_bytes(content)
    _, resumed_from = train(tmp_path)
    assert resumed_from is None
    assert "not a readable safetensors file" in capsys.readouterr().out


def test_a_checkpoint_of_another_network_starts_anew(tmp_path, capsys):
    metadata = {"spec_digest": SPEC.seed_digest(), "progress": "{}", "scalars": "{}"}
    save_file({"network/other": torch.zeros(1)}, tmp_path / "checkpoint.safetensors", metadata)
    _, resumed_from = train(tmp_path)
    assert resumed_from is None
    assert "training starts anew" in capsys.readouterr().out


def test_it_learns(tmp_path):
    spec = dataclasses.replace(SPEC, training=dataclasses.replace(SPEC.training, epochs=15))
    result, _ = train(tmp_path, spec)
    assert result.outcome == "trained"
    assert result.curves[-1]["test_accuracy"] >= 75  # chance is 25


def test_curves_are_those_of_the_batches(tmp_path):
    """With a learning rate that moves nothing, an epoch's row is what the initial network does on the same batches."""
    optimizer = {"name": "adam", "learning_rate": 1e-12}
    training = dataclasses.replace(SPEC.training, epochs=1, optimizer=optimizer)
    spec = dataclasses.replace(SPEC, training=training, neuron=NeuronSpec(decay=0.9, threshold=0.3))
    row = train(tmp_path, spec)[0].curves[0]

    network = initialized_network(spec, 0, TRAIN, "cpu", "reference")
    order = torch.randperm(100, generator=stream(0, "order"))
    encoding = stream(0, "encoding")
    spikes, correct = torch.zeros(6), 0
    for batch in order.split(16):
        output, trace = network(encode(TRAIN.images[batch], "rate", 4, generator=encoding))
        spikes += torch.stack([layer.detach().sum() / layer[0, 0].numel() for layer in trace.spikes])
        correct += (output.sum(0).argmax(1) == TRAIN.labels[batch]).sum().item()
    assert all(spikes[:5] > 0)
    assert [row[f"spikes_{layer}"] for layer in range(1, 7)] == pytest.approx((spikes / 100).tolist(), rel=1e-3)
    assert row["train_accuracy"] == correct


def test_a_silent_network_is_recorded_as_dead_with_its_epoch(tmp_path):
    spec = dataclasses.replace(SPEC, neuron=NeuronSpec(decay=0.5, threshold=1e6))
    result, _ = train(tmp_path, spec)
    assert result.outcome == "dead"
    assert result.outcome_epoch == 1
    assert result.metrics()["epochs"] == 3


def test_a_diverged_network_is_recorded_and_stops(tmp_path):
    spec = dataclasses.replace(SPEC, initializer=InitializerSpec("normal", {"sd": 1e38}))
    result, _ = train(tmp_path, spec)
    assert result.outcome == "diverged"
    assert result.metrics()["epochs"] == result.outcome_epoch == 1


def of_training(**changes):
    return dataclasses.replace(SPEC, training=dataclasses.replace(SPEC.training, **changes))


def test_a_dropped_last_batch_leaves_whole_ones(tmp_path):
    """Of 100 images in batches of 16 six batches are whole, and 96 images are in each epoch's means."""
    spec = of_training(last_batch="drop", trace_every=1)
    result, _ = train(tmp_path / "whole", spec)
    assert [row["iteration"] for row in result.trace][-1] == 3 * 6
    accuracies = [row["train_accuracy"] * 96 / 100 for row in result.curves]
    assert accuracies == pytest.approx([round(value) for value in accuracies])
    with pytest.raises(Interrupted):
        train(tmp_path / "part", spec, stop_after=1)
    resumed, _ = train(tmp_path / "part", spec)
    assert same_weights(result, resumed)
    whole_images = of_training(last_batch="drop", batch_size=25)
    kept = of_training(last_batch="keep", batch_size=25)
    assert same_weights(train(tmp_path / "a", whole_images)[0], train(tmp_path / "b", kept)[0])


def test_images_that_fill_no_batch_cannot_all_be_dropped(tmp_path):
    with pytest.raises(UserError, match="100 images are no whole batch of 128"):
        train(tmp_path, of_training(last_batch="drop", batch_size=128))


def test_a_rate_of_each_batch_is_used_and_resumed(tmp_path):
    """With `every` 1 the cosine is at its base in one batch and at zero in the next."""
    spec = of_training(epochs=2, schedule={"name": "cosine_by_batch", "every": 1})
    whole, _ = train(tmp_path / "whole", spec)
    assert [row["learning_rate"] for row in whole.curves] == [0.01, 0.0]  # of the first batch: the 8th of all is odd
    constant, _ = train(tmp_path / "constant", of_training(epochs=2))
    assert not same_weights(whole, constant)
    with pytest.raises(Interrupted):
        train(tmp_path / "part", spec, stop_after=1)
    assert same_weights(whole, train(tmp_path / "part", spec)[0])


def test_compiled_and_reference_kernels_agree(tmp_path):
    """Not to the bit: sums run in another order. One epoch keeps rounding from growing."""
    spec = dataclasses.replace(SPEC, training=dataclasses.replace(SPEC.training, epochs=1))
    compiled, _ = train(tmp_path / "a", spec, kernel="cpu")
    reference, _ = train(tmp_path / "b", spec, kernel="reference")
    assert compiled.curves[0]["train_loss"] == pytest.approx(reference.curves[0]["train_loss"], rel=0.02)


TRACED = dataclasses.replace(
    SPEC,
    training=dataclasses.replace(SPEC.training, epochs=15, target_accuracies=(30.0, 60.0, 100.0), trace_every=1),
)


def test_iterations_to_an_accuracy_are_those_of_the_batches(tmp_path):
    """Batches of 16 of 100 images, the last one of 4: seven iterations an epoch."""
    result, _ = train(tmp_path, TRACED)
    assert [row["iteration"] for row in result.trace] == list(range(1, 7 * 15 + 1))
    accuracy = [row["train_accuracy"] for row in result.trace]
    assert accuracy[6] in (0, 25, 50, 75, 100)
    metrics = result.metrics()
    for target in (30, 60, 100):
        first = next((i for i, value in enumerate(accuracy, start=1) if value >= target), None)
        assert metrics[f"iterations_to_{target}"] == first
    assert metrics["iterations_to_30"] <= metrics["iterations_to_60"]


def test_the_trace_averages_to_the_curves(tmp_path):
    result, _ = train(tmp_path, TRACED)
    images = [16] * 6 + [4]
    rows = [row for row in result.trace if row["epoch"] == 2]
    for value in ("train_loss", "train_accuracy", "spikes_1", "spikes_6"):
        mean = sum(row[value] * n for row, n in zip(rows, images, strict=True)) / 100
        assert result.curves[1][value] == pytest.approx(mean)


def test_the_first_row_of_a_trace_is_the_untrained_network_alone(tmp_path):
    spec = dataclasses.replace(TRACED, training=dataclasses.replace(TRACED.training, epochs=2, trace_every=5))
    coarse, _ = train(tmp_path / "a", spec)
    fine, _ = train(
        tmp_path / "b", dataclasses.replace(TRACED, training=dataclasses.replace(spec.training, trace_every=1))
    )
    assert [row["iteration"] for row in coarse.trace] == [1, 5, 7, 10, 14]
    assert coarse.trace[0] == fine.trace[0]
    assert coarse.trace[1]["spikes_1"] == pytest.approx(sum(row["spikes_1"] for row in fine.trace[1:5]) / 4)


def test_a_resumed_training_keeps_its_trace(tmp_path):
    spec = dataclasses.replace(TRACED, training=dataclasses.replace(TRACED.training, epochs=3))
    whole, _ = train(tmp_path / "whole", spec)
    with pytest.raises(Interrupted):
        train(tmp_path / "part", spec, stop_after=1)
    resumed, _ = train(tmp_path / "part", spec)
    assert resumed.trace == whole.trace
    assert resumed.metrics() == whole.metrics()


def test_without_targets_nothing_is_traced(tmp_path):
    result, _ = train(tmp_path)
    assert result.trace == []
    assert not any(key.startswith("iterations_to") for key in result.metrics())
