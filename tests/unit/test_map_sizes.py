"""Images whose height and width differ, or are odd: shapes, counts and memory against what hooks and ones count."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from bars import SPEC
from torch import nn
from torch.nn import functional

from spikeinit import user_files
from spikeinit.config.checks import network_problems
from spikeinit.conversion.ann import build_ann
from spikeinit.conversion.convert import LayerThreshold, convert
from spikeinit.conversion.memory import job_bytes
from spikeinit.conversion.simulate import layer_rows, simulate
from spikeinit.datasets.load import Images
from spikeinit.errors import UserError
from spikeinit.measures.operations import OperationCounter, dense_operations
from spikeinit.measures.tally import OUTPUT, Tally
from spikeinit.networks import FAMILIES, Conv, Dense, Encoder, Network, Normalization, Pool, Residual, describe
from spikeinit.networks.build import assemble, build
from spikeinit.networks.modules import Pooling, Trace, WeightedLayer
from spikeinit.networks.sizes import behind, misfit, part_sizes
from spikeinit.neurons.layer import IntegrateAndFire
from spikeinit.randomness import stream
from spikeinit.specs import EncodingSpec, NetworkSpec, NeuronSpec
from spikeinit.specs.ann import ActivationsSpec

STEPS = 2
IMAGES = 2
CLASSES = 3
SHAPES = [(32, 48), (48, 32), (28, 34), (17, 40), (33, 19)]
LARGE = {"vgg9_dvs": 64, "vgg11": 32, "vgg16": 32, "vgg16_imagenet": 32, "vgg16_bn_imagenet": 32}
"""Family -> the shortest side that its poolings leave something of, where that is more than 8."""
CASES = [
    pytest.param(name, tuple(max(side, LARGE.get(name, 8)) for side in shape), id=f"{name}-{shape[0]}x{shape[1]}")
    for name in FAMILIES
    for shape in (SHAPES if name not in LARGE else [(40, 65), (64, 33)])
]
NEURON = NeuronSpec(decay=0.5, threshold=0.05, learn=())
FLOAT = 4


def spiking(description, shape):
    """A network of neurons that fire often, of one input channel."""
    generator = stream(0, "neurons")
    torch.manual_seed(0)
    network = assemble(
        description, (1, *shape), lambda size: IntegrateAndFire(NEURON, size, generator=generator), STEPS
    )
    return network.eval()


def sent_behind(network, run):
    """For each weighted layer, in the order in which they run: the layer and the spikes [N, C, H, W] sent to it.

    Spikes are those before average pooling, as hooks on the pooling modules see them. With them come the windows of
    those poolings.
    """
    source, found, kept = {}, [], []

    def pooled(module, inputs, output):
        signal, sums = source.get(id(inputs[0]), (inputs[0], []))
        if isinstance(module.pool, (nn.AvgPool2d, nn.AdaptiveAvgPool2d)):
            sides = getattr(module.pool, "kernel_size", inputs[0].shape[2:])
            source[id(output)] = signal, [*sums, sides]
        kept.append(output)  # so that no later signal has its number

    def weighted(module, inputs, output):
        found.append((module, *source.get(id(inputs[0]), (inputs[0], []))))
        kept.append(inputs[0])

    handles = [part.register_forward_hook(pooled) for part in network.modules() if isinstance(part, Pooling)]
    handles += [part.register_forward_hook(weighted) for part in network.modules() if isinstance(part, WeightedLayer)]
    run()
    for handle in handles:
        handle.remove()
    own = set(network.weighted_layers())  # a copy made meanwhile has the hooks too
    return [entry for entry in found if entry[0] in own]


def operations_of_ones(layer, signal, sums):
    """The synapses that are crossed where every weight is 1 and every mean is a sum: a spike is one at each synapse."""
    for sides in sums:
        signal = functional.avg_pool2d(signal, sides, divisor_override=1)
    if isinstance(layer.operation, nn.Linear):
        return signal.flatten(1).sum().item() * layer.operation.out_features
    ones = torch.ones_like(layer.weight, dtype=torch.float64)
    return functional.conv2d(signal.double(), ones, None, layer.operation.stride, layer.operation.padding).sum().item()


def all_products(layer, shape):
    """Multiplications of a layer on an image of `shape`, by a convolution of ones on the padded image of ones."""
    if isinstance(layer.operation, nn.Linear):
        return layer.operation.in_features * layer.operation.out_features
    padded = functional.pad(torch.ones(1, *shape), [layer.operation.padding[0]] * 4, value=1)
    return functional.conv2d(padded, torch.ones_like(layer.weight[:1]), None, layer.operation.stride).sum().item() * (
        layer.operation.out_channels
    )


@pytest.mark.parametrize(("name", "shape"), CASES)
@torch.no_grad()
def test_a_spiking_network_is_counted_as_it_runs(name, shape):
    description = describe(name, classes=CLASSES, width=1 / 64)
    network = spiking(description, shape)
    inputs = (torch.rand(STEPS, IMAGES, 1, *shape, generator=stream(1, "test")) < 0.5).float()
    traces = []
    found = sent_behind(network, lambda: traces.append(network(inputs, keep_received=True)))
    ((output, trace),) = traces
    assert output.shape == (STEPS, IMAGES, CLASSES)

    counter = OperationCounter(network, EncodingSpec("static_spikes", STEPS))
    counter.update(trace)
    rows = dict(zip(network.weighted_layers(), counter.per_image(), strict=False))
    assert {layer for layer, *_ in found} == set(rows)
    for layer, signal, sums in found:
        assert rows[layer][0] * IMAGES == pytest.approx(operations_of_ones(layer, signal, sums), rel=1e-5)
    for layer, received in zip(network.weighted_layers(), trace.received, strict=True):
        size = tuple(received.shape[2:])
        assert dense_operations(layer.operation, size) == all_products(layer, size)

    tally = Tally({"spikes": OUTPUT}, network, batches=1, device="cpu")
    tally.add(0, trace)
    assert tally.means(IMAGES)["spikes"] == pytest.approx(
        [spikes.sum().item() / spikes[0].numel() for spikes in trace.spikes]
    )


@pytest.mark.parametrize(("name", "shape"), CASES)
@torch.no_grad()
def test_sizes_are_those_of_what_runs(name, shape):
    description = describe(name, classes=CLASSES, width=1 / 64)
    network = spiking(description, shape)
    trace, found = Trace(1), []
    for part, merged in zip(network.parts, network.walk(torch.ones(1, 1, 1, *shape), trace), strict=True):
        learned = [p for layer in part.weighted_layers() for p in layer.parameters(recurse=True) if p.requires_grad]
        learned = sum(parameter.numel() for parameter in learned)
        found.append((merged.numel(), [(s.shape[2], s.numel()) for s in trace.spikes], learned))
        trace.clear()
    assert [(size.leaving, list(size.layers), size.weights) for size in network.sizes] == found
    assert network.sizes == tuple(part_sizes(description, (1, *shape)))
    current = (1, *shape)
    for layer in description.layers:
        assert misfit(layer, current) == ""
        current = behind(layer, current)
    assert current == (CLASSES,)


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.analogue])
@pytest.mark.parametrize("shape", [(32, 48), (65, 34)])
@torch.no_grad()
def test_a_converted_network_is_counted_as_it_runs(name, shape):
    spec = dataclasses.replace(SPEC, network=NetworkSpec(name, 1 / 64))
    ann = build_ann(spec, input_shape=(1, *shape), classes=CLASSES).eval()
    one, half = torch.tensor(1.0, dtype=torch.float64), torch.tensor(0.9, dtype=torch.float64)
    network = convert(ann, [LayerThreshold(one, half)] * len(ann.neurons()))
    pixels = torch.randint(0, 256, (IMAGES, 1, *shape), generator=stream(1, "test"), dtype=torch.uint8)
    test = Images(pixels, torch.zeros(IMAGES, dtype=torch.int64), CLASSES, "noise", "")
    readouts = []
    encoding = dataclasses.replace(SPEC.encoding, timesteps=1)
    found = sent_behind(network, lambda: readouts.extend(simulate(ann, network, test, encoding, [STEPS], IMAGES)))
    rows = [row for row in layer_rows(readouts[0], network, ()) if row["kind"] == "synapses"]
    rows = dict(zip(network.weighted_layers(), rows, strict=True))
    first = network.weighted_layers()[0]
    for layer, signal, sums in found:
        if layer is not first:
            expected = operations_of_ones(layer, signal, sums)
            assert rows[layer]["synaptic_operations"] * IMAGES == pytest.approx(expected, rel=1e-5)
            received = signal
            for sides in sums:
                received = functional.avg_pool2d(received, sides)
            assert rows[layer]["ann_multiply_accumulates"] == all_products(layer, received.shape[1:])
    assert rows[first]["ann_multiply_accumulates"] == all_products(first, (1, *shape))
    products = operations_of_ones(first, torch.ones(1, 1, *shape), [])
    assert rows[first]["multiply_accumulates"] == STEPS * products


def test_global_pooling_averages_over_the_whole_map():
    """8 x 12 places behind two halvings of 32 x 48, each of which crosses the synapses of the layer behind."""
    network = spiking(describe("resnet8", classes=CLASSES, width=1 / 16), (32, 48))
    assert network.weighted_layers()[-1].pooled == 96
    assert network.weighted_layers()[-1].operation.in_features == 4


def test_neurons_that_encode_what_was_pooled_send_one_spike_each():
    description = Network("encoded", (Pool(), Encoder(), Dense(CLASSES)))
    network = spiking(description, (6, 10))
    assert network.fires_first
    assert network.weighted_layers()[0].pooled == 1


@pytest.mark.parametrize("name", ["vgg9_small", "resnet8", "energy"])
def test_memory_does_not_depend_on_which_side_is_longer(name):
    spec = dataclasses.replace(SPEC, network=NetworkSpec(name, 1 / 16))
    activations = ActivationsSpec(ann=spec, images=10, batch_size=5, limit=200, channel_limit=150)
    for asked in (spec, activations):
        high, wide, square = (job_bytes(asked, (1, *shape), 4) for shape in ((48, 32), (32, 48), (32, 32)))
        assert high == wide > square


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ((Pool(), Pool(), Pool()), (17, 4), "pooling over 2 x 2 leaves nothing of a map of 4 x 1"),
        ((Pool(size=None), Pool()), (17, 4), "pooling over 2 x 2 leaves nothing of a map of 1 x 1"),
        ((Conv(2, kernel=5, padding=0),), (17, 4), "a kernel of 5 x 5 and padding 0 leaves nothing of a map of 17 x 4"),
        ((Dense(4), Pool()), (17, 4), "a Pool stands behind a dense layer"),
        ((Residual((Conv(1, kernel=5),)),), (17, 4), "leaves a map of 15 x 2 and its shortcut one of 17 x 4"),
        ((Residual((Conv(1, kernel=7, padding=0),)),), (17, 4), "a kernel of 7 x 7 and padding 0 leaves nothing"),
    ],
)
def test_what_leaves_nothing_is_refused_when_planning_and_when_building(layers, shape, message, user_code):
    path = user_code / "mine.py"
    path.write_text(
        "from spikeinit import networks\n"
        "from spikeinit.datasets import register\n"
        "from spikeinit.networks import Conv, Dense, Network, Pool, Residual\n\n"
        f"register('high', title='', licence='', classes=10, shape={(1, *shape)}, folder='x')(print)\n"
        "@networks.register('mine')\n"
        f"def mine(classes, width=1.0):\n    return Network('mine', (*{layers}, Dense(classes)))\n"
    )
    user_files.load(path)
    ((key, told),) = network_problems("n", {"name": "mine", "width": 1.0}, "high")
    assert key == "n"
    assert told.startswith(f"mine on images of {shape[0]} x {shape[1]} pixels: ")
    assert message in told
    spec = NetworkSpec("mine")
    with pytest.raises(UserError) as refused:
        build(spec, NEURON, input_shape=(1, *shape), classes=10, generator=stream(0, "neurons"))
    assert message in str(refused.value)


def test_a_residual_block_fits_odd_sides():
    body = (Conv(4, stride=2), Normalization(), Conv(4, active=False), Normalization())
    network = spiking(Network("odd", (Residual(body, 2), Pool(size=None), Dense(CLASSES))), (17, 40))
    with torch.no_grad():
        assert network(torch.ones(1, 1, 1, 17, 40))[0].shape == (1, 1, CLASSES)
    assert network.weighted_layers()[-1].pooled == 9 * 20
