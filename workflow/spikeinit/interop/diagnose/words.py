"""How numbers stand in sentences and in the text table."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """Two digits, without an exponent where that is short: 0.0012, 0.84, 2.4, 340, 1.2e+06; nothing for NaN."""
    if math.isnan(value):
        return ""
    size = abs(value)
    if size >= 100:
        return f"{value:.0f}" if size < 1e5 else f"{value:.1e}"
    return f"{value:.2g}" if size >= 1e-4 or size == 0 else f"{value:.1e}"


def percent(share: float) -> str:
    """Whole percents, one digit below one; nothing for NaN. What is not quite all or nothing is not said to be."""
    if math.isnan(share):
        return ""
    if 0 < share < 0.01:
        return f"{100 * share:.1g} %"
    if 0.99 < share < 1:
        return f"{math.floor(1000 * share) / 10:.1f} %"
    return f"{100 * share:.0f} %"
