"""Rules by which checks decide whether our runs agree with a claim, for every study.

Each rule has three answers: the runs agree, they disagree, or they leave it open. A missing rejection shows nothing,
so "different" needs a test in the claimed direction, "alike" needs equivalence within a stated margin, and what lies
between is open. One run of something random decides nothing.

    lower([(low, high)], significance=0.05, text="{} of {} means are lower")

Several comparisons of one claim are one family, which Holm's correction keeps at the level of the tests.
`studies.contrasts` has the rules about intervals over seeds and repeats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from spikeinit.statistics.corrections import corrected
from spikeinit.statistics.intervals import MeanInterval, mean_interval, prediction_interval, welch_interval
from spikeinit.statistics.two_samples import TTest, equivalence_p, is_constant, spread_test, t_test
from spikeinit.studies.claims import OurResult
from spikeinit.studies.contrasts import ONE_SEED, decided


def all_hold(holds: Iterable[bool], text: str, n: str = "") -> OurResult:
    """Whether something that is not random holds in every one of some cells; with no cells our runs say nothing.

    text: with "{} of {}" for how many it holds in, of how many. n: what the cells are made of, if not themselves.
    """
    found = list(holds)
    if not found:
        return OurResult()
    return OurResult(text.format(sum(found), len(found)), n=n or str(len(found)), agrees=all(found))


Pair = tuple[np.ndarray, np.ndarray]
"""Values of single runs at two levels of a factor."""


def lower(pairs: Iterable[Pair], *, significance: float, text: str, margin: float | None = None) -> OurResult:
    """Whether the mean of the first sample is lower than that of the second, in every pair.

    Welch's one-sided tests, corrected by Holm. It agrees where all are significant in this direction, and disagrees
    where one is significant in the other. text: with "{} of {}", what is said of the pairs. margin: as a fraction of
    the pair's mean; a pair that is equivalent within it is against the claim too.
    """

    def similar(a: np.ndarray, b: np.ndarray) -> float:
        within = margin * abs(float(np.concatenate([a, b]).mean()))
        return equivalence_p(a, b, within, welch=True)

    name, similarity = "Welch, one-sided, Holm", similar if margin else None
    return _directed(pairs, partial(t_test, welch=True), significance, text, name, similarity)


def less_spread(pairs: Iterable[Pair], *, significance: float, text: str) -> OurResult:
    """Whether the first sample has the smaller deviation, in every pair: the same by the test of Brown and Forsythe.

    Sample deviations alone decide nothing: of two equal distributions one always has the larger.
    """
    return _directed(pairs, spread_test, significance, text, "Brown and Forsythe, one-sided, Holm")


def _directed(
    pairs: Iterable[Pair],
    test: Callable[[np.ndarray, np.ndarray], TTest],
    significance: float,
    text: str,
    name: str,
    similar: Callable[[np.ndarray, np.ndarray], float] | None = None,
) -> OurResult:
    found = [(a, b) for a, b in pairs if min(len(a), len(b))]
    if not found:
        return OurResult()
    p = [_one_sided(a, b, test) for a, b in found]
    less, greater = (corrected([each[side] for each in p]) < significance for side in (0, 1))
    alike = np.zeros(len(found), dtype=bool)
    if similar is not None:
        alike = ~less & (corrected([similar(a, b) for a, b in found]) < significance)
    undecided = ~less & ~greater & ~alike
    notes = [f"significantly the other way in {greater.sum()}, left open in {undecided.sum()} ({name})"]
    notes += [f"equivalent in {alike.sum()}"] * (similar is not None)
    sizes = sorted({len(sample) for pair in found for sample in pair})
    return OurResult(
        text.format(less.sum(), len(found)),
        n=" to ".join(str(size) for size in dict.fromkeys((sizes[0], sizes[-1]))),
        agrees=decided(bool(less.all()), bool((greater | alike).any())),
        note="; ".join(notes),
    )


def _one_sided(a: np.ndarray, b: np.ndarray, test: Callable[[np.ndarray, np.ndarray], TTest]) -> tuple[float, float]:
    """p of "less" and of "greater"; constants are what they are, and a single run leaves both open."""
    p = test(a, b).p
    if min(len(a), len(b)) > 1 and is_constant(a) and is_constant(b):
        equal = test is spread_test or is_constant(np.concatenate([a, b]))
        return (1.0, 1.0) if equal else (float(a.mean() > b.mean()), float(a.mean() < b.mean()))
    return p["less"], p["greater"]


def equivalent(tests: Sequence[Mapping[str, Any] | None], significance: float) -> OurResult:
    """Whether groups are alike: all are shown equivalent, whatever the tests of a difference say.

    tests: rows of a table of statistics with the two-sided p of each difference (after Holm) and of the two one-sided
    tests of equivalence, None for one that was not made. A difference that is significant and not equivalent is against
    it. Where equivalence is not shown for all and nothing is against it, it is open: a missing rejection shows nothing.
    """
    made = [test for test in tests if test is not None and not math.isnan(test["tost_p"])]
    if not made:
        return OurResult()
    alike = [test["tost_p"] < significance for test in made]
    apart = [test["p_holm"] < significance or _constants_apart(test) for test in made]
    against = sum(differs and not similar for differs, similar in zip(apart, alike, strict=True))
    sizes = sorted({f"{test['n1']:.0f} + {test['n2']:.0f}" for test in made})
    agrees = decided(sum(alike) == len(tests), against > 0)
    note = "neither a difference nor equivalence is shown for all" if agrees is None else ""
    ours = f"of {len(tests)} comparisons {sum(apart)} differ (two-sided, Holm), {sum(alike)} are shown equivalent"
    return OurResult(ours, n=", ".join(sizes), agrees=agrees, note=note)


def _constants_apart(test: Mapping[str, Any]) -> bool:
    """Two groups without any deviation allow no test of a difference, and differ by more than the margin."""
    return math.isnan(test["p"]) and test["tost_p"] == 1


def alike(pairs: Iterable[Pair], *, significance: float, margin: float) -> OurResult:
    """Whether the means of every pair are `equivalent`, by Welch's tests. margin: as a fraction of the pair's mean."""
    found = [(a, b) for a, b in pairs if min(len(a), len(b))]
    tests = [
        {
            "p": t_test(a, b, welch=True).p["two-sided"],
            "tost_p": equivalence_p(a, b, margin * abs(float(np.concatenate([a, b]).mean())), welch=True),
            "n1": len(a),
            "n2": len(b),
        }
        for a, b in found
    ]
    p_holm = corrected([test["p"] for test in tests])
    return equivalent([test | {"p_holm": p} for test, p in zip(tests, p_holm, strict=True)], significance)


@dataclass(frozen=True)
class Margin:
    """What counts as the same number: `width` around the printed one, in its unit, beside its own `rounding`.

    cells: how many numbers are compared at once. Of these, all that are called different are so at a common level.
    """

    width: float
    rounding: float = 0.0
    cells: int = 1

    @property
    def reach(self) -> float:
        """How far from the printed number the same one may lie."""
        return self.width + self.rounding


def beside_printed_mean(
    values: Iterable[float], printed: tuple[float, float, int], margin: Margin, confidence: float
) -> OurResult:
    """Our runs in the place of a printed mean: `printed` is its mean, sample deviation and number of runs.

    It agrees where Welch's interval of the difference lies inside the margin (two one-sided tests at one minus the
    confidence), and disagrees where the interval at Bonferroni's level lies outside. A wide interval leaves it open.
    """
    ours = mean_interval(values, confidence)
    mean, deviation, runs = printed

    def difference(level: float) -> tuple[float, float]:
        return welch_interval(ours.mean, ours.deviation, ours.n, mean, deviation, runs, level)

    inside = difference(1 - 2 * (1 - confidence))
    outside = difference(1 - (1 - confidence) / margin.cells)
    apart = outside[0] > margin.reach or outside[1] < -margin.reach
    return _decide(ours, (ours.low, ours.high), inside, apart, margin)


def beside_printed_run(
    values: Iterable[float], printed: float, margin: Margin, confidence: float, *, runs: int | None = None
) -> OurResult:
    """Our runs in the place of a number that the paper measured once.

    It agrees where the interval of one further run of ours (`prediction_interval`) lies inside the margin around the
    printed one. It disagrees where the printed one lies outside that interval at Bonferroni's level, and further from
    our mean than the margin. The interval of the result is the one that decides, not that of our mean. runs: how many
    there were, if some of them have no value.
    """
    found = list(values)
    ours = mean_interval(found, confidence)

    def further(level: float) -> tuple[float, float]:
        low, high = prediction_interval(found, level)
        return low - printed, high - printed

    inside, outside = further(confidence), further(1 - (1 - confidence) / margin.cells)
    far = abs(ours.mean - printed) > margin.reach
    apart = far and not outside[0] - margin.rounding <= 0 <= outside[1] + margin.rounding
    return _decide(ours, prediction_interval(found, confidence), inside, apart, margin, runs)


def _decide(
    ours: MeanInterval,
    shown: tuple[float, float],
    inside: tuple[float, float],
    apart: bool,
    margin: Margin,
    runs: int | None = None,
) -> OurResult:
    if not ours.n:
        return OurResult(n=str(runs or 0))
    n = str(ours.n if runs is None else runs)
    if ours.n == 1:
        return OurResult(repr(ours.mean), n=n, note=ONE_SEED)
    agrees = decided(-margin.reach <= inside[0] and inside[1] <= margin.reach, apart)
    said = {True: "within", False: "outside", None: "not shown to lie within or outside"}[agrees]
    note = f"{said} the margin of {margin.width:.3g}"
    return OurResult(repr(ours.mean), *shown, n, agrees, note)
