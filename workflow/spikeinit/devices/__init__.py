"""Where a job computes: on the processor, or on one of the machine's GPUs, which jobs share out among themselves."""
