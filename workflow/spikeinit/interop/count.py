"""Count the spikes and the operations of a network that any code has built.

>>> import torch, snntorch, spikeinit
>>> network = torch.nn.Sequential(
...     torch.nn.Linear(784, 100), snntorch.Leaky(beta=0.9, init_hidden=True),
...     torch.nn.Linear(100, 10), snntorch.Leaky(beta=0.9, init_hidden=True),
... )
>>> spikes = (torch.rand(25, 8, 784, generator=torch.Generator().manual_seed(0)) < 0.1).float()
>>> counts = spikeinit.count(network, [spikes], run=lambda network, steps: [network(step) for step in steps])
>>> counts.operations[["layer", "received", "passes", "dense_operations"]].values.tolist()
[['0', 'spikes', 25.0, 1960000.0], ['2', 'spikes', 25.0, 25000.0]]

An operation is what happens at one synapse. A spike that crosses it is added to the potential behind it: a synaptic
operation. A layer whose input is analogue multiplies and adds at each synapse, whatever the value: a
multiply-accumulate. Biases, normalisation and the neurons themselves are not counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from spikeinit.errors import UserError
from spikeinit.interop.counts import Counts
from spikeinit.interop.libraries import known_neurons
from spikeinit.interop.structure import Run, evaluation_mode, members, other_weights, run_once
from spikeinit.interop.tally import Tally
from spikeinit.measures.energy import CONVENTIONS
from spikeinit.networks.build import is_repeated


@torch.no_grad()
def count(
    network: nn.Module,
    loader: Iterable[Any],
    *,
    run: Run | None = None,
    neurons: Collection[str] | None = None,
    conventions: Sequence[str] = ("horowitz2014_45nm", "qiao2015"),
) -> Counts:
    """Spikes and operations of `network` on all batches of `loader`, as means per image.

    loader: batches of encoded data as the network takes them, each a tensor or a tuple that begins with one; the labels
    behind it only tell how many images there are. One batch is held at a time. run: how the network runs on a batch,
    `run(network, batch)`, if `network(batch)` is not enough, as for a network that is called once for every time step.
    neurons: names of modules that fire, beside those of snnTorch, SpikingJelly, norse, sinabs and this package, which
    are known; such a module sees single time steps [B, ...] and emits spikes, and `run` resets it. conventions: of
    energy, names in `spikeinit.measures.energy.CONVENTIONS`.

    The network runs in evaluation mode and without gradients, every batch from fresh potentials. Afterwards its modules
    are in their own modes again, and the potentials are forgotten.

    What a layer received counts as spikes where all of it are whole numbers, two as two spikes. Behind average pooling
    every spike of a window crosses the synapses of its mean. Each call of a layer is judged by itself, over all
    batches, so the result does not depend on how the images are divided into batches. A spike of a convolution reaches
    those outputs whose windows cover it.

    UserError for a network without known neurons or without layers that have weights, for no batches, for a batch that
    the network does not take or on another device, for values that are not finite, for neurons that emit something else
    than spikes or whose number changes, and for unknown names.
    """
    _check_conventions(conventions)
    told = dict.fromkeys(neurons or ())
    firing, weighted = members(network, told)
    if not firing:
        raise UserError(
            f"{type(network).__name__} has no module that is known to fire, so it has no spikes to count. Known neurons"
            f" are {known_neurons()}; name others with neurons=['name of the module']. An analogue network does all of "
            "its dense operations: `spikeinit.measures.operations.dense_operations` gives those of a layer"
        )
    if isinstance(loader, torch.Tensor):
        raise UserError(f"loader is a tensor of shape {list(loader.shape)}: give the batches, such as [tensor]")
    tally = Tally(firing, weighted)
    with evaluation_mode(network):
        for given in loader:
            batch, labels = _split(given)
            with tally.heights, tally:
                run_once(network, batch, run, list(firing.values()))
            tally.end_batch(labels)
    if not tally.images:
        raise UserError("loader gives no batches: nothing was counted. An iterator that was used up gives none again")
    missed = {name: "no data reaches it" for name in weighted if name not in tally.layers}
    left_out = {**missed, **other_weights(network, weighted, firing)}
    return Counts(tally.images, tally.neuron_table(), tally.operation_table(conventions), left_out)


def _split(given: Any) -> tuple[Any, int | None]:
    """The batch, and how many labels it comes with.

    One step that is repeated without memory of its own is laid out: a network of this package would run it once.
    """
    labels = None
    if isinstance(given, (tuple, list)):
        if not given:
            raise UserError("loader gives an empty batch: give tensors, or tuples of a tensor and labels")
        given, *others = given
        if others and isinstance(others[0], torch.Tensor) and others[0].dim():
            labels = len(others[0])
    if isinstance(given, torch.Tensor) and given.dim() and is_repeated(given):
        given = given.clone(memory_format=torch.contiguous_format)
    return given, labels


def _check_conventions(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in CONVENTIONS]
    if unknown:
        raise UserError(f"conventions: unknown {', '.join(map(repr, unknown))}; known are {', '.join(CONVENTIONS)}")
