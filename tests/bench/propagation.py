"""Time the simulation of deep untrained networks: `python tests/bench/propagation.py [--repeats 20] [--runs 5]`.

100 layers of 1000 neurons, eight initialisers: figures 2 and 3 of Micheli et al. (2024) with one step, figure 6 with
twenty. "drawn" multiplies real weight matrices, "shortcut" draws currents from their exact distribution. Prints the
median seconds over `--runs` runs, after one on a small network that is not counted, for all initialisers together and
for the slowest of them, then gradients through one network.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow"))
from spikeinit.simulation.gradients import gradient_norms
from spikeinit.simulation.networks import DeepNetwork, simulate
from spikeinit.studies.propagation.conditions import PUBLISHED_INITIALIZERS


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def row(title: str, runs: list[dict[str, float]], target: str) -> None:
    total = statistics.median(sum(run.values()) for run in runs)
    each = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    slowest = max(each, key=lambda name: each[name])
    print(f"{title:<36}{total:8.2f} s   slowest {slowest} {each[slowest]:.2f} s   target {target}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    rows = [(1, "drawn", "<= 20 s"), (1, "shortcut", "<= 1 s"), (20, "drawn", "-"), (20, "shortcut", "-")]
    for timesteps, weights, target in rows:
        for name in PUBLISHED_INITIALIZERS:
            simulate(name, DeepNetwork(3, 50, timesteps), repeats=2, seed=0, weights=weights)
        network = DeepNetwork(timesteps=timesteps)
        runs = [
            {
                name: seconds(lambda: simulate(name, network, repeats=arguments.repeats, seed=0, weights=weights))  # noqa: B023
                for name in PUBLISHED_INITIALIZERS
            }
            for _ in range(arguments.runs)
        ]
        row(f"T={timesteps}, {arguments.repeats} repeats, {weights}", runs, target)
    runs = [
        {"micheli2024": seconds(lambda: gradient_norms("micheli2024", DeepNetwork(), repeats=1, seed=0))}
        for _ in range(arguments.runs + 1)
    ]
    row("T=1, 1 repeat, gradients", runs[1:], "-")


if __name__ == "__main__":
    main()
