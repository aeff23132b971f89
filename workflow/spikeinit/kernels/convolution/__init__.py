"""Convolutions of spikes, each by the routine that does the least work."""
