"""What is claimed and whether our runs agree: a function from `Evidence` to the lines of the scorecard."""

from itertools import pairwise

from spikeinit.studies.scorecard import Claim, OurResult, scorecard_entry
from spikeinit.tables import read_table


def scorecard(evidence):
    """One line for every row of claims.csv; `CHECKS` has a function for each."""
    claimed = read_table(evidence.published["claims"]).to_dict("records")
    return [
        scorecard_entry(
            Claim(row["id"], row["place"], row["statement"], "stated", ("digits",)),
            CHECKS[row["id"]](evidence.tables["by_threshold"]),
            evidence.conditions,
        )
        for row in claimed
    ]


def _falling_spikes(by_threshold):
    means = by_threshold.sort_values("threshold")["spikes_mean"].tolist()
    shown = ", ".join(f"{mean:.1f}" for mean in means)
    return OurResult(ours=shown, n=str(by_threshold["runs"].min()), agrees=all(a > b for a, b in pairwise(means)))


CHECKS = {"falling-spikes": _falling_spikes}
