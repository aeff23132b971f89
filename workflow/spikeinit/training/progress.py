"""What is known of a training, epoch by epoch: curves, the way to target accuracies, and the outcome."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import torch

from spikeinit.measures.tally import Tally, layer_columns
from spikeinit.names.neurons import OVERFLOWING_SIGMOID
from spikeinit.networks.build import FeedForward
from spikeinit.neurons.layer import IntegrateAndFire
from spikeinit.specs import TrainingSpec

LOSS, CORRECT = "loss", "correct"
"""What a tally of training holds of whole batches: the summed loss, and how many answers were correct."""


@dataclass
class Result:
    """A trained seed: its curves (one row per epoch), its outcome, and the network.

    monitored: what the columns of the monitored images begin with. activity: the name of the layers' mean output.
    trace: rows of iterations.csv. reached: target accuracy in percent -> iteration (from 1) whose batch first had it.
    """

    seed: int
    network: FeedForward
    monitored: str = "test"
    activity: str = "spikes"
    curves: list[dict[str, Any]] = field(default_factory=list)
    outcome: str = "trained"
    outcome_epoch: int | None = None
    resumed_from: int | None = None
    trace: list[dict[str, Any]] = field(default_factory=list)
    reached: dict[str, int | None] = field(default_factory=dict)

    @property
    def lost(self) -> bool:
        """Whether training stops here: it has diverged, and no part of the network goes on learning.

        With the overflowing surrogate single neurons lose their weights. They are silent, and the others learn on.
        """
        if self.outcome != "diverged":
            return False
        neurons = [one for one in self.network.neurons() if isinstance(one, IntegrateAndFire)]
        overflowing = any(one.spec.surrogate == OVERFLOWING_SIGMOID for one in neurons)
        return not overflowing or self.curves[-1]["train_loss"] is None

    def metrics(self) -> dict[str, Any]:
        """The row of metrics.csv."""
        last = self.curves[-1]
        return {
            "seed": self.seed,
            "outcome": self.outcome,
            "outcome_epoch": self.outcome_epoch,
            "epochs": last["epoch"],
            **{key: last[key] for split in ("train", self.monitored) for key in (f"{split}_loss", f"{split}_accuracy")},
            **{f"iterations_to_{target}": iteration for target, iteration in self.reached.items()},
        }

    def add_epoch(
        self, tally: Tally, images: int, rate: float, monitored: tuple[float, float] | None
    ) -> dict[str, Any]:
        """The row of curves.csv of the epoch that `tally` has seen with so many images, at the learning rate `rate`.

        monitored: loss and accuracy (percent) on the monitored images; None without any.
        """
        whole = tally.totals().whole
        loss, accuracy = monitored or (None, None)
        row = {
            "seed": self.seed,
            "epoch": len(self.curves) + 1,
            "learning_rate": rate,
            "train_loss": finite(whole[LOSS] / images),
            "train_accuracy": 100 * whole[CORRECT] / images,
            f"{self.monitored}_loss": None if loss is None else finite(loss),
            f"{self.monitored}_accuracy": accuracy,
            **layer_columns(tally.means(images)),
        }
        self.curves.append(row)
        return row

    def add_iterations(self, settings: TrainingSpec, tally: Tally, images: int) -> None:
        """Note when a batch of the last epoch first reached a target accuracy, and the epoch's rows of the trace.

        A row averages the iterations since the last one; the very first batch, which the untrained network sees, has a
        row of its own. tally: the sums of every batch of the epoch, on the CPU. images: in the whole epoch.
        """
        epoch, size, batches = self.curves[-1]["epoch"], settings.batch_size, len(tally.sums)
        before = (epoch - 1) * batches
        counts = torch.full((batches,), size, dtype=torch.float64)
        counts[-1] = images - size * (batches - 1)
        accuracy = 100 * tally.of_batches(CORRECT) / counts
        for target, iteration in self.reached.items():
            found = (accuracy >= float(target)).nonzero()
            if iteration is None and len(found):
                self.reached[target] = before + int(found[0]) + 1
        if settings.trace_every is None:
            return
        every = settings.trace_every
        ends = [i for i in range(1, batches + 1) if before + i == 1 or (before + i) % every == 0 or i == batches]
        for start, end in zip([0, *ends], ends, strict=False):
            totals, seen = tally.totals(slice(start, end)), counts[start:end].sum().item()
            layers = {
                name: [total / seen / divisor for total, divisor in zip(each, tally.divisors[name], strict=True)]
                for name, each in totals.layers.items()
            }
            self.trace.append(
                {
                    "seed": self.seed,
                    "iteration": before + end,
                    "epoch": epoch,
                    "train_loss": finite(totals.whole[LOSS] / seen),
                    "train_accuracy": 100 * (totals.whole[CORRECT] / seen),
                    **layer_columns(layers),
                }
            )

    def decide_outcome(self, tally: Tally) -> None:
        """Set the outcome after an epoch, which `tally` has seen.

        diverged: the loss or a parameter is no longer finite, from that epoch on (`lost` says whether training stops).
        dead: a layer gave no spike in the whole epoch, so nothing passes it; from that epoch on, unless the network
        recovers.
        """
        epoch, totals = self.curves[-1]["epoch"], tally.totals()
        parameters = self.network.parameters()
        if not math.isfinite(totals.whole[LOSS]) or not all(bool(one.isfinite().all()) for one in parameters):
            if self.outcome != "diverged":
                self.outcome, self.outcome_epoch = "diverged", epoch
        elif min(totals.layers[self.activity]) > 0:
            self.outcome, self.outcome_epoch = "trained", None
        elif self.outcome != "dead":
            self.outcome, self.outcome_epoch = "dead", epoch


KEPT = ("curves", "outcome", "outcome_epoch", "trace", "reached")
"""The fields of a result that a checkpoint holds."""


@dataclass
class Progress:
    """How far a training is, beside its network, optimiser and random streams.

    order: the images of this epoch, int64 [N]. epoch: epochs done. position: images of this epoch done.
    """

    result: Result
    order: torch.Tensor
    tally: Tally
    epoch: int = 0
    position: int = 0

    def begin_epoch(self, order: torch.Tensor) -> None:
        """The next epoch, with its images in `order`."""
        self.epoch, self.position, self.order = self.epoch + 1, 0, order
        self.tally.clear()

    def packed(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """All of it as tensors and JSON values, for a checkpoint."""
        values = {
            "epoch": self.epoch,
            "position": self.position,
            "tally": self.tally.state(),
            "result": {name: vars(self.result)[name] for name in KEPT},
        }
        return {"order": self.order, "tally": self.tally.sums}, values

    def unpacked(self, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> Progress:
        """The progress that was `packed` so, of this training; KeyError or ValueError if it is of another one."""
        kept = {name: values["result"][name] for name in KEPT}
        return Progress(
            dataclasses.replace(self.result, **kept, resumed_from=values["epoch"]),
            tensors["order"],
            self.tally.restored(tensors["tally"], values["tally"]),
            values["epoch"],
            values["position"],
        )


def finite(value: float) -> float | None:
    """A number, or None for one that is infinite or none at all."""
    return value if math.isfinite(value) else None
