"""Names a configuration may use for neurons. Imports nothing, so that planning stays instant."""

from __future__ import annotations

OVERFLOWING_SIGMOID = "overflowing_sigmoid"
SURROGATES = ("arctan", "arctan_over_pi", "sigmoid", OVERFLOWING_SIGMOID, "tanh", "hardtanh", "rectangular")
RESETS = ("subtract", "zero")
SPIKE_DELAYS = (0, 1)
KAIMING_UNIFORM = "kaiming_uniform"
"""Initial potentials at random, of every neuron for every image of a batch."""
KERNELS = ("auto", "reference", "cpu", "gpu")
