"""Choose thresholds and initial potentials of every layer from its activations, for every number of steps."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from spikeinit.conversion.extraction import load_activations
from spikeinit.conversion.layer_thresholds import COLUMNS, save_neuron_thresholds, threshold_rows
from spikeinit.errors import run_stage
from spikeinit.io import write_csv
from spikeinit.specs import from_dict
from spikeinit.specs.ann import ThresholdsSpec


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="canonical JSON of a ThresholdsSpec")
    parser.add_argument("--activations", type=Path, required=True)
    parser.add_argument("--thresholds", type=Path, required=True, help="CSV to write")
    parser.add_argument("--neurons", type=Path, required=True, help="file of single neurons' thresholds to write")
    arguments = parser.parse_args()

    spec = from_dict(ThresholdsSpec, arguments.spec)
    layers = load_activations(arguments.activations)
    rows = [row for steps in spec.timesteps for row in threshold_rows(layers, spec.kinds, steps, spec.norm)]
    for name in dict.fromkeys(row["name"] for row in rows if row["dead"] and row["channel"] is None):
        print(f"{name}: no positive activation, so this layer is silent; its threshold is set to 1", flush=True)
    save_neuron_thresholds(arguments.neurons, layers)
    write_csv(arguments.thresholds, rows, COLUMNS)


if __name__ == "__main__":
    run_stage(main)
