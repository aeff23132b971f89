"""One colour and line per initialiser, the same in every figure of the propagation study.

Laws of equal variance (Lee, Bellec and Glorot in square layers) coincide: thin lines lie on wide ones, so all show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spikeinit.studies.figure_style import COLORS, LINE_STYLES


@dataclass(frozen=True)
class Look:
    """How an initialiser is drawn."""

    label: str
    color: str
    line: str = "-"
    width: float = 1.4


GREY = "#777777"
BLUE, ORANGE, RED, GREEN, PINK, SKY, BLACK = COLORS[:7]

_KNOWN = {
    "micheli2024": Look("Micheli 2024 (proposed)", BLUE),
    "rossbroich2022": Look("Rossbroich 2022", ORANGE),
    "ding2022": Look("Ding 2022", GREEN),
    "lee2016": Look("Lee 2016", PINK, "-", 3.4),
    "bellec2018": Look("Bellec 2018", SKY, "-", 2.2),
    "zenke_vogels2021": Look("Zenke & Vogels 2021", GREY, "--"),
    "glorot": Look("Glorot 2010", BLACK, ":"),
    "he": Look("He 2015 (Kaiming)", RED),
    "micheli2024_soft_reset": Look("Micheli, leak and reset (ours)", BLUE, ":"),
}


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Look of every initialiser among `names`, the paper's first; others take what is left."""
    given = list(dict.fromkeys(names))
    found = {name: look for name, look in _KNOWN.items() if name in given}
    others = [name for name in given if name not in _KNOWN]
    for position, name in enumerate(others):
        line = LINE_STYLES[-1 - position // len(COLORS) % len(LINE_STYLES)]
        found[name] = Look(name, COLORS[position % (len(COLORS) - 1)], line)
    return found
