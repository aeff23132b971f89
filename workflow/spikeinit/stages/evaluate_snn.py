"""Evaluate every seed's trained network of one run on the test images."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from spikeinit import user_files
from spikeinit.datasets.load import load
from spikeinit.devices import choose_device
from spikeinit.errors import UserError, run_stage
from spikeinit.io import load_tensors, write_csv
from spikeinit.measures.evaluation import evaluate_seed
from spikeinit.networks.build import build
from spikeinit.randomness import stream
from spikeinit.specs import EvaluateSpec, from_dict

TABLES = ("accuracy", "spikes", "energy", "rates")
"""What an evaluation writes: CSV files of these names in a run's folder."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="canonical JSON of an EvaluateSpec")
    parser.add_argument("--weights", type=Path, required=True)
    add_options(parser)
    for output in TABLES:
        parser.add_argument(f"--{output}", type=Path, required=True)
    arguments = parser.parse_args()
    user_files.load_all(arguments.user_files)
    spec = from_dict(EvaluateSpec, arguments.spec)
    evaluate_run(spec, arguments.weights, {table: getattr(arguments, table) for table in TABLES}, arguments)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that a job of one evaluation and one of many share."""
    parser.add_argument("--data", type=Path, required=True, help="manifest.json of the prepared data set")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--kernel", default="auto")
    parser.add_argument("--user-files", nargs="*", default=[], help="the user's own Python files")


def evaluate_run(
    spec: EvaluateSpec, path: Path, tables: Mapping[str, Path], options: argparse.Namespace
) -> list[dict[str, object]]:
    """Evaluate the weights at `path` of every seed of one run; write `tables`, by the names in `TABLES`.

    Returns the rows of the table of accuracies.
    """
    device = choose_device(options.device)
    test = load(options.data.parent, "test", limit=spec.images.test_images, device=device)
    weights, _ = load_tensors(path)
    evaluations = []
    for seed in spec.seeds:
        network = build(
            spec.network,
            spec.neuron,
            input_shape=tuple(test.images.shape[1:]),
            classes=test.classes,
            generator=stream(seed, "neurons"),
            timesteps=spec.encoding.timesteps,
            kernel=options.kernel,
        )
        own = {name.removeprefix(f"{seed}/"): value for name, value in weights.items() if name.startswith(f"{seed}/")}
        try:
            network.load_state_dict(own)
        except RuntimeError as error:
            raise UserError(f"{path}: not the weights of this network, seed {seed} ({error})") from None
        evaluations.append(evaluate_seed(spec, seed, network.to(device), test, device))

    accuracy = [evaluation.accuracy for evaluation in evaluations]
    write_csv(tables["accuracy"], accuracy)
    for table in TABLES[1:]:
        write_csv(tables[table], [row for evaluation in evaluations for row in getattr(evaluation, table)])
    return accuracy


if __name__ == "__main__":
    run_stage(main)
