"""Batches of a small fully connected network as one compiled call each, where a training allows it.

Everything random is drawn from the same generators in the same order as in PyTorch's way through the network, so that
both see the same spikes. Weights and the optimiser's state stay in PyTorch's own memory: checkpoints, outcomes and all
that follows are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from spikeinit.datasets.load import Images
from spikeinit.kernels.compiler import compiler_works
from spikeinit.kernels.surrogates import surrogate
from spikeinit.measures.accuracy import BATCH
from spikeinit.names.neurons import BEFORE_LEAK
from spikeinit.networks.build import FeedForward
from spikeinit.networks.modules import WeightedLayer
from spikeinit.neurons.layer import IntegrateAndFire
from spikeinit.specs import EncodingSpec, TrainingSpec

LOSSES = ("mean_squared_error", "cross_entropy")
"""In the order of the kernel's numbers."""
LARGEST = 64
"""Neurons of a layer up to which starting PyTorch's operations takes longer than what they compute."""


def applies(network: FeedForward, encoding: EncodingSpec, settings: TrainingSpec, train: Images) -> bool:
    """Whether every batch can be a compiled call: small layers of unchanging neurons, Bernoulli input, plain Adam.

    It cannot where there is no compiler.
    """
    optimizer = settings.optimizer
    return (
        encoding.name == "rate"
        and settings.loss["name"] in LOSSES
        and optimizer["name"] == "adam"
        and not optimizer.keys() - {"name", "learning_rate", "betas"}
        and isinstance(train.images, torch.Tensor)
        and train.images.device.type == "cpu"
        and all(_small(part) for part in network.parts)
        and compiler_works()
    )


def _small(part: nn.Module) -> bool:
    if not isinstance(part, WeightedLayer) or part.normalization is not None:
        return False
    neuron = part.neuron
    return (
        isinstance(part.operation, nn.Linear)
        and part.operation.out_features <= LARGEST
        and part.weight.dtype == torch.float32
        and isinstance(neuron, IntegrateAndFire)
        and neuron.kernel in ("auto", "cpu")
        and neuron.spec.decay_scope == "layer"
        and neuron.spec.reset != BEFORE_LEAK
        and neuron.spec.gain != "one_minus_decay"
        and not neuron.starts_at_mean
        and not neuron.spec.learn
    )


@dataclass(frozen=True)
class Sums:
    """Over the images of one batch: the loss, the correct answers, and the spikes of every layer."""

    loss: float
    correct: int
    spikes: list[float]


class CompiledBatches:
    """Calls of the kernel for one network, which it learns in place, with the state of its `optimizer`."""

    def __init__(
        self, network: FeedForward, encoding: EncodingSpec, settings: TrainingSpec, optimizer: torch.optim.Adam
    ) -> None:
        self.layers = list(network.parts)
        self.neurons = [layer.operation.out_features for layer in self.layers]
        self.timesteps = encoding.timesteps
        self.optimizer = optimizer
        parameters = [layer.weight for layer in self.layers] + [layer.bias for layer in self.layers]
        for parameter in parameters:
            if not optimizer.state[parameter]:
                optimizer.state[parameter] = {
                    "step": torch.tensor(0.0),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        self._states = [optimizer.state[parameter] for parameter in parameters]
        self._weights = tuple(layer.weight.detach().numpy() for layer in self.layers)
        self._biases = tuple(layer.bias.detach().numpy() for layer in self.layers)
        self._moments = [
            tuple(state[name].view(-1).numpy() for state in self._states) for name in ("exp_avg", "exp_avg_sq")
        ]
        self._place, self._ones = np.empty(0, np.int32), np.empty(0, np.float32)
        spec = self.layers[0].neuron.spec
        shape = surrogate(spec.surrogate, spec.slope)
        real = np.float32
        self._dynamics = (
            np.array([layer.neuron.decay_value for layer in self.layers], real),
            np.array([layer.neuron.threshold_value for layer in self.layers], real),
            real(spec.gain),
            spec.reset == "subtract",
            spec.spike_delay,
            spec.detach_reset,
            shape.profile,
            real(shape.height),
            real(shape.scale),
        )
        over_steps = 1.0 if settings.loss["reduction"] == "sum" else 1.0 / encoding.timesteps
        self._loss = (LOSSES.index(settings.loss["name"]), real(over_steps))

    def train(self, images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> Sums:
        """Learn from images uint8 [B, C, H, W] with labels int64 [B]; `generator` draws the input's spikes."""
        (group,) = self.optimizer.param_groups
        for state in self._states:
            state["step"] += 1
        adam = (group["lr"], *group["betas"], group["eps"], self._states[0]["step"].item())
        return self._call(images, labels, generator, adam)

    def loss_and_accuracy(self, images: Images, generator: torch.Generator) -> tuple[float, float]:
        """As `spikeinit.measures.accuracy.loss_and_accuracy`, of the network as it is now."""
        loss, correct = 0.0, 0
        for start in range(0, len(images), BATCH):
            rows = slice(start, start + BATCH)
            sums = self._call(*images.batch(rows), generator, None)
            loss, correct = loss + sums.loss, correct + sums.correct
        return loss / len(images), 100 * correct / len(images)

    def _call(
        self, images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator, adam: tuple[float, ...] | None
    ) -> Sums:
        from spikeinit.kernels import perceptron  # needs the compiler, so it is imported where it is used

        pixels = images.reshape(-1).numpy()
        lit, levels = np.empty(pixels.size + 1, np.int32), np.empty(pixels.size + 1, np.uint8)
        count = perceptron.find_lit(pixels, lit, levels)
        sums = np.zeros(2 + len(self.layers))
        drawn = self._draw(pixels.size, lit[:count], generator)
        if self._place.size <= drawn.size:  # memory is kept, because fresh memory takes longer than the work in it
            self._place, self._ones = np.empty(2 * drawn.size + 1, np.int32), np.ones(2 * drawn.size + 1, np.float32)
        perceptron.batch(
            drawn,
            lit[:count],
            levels[:count],
            self._place,
            self._ones,
            labels.numpy(),
            self._weights,
            self._biases,
            tuple(self._initial_potential(layer, len(images)) for layer in self.layers),
            *self._dynamics,
            *self._loss,
            adam is not None,
            *self._moments,
            tuple(map(float, adam or (0, 0, 0, 0, 1))),
            sums,
        )
        loss, correct, *spikes = sums.tolist()
        return Sums(loss, int(correct), spikes)

    def _draw(self, pixels: int, lit: np.ndarray, generator: torch.Generator) -> np.ndarray:
        """What `spikeinit.encoding` draws for the rate encoding, of the pixels above zero."""
        few = len(lit) <= pixels // 2
        shape = (self.timesteps, len(lit) if few else pixels)
        drawn = torch.randint(0, 255, shape, dtype=torch.uint8, generator=generator).numpy()
        return drawn if few else np.ascontiguousarray(drawn[:, lit])

    def _initial_potential(self, layer: WeightedLayer, images: int) -> np.ndarray:
        neuron, shape = layer.neuron, torch.Size((images, layer.operation.out_features))
        if neuron.starts_at_random:
            return neuron.draw_start(shape, layer.weight.device).reshape(-1).numpy()
        return np.full(shape.numel(), neuron.initial_potential.item(), np.float32)
