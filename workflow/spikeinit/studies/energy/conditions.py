"""The conditions that Pärna (2025) states, in Sec. 3 and Appendix 2, and how a configuration departs from them."""

from __future__ import annotations

from collections.abc import Iterator

from spikeinit.study import Published, Section

PUBLISHED_RUNS = 10


def _departures(section: Section) -> Iterator[str]:
    if len(section["seeds"]) < PUBLISHED_RUNS:
        yield f"{len(section['seeds'])} runs per combination instead of {PUBLISHED_RUNS}"


PUBLISHED = Published(
    settings={
        "weight_means": [-0.01, 0.0, 0.01],
        "weight_sd": 0.1,
        "beta_ranges": {"low": [0.0, 0.34], "medium": [0.34, 0.67], "high": [0.67, 1.0]},
        "train_images": None,
        "test_images": None,
        "network": {"name": "energy", "width": 1.0},
        "encoding": {"name": "rate", "timesteps": 20},
        "training": {
            "epochs": 50,
            "batch_size": 1024,
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "schedule": {"name": "step", "every": 10, "factor": 0.1},
            "loss": {"name": "cross_entropy_per_step"},
        },
        "neuron": {
            "threshold": 1.0,
            "reset": "subtract",
            "surrogate": "arctan",
            "slope": 1.0,
            "learn": ["decay", "threshold"],
        },
    },
    counterparts={"mnist": ("mnist", "mnist5k"), "fashion_mnist": ("fashion_mnist",)},
    files=("paerna2025_claims.csv", "paerna2025_tests.csv", "paerna2025_spikes.csv"),
    departures=_departures,
)
