"""The audit of Pärna (2025): what the thesis's printed numbers and sentences say about one another."""
