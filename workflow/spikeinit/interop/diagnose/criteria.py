"""When a layer is called ill: the numbers, each with its reason, and what a finding is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "note"]

FEW_LOOKS = 20
"""Steps times images below which silent and saturated neurons are not judged.

A healthy neuron at a threshold of one standard deviation fires with probability 0.16. It is silent at all of 20
independent looks with probability 0.03, and at all of 5 with probability 0.42.
"""
FEW_VALUES = 100
"""Neurons times looks below which a layer is not called dead: at a rate of 0.16 all are silent with 3e-8."""
SILENT_SHARE = 0.9
"""A layer is dead where at least this share of its neurons never fires.

What nine in ten neurons receive is then lost, and their weights get a gradient through the surrogate alone.
"""
DEAD_RATE = 0.01
"""Firing rate below which a layer whose neurons are mostly silent is dead however few looks there were.

A layer of micheli2024 fires at 0.16. From a variance of the potential below one half, which is a rate of 0.08, the
variance falls from layer to layer without end; at 0.01 the next layer is silent.
"""
SATURATED_SHARE = 0.5
"""A layer is saturated where at least this share of its neurons fires at every step for every image.

They say nothing about the image. Weights of mean zero that are merely too large give no more than one half.
"""
REACH_SHARE = 0.05
"""A layer is saturated too where fewer potentials than this lie within reach, and the layer fires.

Within reach is closer to the threshold than the threshold is to rest. Of normal potentials of variance one, 0.48 are
within reach of a threshold of one; 0.05 is a standard deviation of 16. The neurons then fire always or never, and
neither the threshold nor a surrogate gradient of usual width has a say.
"""
FIRING = 0.25
"""Firing rate from which potentials out of reach mean saturation. Below it they may be out of reach by inhibition."""
INPUT_SQUARE = (0.01, 100.0)
"""Mean squares of the data between which they are taken to have a usual scale.

The laws assume one. Pixels from 0 to 1 have about 0.1 (MNIST), standardised ones 1, pixels from 0 to 255 some 7,000,
and pixels divided by 255 twice 2e-6.
"""
SHORT_DECAY = 0.5
"""A decay below this forgets more than half of a potential in one step."""
USUAL_DECAY = 0.9
"""The decay that is tried in the place of a short one: a time constant of ten steps."""
REVIVED_SHARE = 0.5
"""A dead layer suffers from its time constant where another decay, or more steps, give it this share of the usual rate.

The usual rate is that of normal potentials of variance one at the threshold, 0.16 for a threshold of 1.
"""
GRADIENT_CHANGE = 1000.0
"""Factor between the gradients of two layers from which they vanish or explode.

With one learning rate, the one layer then makes a step while the other would need a thousand. Micheli's law and an
arctan surrogate lose a factor of 1.15 per layer, that is 14 over 20 layers and 1000 over 50.
"""
WEIGHTS_OFF = (0.5, 2.0)
"""Var[w] over that of the initialiser that keeps activity: outside, other weights are advised for the gradient too.

Between the two the variance of the potential is within a factor of two, where activity is called kept.
"""

REMEDY_OF_STATE = {
    "snntorch": "snntorch.utils.reset(network)",
    "spikingjelly": "spikingjelly.activation_based.functional.reset_net(network)",
    "sinabs": "sinabs.reset_states(network)",
}
"""Library -> the call that forgets the potentials of all neurons."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    code: dead_layer, saturated_layer, vanishing_gradient, exploding_gradient, input_scale, time_constant, no_neurons,
    not_finite, state_left, equation_differs or unused_layer. severity: "error" keeps the network from learning,
    "warning" deserves a look, "note" says something about the figures. layer: where it begins, None for the whole
    network. layers: all that it concerns, in the order of data. numbers: what the sentence states, by name.
    """

    code: str
    severity: Severity
    layer: str | None
    sentence: str
    remedy: str
    layers: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.severity}: {self.sentence}. Remedy: {self.remedy}."
