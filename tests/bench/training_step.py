"""One training step of the energy network: ours beside snnTorch's loop (and SpikingJelly, where `make
libraries` was run).

usage: python tests/bench/training_step.py [--width 0.125] [--batch 128] [--timesteps 10] [--repeats 7] [--threads N]

Same network, weights, images, precision and steps in one process; the contestants take turns (A B A B ...), and the
medians after a warm-up are compared. Forward, loss, backward and Adam's update are timed, encoding is not.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from spikeinit.losses import make_loss
from spikeinit.networks.build import FeedForward, build
from spikeinit.randomness import stream
from spikeinit.specs import NetworkSpec, NeuronSpec
from spikeinit.training.optimizers import make_optimizer

ADAM = {"name": "adam", "learning_rate": 1e-2}
GAIN = 2.7
"""Weights are N(0, GAIN^2 / inputs): with it the hidden layers spike about as much as trained ones (5 to 15 %)."""


def our_network(width: float) -> FeedForward:
    network = build(
        NetworkSpec("energy", width),
        NeuronSpec(decay=0.5),
        input_shape=(1, 28, 28),
        classes=10,
        generator=stream(0, "neurons"),
    )
    with torch.no_grad():
        for layer in network.weighted_layers():
            spread = GAIN / layer.weight[0].numel() ** 0.5
            layer.weight.normal_(0, spread, generator=stream(0, layer.name))
    return network


def shares_of_spikes(width: float, inputs: torch.Tensor) -> str:
    """How many of the values that each layer receives are not zero: the work of ours depends on it."""
    with torch.no_grad():
        received = our_network(width)(inputs, keep_received=True)[1].received
    return ", ".join(f"{100 * (signal != 0).double().mean().item():.0f}%" for signal in received)


def ours(width: float, inputs: torch.Tensor, labels: torch.Tensor) -> Callable[[], float]:
    network = our_network(width)
    optimizer = make_optimizer(network.parameters(), ADAM)
    loss_function = make_loss("cross_entropy_per_step")

    def step() -> float:
        loss = loss_function(network(inputs)[0], labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def plain_operations(width: float) -> list[nn.Module]:
    """The network's convolutions and its output layer as PyTorch makes them by default, with our weights."""
    return [
        nn.Sequential(nn.Flatten(), layer.operation)
        if isinstance(layer.operation, nn.Linear)
        else layer.operation.to(memory_format=torch.contiguous_format)
        for layer in our_network(width).weighted_layers()
    ]


def snntorch_loop(width: float, inputs: torch.Tensor, labels: torch.Tensor) -> Callable[[], float]:
    """As snnTorch's tutorials write it: a module per layer, a Python loop over time."""
    import snntorch

    operations = nn.ModuleList(plain_operations(width))
    neurons = nn.ModuleList(
        [
            snntorch.Leaky(
                beta=0.5,
                learn_beta=True,
                learn_threshold=True,
                spike_grad=snntorch.surrogate.atan(alpha=2.0),
                init_hidden=False,
            )
            for _ in operations
        ]
    )
    optimizer = make_optimizer([*operations.parameters(), *neurons.parameters()], ADAM)
    loss_function = make_loss("cross_entropy_per_step")

    def step() -> float:
        potentials = [neuron.init_leaky() for neuron in neurons]
        outputs = []
        for signal in inputs:
            for index, (operation, neuron) in enumerate(zip(operations, neurons, strict=True)):
                signal, potentials[index] = neuron(operation(signal), potentials[index])
            outputs.append(signal)
        loss = loss_function(torch.stack(outputs), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def spikingjelly_multi_step(width: float, inputs: torch.Tensor, labels: torch.Tensor) -> Callable[[], float] | None:
    """SpikingJelly's multi-step mode; None where it is not installed."""
    try:
        from spikingjelly.activation_based import functional, layer, neuron, surrogate
    except ImportError:
        return None
    modules: list[nn.Module] = []
    for operation in plain_operations(width):
        modules.append(layer.SeqToANNContainer(operation))
        modules.append(
            neuron.ParametricLIFNode(
                init_tau=2.0, decay_input=False, v_threshold=1.0, v_reset=None, detach_reset=True,
                surrogate_function=surrogate.ATan(), step_mode="m",
            )
        )  # fmt: skip
    network = nn.Sequential(*modules)
    optimizer = make_optimizer(network.parameters(), ADAM)
    loss_function = make_loss("cross_entropy_per_step")

    def step() -> float:
        functional.reset_net(network)
        loss = loss_function(network(inputs), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=float, default=0.125)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--timesteps", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="*", default=sorted({1, torch.get_num_threads()}))
    arguments = parser.parse_args()
    for threads in arguments.threads:  # one is what a job of the workflow has by default
        torch.set_num_threads(threads)
        measure(arguments)


def measure(arguments: argparse.Namespace) -> None:
    """Time one step of each, turn by turn, on torch's number of threads, and print it."""
    generator = torch.Generator().manual_seed(0)
    inputs = (torch.rand(arguments.timesteps, arguments.batch, 1, 28, 28, generator=generator) < 0.15).float()
    labels = torch.randint(10, (arguments.batch,), generator=generator)
    makers = {"spikeinit": ours, "snnTorch loop": snntorch_loop, "SpikingJelly multi-step": spikingjelly_multi_step}
    steps = {name: step for name, make in makers.items() if (step := make(arguments.width, inputs, labels))}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(arguments.repeats + 2):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if repeat >= 2:
                seconds[name].append(time.perf_counter() - start)
    threads = f"{torch.get_num_threads()} thread{'s' if torch.get_num_threads() > 1 else ''}"
    print(
        f"training step: width {arguments.width:g}, batch {arguments.batch}, T = {arguments.timesteps}, float32, "
        f"{threads}, median of {arguments.repeats}; spikes arriving at the layers: "
        f"{shares_of_spikes(arguments.width, inputs)} at the start"
    )
    own = statistics.median(seconds["spikeinit"])
    for name, values in seconds.items():
        median = statistics.median(values)
        print(
            f"  {name:<24} {1000 * median:8.1f} ms  {arguments.batch / median:8.1f} images/s"
            f"  ours is {median / own:5.2f}x as fast   (min {1000 * min(values):.1f}, max {1000 * max(values):.1f} ms)"
        )


if __name__ == "__main__":
    main()
