"""How Ding et al. (2022) print what figures and claims of the study show: initialisers, neurons, networks, codings."""

from __future__ import annotations

from typing import Any

import pandas as pd

PRINTED_NAMES = {"glorot": "glorot", "he": "he", "wu2018": "wu", "lee2016": "lee", "ding2022": "ding"}
"""Our initialisers -> their names in the published tables."""

OURS = {printed: ours for ours, printed in PRINTED_NAMES.items()}

DING = "ding2022"
OTHERS = ("glorot", "he", "wu2018", "lee2016")
"""The initialisers that the paper compares with its own."""

ENCODINGS = {"constant": "constant", "poisson": "rate", "retina": "retina", "event": "slices"}
"""Coding as printed -> our encoding."""

NETWORKS = {"mnist": "five_layer", "nmnist": "five_layer", "cifar10": "vgg9", "cifar10_dvs": "vgg9_dvs"}
"""Data set of Table 2 -> its network, by Table A4."""

TECHNIQUE_NAMES = {"none": "neither", "dropout": "dropout", "bn": "BN", "bntt": "BN through time"}
"""Technique -> its name in figures."""

RECORDINGS = ("nmnist", "cifar10_dvs")


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that are about the paper's five initialisers, which its claims name."""
    return frame[frame["initializer"].isin((DING, *OTHERS))]


def place_in_figure_4(dataset: str) -> dict[str, str]:
    """Network and encoding of Figure 4 and Sec. 5.2 for a published data set: images are coded as Poisson spikes."""
    coding = "event" if dataset in RECORDINGS else "poisson"
    return {"network": NETWORKS[dataset], "encoding": ENCODINGS[coding]}


def neuron_text(place: Any) -> str:
    """(k, lambda, theta) as the paper writes it."""
    return "(" + ", ".join(f"{value:g}" for value in place) + ")"


def neurons(frame: pd.DataFrame) -> list[tuple[float, float, float]]:
    """The neurons of a table, in order of appearance."""
    return [tuple(row) for row in frame[["k", "lambda", "theta"]].drop_duplicates().to_numpy()]
