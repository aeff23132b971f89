"""Who is who in all figures: the names and the looks of initialisers, and the names of data sets.

An initialiser has one name, colour, line and marker in every figure of every study; He's is vermilion in all of them.
Colours are Okabe and Ito's, which the colour-blind can tell apart. There are more initialisers than such colours, so
two may share one. No two of this package share both colour and line, nor both colour and marker, and a user's own
initialiser shares neither pair with one of them.

Nothing here imports matplotlib: claims take names from here too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

BLUE, ORANGE, VERMILION, GREEN = "#0072B2", "#E69F00", "#D55E00", "#009E73"
PINK, SKY, BLACK, YELLOW = "#CC79A7", "#56B4E9", "#000000", "#F0E442"
COLORS = (BLUE, ORANGE, VERMILION, GREEN, PINK, SKY, BLACK, YELLOW)
"""Okabe and Ito's palette, the most distinct ones first."""
GREY, DARK_GREY = "#777777", "#444444"
"""For what is shown beside the series: notes, references and the explanation of a marker."""
PURPLE, MIDDLE_PURPLE, PALE_PURPLE = "#2D004B", "#7E5FB8", "#AA9ADB"
"""The normal law's colour, and its shades, which tell its mean weights apart."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h")

Line = str | tuple[float, tuple[float, ...]]
"""A line style as matplotlib takes it: a name, or (offset, (length of dash, length of gap, ...))."""

SOLID, DASHED, DOTTED = "-", (0, (4, 3)), (0, (1, 2))
OWN_LINES: tuple[Line, ...] = ("-.", (0, (6, 1.5, 1, 1.5, 1, 1.5)), (0, (8, 2)))
"""Lines of initialisers that the user declares; none of this package has one of them."""


@dataclass(frozen=True)
class Look:
    """How an initialiser is drawn. `width`: of its line, in points."""

    name: str
    color: str
    marker: str
    line: Line = SOLID
    width: float = 1.4

    @property
    def stroke(self) -> dict[str, Any]:
        """Options of a line for matplotlib.

        Some laws give equal lines: Lee, Bellec and Glorot in square layers, and all of them in networks that do not
        train. So thin lines lie on wide ones, and those with gaps on solid ones: all of them show.
        """
        above = 3.0 - self.width / 10 + (0.5 if self.line != SOLID else 0.0)
        return {"color": self.color, "linestyle": self.line, "linewidth": self.width, "zorder": above}


_LOOKS = {
    "normal": Look("normal", PURPLE, "o"),
    "glorot": Look("Glorot 2010", BLACK, ">", DOTTED, 1.8),
    "he": Look("He 2015", VERMILION, "X"),
    "lee2016": Look("Lee 2016", PINK, "v", SOLID, 3.6),
    "lsuv": Look("Mishkin 2016 (LSUV)", GREEN, "h", DASHED),
    "wu2018": Look("Wu 2018", SKY, "<", DASHED, 1.8),
    "bellec2018": Look("Bellec 2018", SKY, "P", SOLID, 2.4),
    "zenke_vogels2021": Look("Zenke & Vogels 2021", GREY, "*", DASHED),
    "perez_nieves2021": Look("Perez-Nieves 2021", BLACK, "D", DASHED),
    "zheng2021": Look("Zheng 2021 (tdBN)", YELLOW, "d"),
    "kim_panda2021": Look("Kim & Panda 2021", PINK, "X", DASHED),
    "ding2022": Look("Ding 2022", GREEN, "^"),
    "rossbroich2022": Look("Rossbroich 2022", ORANGE, "D"),
    "micheli2024": Look("Micheli 2024", BLUE, "s"),
    "micheli2024_soft_reset": Look("Micheli 2024, leak and reset", BLUE, "H", DOTTED, 1.8),
    "chang2024": Look("Chang 2024 (IKUN)", DARK_GREY, "p", DOTTED, 1.8),
    "chang2024_both": Look("Chang 2024 (IKUN, both sides)", DARK_GREY, "D"),
    "pytorch": Look("PyTorch's default", VERMILION, "p", DASHED),
    "data_driven": Look("data-driven", ORANGE, "d", DASHED),
}
"""Initialiser -> its look, in the order of legends: by year, then those without one."""


def look_of(initializer: str) -> Look:
    """The look of an initialiser.

    One that this package does not declare, a user's own, keeps its name. Its colour, line and marker are drawn by its
    name, so they are the same in every figure, whatever other initialisers stand beside it.
    """
    if initializer in _LOOKS:
        return _LOOKS[initializer]
    number = int.from_bytes(hashlib.sha256(initializer.encode()).digest()[:8], "big")
    number, position = divmod(number, len(COLORS) - 1)  # the last one is pale
    number, line = divmod(number, len(OWN_LINES))
    color = COLORS[position]
    taken = {look.marker for look in _LOOKS.values() if look.color == color}
    free = [marker for marker in MARKERS if marker not in taken]
    return Look(initializer, color, free[number % len(free)], OWN_LINES[line])


def looks_of(initializers: Iterable[str]) -> dict[str, Look]:
    """Initialiser -> look, each once, in the order of legends; a user's own come last, in the order given."""
    given = list(dict.fromkeys(initializers))
    known = [name for name in _LOOKS if name in given]
    return {name: look_of(name) for name in [*known, *(name for name in given if name not in _LOOKS)]}


def in_two_lines(name: str) -> str:
    """A name with its year in a second line, for narrow columns."""
    return "\n".join(name.rsplit(" ", 1))


def numbered_look(position: int) -> dict[str, str]:
    """Colour and marker of a series without a look of its own, such as a sweep, by its position in the legend."""
    return {"color": COLORS[position % len(COLORS)], "marker": MARKERS[position % len(MARKERS)]}


_DATASETS = {
    "digits": "digits",
    "mnist5k": "MNIST 5k",
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "tinyimagenet": "Tiny ImageNet",
    "imagenet": "ImageNet",
    "nmnist": "N-MNIST",
    "nmnist1k": "N-MNIST 1k",
    "nmnist_small": "N-MNIST small",
    "cifar10_dvs": "CIFAR10-DVS",
}


def dataset_name(dataset: str) -> str:
    """A data set's name as its authors write it, e.g. "Fashion-MNIST" for fashion_mnist; a user's own keeps its."""
    return _DATASETS.get(dataset, dataset)
