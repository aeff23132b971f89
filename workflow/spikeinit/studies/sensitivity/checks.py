"""By which rules our sweeps agree with the statements of Peat (2024), and the printed operation counts.

The report has one seed, and its statements are words. `rules` turns each into contrasts, which our seeds decide: the
same seed starts every point of a sweep, so that points are compared in pairs (`contrasts.above_zero`). The same
contrasts of the report's own printed curves tell which of its statements its figures contradict.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from spikeinit.studies.claims import Checks, Claim, OurResult, PrintedTable, Row, judged, read_claims
from spikeinit.studies.contrasts import Contrast, above_zero
from spikeinit.studies.judging import Margin, beside_printed_run
from spikeinit.studies.scorecard import Evidence, ScorecardEntry
from spikeinit.studies.sensitivity import printed
from spikeinit.studies.sensitivity.rules import RULES, Rule
from spikeinit.studies.sensitivity.sweep_measures import sweep_of
from spikeinit.tables import read_table

CHECKS = Checks(__file__)

HALF_DIGIT = 0.005
"""How exactly an accuracy can be read from a figure, in points."""
READINGS = 100
"""So many times the printed curves are read, each point at random within the width of its line."""
STRONGLY = 1.5
"""Training takes "much longer", and a difference is noticeable, above so many times the time of what is compared."""
SMALL, SIZABLE = [5, 10], [50, 100]
"""Numbers of time steps that the report calls neither large nor scaled up, and such that are; 20 is between them."""


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """The claims in the report's order, the accuracies that its figures end in, and its operation counts."""
    curves = read_table(evidence.published[printed.FILE])
    claims = [audited(claim, curves) for claim in read_claims(evidence.published["peat2024_claims"], CHECKS)]
    return [*judged(claims, CHECKS, evidence), *ACCURACIES.judged(evidence), *OPERATIONS.judged(evidence)]


def audited(claim: Claim, curves: pd.DataFrame) -> Claim:
    """The claim, marked as contradicted where a contrast that it makes is below zero in the report's own figures.

    It is so however the figures are read, within the width of their lines. curves: peat2024_curves.csv. A claim about
    something of which no curve is printed stays as it is. So does one that something may happen, unless all contrasts
    are below zero.
    """
    rule = RULES.get(claim.check)
    sweep = printed.printed_sweep(curves, rule.sweep, readings=READINGS) if rule else None
    if sweep is None:
        return claim
    contrasts = rule.contrasts(sweep)
    against = [contrast for contrast in contrasts if contrast.excess.max() < 0]
    if not against or (rule.hedged and len(against) < len(contrasts)):
        return claim
    found = ", ".join(one.shown(f"{one.values[0]:.3g}") for one in against)
    return replace(claim, contradicted=f"by the report's own figures: {found}")


def _check(name: str, rule: Rule) -> None:
    def check(evidence: Evidence, claim: Claim) -> OurResult:
        tables = evidence.tables["by_seed"], evidence.tables["curves"]
        sweep = sweep_of(*tables, evidence.conditions.datasets["mnist"], rule.sweep, rule.key)
        contrasts = rule.contrasts(sweep)
        return above_zero(evidence.confidence, *contrasts, some=rule.hedged) if contrasts else OurResult()

    CHECKS.add(name, check)


for _name, _rule in RULES.items():
    _check(_name, _rule)


@CHECKS.check
def runtime(evidence: Evidence, claim: Claim) -> OurResult:
    """Every T above 10 takes much longer than T = 10."""
    seconds = _seconds_by_steps(evidence)
    if 10 not in seconds:
        return OurResult()
    ratios = {f"T = {steps}": seconds[steps] / seconds[10] for steps in seconds if steps > 10}
    return above_zero(evidence.confidence, *(_longer(one, ratio, "T = 10") for one, ratio in ratios.items()))


@CHECKS.check
def runtime_analogue(evidence: Evidence, claim: Claim) -> OurResult:
    """At T = 5 and 10 a spiking network does not train much longer than the same network without time, at 50 and 100
    it does."""
    frame = evidence.tables["analogue_time_measured"]
    own = frame[frame["dataset"] == evidence.conditions.datasets["mnist"]].set_index("seed")["seconds_per_epoch"]
    ratios = _seconds_by_steps(evidence).div(own, axis="index").dropna()
    if ratios.empty:
        return OurResult()
    return above_zero(
        evidence.confidence,
        *(_longer(f"T = {steps}", ratios[steps], "without time", at_most=steps in SMALL) for steps in SMALL + SIZABLE
          if steps in ratios),
    )  # fmt: skip


def _seconds_by_steps(evidence: Evidence) -> pd.DataFrame:
    """Seconds of an epoch in the sweep over T: a row for each seed that has all of them, a column for each T."""
    frame, runs = evidence.tables["training_time_measured"], evidence.tables["by_seed"]
    member = runs[(runs["sweep"] == "timesteps") & (runs["dataset"] == evidence.conditions.datasets["mnist"])]["run"]
    own = frame[frame["run"].isin(member)]
    if "encoding.timesteps" not in own or own.empty:
        return pd.DataFrame()
    return own.pivot_table(index="seed", columns="encoding.timesteps", values="seconds_per_epoch").dropna()


def _longer(what: str, ratio: pd.Series, than: str, *, at_most: bool = False) -> Contrast:
    """Whether something takes much longer than something else, or (at_most) does not."""
    bound = {"below": STRONGLY} if at_most else {"above": STRONGLY}
    return Contrast(f"{what} beside {than}:", ratio.to_numpy(), "times as long", **bound)


def _last_accuracies(path: Path) -> list[Row]:
    """The test accuracy after the last epoch of every training in the figures, each once."""
    curves = read_table(path)
    own = curves[(curves["measure"] == "test_accuracy") & (curves["epoch"] == curves["epoch"].max())]
    rows = own.assign(sweep=[printed.FIGURES[figure][0] for figure in own["figure"]]).to_dict("records")
    return [row for row in rows if (row["sweep"], row["setting"]) not in printed.SHOWN_TWICE]


def _accuracy_claim(row: Row) -> Claim:
    sweep = row["sweep"].replace("_", " ")
    text = f"test accuracy after the last epoch, {sweep} {row['setting'].replace('_', ' ')} (figure, %)"
    return Claim(f"accuracy:{row['figure']}:{row['setting']}", "figures", text, f"{row['value']:.2f}", ("mnist",),
                 note=printed.note_of(row["sweep"], row["setting"]), comparable_scaled=False)  # fmt: skip


def _accuracies(evidence: Evidence, row: Row) -> list[float]:
    tables = evidence.tables["by_seed"], evidence.tables["curves"]
    sweep = sweep_of(*tables, evidence.conditions.datasets["mnist"], row["sweep"], row["key"])
    places = sweep.at(printed.value_of(row["key"], row["setting"]))
    return list(sweep.final("test_accuracy")[:, places[0]]) if places else []


def _beside_the_figure(ours: list[float], row: Row, evidence: Evidence, cells: int) -> OurResult:
    margin = Margin(evidence.tables.spec["margins"]["accuracy"], HALF_DIGIT, cells)
    return beside_printed_run(ours, row["value"], margin, evidence.confidence)


ACCURACIES = PrintedTable(
    printed.FILE,
    _accuracy_claim,
    _accuracies,
    _beside_the_figure,
    _last_accuracies,
    together=Claim(
        "accuracy", "figures", "all final accuracies of the figures together", "stated", comparable_scaled=False
    ),
)
"""The accuracies that the report's figures end in, beside ours."""


def _operations_claim(row: Row) -> Claim:
    quantity = row["quantity"]
    text = f"floating-point operations, {quantity.replace('_', ' ')}"
    return Claim(f"flops:{quantity}", "Sec. 9", text, f"{row['flops']:,.0f}")


def _operations(evidence: Evidence, row: Row) -> list[float]:
    ours = evidence.tables["published_flops"].set_index("quantity")["flops"]
    return [float(ours[row["quantity"]])]


def _equal(ours: list[float], row: Row, evidence: Evidence, cells: int) -> OurResult:
    (value,) = ours
    return OurResult(f"{value:,.0f}", n="exact", agrees=value == row["flops"])


OPERATIONS = PrintedTable("peat2024_flops", _operations_claim, _operations, _equal, needs_runs=False)
"""The printed operation counts beside the formulas; arithmetic alone, so that every scale may be judged."""
