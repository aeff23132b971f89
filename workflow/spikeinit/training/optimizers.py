"""Optimisers and learning-rate schedules by name."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any

import torch

from spikeinit.specs import TrainingSpec

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
    "asgd": torch.optim.ASGD,
    "adagrad": torch.optim.Adagrad,
}
ONE_CALL = {True: "fused", False: "foreach"}
"""All parameters are stepped in one call: in one pass over each (`fused`), where PyTorch has that for an optimiser."""


def make_optimizer(parameters: Iterable[torch.nn.Parameter], spec: dict[str, Any]) -> torch.optim.Optimizer:
    """The optimiser of a training spec; its learning rate is set anew at each epoch from the schedule.

    Every key but `name` and `learning_rate` is PyTorch's own (betas, momentum, weight_decay, lambd, alpha, ...).
    ValueError for an unknown name.
    """
    if spec["name"] not in OPTIMIZERS:
        raise ValueError(f"optimizer {spec['name']!r}: give one of {', '.join(OPTIMIZERS)}")
    options = {key: value for key, value in spec.items() if key not in ("name", "learning_rate")}
    optimizer = OPTIMIZERS[spec["name"]]
    one_call = ONE_CALL["fused" in inspect.signature(optimizer).parameters]
    return optimizer(parameters, lr=spec["learning_rate"], **{one_call: True}, **options)


def advance(optimizer: torch.optim.Optimizer) -> None:
    """One step of the optimiser, exactly `optimizer.step()`.

    The wrapper around every `step` imports PyTorch's compiler, several seconds for each training job, to tell it
    where not to look; nothing is compiled here, so the wrapped function is called as the wrapper would call it.
    """
    with torch.no_grad():
        inspect.unwrap(type(optimizer).step)(optimizer)


def set_rate(optimizer: torch.optim.Optimizer, settings: TrainingSpec, epoch: int, batch: int) -> float:
    """Give the optimiser the learning rate of an epoch and of its batch, counted through all epochs; return it."""
    rate = learning_rate(settings.optimizer["learning_rate"], settings.schedule, epoch, settings.epochs, batch)
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate


def _spare_the_compiler() -> None:
    """The same for the methods that PyTorch shields from its compiler on their first call.

    They look for the shielded function on the function itself; where nothing is compiled that is the function.
    """
    for method in vars(torch.optim.Optimizer).values():
        function = getattr(method, "__wrapped__", None)
        if function is not None and not hasattr(function, "__dynamo_disable"):
            setattr(function, "__dynamo_disable", function)


_spare_the_compiler()


def learning_rate(base: float, schedule: dict[str, Any], epoch: int, epochs: int, batch: int = 0) -> float:
    """Learning rate of epoch 0 .. epochs-1 and of its batch, counted from 0 through all epochs.

    constant; step: x `factor` after every `every` epochs; multistep: x `factor` after each of `milestones` (epochs
    done); cosine: from `base` down to zero after the last epoch (Loshchilov & Hutter 2017, Eq. 5 without restarts);
    cosine_by_batch: from `base` down to zero within `every` batches, up again within as many, and so on, as PyTorch's
    `CosineAnnealingLR` with T_max = `every` does where its step is taken after every batch.
    """
    if schedule["name"] == "cosine_by_batch":
        return base * (1 + math.cos(math.pi * batch / schedule["every"])) / 2
    if schedule["name"] == "step":
        return base * schedule["factor"] ** (epoch // schedule["every"])
    if schedule["name"] == "multistep":
        return base * schedule["factor"] ** sum(epoch >= milestone for milestone in schedule["milestones"])
    if schedule["name"] == "cosine":
        return base * (1 + math.cos(math.pi * epoch / epochs)) / 2
    return base
