"""Two-sample tests over the runs of a study: one table in, one table out.

The input has one row per run, seed and layer with the columns of `RUN_COLUMNS`; the accuracy (percent) is repeated on
each layer's row. A comparison (`comparisons.Comparison`) sets the runs at one level of a factor against those at
another, pooled over every other factor as in the thesis, so n = seeds x levels of the other factors. Each comparison
and measure is tested by Student and by Welch, in every alternative.

Family of a multiplicity correction (column `family`): all comparisons and layers of one data set under one test and one
alternative. Data sets are separate experiments with separate conclusions; Student and Welch, or the alternatives, are
readings of the same question of which a reader picks one, not further questions, and counting them would only weaken
the correction. The accuracies form their own family: there the claim is that nothing differs, and pooling them with the
spikes would help that claim. Tests without a p (see `note`) belong to no family.

Columns beyond the obvious: `claimed` marks the alternative that the study claims; `tost_p` is the two one-sided tests'
p that the means differ by less than `tost_margin` (in the measure's unit; `tost_margin_rule` says where it comes from);
`power` is Student's at the observed effect, which restates p and is given because it is asked for, `power_reference` at
`reference_effect`, which says what n can show.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from spikeinit.errors import UserError
from spikeinit.io import digest
from spikeinit.statistics import two_samples
from spikeinit.statistics.comparisons import ALTERNATIVES, Comparison
from spikeinit.statistics.corrections import corrected

RUN_COLUMNS = ("dataset", "initializer", "weight_mean", "beta_range", "seed", "layer", "spikes", "accuracy", "outcome")
COLUMNS = (
    "comparison",
    "factor",
    "level_a",
    "level_b",
    "dataset",
    "measure",
    "test",
    "alternative",
    "claimed",
    "family",
    "n1",
    "n2",
    "mean1",
    "mean2",
    "statistic",
    "df",
    "p",
    "p_holm",
    "p_bh",
    "hedges_g",
    "hedges_g_low",
    "hedges_g_high",
    "difference",
    "difference_low",
    "difference_high",
    "tost_p",
    "tost_margin",
    "tost_margin_rule",
    "power",
    "power_reference",
    "reference_effect",
    "note",
)


@dataclass(frozen=True)
class Options:
    """What the tests leave open.

    `equivalence_margin`: "similar" spikes differ by less than this fraction of the mean of all runs compared.
    `accuracy_margin`: "similar" accuracies differ by less than so many percentage points; a fraction of a mean near
    100 % would call anything similar. `reference_effect`: |Cohen's d| at which power is stated besides the observed
    one. `outcomes`: runs that count; a dead or diverged network has no spike count worth averaging, and how many are
    missing is noted.
    """

    confidence: float
    equivalence_margin: float
    accuracy_margin: float
    reference_effect: float
    resamples: int
    seed: int
    outcomes: tuple[str, ...]

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Options:
        """From a specification, which holds every field."""
        given = {field.name: spec[field.name] for field in fields(cls)}
        return cls(**{**given, "outcomes": tuple(given["outcomes"])})


def check_table(table: pd.DataFrame) -> None:
    """`UserError` when a column of `RUN_COLUMNS` is missing."""
    missing = [column for column in RUN_COLUMNS if column not in table]
    if missing:
        raise UserError(f"table of runs: no column {', '.join(missing)}; needed are {', '.join(RUN_COLUMNS)}")


def measures_of(table: pd.DataFrame, kinds: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """("layer 1", rows) to ("layer L", rows) for "spikes", ("accuracy", rows) for "accuracy".

    The rows have the measured number in a column `value`; one row per run and seed.
    """
    if "spikes" in kinds:
        for layer, rows in table.groupby("layer", sort=True):
            yield f"layer {int(layer)}", rows.assign(value=rows["spikes"])
    if "accuracy" in kinds:
        rows = table[table["layer"] == table["layer"].min()]
        yield "accuracy", rows.assign(value=rows["accuracy"])


def at_level(column: pd.Series, level: Any) -> pd.Series:
    """Rows of a factor's column at `level`: numbers up to rounding, anything else by its text."""
    if pd.api.types.is_numeric_dtype(column):
        return pd.Series(np.isclose(column.to_numpy(dtype=float), float(level), rtol=1e-9, atol=1e-12), column.index)
    return column.astype(str) == str(level)


def rows_where(table: pd.DataFrame, where: Mapping[str, Any]) -> pd.DataFrame:
    """Rows whose columns have the values of `where`."""
    for column, value in where.items():
        table = table[at_level(table[column], value)]
    return table


def compare(table: pd.DataFrame, comparisons: Sequence[Comparison], options: Options) -> pd.DataFrame:
    """Every comparison in every data set, as a table with `COLUMNS`.

    A comparison that cannot be made (a group of fewer than two runs, two groups without variance) has NaN and a note.
    Raises `UserError` for a table without the needed columns or a comparison of an unknown factor.
    """
    check_table(table)
    rows: list[dict[str, Any]] = []
    for dataset, of_dataset in table.groupby("dataset", sort=False):
        for comparison in comparisons:
            unknown = {comparison.factor, *comparison.where} - set(table.columns)
            if unknown:
                raise UserError(f"comparison {comparison.name}: the table of runs has no column {', '.join(unknown)}")
            for measure, of_measure in measures_of(rows_where(of_dataset, comparison.where), comparison.measures):
                rows += _compare(str(dataset), measure, of_measure, comparison, options)
    result = pd.DataFrame(rows, columns=list(COLUMNS))
    return correct_within_families(result, {"p_holm": "holm", "p_bh": "fdr_bh"})


def correct_within_families(table: pd.DataFrame, methods: Mapping[str, str]) -> pd.DataFrame:
    """The table with p corrected within each `family`, one column per statsmodels method; NaN stays NaN."""
    table = table.copy()
    for column, method in methods.items():
        table[column] = np.nan
        for _, p in table["p"].groupby(table["family"]):
            table.loc[p.index, column] = corrected(p.to_numpy(dtype=float), method)
    return table


def _compare(
    dataset: str, measure: str, table: pd.DataFrame, comparison: Comparison, options: Options
) -> list[dict[str, Any]]:
    column = table[comparison.factor]
    (a, lost_a), (b, lost_b) = (
        _sample(table[at_level(column, level)], options) for level in (comparison.a, comparison.b)
    )
    notes = [*lost_a, *lost_b, two_samples.obstacle_to_t_test(a, b)]
    identity = {"comparison": comparison.name, "dataset": dataset, "measure": measure}
    generator = np.random.default_rng([options.seed, int(digest(identity)[:16], 16)])
    margin, rule = _margin(measure, a, b, options)
    effect = two_samples.standardized_difference(a, b)
    g, g_low, g_high = two_samples.hedges_g(a, b, options.confidence)
    low, high = two_samples.bootstrap_difference(
        a, b, confidence=options.confidence, resamples=options.resamples, generator=generator
    )
    mean1, mean2 = (float(sample.mean()) if sample.size else math.nan for sample in (a, b))
    shared = identity | {
        "factor": comparison.factor,
        "level_a": comparison.a,
        "level_b": comparison.b,
        "n1": a.size,
        "n2": b.size,
        "mean1": mean1,
        "mean2": mean2,
        "hedges_g": g,
        "hedges_g_low": g_low,
        "hedges_g_high": g_high,
        "difference": mean1 - mean2,
        "difference_low": low,
        "difference_high": high,
        "tost_margin": margin,
        "tost_margin_rule": rule,
        "reference_effect": options.reference_effect,
        "note": "; ".join(note for note in notes if note),
    }
    rows = []
    for test in ("student", "welch"):
        result = two_samples.t_test(a, b, welch=test == "welch")
        tost_p = two_samples.equivalence_p(a, b, margin, welch=test == "welch")
        for alternative in ALTERNATIVES:
            reference = -options.reference_effect if alternative == "less" else options.reference_effect
            power, power_reference = (
                two_samples.t_test_power(
                    size, a.size, b.size, alternative=alternative, significance=1.0 - options.confidence
                )
                for size in (effect, reference)
            )
            rows.append(
                shared
                | {
                    "test": test,
                    "alternative": alternative,
                    "claimed": alternative == comparison.alternative,
                    "family": family_name(dataset, measure, test, alternative),
                    "statistic": result.statistic,
                    "df": result.df,
                    "p": result.p[alternative],
                    "tost_p": tost_p,
                    "power": power,
                    "power_reference": power_reference,
                }
            )
    return rows


def family_name(dataset: str, measure: str, *reading: str) -> str:
    """Name of the family that a test belongs to, e.g. "mnist spikes welch less"."""
    return " ".join((dataset, "accuracy" if measure == "accuracy" else "spikes", *reading))


def _sample(rows: pd.DataFrame, options: Options) -> tuple[np.ndarray, list[str]]:
    """Values of the runs that count, and a note about those that do not."""
    counted = rows[rows["outcome"].isin(options.outcomes)]
    values = counted["value"].to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    notes = []
    if len(counted) < len(rows):
        notes.append(f"{len(rows) - len(counted)} of {len(rows)} runs left out: not {' or '.join(options.outcomes)}")
    if finite.size < values.size:
        notes.append(f"{values.size - finite.size} values left out: not a number")
    return finite, notes


def _margin(measure: str, a: np.ndarray, b: np.ndarray, options: Options) -> tuple[float, str]:
    if measure == "accuracy":
        return options.accuracy_margin, f"{options.accuracy_margin:g} percentage points"
    rule = f"{options.equivalence_margin:g} x mean of both groups"
    pooled = np.concatenate([a, b])
    return (options.equivalence_margin * abs(float(pooled.mean())) if pooled.size else math.nan), rule
