"""Names a configuration may use for neurons. Imports nothing, so that planning stays instant."""

from __future__ import annotations

SURROGATES = ("arctan", "arctan_over_pi", "sigmoid", "tanh", "hardtanh", "rectangular")
RESETS = ("subtract", "zero")
SPIKE_DELAYS = (0, 1)
KERNELS = ("auto", "reference", "cpu", "gpu")
