"""The fully connected network of Micheli et al. (2024, Sec. V).

"10 layers, each comprising n = 600 LIF neurons"; "the MLP converts inputs to binary spikes through the first LIF
layer", and "the final layer of the network outputs binary spikes". Read as the derivation has it (Sec. III-B: the input
is the potential of the initial layer): neurons on the pixels without weights, `depth` layers of 600, and the classes'
neurons.
"""

from spikeinit.networks import register
from spikeinit.networks.layers import Dense, Encoder, Network, scaled

NEURONS = 600
DEPTH = 10
OUTER_LAYERS = 2
"""The encoding neurons and the output, which the authors' code counts among the ten layers."""


@register("deep_mlp")
def deep_mlp(classes: int, width: float = 1.0, depth: int = DEPTH) -> Network:
    """The published network for `width` 1; hidden layers of 600 neurons scaled by `width`."""
    hidden = [Dense(scaled(NEURONS, width)) for _ in range(depth)]
    return Network("deep_mlp", (Encoder(), *hidden, Dense(classes)))
