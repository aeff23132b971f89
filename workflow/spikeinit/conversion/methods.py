"""The ways from an analogue network to a spiking one, by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """A way from an analogue network to a spiking one.

    thresholds: a kind of `conversion.layer_thresholds`, or "trained" for what the activation function learned or was
    given.
    activations: the activation functions it is for. shifted: bias shift of V/(2T) in place of an initial potential.
    signed: signed neurons with memory. per_timesteps: whether another T needs another network.
    """

    thresholds: str
    activations: tuple[str, ...] = ("relu",)
    shifted: bool = False
    signed: bool = False
    per_timesteps: bool = False


METHODS = {
    "max": Method("max"),
    "percentile": Method("percentile"),
    "mse_grid": Method("mse_grid", per_timesteps=True),
    "opt": Method("max", shifted=True, per_timesteps=True),
    "opt_clipped": Method("trained", ("clipped_relu",), shifted=True, per_timesteps=True),
    "qcfs": Method("trained", ("qcfs",)),
    "snm": Method("max", signed=True),
    "optimal": Method("optimal", ("relu", "clipped_relu", "qcfs"), per_timesteps=True),
    "optimal_global": Method("optimal_global", per_timesteps=True),
    "optimal_channel": Method("optimal_channel", per_timesteps=True),
    "snm_optimal": Method("optimal", signed=True, per_timesteps=True),
}
"""Conversions by name: max (Diehl et al. 2015), percentile (Rueckauer et al. 2017), mse_grid (Li et al. 2021), opt
(Deng & Gu 2021, on a ReLU or on their clipped network), qcfs (Bu et al. 2022), snm (Wang et al. 2022), optimal
(Bojković et al. 2024, and with the global search, per channel, or on signed neurons)."""
