"""The ways from an analogue network to a spiking one, by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """A way from an analogue network to a spiking one.

    thresholds: a kind of `conversion.layer_thresholds`, or "trained" for what the activation function learned or was
    given.
    activations: the activation functions it is for. half: initial potential V/2 in place of the kind's own. shifted:
    bias shift of V/(2T) in place of an initial potential. takes_back: signed neurons with memory, which take a spike
    back where the potential falls to this far below zero, in thresholds. per_timesteps: whether another T needs
    another network.
    """

    thresholds: str
    activations: tuple[str, ...] = ("relu",)
    half: bool = False
    shifted: bool = False
    takes_back: float | None = None
    per_timesteps: bool = False


TAKEN_BACK_EARLY = 1e-3
"""How far below zero a potential shows that a neuron has fired too often, in thresholds: just more than rounding."""

OF_NEURONS = "max_neuron"
"""The kind of thresholds of which each neuron has its own."""

METHODS = {
    "max": Method("max"),
    "max_half": Method("max", half=True),
    "percentile": Method("percentile"),
    "percentile_half": Method("percentile", half=True),
    "mse_grid": Method("mse_grid", shifted=True, per_timesteps=True),
    "opt": Method("max", shifted=True, per_timesteps=True),
    "opt_clipped": Method("trained", ("clipped_relu",), shifted=True, per_timesteps=True),
    "qcfs": Method("trained", ("qcfs",)),
    "snm": Method("max", takes_back=1.0),
    "snm_neuron": Method(OF_NEURONS, takes_back=1.0),
    "optimal": Method("optimal", ("relu", "clipped_relu", "qcfs"), per_timesteps=True),
    "optimal_global": Method("optimal_global", per_timesteps=True),
    "optimal_channel": Method("optimal_channel", per_timesteps=True),
    "snm_optimal": Method("optimal", takes_back=1.0, per_timesteps=True),
    "optimal_signed": Method("optimal", takes_back=TAKEN_BACK_EARLY, per_timesteps=True),
}
"""Conversions by name: max (Diehl et al. 2015), percentile (Rueckauer et al. 2017), mse_grid (Li et al. 2021), opt
(Deng & Gu 2021, on a ReLU or on their clipped network), qcfs (Bu et al. 2022), snm (Wang et al. 2022), optimal
(Bojković et al. 2024, and with the global search, per channel, or on signed neurons). `max_half` and `percentile_half`
tell the effect of the initial potential from that of the threshold. `snm_neuron` has a threshold for each neuron, as
the authors of snm do (their neuron-wise normalisation), where snm has one for each layer. `optimal_signed` corrects
uneven spikes."""
