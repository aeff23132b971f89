"""Conversion of analogue networks: the neuron against Q, folding, agreement with the ANN, baselines, wrong inputs."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import nn

from spikeinit.conversion.activation_functions import ClippedRelu, Qcfs, Relu
from spikeinit.conversion.baselines import SignedNeuron, convert_by, trained_thresholds
from spikeinit.conversion.convert import (
    FIRING_TOLERANCE,
    ConvertedNeuron,
    LayerThreshold,
    check,
    convert,
    fold_normalization,
    folded,
    quantized,
)
from spikeinit.conversion.counting import Sent
from spikeinit.conversion.data_driven import initialize_from
from spikeinit.conversion.extraction import collect_activations
from spikeinit.conversion.layer_thresholds import COLUMNS, read_thresholds, save_neuron_thresholds, threshold_rows
from spikeinit.conversion.methods import METHODS, TAKEN_BACK_EARLY
from spikeinit.conversion.simulate import by_timesteps, simulate
from spikeinit.conversion.thresholds import optimal_threshold
from spikeinit.datasets.load import Images
from spikeinit.errors import UserError
from spikeinit.io import write_csv
from spikeinit.measures.operations import OperationCounter
from spikeinit.networks.build import FeedForward, assemble
from spikeinit.networks.layers import Conv, Dense, Network, Normalization, Pool, Residual
from spikeinit.networks.modules import StepNormalization, Trace
from spikeinit.neurons.layer import IntegrateAndFire
from spikeinit.specs import EncodingSpec, NeuronSpec

ENCODING = EncodingSpec("constant", 1, {"mean": 0.0, "std": 1.0})
LAYERS = (
    Conv(4),
    Normalization(),
    Pool(),
    Residual((Conv(6, stride=2), Normalization(), Conv(6, active=False), Normalization()), 2),
    Residual((Conv(6), Normalization(), Conv(6, active=False), Normalization())),
    Pool(size=None),
    Dense(8),
    Dense(3, active=False),
)


def threshold(value: float, potential: float | None = None) -> LayerThreshold:
    initial = 0.5 * value if potential is None else potential
    return LayerThreshold(torch.tensor(value, dtype=torch.float64), torch.tensor(initial, dtype=torch.float64))


def network(activation=Relu, seed: int = 0) -> FeedForward:
    """A small residual network in evaluation mode whose normalisation has seen data."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = assemble(Network("small", LAYERS), (1, 8, 8), lambda _: activation())
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0.2, 0.3)
                module.running_mean.normal_(0.1, 0.3)
                module.running_var.uniform_(0.5, 2.0)
    return made.eval()


def images(count: int = 24) -> Images:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    return Images(pixels, torch.randint(0, 3, (count,), generator=generator), 3, "noise", "0")


@pytest.fixture
def layers():
    return collect_activations(
        network(), images().images, ENCODING, batch_size=10, limit=1 << 16, channel_limit=1 << 14
    )


def thresholds_of(layers, kinds, timesteps, tmp_path):
    write_csv(tmp_path / "thresholds.csv", threshold_rows(layers, kinds, timesteps, 1), COLUMNS)
    save_neuron_thresholds(tmp_path / "neurons.safetensors", layers)
    return read_thresholds(tmp_path / "thresholds.csv", tmp_path / "neurons.safetensors")[timesteps]


@pytest.mark.parametrize("timesteps", [1, 2, 3, 7])
def test_neuron_under_constant_input_emits_q(timesteps):
    """Q(a) = V/T clip(floor(a T/V + 1/2), 0, T), the ties at which floor jumps included."""
    generator = torch.Generator().manual_seed(timesteps)
    for value in (0.25, 0.8, 3.0):
        a = torch.rand(400, generator=generator) * 2.5 * value - 0.3 * value
        if value == 0.25:  # binary fractions, in which ties are exact
            a = torch.cat([a, torch.arange(-4, 4 * timesteps + 1) * value / 16])
        spikes = ConvertedNeuron(threshold(value))(a.expand(timesteps, 1, -1))
        expected = value / timesteps * (a * timesteps / value + 0.5).floor().clamp(0, timesteps)
        torch.testing.assert_close(spikes.mean(0)[0], expected)


def test_neuron_fires_where_the_potential_reaches_the_threshold():
    spikes = ConvertedNeuron(threshold(2.0, 0.0))(torch.tensor([1.0, 1.0, 1.0, 1.0]).reshape(4, 1, 1))
    assert spikes.flatten().tolist() == [0.0, 2.0, 0.0, 2.0]


def test_surrogate_passes_the_gradient_within_the_window():
    current = torch.tensor([[[0.2, 0.6, 1.4, 3.5]]], requires_grad=True)
    ConvertedNeuron(threshold(2.0), width=0.25)(current).sum().backward()  # u = 1.2, 1.6, 2.4, 4.5; window 1.5 .. 2.5
    assert current.grad.flatten().tolist() == [0.0, 1.0, 1.0, 0.0]


def test_folding_gives_the_network_in_evaluation_mode():
    ann = network().double()
    folded = copy.deepcopy(ann)
    for layer in folded.weighted_layers():
        fold_normalization(layer)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    inputs = torch.rand(1, 5, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(folded(inputs)[0], ann(inputs)[0], rtol=1e-12, atol=1e-12)


def test_a_copy_that_keeps_its_normalisation_is_the_folded_one_in_evaluation_mode():
    """And goes on learning with the statistics of each batch, as the analogue network did."""
    ann = network().double()
    before = copy.deepcopy(ann.state_dict())
    given = [threshold(0.7)] * len(ann.neurons())
    kept, whole = (convert(ann, given, fold=fold).double() for fold in (False, True))
    image = torch.rand(1, 5, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    inputs = image.expand(3, -1, -1, -1, -1)
    torch.testing.assert_close(kept(inputs)[0], whole(inputs)[0], rtol=1e-12, atol=1e-12)
    normalizations = [module for module in kept.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(normalizations) == 6
    assert all(parameter.requires_grad for module in normalizations for parameter in module.parameters())

    kept.train()(inputs)
    normalization, as_before = (made.weighted_layers()[0].normalization for made in (kept, ann))
    assert not torch.equal(normalization.running_mean, as_before.running_mean)
    assert all(torch.equal(value, before[name]) for name, value in ann.state_dict().items())
    after = folded(kept)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in after.modules())
    torch.testing.assert_close(after(inputs)[0], kept.eval()(inputs)[0], rtol=1e-12, atol=1e-12)


def test_folding_without_bias_or_scale():
    layer = assemble(Network("one", (Conv(2), Normalization())), (1, 4, 4), lambda _: Relu()).parts[0]
    layer.operation.bias = None
    layer.normalization = nn.BatchNorm2d(2, affine=False).eval()
    layer.normalization.running_mean.copy_(torch.tensor([0.5, -1.0]))
    layer.normalization.running_var.copy_(torch.tensor([4.0, 0.25]))
    inputs = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(3))
    expected = layer.current(inputs)
    fold_normalization(layer)
    torch.testing.assert_close(layer.current(inputs), expected)


def test_converted_network_agrees_with_the_ann_at_large_t(layers, tmp_path):
    ann, test = network(), images()
    steps = 2000
    found = thresholds_of(layers, ["max"], steps, tmp_path)
    converted = convert_by("max", ann, steps, found)
    inputs = test.images[:4].float() / 255
    with torch.no_grad():
        expected = ann(inputs[None])[0][0]
        output, _ = converted(inputs.expand(steps, -1, -1, -1, -1))
    assert (output.mean(0) - expected).abs().max() < 0.02 * expected.abs().max()
    assert torch.equal(output.mean(0).argmax(1), expected.argmax(1))


def test_first_layer_emits_q_of_the_anns_activations(layers, tmp_path):
    """Layer by layer the converted network is Q of the current it receives; for the first that is the ANN's own."""
    ann, steps = network(), 3
    found = thresholds_of(layers, ["optimal"], steps, tmp_path)
    inputs = images().images.float() / 255
    with torch.no_grad():
        activation = ann(inputs[None])[1].spikes[0][0].double()
        spikes = convert_by("optimal", ann, steps, found)(inputs.expand(steps, -1, -1, -1, -1))[1].spikes[0]
    value = optimal_threshold(activation, steps).threshold
    assert found["optimal"][0].threshold.item() == pytest.approx(value)
    expected = value / steps * (activation * steps / value + 0.5).floor().clamp(0, steps)
    same = (spikes.mean(0).double() - expected).abs() < 1e-5
    assert same.double().mean() > 0.999  # values that float32 puts on the other side of a jump


@pytest.mark.parametrize("method", ["max", "snm"])
def test_readouts_equal_separate_simulations(method, layers, tmp_path):
    ann, test, steps = network(), images(), [1, 3, 6]
    found = thresholds_of(layers, ["max"], max(steps), tmp_path)

    def run(per_timesteps):
        return by_timesteps(
            ann,
            lambda timesteps: convert_by(method, ann, timesteps, found),
            test,
            ENCODING,
            steps,
            per_timesteps=per_timesteps,
            batch_size=7,
            conventions=["qiao2015"],
        )

    together, apart = run(False), run(True)
    assert together[0] == apart[0]
    for one, other in zip(together[1], apart[1], strict=True):
        assert one == pytest.approx(other)


def test_few_images_at_once_and_layers_let_go_give_the_same_counts(layers, tmp_path, monkeypatch):
    """One image at a time, and all of them with every layer's spikes kept."""
    ann, steps = network(), 5
    converted = convert_by("optimal", ann, steps, thresholds_of(layers, ["optimal"], steps, tmp_path))
    test = images(8)
    with torch.no_grad():
        output, trace = converted((test.images.float() / 255).expand(steps, -1, -1, -1, -1))
        analogue = ann(test.images[None].float() / 255)[1]
    (together,) = simulate(ann, converted, test, ENCODING, [steps], 8)
    monkeypatch.setattr("spikeinit.networks.sizes.FORWARD_BYTES", 1)
    (apart,) = simulate(ann, converted, test, ENCODING, [steps], 8)
    for readout in (together, apart):
        assert readout.correct == int((output.mean(0).argmax(1) == test.labels).sum())
        for found, spikes, activation in zip(readout.layers, trace.spikes, analogue.spikes, strict=True):
            error = 8 * (spikes.mean(0) - activation[0]).abs().mean().item()
            assert found[:2] == pytest.approx((spikes.count_nonzero().item() / spikes[0, 0].numel(), error), rel=1e-5)


@pytest.mark.parametrize("method", ["mse_grid", "opt"])
def test_a_bias_shift_stands_in_the_place_of_an_initial_potential(method, layers, tmp_path):
    """Both together would round every activation up. Under constant input the sum is that of a start at V/2."""
    steps, kind = 4, METHODS[method].thresholds
    found = thresholds_of(layers, [kind], steps, tmp_path)
    neuron = convert_by(method, network(), steps, found).neurons()[0]
    value = found[kind][0].threshold.item()
    current = torch.linspace(-0.5, 1.5, 161) * value
    expected = (current.double() / value * steps + 0.5).floor().clamp(0, steps) * value / steps
    inside = ((current.double() / value * steps + 0.5) % 1 - 0.5).abs() < 0.49  # away from ties
    emitted = neuron(current.expand(steps, 1, -1)).mean(0)[0].double()
    torch.testing.assert_close(emitted[inside], expected[inside])


@pytest.mark.parametrize("method", ["optimal_channel", "snm_neuron"])
def test_spikes_are_counted_whatever_their_height(method, layers, tmp_path):
    """Operations of spikes of any height and sign equal those of the same spikes counted as ones."""
    ann, steps = network(), 4
    converted = convert_by(method, ann, steps, thresholds_of(layers, [METHODS[method].thresholds], steps, tmp_path))
    test = images(6)
    inputs = (test.images.float() / 255).expand(steps, -1, -1, -1, -1)
    with torch.no_grad():
        trace = converted(inputs, keep_received=True)[1]
    encoding = EncodingSpec("constant", steps, {})
    (readout,) = simulate(ann, converted, test, ENCODING, [steps], 8)
    counter = readout.operations
    spikes = [(layer != 0).float() for layer in trace.spikes]
    pool = nn.AvgPool2d(2)
    # Layers 2 and 4 (first of a block and its shortcut) see the pooled first layer, 5 the first block's sum.
    assert [layer.name for layer in converted.weighted_layers()][1:5] == ["layer_2", "layer_3", "layer_4", "layer_5"]
    plain = OperationCounter(converted, encoding)
    pooled = pool(spikes[0].flatten(0, 1)).unflatten(0, (steps, -1))
    averaged = nn.AdaptiveAvgPool2d(1)(spikes[4].flatten(0, 1)).unflatten(0, (steps, -1))
    received = [trace.received[0], pooled, spikes[1], pooled, spikes[2], spikes[3], averaged, spikes[5]]
    plain.update(Trace(steps, received=received))
    for ours, counted in zip(counter.per_image(), plain.per_image(), strict=True):
        assert ours == pytest.approx(counted, rel=1e-5)
    assert counter.per_image()[1][0] > 0


def test_signed_neuron_takes_spikes_back_by_hand():
    """V = 1, v[0] = 0. Currents 1.5, -2.5, -1.0, 3.0: potentials 1.5 (+1), -2.0 (-1, one spike to take back), -2.0 (no
    spike left to take back), 1.0 (+1)."""
    current = torch.tensor([1.5, -2.5, -1.0, 3.0]).reshape(4, 1, 1)
    spikes = SignedNeuron(threshold(1.0, 0.0))(current)
    assert spikes.flatten().tolist() == [1.0, -1.0, 0.0, 1.0]
    scaled = SignedNeuron(threshold(2.0, 0.0))(2 * current)
    assert scaled.flatten().tolist() == [2.0, -2.0, 0.0, 2.0]


def test_a_neuron_takes_an_early_spike_back_at_once():
    """V = 1, v[0] = 0.5. Currents 0.6, -0.9, 0.3, 0: potentials 1.1 (+1), -0.8 (-1 at once, 0.2 left), 0.5, 0.5. In all
    0 + 0.5 is short of a spike, so none is left. Late as in SNM, -0.8 is not enough and the spike stays."""
    current = torch.tensor([0.6, -0.9, 0.3, 0.0]).reshape(4, 1, 1)
    early = SignedNeuron(threshold(1.0), takes_back=TAKEN_BACK_EARLY)(current).flatten()
    assert early.tolist() == [1.0, -1.0, 0.0, 0.0]
    assert SignedNeuron(threshold(1.0))(current).flatten().tolist() == [1.0, 0.0, 0.0, 0.0]


def test_a_threshold_within_rounding_of_the_potential_fires():
    """Three tenths in float32 sum to a little less or more than V; the tolerance makes all of them fire."""
    for value in (0.1, 0.3, 0.7, 1.1, 1e-3, 123.4):
        current = torch.full((3, 1, 1), value / 3)
        assert ConvertedNeuron(threshold(value, 0.0))(current).count_nonzero() == 1


def test_the_network_without_time_is_q_and_the_rest_of_the_error_is_timing():
    """Two inputs drive a second layer with weights 1 and -1. The first neuron emits all its spikes early, the second
    none before the fourth step, so that the difference fires although the analogue one is silent."""
    layers = (Dense(2), Dense(1), Dense(2, active=False))
    ann = assemble(Network("two", layers), (2,), lambda _: Relu()).eval()
    with torch.no_grad():
        for layer, weight in zip(ann.weighted_layers(), (torch.eye(2), torch.tensor([[1.0, -1.0]])), strict=False):
            layer.operation.weight.copy_(weight)
            layer.operation.bias.zero_()
    starts = [torch.tensor([0.9, 0.0], dtype=torch.float64), torch.tensor([0.0], dtype=torch.float64)]
    given = [LayerThreshold(torch.ones_like(start), start) for start in starts]
    image = torch.tensor([[0.25, 0.25]]).reshape(1, 1, 2)
    for takes_back, expected in ((None, 0.25), (TAKEN_BACK_EARLY, 0.0)):
        make = ConvertedNeuron if takes_back is None else partial(SignedNeuron, takes_back=takes_back)
        spiking = convert(ann, given, make)
        with torch.no_grad():
            trace = spiking(image.expand(4, -1, -1))[1]
            still = quantized(spiking, 4)(image)[1]
        assert [values[0].tolist() for values in still.spikes] == [[[0.25, 0.25]], [[0.0]]]
        assert trace.spikes[0][:, 0].tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]
        assert trace.spikes[1].mean(0).item() == expected


def test_signed_spikes_that_pooling_cancels_are_counted():
    """One window of four holds a spike and one that was taken back: their mean is 0, and both are sent."""
    layers = (Conv(1, kernel=1, padding=0), Pool(), Dense(2, active=False))
    ann = assemble(Network("pooled", layers), (1, 2, 2), lambda _: Relu()).eval()
    spiking = convert(ann, [threshold(2.0)], SignedNeuron)
    spikes = torch.tensor([2.0, -2.0, 0.0, 2.0]).reshape(1, 1, 1, 2, 2)
    first, pooling, last = spiking.parts
    sent = Sent([1])
    found = sent.to(first, [torch.ones(1, 1, 1, 2, 2)], [spikes])
    found += sent.to(pooling, [], [])
    found += sent.to(last, [spikes.mean((3, 4), keepdim=True)], [])
    assert [values.flatten().tolist() for values in found] == [[1.0] * 4, [0.75]]  # three spikes over four neurons


def test_bias_shift_by_hand():
    """V = 1, T = 4: 1/8 more at every step. Current 0.25: potentials 0.375, 0.75, 1.125 (spike), 0.5. No shift: none
    before the fourth step. In total as many spikes as from the initial potential V/2."""
    current = torch.full((4, 1, 1), 0.25)
    shifted = ConvertedNeuron(threshold(1.0, 0.0), shift=1 / 8)(current).flatten()
    assert shifted.tolist() == [0.0, 0.0, 1.0, 0.0]
    assert ConvertedNeuron(threshold(1.0, 0.0))(current).flatten().tolist() == [0.0, 0.0, 0.0, 1.0]
    from_half = ConvertedNeuron(threshold(1.0))(current)
    assert from_half.sum() == shifted.sum()


def test_qcfs_network_is_its_own_spiking_network():
    """With T = L levels and its thresholds, one layer emits exactly what the activation gives."""
    activation = Qcfs(levels=4, threshold=1.5)
    currents = torch.linspace(-1, 3, 321).reshape(1, 1, -1)
    found = trained_thresholds(_one_activation(activation).neurons(), initial_fraction=0.5)[0]
    assert found.initial_potential.item() == pytest.approx(0.75)
    spikes = ConvertedNeuron(found)(currents.expand(4, -1, -1))
    torch.testing.assert_close(spikes.mean(0), activation(currents)[0].detach())


def test_clipped_networks_bring_their_thresholds():
    found = convert_by("opt_clipped", _one_activation(ClippedRelu(2.0)), 4, {})
    neuron = found.neurons()[0]
    assert (neuron.threshold.item(), neuron.shift) == (2.0, 1 / 8)
    assert neuron.initial_fraction.item() == pytest.approx(FIRING_TOLERANCE)
    with pytest.raises(UserError, match="Relu has no threshold of its own"):
        convert_by("qcfs", _one_activation(Relu()), 4, {})


def _one_activation(activation) -> FeedForward:
    layers = (Dense(3), Dense(2, active=False))
    return assemble(Network("tiny", layers), (4,), lambda _: activation).eval()


def test_conversion_leaves_the_ann_as_it_is():
    ann = network()
    before = {name: value.clone() for name, value in ann.state_dict().items()}
    convert(ann, [threshold(1.0)] * len(ann.neurons()))
    assert all(torch.equal(value, before[name]) for name, value in ann.state_dict().items())
    assert all(isinstance(neuron, Relu) for neuron in ann.neurons())


def test_unsupported_modules_are_named():
    ann = network()
    ann.parts[0].neuron = nn.Tanh()
    ann.parts[0].normalization = StepNormalization(4, 2, convolution=True)
    with pytest.raises(UserError, match=r"does not support StepNormalization, Tanh; it supports .*average and maximum"):
        check(ann)
    with pytest.raises(UserError, match="Sequential cannot be converted"):
        check(nn.Sequential(nn.Linear(2, 2)))
    with pytest.raises(UserError, match="2 thresholds for 6 activations"):
        convert(network(), [threshold(1.0)] * 2)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_thresholds_are_positive_numbers(value):
    with pytest.raises(ValueError, match="thresholds are positive"):
        ConvertedNeuron(threshold(value))


def test_a_dead_layer_gets_a_defined_threshold(tmp_path):
    ann = network()
    with torch.no_grad():
        ann.parts[5].operation.bias.fill_(-1e6)  # the fully connected layer
    found = collect_activations(ann, images().images, ENCODING, batch_size=24, limit=1 << 16, channel_limit=1 << 14)
    rows = threshold_rows(found, ["max", "optimal", "optimal_channel"], 2, 1)
    dead = [row for row in rows if row["name"] == found[5].name]
    assert len(dead) == 2 + 8
    assert all((row["threshold"], row["error"], row["dead"]) == (1.0, 0.0, True) for row in dead)
    write_csv(tmp_path / "t.csv", rows, COLUMNS)
    readouts = simulate(
        ann, convert_by("optimal", ann, 2, read_thresholds(tmp_path / "t.csv")[2]), images(), ENCODING, [2], 8
    )
    assert readouts[0].layers[5][:2] == (0, 0)


def test_a_dead_channel_gets_its_layers_threshold():
    ann = network()
    with torch.no_grad():
        ann.parts[0].normalization.bias[1] = -1e6
    found = collect_activations(ann, images().images, ENCODING, batch_size=24, limit=1 << 16, channel_limit=1 << 14)
    rows = threshold_rows(found, ["optimal", "optimal_channel"], 2, 1)
    first = [row for row in rows if row["layer"] == 1]
    layer, channels = first[0], first[1:]
    assert [row["dead"] for row in channels] == [False, True, False, False]
    assert channels[1]["threshold"] == layer["threshold"]
    assert channels[0]["threshold"] != layer["threshold"]


def test_a_damaged_table_is_refused(tmp_path):
    (tmp_path / "thresholds.csv").write_text("kind,layer\noptimal,one\n")
    with pytest.raises(UserError, match="not a table of thresholds"):
        read_thresholds(tmp_path / "thresholds.csv")


def test_data_driven_network_without_leak_is_the_converted_one():
    """Spikes of height 1 and a threshold of the study's own: the same spike trains as the converted network's."""
    layers = (Conv(3, stride=2), Conv(4, stride=2), Dense(2))
    steps, thresholds = 5, [threshold(0.7), threshold(0.3), threshold(0.4)]
    neuron = NeuronSpec(decay=1.0, threshold=2.0, gain=0.5, initial_potential=1.0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ann = assemble(Network("ann", (*layers[:-1], Dense(2, active=False))), (1, 8, 8), lambda _: Relu()).eval()
    spiking = assemble(
        Network("snn", layers), (1, 8, 8), lambda shape: IntegrateAndFire(neuron, shape, generator=torch.Generator())
    )
    initialize_from(spiking, ann.state_dict(), thresholds)
    inputs = torch.rand(1, 6, 1, 8, 8, generator=torch.Generator().manual_seed(4)).expand(steps, -1, -1, -1, -1)
    with torch.no_grad():
        expected = convert(ann, thresholds[:2])(inputs)[1].spikes
        found = spiking(inputs)[1].spikes
    assert len(found) == 3
    for ours, theirs in zip(found[:2], expected, strict=True):
        assert torch.equal(ours, (theirs != 0).float())
        assert 0 < ours.mean() < 1


def test_data_driven_refuses_another_networks_weights():
    layers = (Dense(3), Dense(2))
    neuron = NeuronSpec()
    spiking = assemble(
        Network("snn", layers), (4,), lambda shape: IntegrateAndFire(neuron, shape, generator=torch.Generator())
    )
    with pytest.raises(UserError, match="other layers than the spiking one"):
        initialize_from(spiking, {}, [threshold(1.0)] * 2)
    with pytest.raises(UserError, match="without residual blocks"):
        initialize_from(network(), {}, [threshold(1.0)] * 2)


@pytest.mark.parametrize(
    "wrong", [{"spike_delay": 1}, {"initial_potential": "kaiming_uniform"}, {"initial_potential": "running_mean"}]
)
def test_data_driven_refuses_neurons_that_cannot_be_a_copy(wrong):
    neuron = NeuronSpec(**wrong)
    spiking = assemble(
        Network("snn", (Dense(2),)), (4,), lambda shape: IntegrateAndFire(neuron, shape, generator=torch.Generator())
    )
    with pytest.raises(UserError, match="give spike_delay 0 and a number as initial_potential"):
        initialize_from(spiking, {}, [threshold(1.0)])
