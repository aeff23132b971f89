"""The loops that take the time: neurons and convolutions, for processors and GPUs."""
