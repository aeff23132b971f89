"""What is known of a training, epoch by epoch: curves, the way to target accuracies, and the outcome."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch

from spikeinit.networks.build import FeedForward
from spikeinit.specs import TrainingSpec


@dataclass
class Result:
    """A trained seed: its curves (one row per epoch), its outcome, and the network.

    trace: rows of iterations.csv. reached: target accuracy in percent -> iteration (from 1) whose batch first had it.
    """

    seed: int
    network: FeedForward
    monitored: str = "test"
    curves: list[dict[str, Any]] = field(default_factory=list)
    outcome: str = "trained"
    outcome_epoch: int | None = None
    resumed_from: int | None = None
    trace: list[dict[str, Any]] = field(default_factory=list)
    reached: dict[str, int | None] = field(default_factory=dict)

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

    def follow(self, settings: TrainingSpec, batches: torch.Tensor, images: int, neurons: list[int]) -> None:
        """Note when a batch first reached a target accuracy, and the epoch's rows of the trace.

        A row averages the iterations since the last one; the very first batch, which the untrained network sees, has a
        row of its own. batches: sums over the images of each batch, [iterations, (loss, correct answers, spikes of each
        layer)].
        """
        epoch, size = self.curves[-1]["epoch"], settings.batch_size
        before = (epoch - 1) * len(batches)
        counts = torch.full((len(batches),), size, dtype=torch.float64)
        counts[-1] = images - size * (len(batches) - 1)
        accuracy = 100 * batches[:, 1] / counts
        for target, iteration in self.reached.items():
            found = (accuracy >= float(target)).nonzero()
            if iteration is None and len(found):
                self.reached[target] = before + int(found[0]) + 1
        if settings.trace_every is None:
            return
        every = settings.trace_every
        ends = [
            i for i in range(1, len(batches) + 1) if before + i == 1 or (before + i) % every == 0 or i == len(batches)
        ]
        for start, end in zip([0, *ends], ends, strict=False):
            loss, correct, *spikes = (batches[start:end].sum(0) / counts[start:end].sum()).tolist()
            row = {"seed": self.seed, "iteration": before + end, "epoch": epoch}
            row |= {"train_loss": finite(loss), "train_accuracy": 100 * correct}
            rates = zip(spikes, neurons, strict=True)
            self.trace.append(row | {f"spikes_{layer}": s / n for layer, (s, n) in enumerate(rates, start=1)})

    def judge(self, loss: float, spikes: list[float]) -> None:
        """Set the outcome after an epoch.

        diverged: the loss or a parameter is no longer finite (training stops). dead: a layer gave no spike in the whole
        epoch, so nothing passes it; from that epoch on, unless the network recovers.
        """
        epoch = self.curves[-1]["epoch"]
        parameters = self.network.parameters()
        if not math.isfinite(loss) or not all(bool(parameter.isfinite().all()) for parameter in parameters):
            self.outcome, self.outcome_epoch = "diverged", epoch
        elif min(spikes) > 0:
            self.outcome, self.outcome_epoch = "trained", None
        elif self.outcome != "dead":
            self.outcome, self.outcome_epoch = "dead", epoch


def finite(value: float) -> float | None:
    """A number, or None for one that is infinite or none at all."""
    return value if math.isfinite(value) else None
