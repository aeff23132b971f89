"""Run folders of the energy study with numbers made up here: what the tests of tables, figures and scorecard read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spikeinit.io import write_csv

CONVENTION = "energy_horowitz2014_45nm"


@dataclass(frozen=True)
class Seed:
    """One seed's measures: spikes per neuron and image of each layer, accuracy in percent, outcome and its epoch."""

    spikes: tuple[float, ...]
    accuracy: float
    outcome: str = "trained"
    epoch: int | None = None


@dataclass(frozen=True)
class Combination:
    """One run folder. `neurons` per layer; `seeds` by number."""

    dataset: str
    initializer: str
    weight_mean: float | None
    beta_range: str
    seeds: dict[int, Seed]
    neurons: tuple[int, ...] = (10, 4)
    timesteps: int = 10
    open_choice: str | None = None

    @property
    def run(self) -> str:
        """The folder's name."""
        mean = "" if self.weight_mean is None else f"_mean{self.weight_mean:g}"
        choice = "" if self.open_choice is None else f"_{self.open_choice.replace(' ', '-')}"
        return f"{self.dataset}_{self.initializer}{mean}_{self.beta_range}{choice}"


def write_study(folder: Path, combinations: list[Combination]) -> tuple[Path, Path]:
    """Write plan.csv and the runs; returns the plan's path and the folder of runs."""
    for combination in combinations:
        _write_run(folder / "runs" / combination.run, combination)
    rows = [
        {
            "run": one.run,
            "dataset": one.dataset,
            "initializer": one.initializer,
            "weight_mean": one.weight_mean,
            "beta_range": one.beta_range,
            "fan_in": "published" if one.initializer == "normal" else None,
            "open_choice": one.open_choice,
            "seeds": ";".join(map(str, one.seeds)),
        }
        for one in combinations
    ]
    write_csv(folder / "plan.csv", rows, list(rows[0]))
    return folder / "plan.csv", folder / "runs"


def _write_run(folder: Path, combination: Combination) -> None:
    steps = combination.timesteps

    def write(file: str, make: Callable[[int, Seed], list[dict[str, object]]]) -> None:
        rows = [{"seed": seed, **row} for seed, values in combination.seeds.items() for row in make(seed, values)]
        write_csv(folder / f"{file}.csv", rows, list(rows[0]))

    def per_layer(seed: Seed) -> list[tuple[int, int, float]]:
        return [
            (i, neurons, spikes)
            for i, (neurons, spikes) in enumerate(zip(combination.neurons, seed.spikes, strict=True), start=1)
        ]

    write("metrics", lambda _, s: [{"outcome": s.outcome, "outcome_epoch": s.epoch, "test_accuracy": s.accuracy}])
    write("accuracy", lambda _, s: [{"images": 100, "correct": 0, "accuracy": s.accuracy, "loss": 1.0}])
    write(
        "spikes",
        lambda _, s: [
            {
                "layer": layer,
                "neurons": neurons,
                "spikes_per_neuron": spikes,
                "spikes_per_neuron_and_step": spikes / steps,
                "silent_fraction": 1.0 if spikes == 0 else 0.25,
                "saturated_fraction": 0.05 * layer,
            }
            for layer, neurons, spikes in per_layer(s)
        ],
    )
    write(
        "energy",
        lambda _, s: [
            {
                "layer": layer,
                "synaptic_operations": 9.0 * neurons * spikes,
                "multiply_accumulates": 0.0,
                CONVENTION: 0.9e-12 * 9.0 * neurons * spikes,
            }
            for layer, neurons, spikes in [(0, 8, 1.0), *per_layer(s)]
        ],
    )
    write(
        "rates",
        lambda _, s: [
            {"layer": layer, "bin": spikes, "count": round(100 * neurons * _poisson(spikes, mean))}
            for layer, neurons, mean in per_layer(s)
            for spikes in range(steps + 1)
        ],
    )
    write(
        "curves",
        lambda _, s: [
            {
                "epoch": epoch,
                "learning_rate": 0.01,
                "train_accuracy": s.accuracy * epoch / 3,
                **{f"spikes_{layer}": spikes * (1 + 1 / epoch) for layer, _, spikes in per_layer(s)},
            }
            for epoch in (1, 2, 3)
        ],
    )


def _poisson(count: int, mean: float) -> float:
    if not math.isfinite(mean):
        return 0.0
    return math.exp(-mean) * mean**count / math.factorial(count)
