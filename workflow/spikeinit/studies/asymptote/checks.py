"""By which rules our runs agree with what Ding et al. (2022) say in words; the claims stand in `ding2022_claims.csv`.

What is said about speed is judged in `speed_checks`, and `audit` lays the printed numbers beside one another.

Three sentences are contradicted by the paper's own tables. Sec. 5.2 gives the gain on CIFAR10-DVS over He as 0.5 %,
Table 2 prints 68.2 against 66.9 (0.5 is the gain over Wu). Sec. 6.2 says that hardtanh suppresses training under the
other initialisers and that the finer surrogates all start it, yet in Table A7 hardtanh trains them for (0.8, 0.2, 1)
and the sigmoid fails. The text of A.2 reports training at theta = 0.4, which was not sampled: (0.4, 0.4, 4.0) is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from spikeinit.studies.asymptote import speed_checks
from spikeinit.studies.asymptote.audit import contradicted, deviation_ratios
from spikeinit.studies.asymptote.cells import TABLES
from spikeinit.studies.asymptote.printed import DING, OTHERS, named
from spikeinit.studies.asymptote.speed_cells import SPEEDS
from spikeinit.studies.asymptote.tables import FAILED, NEURON, TRAINED
from spikeinit.studies.claims import Check, Checks, Claim, OurResult, judged, read_claims, rows_of
from spikeinit.studies.contrasts import Within, all_within, of_seeds, with_interval
from spikeinit.studies.judging import all_hold, lower
from spikeinit.studies.scorecard import Evidence, ScorecardEntry

CHECKS = Checks(__file__)
for _name, _check in speed_checks.CHECKS.items():
    CHECKS.add(_name, _check)

SMALL_GAINS = (0.1, 0.2)
LARGE_GAINS = (8.0,)
HALF = 0.5
CLOSE = 0.1
"""Spikes per step within which a simulated rate counts as matching."""


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """What the paper says in words, then its printed speeds and the cells of its tables, in the paper's order."""
    marked = contradicted(evidence.published, evidence.tables.spec["margins"]["accuracy"])
    claims = [
        replace(claim, contradicted=claim.contradicted or marked.get(claim.id, ""))
        for claim in read_claims(evidence.published["ding2022_claims"], CHECKS)
    ]
    cells = [entry for table in (SPEEDS, *TABLES) for entry in table.judged(evidence)]
    return [*judged(claims, CHECKS, evidence), *cells]


@CHECKS.check
def response_matches(evidence: Evidence, claim: Claim) -> OurResult:
    """Theory and simulation are close at more than half of the currents at which neurons neither rest nor saturate.

    Below the onset both are 0 and beyond saturation both are 1, whatever the theory between. How a bare step between
    the two does at the same currents stands beside it.
    """
    curves = evidence.tables["response"]
    between = curves[(curves["theory"] > 0) & (curves["theory"] < 1)]

    def close(frame: pd.DataFrame, rate: pd.Series) -> pd.Series:
        near = (rate - frame["simulation"]).abs() < CLOSE
        return near.groupby([frame[name] for name in NEURON]).mean()

    share = close(between, between["theory"])
    step = close(curves, (curves["theory"] >= HALF).astype(float))
    whole = close(curves, curves["theory"])
    ours = f"within {CLOSE} at {share.min():.0%} to {share.max():.0%} of the currents between rest and saturation"
    errors = evidence.tables["response_error"]
    note = (
        f"of all currents at {whole.min():.0%} to {whole.max():.0%}, where a bare step matches at {step.min():.0%} to "
        f"{step.max():.0%}; largest error {errors['theory_largest_error'].max():.3f} spikes per step"
    )
    agrees = bool((share > HALF).all())
    return OurResult(ours, n=str(len(share)), agrees=agrees, note=note)


@CHECKS.check
def asymptote_describes_better(evidence: Evidence, claim: Claim) -> OurResult:
    """The asymptote, clipped to [0, 1], is nearer to the simulated rate than Theorem 1, in every leaky neuron.

    Means over all currents of a curve. Where both say rest, or both saturation, their distances are the same, so that
    those currents decide nothing. Without leak the two are one line. Nothing here is random.
    """
    table = evidence.tables["response_error"]
    table = table[table["k"] < 1]
    nearer = table["asymptote_mean_error"] < table["theory_mean_error"]
    result = all_hold(nearer, "nearer in {} of {} leaky neurons")
    if table.empty:
        return result
    text, spans = "mean distance in spikes per step {}, of Theorem 1 {}; largest distance {}, of Theorem 1 {}", []
    for kind in ("mean_error", "largest_error"):
        for curve in ("asymptote", "theory"):
            own = table[f"{curve}_{kind}"]
            spans.append(f"{own.min():.3f} to {own.max():.3f}")
    return replace(result, note=text.format(*spans))


@CHECKS.check
def fires_more_before_training(evidence: Evidence, claim: Claim) -> OurResult:
    """In every network Ding's deepest layer fires more than the best of the others."""
    table = rows_of(evidence, claim, "initial_rates")
    nets = ["dataset", "network", "encoding"]
    deepest = table[table["layer"] == table.groupby(nets)["layer"].transform("max")]
    rate = deepest.pivot_table(index=nets, columns="initializer", values="rate_mean")
    others = [name for name in OTHERS if name in rate]
    if DING not in rate or not others:
        return OurResult()
    more = int((rate[DING] > rate[others].max(axis=1)).sum())
    ours = f"deepest layer: {rate[DING].mean():.3g} against at most {rate[others].max(axis=1).mean():.3g}"
    result = OurResult(ours, n=str(len(rate)), agrees=more == len(rate), note=f"in {more} of {len(rate)} networks")
    return of_seeds(result, deepest["runs"].min())


def _trains_where_others_fail(gains: Sequence[float]) -> Check:
    """Whether Ding's trains in every cell with one of these input gains, and all others fail in some of them."""

    def check(evidence: Evidence, claim: Claim) -> OurResult:
        table = named(rows_of(evidence, claim, "grid"))
        table = table[table["lambda"].isin(gains)]
        ding, others = table[table["initializer"] == DING], table[table["initializer"] != DING]
        if ding.empty or others.empty:
            return OurResult()
        trained = int((ding["outcome"] == TRAINED).sum())
        failed = (others["outcome"] == FAILED).groupby([others["k"], others["lambda"], others["theta"]]).all()
        ours = f"Ding trains in {trained} of {len(ding)} cells, all others fail in {failed.sum()} of {len(failed)}"
        result = OurResult(ours, n=str(len(table)), agrees=trained == len(ding) and bool(failed.any()))
        return of_seeds(result, table["runs"].min())

    return check


CHECKS.add("trains_at_small_gains", _trains_where_others_fail(SMALL_GAINS))
CHECKS.add("trains_at_large_gains", _trains_where_others_fail(LARGE_GAINS))


@CHECKS.check
def trains_more_often_by_gradient_descent(evidence: Evidence, claim: Claim) -> OurResult:
    """Ding's trains in a larger share of the cells than the others."""
    table = named(rows_of(evidence, claim, "optimizers"))
    table = table[table["optimizer"].isin(("sgd", "asgd"))]
    ding = table[table["initializer"] == DING]
    others = table[table["initializer"] != DING]
    if ding.empty or others.empty:
        return OurResult()
    a, b = (ding["outcome"] == TRAINED).mean(), (others["outcome"] == TRAINED).mean()
    ours = f"trained: Ding {a:.0%}, the others {b:.0%} of the cells"
    return of_seeds(OurResult(ours, n=str(len(table)), agrees=bool(a > b)), table["runs"].min())


@CHECKS.check
def adagrad_less_sensitive(evidence: Evidence, claim: Claim) -> OurResult:
    """The range over initialisers, a mean over neurons, is smaller with AdaGrad."""
    table = named(rows_of(evidence, claim, "optimizers"))
    spread = table.groupby(["optimizer", "k", "lambda", "theta"])["accuracy_mean"].agg(lambda a: a.max() - a.min())
    mean = spread.groupby("optimizer").mean()
    if not {"adam", "adagrad"} <= set(mean.index):
        return OurResult()
    ours = f"mean range over initialisers: AdaGrad {mean['adagrad']:.1f}, Adam {mean['adam']:.1f} percentage points"
    result = OurResult(ours, n=str(len(spread)), agrees=bool(mean["adagrad"] < mean["adam"]))
    return of_seeds(result, table["runs"].min())


@CHECKS.check
def better_at_smaller_tau(evidence: Evidence, claim: Claim) -> OurResult:
    """Tau = 2, (0.5, 0.5, 1.0), is more accurate than tau = 5, (0.8, 0.2, 1.0), wherever one of the two trains."""
    runs = named(rows_of(evidence, claim, "runs"))
    runs = runs[runs["experiment"].isin(("optimizers", "surrogates")) & np.isclose(runs["theta"], 1)]
    at = {k: runs[np.isclose(runs["k"], k) & np.isclose(runs["lambda"], 1 - k)] for k in (0.8, 0.5)}
    columns = ["experiment", "optimizer", "surrogate", "initializer"]
    slow, fast = (dict(iter(frame.groupby(columns))) for frame in at.values())
    pairs = [
        (slow[key]["accuracy"].to_numpy(), fast[key]["accuracy"].to_numpy())
        for key in slow.keys() & fast.keys()
        if not (slow[key]["failed"].all() and fast[key]["failed"].all())
    ]
    text = "higher at tau = 2 in {} of {} pairs"
    return lower(pairs, significance=1 - evidence.confidence, text=text)


@CHECKS.check
def one_law(evidence: Evidence, claim: Claim) -> OurResult:
    """Wu's and Lee's weights have the same deviation, and our accuracies with them differ by less than the margin."""
    ratios = [ratio for layers in deviation_ratios().values() for ratio in layers]
    spread = f"weights: deviations in the ratio {min(ratios):.4g} to {max(ratios):.4g} in {len(ratios)} layers"
    tables = [evidence.tables[name] for name in ("coding", "optimizers", "surrogates", "normalization")]
    margin = evidence.tables.spec["margins"]["accuracy"]
    differences = np.concatenate([_wu_less_lee(table) for table in tables])
    if not len(differences):
        return OurResult(spread, n=f"{len(ratios)} layers")
    shown = with_interval(differences, evidence.confidence)
    apart = f"{int((np.abs(differences) > margin).sum())} of {len(differences)}"
    return OurResult(
        f"accuracy of Wu's less that of Lee's: {shown} points, {apart} more than {margin:g} apart",
        n=f"{len(differences)} cells",
        agrees=all_within(evidence.confidence, [Within(differences, -margin, margin)]),
        note=spread,
    )


def _wu_less_lee(table: pd.DataFrame) -> np.ndarray:
    """Wu's mean accuracy less Lee's at each place of a table of cells at which one of the two trains."""
    places = list(table.columns[: list(table.columns).index("initializer")])
    table = table[table["initializer"].isin(("wu2018", "lee2016"))]
    trains = (table["outcome"] == TRAINED).groupby([table[name] for name in places], dropna=False).transform("any")
    table = table[trains]
    both = table.pivot_table(index=places, columns="initializer", values="accuracy_mean", dropna=False)
    if not {"wu2018", "lee2016"} <= set(both.columns):
        return np.empty(0)
    return (both["wu2018"] - both["lee2016"]).dropna().to_numpy()


@CHECKS.check
def normalization_evens_out(evidence: Evidence, claim: Claim) -> OurResult:
    """Ranges over initialisers are smaller with normalisation, where at least two of them trained."""
    table = named(rows_of(evidence, claim, "normalization"))
    cases = ["dataset", "technique", "k", "lambda"]
    table = table[(table["outcome"] == TRAINED).groupby([table[c] for c in cases]).transform("sum") >= 2]
    cells = table.groupby(["dataset", "technique", "k", "lambda"])["accuracy_mean"]
    spread = cells.agg(lambda a: a.max() - a.min()).groupby("technique").mean()
    with_it = spread[spread.index.isin(("bn", "bntt"))]
    without = spread[spread.index.isin(("none", "dropout"))]
    if with_it.empty or without.empty:
        side = "with" if with_it.empty else "without"
        return OurResult(note=f"{side} normalisation fewer than two initialisations trained: nothing to compare")
    ours = f"range over initialisers: {with_it.max():.1f} with, {without.max():.1f} percentage points without"
    result = OurResult(ours, n=str(len(table)), agrees=bool(with_it.max() < without.max()))
    return of_seeds(result, table["runs"].min())


@CHECKS.check
def no_run_compares(evidence: Evidence, claim: Claim) -> OurResult:
    """The paper's own numbers decide; no run of ours compares these two."""
    return OurResult()


@CHECKS.check
def failures_by_surrogate(evidence: Evidence, claim: Claim) -> OurResult:
    """The paper's own numbers decide; ours are shown beside them."""
    table = rows_of(evidence, claim, "surrogates")
    others = table[table["initializer"].isin(OTHERS)]
    if others.empty:
        return OurResult()
    share = (others["outcome"] == FAILED).groupby(others["surrogate"]).mean()
    return OurResult("failed: " + ", ".join(f"{name} {value:.0%}" for name, value in share.items()), n=str(len(others)))
