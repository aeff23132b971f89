"""What the thesis's conclusions and printed numbers look like at every open choice that is tried.

The runs are those of `open_choices`, not those of the other tables, also where a choice is "as configured".
"""

from __future__ import annotations

import pandas as pd

from spikeinit.config.open_choices import parts, without
from spikeinit.statistics import hypotheses, variance
from spikeinit.statistics.comparisons import Comparison
from spikeinit.statistics.intervals import mean_interval
from spikeinit.studies.claims import read_claims
from spikeinit.studies.energy.audit.published_tables import COMBINATIONS as TABLES
from spikeinit.studies.energy.audit.published_tables import load_published
from spikeinit.studies.energy.checks import CHECKS
from spikeinit.studies.energy.conditions import PUBLISHED_TIMESTEPS
from spikeinit.studies.energy.samples import COMBINATIONS, OUTPUT_LAYER, Samples
from spikeinit.studies.energy.tables import LABELS, MEASURES, every_run
from spikeinit.studies.open_choices import conclusions
from spikeinit.studies.scorecard import Conditions, Evidence
from spikeinit.studies.table_tools import StudyRuns, StudyTables

DISTANCES = ["open_choice", "distance", "low", "high", "runs", "settings"]
UNUSED = {"reference_effect": 0.8, "resamples": 100, "seed": 0}
"""Options of what no claim is judged by: the power of a test, and the bootstrap."""
EFFECTS = ["value", "nearer", "low", "high", "pairs"]


def open_choices_by_run(runs: StudyRuns) -> pd.DataFrame:
    """One row per open choice, run, seed and layer, with the columns of the table of the configured runs."""
    frame = every_run(runs)
    return frame[frame["open_choice"].notna()][["open_choice", *LABELS, "seed", "layer", *MEASURES, "run", "neurons"]]


def open_choices(runs: StudyRuns) -> pd.DataFrame:
    """Every conclusion of the thesis at every choice: what our runs say, and whether it flips."""
    frame, options = open_choices_by_run(runs), runs.spec.get("open_choices")
    evidence = {choice: _evidence(own, options) for choice, own in frame.groupby("open_choice", sort=False)}
    claims = read_claims(runs.published["paerna2025_claims"], CHECKS) if evidence else []
    return conclusions(claims, CHECKS, evidence, options["settings"] if options else "")


def _evidence(frame: pd.DataFrame, options: dict) -> Evidence:
    asked = options["hypotheses"]
    tests = hypotheses.Options.from_spec({**UNUSED, **asked})
    comparisons = [Comparison.from_spec(comparison) for comparison in asked["comparisons"]]
    margins = {"equivalence": asked["equivalence_margin"], "accuracy": asked["accuracy_margin"]}
    return Evidence(
        tables=StudyTables.of({"spikes_by_run": frame}, {"margins": margins}),
        statistics=hypotheses.compare(frame, comparisons, tests),
        anova=variance.analyse_variance(frame, asked["anova"]["factors"], asked["anova"]["where"], tests),
        audit=pd.DataFrame(),
        published={},
        conditions=Conditions((), options["datasets"]),
        confidence=asked["confidence"],
    )


def open_choice_distances(runs: StudyRuns) -> pd.DataFrame:
    """How far the spikes of every choice lie from the printed ones of Tables 5 and 6, nearest first.

    The distance of a run is the mean over its layers of |ours - printed| / (ours + printed), spikes per neuron, image
    and step: 0 where they are equal, 1 where one of them is silent (Lance and Williams 1967).
    """
    rows, options = [], runs.spec.get("open_choices")
    for choice, own in _by_choice(runs).items():
        far = mean_interval(own.to_numpy(), options["hypotheses"]["confidence"])
        row = {"open_choice": choice, "distance": far.mean, "low": far.low, "high": far.high, "runs": far.n}
        rows.append({**row, "settings": options["settings"]})
    return pd.DataFrame(rows, columns=DISTANCES).sort_values("distance", kind="stable", ignore_index=True)


def open_choice_effects(runs: StudyRuns) -> pd.DataFrame:
    """By how much each value that differs from the configured one brings a run nearer to the printed spikes.

    Every run with the value is paired with the one that differs from it in nothing else: the same combination and seed,
    and the same other choices, of which there are many where choices are crossed. Intervals are of the mean over pairs,
    at a confidence that Bonferroni's correction raises for the number of values.
    """
    distances, options = _by_choice(runs), runs.spec.get("open_choices")
    changes = list(dict.fromkeys(change for choice in distances for change in parts(choice)))
    rows = []
    for change in changes:
        with_it = {choice: own for choice, own in distances.items() if change in parts(choice)}
        pairs = [distances[without(choice, change)] - own for choice, own in with_it.items()]
        each = 1 - (1 - options["hypotheses"]["confidence"]) / len(changes)
        nearer = mean_interval(pd.concat(pairs).dropna().to_numpy(), each)
        rows.append({"value": change, "nearer": nearer.mean, "low": nearer.low, "high": nearer.high, "pairs": nearer.n})
    return pd.DataFrame(rows, columns=EFFECTS).sort_values("nearer", ascending=False, kind="stable", ignore_index=True)


def _by_choice(runs: StudyRuns) -> dict[str, pd.Series]:
    """Distances of all runs, by choice."""
    frame = open_choices_by_run(runs)
    if frame.empty:
        return {}
    datasets, printed = runs.spec["open_choices"]["datasets"], _printed_per_step(runs)
    return {choice: _distances(own, datasets, printed) for choice, own in frame.groupby("open_choice", sort=False)}


Place = tuple[str, tuple[str, str], int]
"""Published data set, row of Table 5 or 6, layer."""


def _printed_per_step(runs: StudyRuns) -> dict[Place, float]:
    """The printed means of spikes per neuron, image and step; those of the output layer are printed so."""
    found = {}
    for cell in load_published(runs.published["paerna2025_spikes"]):
        if cell.table in TABLES.values() and cell.layer is not None:
            steps = 1 if cell.layer == OUTPUT_LAYER else PUBLISHED_TIMESTEPS
            found[cell.dataset, cell.row, cell.layer] = float(cell.mean) / steps
    return found


def _distances(frame: pd.DataFrame, datasets: dict[str, str | None], printed: dict[Place, float]) -> pd.Series:
    """Distance from print of every run of one choice, by data set, combination and seed."""
    samples, found = Samples(frame, datasets), {}
    for dataset in datasets:
        for row in COMBINATIONS:
            of_row = samples.rows(dataset, row)
            for seed, own in of_row.groupby("seed"):
                per_step = own.set_index("layer")["spikes_per_step"].astype(float)
                known = {layer: printed[dataset, row, layer] for layer in per_step.index}
                beside = pd.Series(known)
                apart = (per_step - beside).abs() / (per_step + beside)
                found[dataset, *row, seed] = apart.mean()
    return pd.Series(found, dtype=float)
