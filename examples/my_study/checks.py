"""What our runs say to the claims of claims.csv, each of which names its check here."""

from itertools import pairwise

from spikeinit.studies.claims import Checks, OurResult, judged, read_claims

CHECKS = Checks(__file__)


def scorecard(evidence):
    """A function from `Evidence` to the lines of the scorecard, one for every row of claims.csv."""
    return judged(read_claims(evidence.published["claims"], CHECKS), CHECKS, evidence)


@CHECKS.check
def falling_spikes(evidence, claim):
    """The mean spikes per image fall from each threshold to the next."""
    by_threshold = evidence.tables["by_threshold"].sort_values("threshold")
    means = by_threshold["spikes_mean"].tolist()
    shown = ", ".join(f"{mean:.1f}" for mean in means)
    return OurResult(ours=shown, n=str(by_threshold["runs"].min()), agrees=all(a > b for a, b in pairwise(means)))
