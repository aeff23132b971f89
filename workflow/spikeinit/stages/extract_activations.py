"""Gather the activations of a trained analogue network on training images."""

from __future__ import annotations

from pathlib import Path

from spikeinit import user_files
from spikeinit.conversion.ann import load_ann
from spikeinit.conversion.extraction import (
    collect_activations,
    histogram_rows,
    save_activations,
    sorted_rows,
    table_rows,
)
from spikeinit.datasets.load import load
from spikeinit.errors import run_stage
from spikeinit.io import digest, write_csv
from spikeinit.specs import from_dict
from spikeinit.specs.ann import ActivationsSpec
from spikeinit.stages.options import add_outputs, device_of, stage_parser

TABLE = ["layer", "name", "channels", "total", "positive", "maximum", "mean", "exact", "rank_error"]


def main() -> None:
    parser = stage_parser(__doc__, "of an ActivationsSpec", "data", "device", "user-files")
    parser.add_argument("--weights", type=Path, required=True)
    add_outputs(parser, "activations", "table", "histogram", "sorted")
    arguments = parser.parse_args()

    device = device_of(arguments)
    user_files.load_all(arguments.user_files)
    spec = from_dict(ActivationsSpec, arguments.spec)
    count = min(filter(None, (spec.images, spec.ann.images.train_images)))
    fit = load(arguments.data.parent, spec.ann.split, limit=count, device=device)
    network = load_ann(spec.ann, arguments.weights, input_shape=fit.shape, classes=fit.classes, device=device)
    layers = collect_activations(
        network,
        fit.images,
        spec.ann.encoding,
        batch_size=spec.batch_size,
        limit=spec.limit,
        channel_limit=spec.channel_limit,
    )
    save_activations(arguments.activations, layers, digest(arguments.spec))
    write_csv(arguments.table, table_rows(layers), TABLE)
    write_csv(arguments.histogram, histogram_rows(layers), ["layer", "low", "high", "count"])
    write_csv(arguments.sorted, sorted_rows(layers), ["layer", "rank", "value"])


if __name__ == "__main__":
    run_stage(main)
