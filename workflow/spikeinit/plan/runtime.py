"""How long a job may take, in minutes: what its rule asks a cluster for as `runtime`.

For instance ten seeds of the energy study's published network, 60,000 images for 50 epochs at T = 20, are about 10^17
multiply-accumulates. At `OPERATIONS_PER_SECOND["gpu"]` that is 29 hours of one GPU, and so the job asks for `MOST`: it
is stopped with a checkpoint before its time is over, and goes on from there in its next attempt.

    minutes = LEAST + SAFETY * attempt * (operations / speed + calls * call) / 60

The speeds are meant to be reached by any machine of today: one thread of a processor trained the laptop scale of the
energy study at 7 to 11 * 10^9 multiply-accumulates per second. No GPU was measured; 10^12 is a tenth of what those of
the last years promise. `SAFETY` stands for slower machines, for those that others use as well, and for what is not
counted: reading images, drawing spikes, the neurons themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from spikeinit.conversion import memory
from spikeinit.plan.dataset_facts import DatasetFacts
from spikeinit.plan.work import Work, total, work_of
from spikeinit.specs.ann import ActivationsSpec, ThresholdsSpec

LEAST = 15
"""Minutes that every job asks for: a busy file system, importing the libraries, compiling the code of neurons."""

MOST = 24 * 60
"""Minutes that no job asks for more than: the longest that many clusters allow."""

SAFETY = 3
"""How many times what is estimated is asked for, at the first attempt."""

OPERATIONS_PER_SECOND = {"cpu": 5e9, "gpu": 1e12}
"""Multiply-accumulates per second, of one thread of a processor and of a whole GPU."""

CALL_SECONDS = 20e-6
"""Seconds that a layer takes for one batch and one step at least."""

SEARCH_SECONDS = 5e-7
"""Seconds for one activation, one rule and one number of steps, when thresholds are looked for."""

PREPARING_SECONDS = 0.02
"""Seconds for one image, or one recording of events, that is read, checked and stored."""


def minutes(specs: Iterable[object], facts: DatasetFacts | None, *, device: str, threads: int, attempt: int) -> int:
    """Minutes for a job that computes all `specs` on images of which `facts` tells; None for a job without images.

    device: "cuda" for a job that has a GPU; anything else counts as a processor. attempt: 1, 2, and so on; a later one
    asks for more.
    """
    return _asked(_seconds(total(work_of(spec, facts) for spec in specs), device, threads), attempt)


def search_minutes(
    activations: ActivationsSpec, thresholds: ThresholdsSpec, facts: DatasetFacts, *, attempt: int
) -> int:
    """Minutes for the search of thresholds among the activations that were gathered, those of single channels too."""
    sizes = memory.sizes_of(activations.ann, facts.shape, facts.classes)
    values = 0
    for channels, neurons in (layer for size in sizes for layer in size.layers):
        found = activations.images * neurons
        values += min(activations.limit, found) + channels * min(activations.channel_limit, found // channels)
    return _asked(SEARCH_SECONDS * values * len(thresholds.kinds) * len(thresholds.timesteps), attempt)


def preparing_minutes(facts: DatasetFacts, *, attempt: int) -> int:
    """Minutes for preparing a data set."""
    return _asked(PREPARING_SECONDS * (facts.train + facts.test), attempt)


def _seconds(work: Work, device: str, threads: int) -> float:
    on_gpu = device == "cuda"
    speed = OPERATIONS_PER_SECOND["gpu"] if on_gpu else threads * OPERATIONS_PER_SECOND["cpu"]
    return work.operations / speed + work.calls * CALL_SECONDS


def _asked(seconds: float, attempt: int) -> int:
    return min(MOST, LEAST + math.ceil(SAFETY * attempt * seconds / 60))
