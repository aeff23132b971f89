"""By which rules our simulations and trainings agree with the claims of Micheli et al. (2024).

The claims stand in `micheli2024_claims.csv`, and each names its check: `simulation_checks` has those of the untrained
networks (figures 2 to 7), `training_checks` those of the trained ones (figures 8 to 10). The paper states few numbers
and no tests, so every rule names a tolerance. All are judged by intervals over repeats or seeds, and where a bound
falls inside an interval the claim is open. Conditions are per part: simulations at full size earn verdicts although the
trainings beside them are scaled down.
"""

from __future__ import annotations

from spikeinit.studies.claims import Checks, Claim, judged, read_claims
from spikeinit.studies.open_choices import no_flip_line
from spikeinit.studies.propagation import simulation_checks, training_checks
from spikeinit.studies.scorecard import Evidence, ScorecardEntry

NO_FLIP = Claim(
    id="open-choices:conclusions",
    place="left open",
    statement="no claim about the first MLP hangs on what the paper leaves open",
    printed="not stated",
    part="deep_mlp",
)

CHECKS = Checks(__file__)
for _name, _check in (*simulation_checks.CHECKS.items(), *training_checks.CHECKS.items()):
    CHECKS.add(_name, _check)


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """Every claim as a line of the scorecard, in the order of the figures, and whether one hangs on an open choice."""
    claims = judged(read_claims(evidence.published["micheli2024_claims"], CHECKS), CHECKS, evidence)
    return [*claims, no_flip_line(NO_FLIP, evidence, evidence.tables["open_choices"])]
