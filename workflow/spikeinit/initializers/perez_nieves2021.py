"""Normal weights that grow with the leak, from the code of Perez-Nieves & Goodman (2021).

    w ~ N(0, (m (1 - beta))^2 / n),

n: inputs per neuron, beta: `decay`, m: `multiplier`, 20. This is what the public code of "Sparse spiking
gradient descent" draws for Fashion-MNIST (`weight_scale` in train_and_time.py, `weight_multiplier` in config.py). The
paper's text was not at hand. Their beta is exp(-1 ms / 10 ms) = 0.905, which gives Var[w] = 3.62 / n; it is the default
here. For N-MNIST and for spoken digits the same code draws uniform weights of bound 1 / sqrt(n), and these are
zenke_vogels2021.

A constant input lets a potential grow to 1 / (1 - beta) times the input, and the factor 1 - beta takes that back. The
variance depends on beta strongly: at beta = 0.5 it is 100 / n. Biases start at zero; the layers of that code have none.
"""

from __future__ import annotations

import math

from spikeinit.initializers.law import Law
from spikeinit.initializers.registry import register

MULTIPLIER = 20.0
DECAY = math.exp(-0.1)
"""Of a step of 1 ms and a membrane time constant of 10 ms."""


@register("perez_nieves2021")
def law(fan_in: int, fan_out: int | None = None, *, decay: float = DECAY, multiplier: float = MULTIPLIER) -> Law:
    """Law of one weight; ValueError unless 0 <= decay < 1 and multiplier > 0."""
    if not 0 <= decay < 1:
        raise ValueError(f"decay = {decay}: this law is for 0 <= decay < 1; without a leak all its weights are zero")
    if not multiplier > 0:
        raise ValueError(f"multiplier = {multiplier}: give a number > 0")
    return Law.normal(variance=(multiplier * (1 - decay)) ** 2 / fan_in)
