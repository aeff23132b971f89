"""Names a configuration may use for neurons. Imports nothing, so that planning stays instant."""

from __future__ import annotations

OVERFLOWING_SIGMOID = "overflowing_sigmoid"
SURROGATES = ("arctan", "arctan_over_pi", "sigmoid", OVERFLOWING_SIGMOID, "tanh", "hardtanh", "rectangular")
BEFORE_LEAK = "subtract_before_leak"
"""The soft reset of a potential that then leaks: of the threshold that is taken away, too, the decay is left."""
COMPILED_RESETS = ("subtract", "zero")
"""Those that the compiled kernels know, and snnTorch."""
RESETS = (*COMPILED_RESETS, BEFORE_LEAK)
SPIKE_DELAYS = (0, 1)
KAIMING_UNIFORM = "kaiming_uniform"
"""Initial potentials at random, of every neuron for every image of a batch."""
RUNNING_MEAN = "running_mean"
"""One initial potential per layer, which follows the potentials that training batches end with."""
INITIAL_POTENTIALS = (KAIMING_UNIFORM, RUNNING_MEAN)
"""What an initial potential may be instead of a number."""
KERNELS = ("auto", "reference", "cpu", "gpu")
