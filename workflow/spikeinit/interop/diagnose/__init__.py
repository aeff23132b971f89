"""The doctor: what ails a spiking network that any code has built, in words, with numbers and a remedy."""

from spikeinit.interop.diagnose.criteria import Finding
from spikeinit.interop.diagnose.diagnosis import Diagnosis, diagnose

__all__ = ["Diagnosis", "Finding", "diagnose"]
