"""Two-way analysis of variance over the runs of a study: main effects and interaction, type II.

Type II tests each main effect after the other and the interaction after both, which for unequal group sizes (a diverged
run is missing) does not depend on the order of the factors. Family of the Holm correction: all terms and layers of one
data set; the accuracy's terms form their own, as in `hypotheses`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from spikeinit.errors import UserError
from spikeinit.statistics.hypotheses import (
    Options,
    check_table,
    correct_within_families,
    family_name,
    measures_of,
    rows_where,
)
from spikeinit.statistics.two_samples import is_constant

COLUMNS = (
    "dataset",
    "measure",
    "term",
    "family",
    "sum_sq",
    "df",
    "F",
    "p",
    "p_holm",
    "eta_squared",
    "partial_eta_squared",
    "note",
)


def analyse_variance(
    table: pd.DataFrame, factors: Sequence[str], where: Mapping[str, Any], options: Options
) -> pd.DataFrame:
    """Analysis of variance of each layer's spikes and of the accuracy by two factors, per data set.

    One row per term ("a", "b", "a:b", "residual") with `COLUMNS`; eta squared is the term's share of all the sums of
    squares, partial eta squared its share of itself plus the residual. A design that does not determine the terms (a
    factor with one level, an empty cell, one run per cell, no variance within the cells) has NaN and a note.
    """
    check_table(table)
    unknown = [factor for factor in factors if factor not in table]
    if len(factors) != 2 or unknown:
        raise UserError(f"analysis of variance: {list(factors)} must be two columns of the table of runs")
    rows: list[dict[str, Any]] = []
    for dataset, of_dataset in table.groupby("dataset", sort=False):
        for measure, of_measure in measures_of(rows_where(of_dataset, where), ("spikes", "accuracy")):
            rows += _analyse(str(dataset), measure, of_measure, tuple(factors), options)
    return correct_within_families(pd.DataFrame(rows, columns=list(COLUMNS)), {"p_holm": "holm"})


def _analyse(
    dataset: str, measure: str, table: pd.DataFrame, factors: tuple[str, str], options: Options
) -> list[dict[str, Any]]:
    # Neutral column names: a formula would read a factor's or level's own name as code.
    runs = pd.DataFrame({"value": table["value"].astype(float), "a": table[factors[0]], "b": table[factors[1]]})
    counted = runs[table["outcome"].isin(options.outcomes)].dropna()
    note = "" if len(counted) == len(runs) else f"{len(runs) - len(counted)} of {len(runs)} runs left out"
    obstacle = _obstacle(counted)
    terms = {"a": factors[0], "b": factors[1], "a:b": ":".join(factors), "Residual": "residual"}
    shared = {"dataset": dataset, "measure": measure, "family": family_name(dataset, measure)}
    if obstacle:
        empty = dict.fromkeys(("sum_sq", "df", "F", "p", "eta_squared", "partial_eta_squared"), math.nan)
        text = "; ".join(part for part in (note, obstacle) if part)
        return [shared | empty | {"term": name, "note": text} for name in terms.values()]
    result = anova_lm(ols("value ~ C(a) * C(b)", counted).fit(), typ=2)
    result.index = [label.replace("C(", "").replace(")", "") for label in result.index]
    residual, total = float(result.loc["Residual", "sum_sq"]), float(result["sum_sq"].sum())
    rows = []
    for label, name in terms.items():
        line = result.loc[label]
        effect = label != "Residual"
        squares = float(line["sum_sq"])
        rows.append(
            shared
            | {
                "term": name,
                "sum_sq": squares,
                "df": float(line["df"]),
                "F": float(line["F"]),
                "p": float(line["PR(>F)"]),
                "eta_squared": squares / total if effect else math.nan,
                "partial_eta_squared": squares / (squares + residual) if effect else math.nan,
                "note": note,
            }
        )
    return rows


def _obstacle(runs: pd.DataFrame) -> str:
    """Why the runs do not determine the analysis, or ""."""
    sizes = runs.groupby(["a", "b"], observed=True).size()
    levels = runs["a"].nunique(), runs["b"].nunique()
    if min(levels) < 2:
        return "a factor has fewer than two levels with runs"
    if len(sizes) < levels[0] * levels[1]:
        return "a combination of the factors has no run"
    if len(runs) == len(sizes):
        return "one run per combination: no variance within"
    within = runs.groupby(["a", "b"], observed=True)["value"]
    if all(is_constant(values.to_numpy()) for _, values in within):
        return "no variance within the combinations"
    return ""
