"""IKUN, surrogate-stable variance (Chang et al. 2024, arXiv 2411.18250).

    Var[w] = 1 / (g n),

n: inputs per neuron, g: the mean derivative of the surrogate, which is not squared. The second form, `chang2024_both`,
has fan_in + fan_out in the place of n. The authors' public code (`init_custom_weights` in train_csnn.py) takes g as the
mean of 1 / (1 + x^2) for x from -1 to 1, which is pi / 4. That is the default here, whatever surrogate the neurons
have, and another one can be given. The neurons of that code have the surrogate derivative 1 / (1 + (pi x)^2), and its
mean over the same range is 0.40.

The argument treats a spike as a linear answer of slope g to its potential. Of a standard normal potential the next
layer then gets the share P(u > theta) / g: at theta = 1 that is 0.20, and activity fades. Biases start at zero.
"""

from __future__ import annotations

import math

from spikeinit.initializers._gaussian import check_sum_of_many
from spikeinit.initializers.law import Law
from spikeinit.initializers.registry import register

MEAN_GRADIENT = math.pi / 4
"""Mean of 1 / (1 + x^2) over [-1, 1]."""


@register("chang2024")
def law(fan_in: int, fan_out: int | None = None, *, mean_gradient: float = MEAN_GRADIENT) -> Law:
    """Law of one weight; ValueError unless mean_gradient > 0, fan_in >= 2."""
    check_sum_of_many(fan_in)
    return _law(fan_in, mean_gradient)


@register("chang2024_both")
def law_of_both(fan_in: int, fan_out: int, *, mean_gradient: float = MEAN_GRADIENT) -> Law:
    """Law of one weight by the inputs and the outputs of a neuron; ValueError as above."""
    check_sum_of_many(fan_in)
    return _law(fan_in + fan_out, mean_gradient)


def _law(count: int, mean_gradient: float) -> Law:
    if not mean_gradient > 0:
        raise ValueError(f"mean_gradient = {mean_gradient}: give a number > 0")
    return Law.normal(variance=1 / (mean_gradient * count))
