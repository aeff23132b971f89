"""p of several tests, corrected for their number by statsmodels."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import numpy as np
from statsmodels.stats.multitest import multipletests


def corrected(p: Sequence[float] | np.ndarray, method: str = "holm") -> np.ndarray:
    """p of one family of tests after a correction of statsmodels, `holm` or `fdr_bh`.

    NaN is a test that could not be made. It stays NaN and does not count. For example, 0.01 and 0.04 become 0.02 and
    0.04 by Holm.
    """
    values = np.array(p, dtype=float)
    made = ~np.isnan(values)
    if made.any():
        gc.freeze()  # statsmodels collects garbage at every call: 50 ms for what pandas and scipy alone consist of
        try:
            values[made] = multipletests(values[made], method=method)[1]
        finally:
            gc.unfreeze()
    return values
