"""One neuron equation behind three kernels: plain PyTorch, compiled for the processor, compiled for the GPU."""
