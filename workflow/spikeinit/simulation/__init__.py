"""Deep networks that nobody has trained: what travels forward, what travels back, and what theory says of it."""
