"""The training loop, what it keeps, and the job around it."""
