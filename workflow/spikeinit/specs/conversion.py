"""Specs of the stages that turn an analogue network into a spiking one: conversion and calibration."""

from __future__ import annotations

from dataclasses import dataclass, field

from spikeinit.io import digest
from spikeinit.specs import EncodingSpec, TrainingSpec, to_dict
from spikeinit.specs.ann import AnnSpec

HALF_LEVEL = "half_level"
"""The width V/(2T) of the surrogate gradient: half the distance V/T of the levels that a mean over T steps can take."""

CALIBRATED = "_calibrated"
"""What is behind the name of a conversion's run in the name of its calibration."""


@dataclass(frozen=True, kw_only=True)
class ConvertSpec:
    """One conversion of one analogue network, looked at after each of `timesteps`."""

    ann: AnnSpec
    method: str
    timesteps: tuple[int, ...]
    batch_size: int
    conventions: tuple[str, ...]
    source: str = ""

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of the analogue network: conversion draws nothing, and calibration goes on with the same."""
        return (self.ann.seed,)


@dataclass(frozen=True, kw_only=True)
class CalibrateSpec(ConvertSpec):
    """Training of a converted network at each of `timesteps` in turn, from the weights of the one before.

    epochs: one for each of `timesteps`. surrogate_width: a of 1[|v - V| < a], in units of the threshold V, or
    `HALF_LEVEL`. augment: whether images are changed at random as for the analogue network.
    """

    epochs: tuple[int, ...]
    training: TrainingSpec
    surrogate_width: float | str
    augment: bool = False

    def width(self, timesteps: int) -> float:
        """Half width of the surrogate gradient at `timesteps`, in units of the threshold."""
        return 1 / (2 * timesteps) if self.surrogate_width == HALF_LEVEL else float(self.surrogate_width)


@dataclass(frozen=True)
class CalibrationStep:
    """What the training loop needs to know of one number of steps of a calibration."""

    calibration: CalibrateSpec
    encoding: EncodingSpec
    training: TrainingSpec
    before: tuple[int, ...] = field(default=())
    """The numbers of steps that came before, which decide the weights it starts from."""

    def seed_digest(self) -> str:
        """What a checkpoint is bound to: steps planned for later do not change it."""
        values = to_dict(self)
        done = len(self.before)
        for key in ("timesteps", "epochs"):
            values["calibration"][key] = values["calibration"][key][: done + 1]
        return digest(values)
