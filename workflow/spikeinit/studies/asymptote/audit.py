"""The printed numbers of Ding et al. (2022) against one another, and against the laws of two initialisers.

Each function looks at printed numbers alone, and returns what in them is against one claim, or "". A claim is marked as
contradicted with that text, whatever our runs show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spikeinit.initializers import lee2016, wu2018
from spikeinit.networks.build import assemble
from spikeinit.networks.five_layer import five_layer
from spikeinit.networks.vgg9 import vgg9, vgg9_dvs
from spikeinit.networks.vgg11 import vgg11
from spikeinit.studies.asymptote.printed import neuron_text
from spikeinit.tables import read_table

Printed = Mapping[str, pd.DataFrame]
"""The paper's files of printed numbers, by their names without ding2022_."""

TAU_5 = (0.8, 0.2)
"""(k, lambda) of the neurons of Figure 6 that Tables A6 and A7 have too."""

NETWORKS = (
    (five_layer, (1, 28, 28), 10),
    (vgg9, (3, 32, 32), 10),
    (vgg9_dvs, (2, 128, 128), 10),
    (vgg11, (3, 32, 32), 100),
)
"""The paper's networks, shape of their images (C, H, W), and classes (Tables A4 and A8)."""

SHOWN = 4
"""How many contradictions of a kind are written out; the others are counted."""


def contradicted(files: Mapping[str, Path], margin: float) -> dict[str, str]:
    """Claim id -> what in the printed numbers is against it. margin: percentage points that count as the same."""
    prefix = "ding2022_"
    printed = {name.removeprefix(prefix): read_table(path) for name, path in files.items() if name.startswith(prefix)}
    audits: dict[str, Callable[[Printed], str]] = {
        "figure6:printed-twice": printed_twice,
        "audit:wu-lee": partial(wu_and_lee_apart, margin=margin),
    }
    found = {claim: audit(printed) for claim, audit in audits.items()}
    return {claim: f"by the paper's own numbers: {text}" for claim, text in found.items() if text}


def printed_twice(printed: Printed) -> str:
    """Figure 6 and Tables A6 and A7 print the same trainings at (0.8, 0.2, 1.0): where do the accuracies differ?

    A "-" of the tables and an accuracy of guessing in the figure are the same outcome.
    """
    figure = printed["figure6"]
    texts = []
    for method, table in (("optimizer", "A6"), ("surrogate", "A7")):
        cells = printed[f"table{table}_{method}s"].rename(columns={method: "name"})
        own = figure[figure["method"] == method]
        both = own.merge(cells, on=["k", "lambda", "theta", "name", "initializer"], suffixes=("_figure", "_table"))
        differs = both["outcome_figure"] != both["outcome_table"]
        trained = (both["outcome_figure"] == "trained") & (both["outcome_table"] == "trained")
        differs |= trained & ~np.isclose(both["accuracy_figure"], both["accuracy_table"])
        for name, group in both[differs].groupby("name", sort=False):
            pairs = [
                f"{row.initializer.capitalize()} {row.accuracy_figure:.3f} against {row.accuracy_table:.3f}"
                for row in group.itertuples()
            ]
            place = neuron_text((*TAU_5, 1.0))
            texts.append(f"{name} at {place}, Figure 6 against Table {table}: {', '.join(pairs)}")
    return "; ".join(texts)


def _cells(printed: Printed) -> Iterator[tuple[str, pd.Series, pd.Series]]:
    """(place, accuracy in percent, outcome) of every printed cell, both by initialiser."""
    for name, table in printed.items():
        if not {"initializer", "outcome"} <= set(table.columns):
            continue
        percent = table["accuracy_percent"] if "accuracy_percent" in table else 100 * table["accuracy"]
        table = table.assign(percent=percent)
        if name == "figure6":  # the rest stands in Tables A6 and A7
            table = table[table["k"] != TAU_5[0]]
        known = ("k", "lambda", "theta", "dataset", "coding", "technique", "optimizer", "surrogate", "name")
        keys = [column for column in known if column in table]
        for _, cell in table.groupby(keys, sort=False):
            first = cell.iloc[0]
            neuron = [first[column] for column in ("k", "lambda", "theta") if column in keys]
            words = [str(first[column]) for column in keys if column not in ("k", "lambda", "theta")]
            place = " ".join([*words, *([f"at {neuron_text(neuron)}"] if neuron else [])])
            cell = cell.set_index("initializer")
            yield place, cell["percent"], cell["outcome"]


def wu_and_lee_apart(printed: Printed, *, margin: float) -> str:
    """In which cells Wu's and Lee's initialisations differ by more than the margin, or only one of them trains.

    Both have the variance 1/n. Where the paper prints them further apart than two trainings are, both cannot come back.
    """
    cells, alone, apart = 0, [], []
    for place, percent, outcome in _cells(printed):
        cells += 1
        trained = [outcome[name] == "trained" for name in ("wu", "lee")]
        shown = [f"{percent[name]:.4g}" if ran else "-" for name, ran in zip(("wu", "lee"), trained, strict=True)]
        gap = abs(percent["wu"] - percent["lee"])
        if any(trained) and not all(trained):
            alone.append(f"{place} {shown[0]} against {shown[1]}")
        elif all(trained) and gap > margin:
            apart.append((gap, f"{place} {shown[0]} against {shown[1]}"))
    far = [text for _, text in sorted(apart, key=lambda one: -one[0])]
    texts = [
        f"{said} in {len(found)} of {cells} places ({', '.join(found[:SHOWN])}{', ...' * (len(found) > SHOWN)})"
        for said, found in (("only one of the two trains", alone), (f"both are more than {margin:g} apart", far))
        if found
    ]
    return "; ".join(texts)


def deviation_ratios() -> dict[str, list[float]]:
    """Network -> standard deviation of a weight by Wu's law divided by that of Lee's, for each weighted layer."""
    ratios = {}
    for network, shape, classes in NETWORKS:
        with torch.device("meta"):
            module = assemble(network(classes), shape, lambda shape: torch.nn.Identity())
        fan_ins = [layer.weight[0].numel() for layer in module.weighted_layers()]
        ratios[network.__name__] = [
            wu2018.law(fan_in).standard_deviation / lee2016.law(fan_in).standard_deviation for fan_in in fan_ins
        ]
    return ratios
