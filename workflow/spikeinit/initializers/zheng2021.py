"""The scale of threshold-dependent batch normalisation (tdBN, Zheng et al. 2021) as an initialiser.

tdBN normalises the input current of every channel to

    I ~ N(0, (alpha theta)^2),

theta: `threshold`, alpha: 1 unless several branches meet. Weights of mean zero give that scale without normalising,

    Var[w] = (alpha theta)^2 / (n E[x^2]),

n: inputs per neuron, E[x^2]: mean square of an input, which for spikes is their rate. It is measured on data, layer by
layer, as tdBN measures its batch. A factor on the input (`gain`, not in the paper) divides the variance by its square.
tdBN goes on normalising while the network trains; this sets the beginning alone. It looks at the current, not at the
potential, so that leak has no part in it: without leak, and with xi = 1 / alpha, it is rossbroich2022. Biases start at
zero.
"""

from __future__ import annotations

from spikeinit.initializers._gaussian import check_gain, check_sum_of_many
from spikeinit.initializers.law import Law
from spikeinit.initializers.registry import register


@register("zheng2021")
def law(
    fan_in: int,
    fan_out: int | None = None,
    *,
    input_rate: float,
    alpha: float = 1.0,
    threshold: float = 1.0,
    gain: float = 1.0,
) -> Law:
    """Law of one weight. input_rate: spikes per input and step; for inputs that are not spikes their mean square.

    ValueError unless input_rate > 0, alpha > 0, threshold > 0, gain > 0, fan_in >= 2.
    """
    check_sum_of_many(fan_in)
    check_gain(gain)
    if not input_rate > 0:
        raise ValueError(f"input_rate = {input_rate}: a layer whose inputs are silent cannot be scaled")
    for name, value in (("alpha", alpha), ("threshold", threshold)):
        if not value > 0:
            raise ValueError(f"{name} = {value}: give a number > 0, else all weights are zero")
    return Law.normal(variance=(alpha * threshold) ** 2 / (fan_in * input_rate * gain**2))
