"""By which rules our runs agree with what Ding et al. (2022) say about the speed of training (Secs. 5.2, 6.1, 6.2).

Every rule takes a run that never reached an accuracy as censored: it would have needed more than was run. Where the
answer hangs on how much more, the claim is open.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikeinit.statistics.intervals import mean_interval
from spikeinit.studies.asymptote.printed import DING, OTHERS, named, place_in_figure_4
from spikeinit.studies.asymptote.speeds import (
    Speed,
    at_least,
    beyond_censoring,
    fastest,
    places_lost,
    rank,
    speeds_of,
)
from spikeinit.studies.asymptote.tables import FAILED, NEURON
from spikeinit.studies.claims import Checks, Claim, OurResult, rows_of
from spikeinit.studies.contrasts import decided, of_seeds, with_interval
from spikeinit.studies.judging import lower
from spikeinit.studies.scorecard import Evidence

CHECKS = Checks(__file__)

ACCELERATION = 11.0
"""Sec. 6.1: more than so many times fewer iterations than from Glorot's initialisation."""


def _by_place(table: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Speed]]:
    """The speeds of the initialisers at each place of a table."""
    speeds = pd.Series(speeds_of(table), table.index, dtype=object)
    groups = table.groupby(list(columns), dropna=False, sort=False).groups
    return [dict(zip(table.loc[rows, "initializer"], speeds[rows], strict=True)) for rows in groups.values()]


def _hanging(places: Sequence[dict[str, Speed]]) -> str:
    """How many cells only some runs of which reached the accuracy, in words; "" for none."""
    partly = sum(speed.partly for place in places for speed in place.values())
    return f"some runs of {partly} cells never reached the accuracy, and count as censored" if partly else ""


@CHECKS.check
def as_fast_or_faster(evidence: Evidence, claim: Claim) -> OurResult:
    """In more than half of the neurons that any initialiser trains, Ding's is as fast as the best other or faster."""
    table = named(rows_of(evidence, claim, "grid"))
    places = [place for place in _by_place(table, NEURON) if DING in place and len(place) > 1]
    pairs = [(place[DING], fastest(speed for name, speed in place.items() if name != DING)) for place in places]
    lost = [places_lost(ding, best) for ding, best in pairs if not (ding.never and best.never)]
    if not pairs:
        return OurResult()
    surely, possibly = sum(high < 1 for _, high in lost), sum(low < 1 for low, _ in lost)
    shown = f"{surely}" if surely == possibly else f"{surely} to {possibly}"
    ours = f"as fast as the best other or faster in {shown} of {len(lost)} neurons that any of them trained"
    agrees = decided(2 * surely > len(lost), bool(lost) and 2 * possibly <= len(lost))
    result = OurResult(ours, n=str(len(lost)), agrees=agrees, note=_hanging(places))
    return of_seeds(result, table["runs"].min())


@CHECKS.check
def order_of_speed(evidence: Evidence, claim: Claim) -> OurResult:
    """The mean ranks of speed are in the printed order, in which He's and Lee's may be equal."""
    tables = [named(rows_of(evidence, claim, name)) for name in ("optimizers", "surrogates")]
    table = pd.concat(tables, ignore_index=True)
    keys = [column for column in (*NEURON, "optimizer", "surrogate") if column in table]
    places = _by_place(table, keys)
    ranks = {name: [rank(name, place) for place in places if name in place] for name in (DING, *OTHERS)}
    mean = {name: np.mean(found, axis=0) for name, found in ranks.items() if found}
    if not mean:
        return OurResult()
    texts = [
        (low, f"{name} {low:.2f}" + (f" to {high:.2f}" if high > low else "")) for name, (low, high) in mean.items()
    ]
    agrees = None
    if len(mean) == 1 + len(OTHERS):
        order = [DING, "wu2018", "he", "lee2016", "glorot"]
        steps = [(mean[a], mean[b], b == "lee2016") for a, b in itertools.pairwise(order)]
        holds = all(b[0] >= a[1] if equal else b[0] > a[1] for a, b, equal in steps)
        against = any(b[1] < a[0] if equal else b[1] <= a[0] for a, b, equal in steps)
        agrees = decided(holds, against)
    ours = "mean rank of speed: " + " < ".join(text for _, text in sorted(texts))
    return of_seeds(OurResult(ours, n=str(len(table)), agrees=agrees, note=_hanging(places)), table["runs"].min())


@CHECKS.check
def accelerated(evidence: Evidence, claim: Claim) -> OurResult:
    """At a leaky neuron with lambda = 1 - k, tau = 1/lambda, Glorot's needs more than 11 times Ding's iterations.

    The ratio of each seed, with Student's interval at Bonferroni's level for the number of neurons. It agrees where
    the interval of one neuron lies above 11, and disagrees where those of all lie below. A seed that never reached the
    accuracy bounds its ratio on one side.
    """
    runs = rows_of(evidence, claim, "runs")
    leaky = np.isclose(runs["lambda"], 1 - runs["k"]) & np.isclose(runs["theta"], 1)
    runs = runs[(runs["experiment"] == "grid") & leaky & runs["initializer"].isin((DING, "glorot"))]
    speed = next((column for column in runs if column.startswith("iterations_to_")), None)
    found = [] if speed is None else [_ratios(own, speed) for _, own in runs.groupby(["k", "lambda"])]
    found = [(low, high) for low, high in found if len(low)]
    if not found:
        return OurResult()
    confidence = 1 - (1 - evidence.confidence) / len(found)
    above = [mean_interval(low, confidence).low > ACCELERATION for low, _ in found]
    below = [np.isfinite(high).all() and mean_interval(high, confidence).high < ACCELERATION for _, high in found]
    best = max(found, key=lambda ratios: ratios[0].mean())
    censored = not all(np.array_equal(low, high) for low, high in found)
    bound = "at least " if censored else ""
    ours = f"{bound}{best[0].mean():.1f} times as fast at the best of {len(found)} leaky neurons"
    if not best[0].any():
        ours = f"Ding's never reached the accuracy, at {len(found)} leaky neurons"
    note = "runs that never reached the accuracy bound the ratio on one side" if censored else ""
    result = OurResult(ours, n=f"{len(best[0])} seeds", agrees=decided(any(above), all(below)), note=note)
    return of_seeds(result, len(best[0]))


def _ratios(runs: pd.DataFrame, speed: str) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of Glorot's iterations divided by Ding's, for each seed that both have."""
    both = runs.pivot(index="seed", columns="initializer", values=speed).reindex(columns=["glorot", DING])
    more = runs.groupby("seed")["known_iterations"].max().reindex(both.index) + 1
    seeds = runs.groupby("seed")["initializer"].nunique().reindex(both.index) == 2
    low, high = both.apply(lambda own: own.fillna(more)), both.fillna(np.inf)
    bounds = low["glorot"] / high[DING], high["glorot"] / low[DING]
    return tuple(bound[seeds & more.notna()].to_numpy() for bound in bounds)


@dataclass(frozen=True)
class Order:
    """A sentence of Sec. 5.2: who first reaches `level` percent before whom, and for whom training fails."""

    level: int
    pairs: tuple[tuple[str, str], ...]
    failing: tuple[str, ...] = ()

    def __call__(self, evidence: Evidence, claim: Claim) -> OurResult:
        """Welch's one-sided tests of the first epochs, all pairs together; a failing one has to fail.

        One epoch more than were run stands for a run that never got there. That is a lower bound of what it would have
        needed, so that it can only speak against whoever ought to be earlier.
        """
        (dataset,) = claim.datasets
        where = place_in_figure_4(dataset)
        table = _at(named(rows_of(evidence, claim, "epochs_to_accuracy")), where)
        reached = table.assign(first=table[f"first_epoch_at_{self.level}"]).groupby("initializer")
        first = {name: at_least(own["first"], own["epochs"]) for name, own in reached}
        never = {name: bool(own["first"].isna().any()) for name, own in reached}
        cells = _at(rows_of(evidence, claim, "coding"), where).set_index("initializer")["outcome"]
        compared = {name for pair in self.pairs for name in pair}
        if not (compared <= set(first) and set(self.failing) <= set(cells.index)):
            return OurResult()
        text = "{} of {} pairs in this order"
        result = lower([(first[a], first[b]) for a, b in self.pairs], significance=1 - evidence.confidence, text=text)
        agrees = beyond_censoring(
            result.agrees, earlier=any(never[a] for a, _ in self.pairs), later=any(never[b] for _, b in self.pairs)
        )
        trained = [name for name in self.failing if cells[name] != FAILED]
        notes = [result.note, *(f"{name} trains" for name in trained)]
        notes += ["runs that never got there count as censored"] * any(never.values())
        shown = [
            f"{name} {'at least ' * never[name]}{with_interval(own, evidence.confidence, '.3g')}"
            for name, own in first.items()
        ]
        ours = f"{result.ours}; first epoch with {self.level} %: {', '.join(shown)}"
        agrees = False if trained and len(table["seed"].unique()) > 1 else agrees
        return OurResult(ours, n=result.n, agrees=agrees, note="; ".join(notes))


def _at(table: pd.DataFrame, where: dict[str, str]) -> pd.DataFrame:
    """The rows of a table at the network and coding of a printed one."""
    for column, value in where.items():
        table = table[table[column] == value]
    return table


FIRST = tuple((DING, other) for other in OTHERS)
IN_ORDER = ((DING, "wu2018"), ("wu2018", "he"))
CHECKS.add("ding_first_at_98", Order(98, FIRST))
CHECKS.add("in_order_at_60", Order(60, (*IN_ORDER, ("he", "lee2016"), ("lee2016", "glorot"))))
CHECKS.add("in_order_while_others_fail", Order(60, IN_ORDER, failing=("lee2016", "glorot")))
