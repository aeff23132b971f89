"""`count` against convolutions of ones, the package's own evaluation, and counting by hand."""

from __future__ import annotations

import pytest
import torch
from optional import library
from torch import nn

from spikeinit.datasets.load import Images
from spikeinit.encoding import encode_images
from spikeinit.errors import UserError
from spikeinit.interop.count import count
from spikeinit.measures.evaluation import evaluate_seed
from spikeinit.networks.build import build, new_network
from spikeinit.randomness import draws, stream
from spikeinit.specs import EncodingSpec, EvaluateSpec, ImageSelection, NetworkSpec, NeuronSpec

STEPS, BATCH, SIZE = 6, 4, 7
CONVENTIONS = ("horowitz2014_45nm", "qiao2015")


def spikes(*shape: int, rate: float = 0.3, seed: int = 0) -> torch.Tensor:
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) < rate).float()


IMAGES = spikes(STEPS, BATCH, 1, SIZE, SIZE)


def convolution(kind: type[nn.Module] = nn.Conv2d, **options) -> nn.Module:
    made = kind(1, 4, 3, stride=2, padding=1, **options)
    nn.init.uniform_(made.weight, 0.0, 0.8, generator=torch.Generator().manual_seed(1))
    nn.init.constant_(made.bias, 0.05)
    return made


def dense(kind: type[nn.Module] = nn.Linear, inputs: int = 64, **options) -> nn.Module:
    made = kind(inputs, 5, **options)
    nn.init.uniform_(made.weight, -0.1, 0.4, generator=torch.Generator().manual_seed(2))
    nn.init.constant_(made.bias, 0.05)
    return made


def products(layer: nn.Module, received: torch.Tensor) -> float:
    """Sum of all products of what was received, [N, ...], with weights of one."""
    ones = torch.ones_like(layer.weight)
    if isinstance(layer, nn.Linear):
        return (received @ ones.T).sum(dtype=torch.float64).item()
    function = {3: nn.functional.conv1d, 4: nn.functional.conv2d, 5: nn.functional.conv3d}[ones.dim()]
    options = {name: getattr(layer, name) for name in ("stride", "padding", "dilation", "groups")}
    return function(received, ones, **options).sum(dtype=torch.float64).item()


def step_by_step(network: nn.Module, batch: torch.Tensor) -> None:
    for step in batch:
        network(step)


def with_states(network: nn.Module, batch: torch.Tensor) -> None:
    state = None
    for step in batch:
        _, state = network(step, state)


def snntorch():
    leaky = library("snntorch").Leaky
    first, last = (leaky(beta=0.8, init_hidden=True) for _ in range(2))
    return nn.Sequential(convolution(), first, nn.Flatten(), dense(), last), {"run": step_by_step}, IMAGES


def spikingjelly_in_single_steps():
    neuron = library("spikingjelly.activation_based.neuron")
    layer = library("spikingjelly.activation_based.layer")
    network = nn.Sequential(
        convolution(layer.Conv2d), neuron.LIFNode(), layer.Flatten(), dense(layer.Linear), neuron.IFNode()
    )
    return network, {"run": step_by_step}, IMAGES


def spikingjelly_in_sequences():
    neuron = library("spikingjelly.activation_based.neuron")
    layer = library("spikingjelly.activation_based.layer")
    network = nn.Sequential(
        convolution(layer.Conv2d, step_mode="m"),
        neuron.LIFNode(step_mode="m"),
        layer.Flatten(step_mode="m"),
        dense(layer.Linear, step_mode="m"),
        neuron.IFNode(step_mode="m"),
    )
    return network, {}, IMAGES


def norse():
    norse = library("norse.torch")
    weak = norse.LIFParameters(v_th=torch.as_tensor(0.1))
    cells = (norse.LIFCell(weak), norse.LIFCell(weak))
    network = norse.SequentialState(convolution(), cells[0], nn.Flatten(), dense(), cells[1])
    return network, {"run": with_states}, IMAGES


def sinabs():
    layers = library("sinabs.layers")
    network = nn.Sequential(
        convolution(),
        layers.IAFSqueeze(num_timesteps=STEPS),
        nn.Flatten(),
        dense(),
        layers.IAFSqueeze(batch_size=BATCH),
    )
    return network, {}, IMAGES.transpose(0, 1).flatten(0, 1)


LIBRARIES = {make.__name__: make for make in (snntorch, spikingjelly_in_single_steps, spikingjelly_in_sequences, norse)}
LIBRARIES["sinabs"] = sinabs


def seen(network, run, batch):
    """What the first neurons emit, and the last ones: each step of each image, by hooks of this test's own."""
    found = {1: [], 4: []}
    handles = [
        network[place].register_forward_hook(lambda module, given, output, place=place: found[place].append(output))
        for place in found
    ]
    with torch.no_grad():
        (run or nn.Module.__call__)(network, batch)
    for handle in handles:
        handle.remove()
    outputs = {
        place: [each[0] if isinstance(each, tuple) else each for each in outputs] for place, outputs in found.items()
    }
    return [torch.cat([each.reshape(-1, size) for each in outputs[place]]) for place, size in ((1, 64), (4, 5))]


@pytest.mark.parametrize("name", LIBRARIES)
def test_networks_of_each_library_are_counted_as_convolutions_of_ones_count_them(name):
    network, options, batch = LIBRARIES[name]()
    hidden, last = seen(network, options.get("run"), batch)
    counts = count(network, [batch], **options)
    assert counts.images == BATCH
    assert 0.02 < hidden.mean() < 2
    assert counts.neurons["count"].tolist() == [64, 5]
    assert counts.neurons.timesteps.tolist() == [STEPS, STEPS]
    assert counts.neurons.spikes.tolist() == [hidden.sum().item() / BATCH, last.sum().item() / BATCH]
    assert counts.neurons.spikes_per_neuron_and_step.tolist() == pytest.approx(
        [hidden.mean().item(), last.mean().item()]
    )
    expected = [products(network[0], IMAGES.flatten(0, 1)), products(network[3], hidden)]
    assert (counts.operations.synaptic_operations * BATCH).tolist() == expected
    assert counts.operations.received.tolist() == ["spikes", "spikes"]
    assert counts.operations.passes.tolist() == [STEPS, STEPS]
    assert counts.operations.multiply_accumulates.tolist() == [0, 0]
    ones = torch.ones(1, 1, SIZE, SIZE)
    assert counts.operations.synapses.tolist() == [products(network[0], ones), 64 * 5]
    assert counts.operations.dense_operations.tolist() == [STEPS * 16 * 9 * 4, STEPS * 64 * 5]
    assert counts.left_out == {}
    again = count(network, [batch], **options)
    assert again.operations.equals(counts.operations)  # nothing is left of the first time


def test_how_images_are_divided_into_batches_does_not_matter():
    network, options, batch = snntorch()
    whole = count(network, [batch], **options)
    parts = count(network, (batch[:, start : start + 1] for start in range(BATCH)), **options)
    assert parts.neurons.equals(whole.neurons)
    assert parts.operations.equals(whole.operations)
    assert parts.totals.equals(whole.totals)


def test_an_image_of_zeros_and_ones_is_analogue_if_the_others_are():
    """Each call is judged over all batches: pixels of 0 and 1 in one batch do not make its operations additions."""
    network, _, _ = spikingjelly_in_sequences()
    step = torch.rand(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    loader = [torch.ones(STEPS, 1, 1, SIZE, SIZE), step.repeat(STEPS, 1, 1, 1, 1)]
    counts = count(network, loader)
    synapses = products(network[0], torch.ones(1, 1, SIZE, SIZE))
    first = counts.operations.iloc[0]
    assert (first.received, first.synaptic_operations) == ("analogue", 0)
    assert first.multiply_accumulates == STEPS * synapses


def test_an_analogue_layer_that_works_once_is_charged_once():
    """A constant image through the first layer, and then all steps: passes is 1, as the layer is called once."""
    network, _, _ = snntorch()

    def run(network, images):
        current = network[0](images)
        for _ in range(STEPS):
            network[1:](current)

    counts = count(network, [torch.full((3, 1, SIZE, SIZE), 0.5)], run=run)
    assert counts.operations.passes.tolist() == [1, STEPS]
    assert counts.operations.multiply_accumulates.tolist() == [products(network[0], torch.ones(1, 1, SIZE, SIZE)), 0]
    assert counts.operations.received.tolist() == ["analogue", "spikes"]


def test_a_layer_that_is_called_at_two_places_is_counted_at_both():
    """The same weights on an analogue input and on spikes: both columns, by hand."""

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            neuron = library("spikingjelly.activation_based.neuron")
            self.shared = nn.Linear(8, 8)
            nn.init.eye_(self.shared.weight)
            nn.init.zeros_(self.shared.bias)
            self.first, self.second = neuron.IFNode(step_mode="m"), neuron.IFNode(step_mode="m")

        def forward(self, batch):
            return self.second(self.shared(self.first(self.shared(batch))))

    # 1.5 fires at every step and 0.5 at every second one: 4 * 3 + 4 * 1 of each image reach the second call in 3 steps
    batch = torch.tensor([1.5] * 4 + [0.5] * 4).expand(3, 2, 8)
    (row,) = count(Twice(), [batch]).operations.to_dict("records")
    assert row["received"] == "analogue and spikes"
    assert row["passes"] == 6
    assert row["multiply_accumulates"] == 3 * 64
    assert row["synaptic_operations"] == (4 * 3 + 4 * 1) * 8


def test_several_spikes_in_one_step_are_several():
    """sinabs: a potential of 3.5 thresholds emits three spikes, which cross the synapses behind it three times."""
    layers = library("sinabs.layers")
    first, last = nn.Linear(1, 1, bias=False), nn.Linear(1, 7, bias=False)
    nn.init.constant_(first.weight, 3.5)
    network = nn.Sequential(first, layers.IAF(), last, layers.IAF())
    counts = count(network, [torch.tensor([[[1.0], [0.0], [1.0]]])])  # potentials 3.5, 0.5, 4.0: 3 + 0 + 4 spikes
    assert counts.neurons.spikes.tolist()[0] == 7
    assert counts.operations.synaptic_operations.tolist() == [2, 49]


@pytest.mark.parametrize(
    ("family", "width", "encoding", "shape"),
    [
        ("mlp", 1.0, "rate", (1, 8, 8)),
        ("energy", 1 / 32, "rate", (1, 12, 12)),
        ("resnet8", 0.25, "rate", (2, 8, 8)),
        ("cifarnet", 1 / 16, "static_spikes", (1, 8, 8)),
        ("five_layer", 0.25, "standardized", (1, 8, 8)),
        ("deep_mlp", 0.05, "standardized", (1, 8, 8)),
    ],
)
def test_networks_of_this_package_are_counted_as_its_evaluation_counts_them(family, width, encoding, shape):
    spec = EvaluateSpec(
        images=ImageSelection("noise"),
        network=NetworkSpec(family, width),
        encoding=EncodingSpec(encoding, 3),
        neuron=NeuronSpec(decay=0.75, threshold=0.125),
        seeds=(3,),
        batch_size=4,
        conventions=CONVENTIONS,
        loss={"name": "cross_entropy", "reduction": "mean"},
    )
    pixels = torch.randint(0, 256, (10, *shape), generator=stream(0, "pixels"), dtype=torch.uint8)
    test = Images(pixels, torch.arange(10), 10, "noise", "", statistics=(0.5, 0.25))
    network = new_network(spec, 3, test, "reference")
    for layer in network.weighted_layers():  # multiples of 1/32: no sum is rounded
        layer.weight.data.copy_(torch.randint(-4, 6, layer.weight.shape, generator=stream(0, layer.name)) / 32)
        if layer.bias is not None:
            nn.init.constant_(layer.bias, 1 / 32)
    theirs = evaluate_seed(spec, 3, network, test, "cpu")
    generator = stream(draws(3, ""), "evaluation")
    batches = (
        (encode_images(pixels[start : start + 4], spec.encoding, statistics=(0.5, 0.25), generator=generator), labels)
        for start, labels in ((0, torch.arange(4)), (4, torch.arange(4)), (8, torch.arange(2)))
    )
    ours = count(network, batches, conventions=CONVENTIONS)
    assert ours.images == 10
    assert len(ours.operations) == len(network.weighted_layers())
    assert ours.neurons.spikes_per_neuron.sum() > 0.5
    for name in ("spikes_per_neuron", "spikes_per_neuron_and_step", "silent_fraction", "saturated_fraction"):
        assert ours.neurons[name].tolist() == [row[name] for row in theirs.spikes]
    for name in ("synaptic_operations", "multiply_accumulates", *(f"energy_{each}" for each in CONVENTIONS)):
        assert ours.operations[name].tolist() == [row[name] for row in theirs.energy[:-1]]


def test_totals_by_hand():
    network, options, batch = snntorch()
    counts = count(network, [batch], **options, conventions=["qiao2015"])
    totals = counts.totals
    assert totals.neurons == 69
    assert totals.spikes == counts.neurons.spikes.sum()
    assert totals.spikes_per_neuron == totals.spikes / 69
    assert totals.synaptic_operations == counts.operations.synaptic_operations.sum()
    assert totals.energy_qiao2015 == pytest.approx(totals.synaptic_operations * 77e-15)
    assert counts.neurons.columns.tolist()[:6] == ["neurons", "kind", "library", "count", "timesteps", "spikes"]
    text, page = str(counts), counts._repr_html_()
    assert "means over 4 images" in text
    for shown in ("Leaky", "Conv2d", "energy_qiao2015"):
        assert shown in text
        assert shown in page


def test_a_network_is_left_as_it_was():
    network, options, batch = snntorch()
    network.train()
    network[3].eval()
    step_by_step(network, batch)  # potentials of the caller's own
    before = [parameter.clone() for parameter in network.parameters()]
    state = torch.get_rng_state()
    count(network, [batch], **options)
    assert [module.training for module in network] == [True, True, True, False, True]
    assert torch.equal(torch.get_rng_state(), state)
    assert all(not module._forward_hooks for module in network.modules())
    for parameter, value in zip(network.parameters(), before, strict=True):
        assert torch.equal(parameter, value)
        assert parameter.grad is None
    assert network[1].mem.abs().sum() == 0


def test_weights_whose_operations_are_not_counted_are_named():
    library_ = library("snntorch")
    network = nn.Sequential(nn.Linear(4, 3), library_.RLeaky(beta=0.5, linear_features=3, init_hidden=True))
    network.add_module("unused", nn.Linear(3, 2))

    def run(network, batch):
        for step in batch:
            network[1](network[0](step))

    counts = count(network, [spikes(2, 2, 4)], run=run)
    assert counts.operations.layer.tolist() == ["0"]
    assert counts.left_out == {"unused": "no data reaches it", "1.recurrent.weight": "weights of the neurons 1"}
    assert "Not counted: unused (no data reaches it); 1.recurrent.weight (weights of the neurons 1)" in str(counts)


class Threshold(nn.Module):
    """Neurons that no library has: they fire where their input exceeds 0.5."""

    def forward(self, current):
        return (current > 0.5).float()


def test_neurons_of_ones_own_are_counted_when_they_are_named():
    network = nn.Sequential(nn.Identity(), Threshold(), nn.Linear(3, 2))
    counts = count(network, [torch.tensor([[0.9, 0.1, 0.7]])], neurons=["1"])
    assert counts.neurons[["neurons", "kind", "library", "spikes"]].values.tolist() == [["1", "Threshold", "", 2.0]]
    assert counts.operations.synaptic_operations.tolist() == [4]


def refused(message, network, loader, **options):
    with pytest.raises(UserError, match=message):
        count(network, loader, **options)
    assert all(not module._forward_hooks for module in network.modules())


def test_what_cannot_be_counted_is_refused_in_one_sentence():
    network, options, batch = snntorch()
    analogue = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    refused("has no module that is known to fire.*dense_operations", analogue, [torch.ones(1, 3)])
    nn.init.constant_(analogue[0].weight, 0.25)
    refused("1, a ReLU, emits values that are no numbers of spikes", analogue, [torch.rand(9, 3)], neurons=["1"])
    refused("no layer with weights", nn.Sequential(network[1]), [batch])
    refused("loader gives no batches", network, [], **options)
    refused("loader gives an empty batch", network, [()], **options)
    refused("loader is a tensor of shape", network, batch, **options)
    refused("fails on the batch of shape .4, 3.", network, [torch.ones(4, 3)])
    refused("conventions: unknown 'nature'; known are horowitz2014_45nm", network, [batch], conventions=["nature"])
    refused("the network has no module 'lif'", network, [batch], neurons=["lif"])
    refused("batch has 3 labels, and 1 sees 4 images", network, [(batch, torch.zeros(3))], **options)
    refused("no neurons are called when the network runs", network, [batch], run=lambda network, batch: None)
    refused("^0 received a value that is not a finite", network, [batch * float("nan")], **options)
    refused("the batch is on cpu and the network on meta", nn.Sequential(*network).to("meta"), [batch])


def test_values_that_overflow_inside_are_refused_where_they_arrive():
    network, options, batch = snntorch()
    network[3].weight.data.fill_(float("inf"))
    refused("^4 received a value that is not a finite", network, [batch], **options)


def test_neurons_without_a_dimension_of_their_own_are_refused():
    network = nn.Sequential(nn.Linear(3, 2), library("snntorch").Leaky(beta=0.5, init_hidden=True))
    refused("1: its neurons received .2.*no dimension of neurons", network, [torch.ones(3)])


def test_images_that_change_their_size_are_refused():
    neuron = library("spikingjelly.activation_based.neuron")
    network = nn.Sequential(nn.Conv1d(1, 2, 3), neuron.IFNode())
    refused(
        r"1: its neurons had the shape \[2, 4\] and then \[2, 6\]", network, [torch.ones(1, 1, 6), torch.ones(1, 1, 8)]
    )


def test_random_potentials_of_this_packages_neurons_come_from_its_generator():
    network = build(
        NetworkSpec("mlp"),
        NeuronSpec(initial_potential="kaiming_uniform"),
        input_shape=(1, 4, 4),
        classes=3,
        generator=stream(0, "neurons"),
    )
    batch = spikes(3, 2, 1, 4, 4)
    found = []
    for _ in range(2):
        network.set_generators(initial_potential=stream(1, "start"))
        found.append(count(network, [batch]).neurons)
    assert found[0].equals(found[1])
