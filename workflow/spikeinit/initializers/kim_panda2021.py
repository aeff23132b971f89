"""Glorot's uniform law with gain 2, which Kim & Panda 2021 start their networks from.

    Var[w] = 4 * 2 / (fan_in + fan_out),

uniform. Their paper (batch normalisation through time) does not state it; it is what their public code draws. Biases
start at zero; their layers have none.
"""

from __future__ import annotations

import math

from spikeinit.initializers.law import Law
from spikeinit.initializers.registry import register

GAIN = 2.0


@register("kim_panda2021")
def law(fan_in: int, fan_out: int) -> Law:
    """Law of one weight."""
    return Law.uniform(bound=GAIN * math.sqrt(6 / (fan_in + fan_out)))
