"""One colour and line per initialiser, the same in every figure of the propagation study."""

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


BLUE, ORANGE, RED, GREEN, PINK, SKY, BLACK = COLORS[:7]

_KNOWN = {
    "micheli2024": Look("Micheli 2024 (proposed)", BLUE),
    "rossbroich2022": Look("Rossbroich 2022", ORANGE),
    "ding2022": Look("Ding 2022", GREEN),
    "lee2016": Look("Lee 2016", PINK, "--"),
    "bellec2018": Look("Bellec 2018", SKY, "--"),
    "zenke_vogels2021": Look("Zenke & Vogels 2021", BLACK, "--"),
    "he": Look("He 2015 (Kaiming)", RED),
    "glorot": Look("Glorot 2010", BLACK, ":"),
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
