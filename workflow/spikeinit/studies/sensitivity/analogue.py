"""The same network without time: analogue networks that are trained for the comparison of training times (Sec. 9).

One for each data set and seed: ReLU in place of the spiking neurons, none after the output, on pixels in place of
spikes, and otherwise trained as the baseline is. Recordings have no pixels, and no analogue network here.
"""

from __future__ import annotations

from spikeinit.config.configuration import Config
from spikeinit.datasets.catalogue import holds_recordings
from spikeinit.jobs.anns import SENSITIVITY_NETWORK, Ann, ann_request
from spikeinit.specs import ImageSelection

NAME = "sensitivity"

PIXELS = {"mean": 0.0, "std": 1.0}
"""Pixels as they are, from 0 to 1."""


def slug(seed: int) -> str:
    """The name of the analogue network of a seed."""
    return f"{SENSITIVITY_NETWORK}{seed}"


def anns(config: Config) -> list[Ann]:
    """The analogue network of every data set of images and every seed; none where `analogue` is false."""
    section = config.sections[NAME]
    if not section["analogue"]:
        return []
    return [
        ann_request(
            NAME,
            ImageSelection(dataset, section["train_images"], section["test_images"]),
            slug(seed),
            {**section["network"], "activation": {"name": "relu"}},
            {"training": section["training"], "learning_rates": {}, "augmentation": {}, "seed": seed, "validation": 0},
            PIXELS,
        )
        for dataset in section["datasets"]
        if not holds_recordings(dataset)
        for seed in section["seeds"]
    ]
