"""Which initialisers there are. Each lives in the file named after its paper and registers itself there.

Files are imported only when their initialiser is asked for, and none of them imports torch, so the configuration
can be checked, and a run's source digest taken, without touching the others.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property

from spikeinit.initializers.law import Law
from spikeinit.registry import Registry

MODULES = {
    "normal": "normal",
    "glorot": "glorot",
    "he": "he",
    "lee2016": "lee2016",
    "wu2018": "wu2018",
    "bellec2018": "bellec2018",
    "zenke_vogels2021": "zenke_vogels2021",
    "perez_nieves2021": "perez_nieves2021",
    "zheng2021": "zheng2021",
    "kim_panda2021": "kim_panda2021",
    "ding2022": "ding2022",
    "rossbroich2022": "rossbroich2022",
    "micheli2024": "micheli2024",
    "micheli2024_soft_reset": "micheli2024",
    "chang2024": "chang2024",
    "chang2024_both": "chang2024",
    "lsuv": "lsuv",
    "pytorch": "pytorch",
}
"""Initialiser -> the module of this package that registers it."""

NEURON_PARAMETERS = ("threshold", "decay", "gain")
"""Parameters of a law that are taken from the layer's own neurons unless the configuration sets them."""

MEASURED_PARAMETERS = ("input_rate", "input_mean")
"""Parameters of a law that are measured on data, layer by layer, unless the configuration sets them."""


@dataclass(frozen=True)
class Initializer:
    """A registered initialiser: its law, how weights are drawn, and what a batch of data then changes."""

    name: str
    law: Callable[..., Law]
    draw: str = "independent"
    adjust: str | None = None

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the keyword parameters the law takes beside fan_in and fan_out."""
        return tuple(name for name in inspect.signature(self.law).parameters if name not in ("fan_in", "fan_out"))

    @cached_property
    def needs_fan_out(self) -> bool:
        """Whether the law depends on the number of outputs, so that it has no default for it."""
        given = inspect.signature(self.law).parameters.get("fan_out")
        return given is not None and given.default is given.empty

    def measured(self, parameters: Collection[str]) -> tuple[str, ...]:
        """Parameters of the law to be measured on data when `parameters` are the ones given."""
        if "input_rate" in parameters:
            return ()
        return tuple(name for name in MEASURED_PARAMETERS if name in self.parameters and name not in parameters)

    def needs_inputs(self, parameters: Collection[str] = ()) -> bool:
        """Whether a batch of data is needed when `parameters` are the ones given."""
        return self.adjust is not None or bool(self.measured(parameters))


REGISTRY: Registry[Initializer] = Registry(
    "initialiser",
    {name: f"{__package__}.{module}" for name, module in MODULES.items()},
    remedy="your own: initializer_files",
)


def register(
    name: str, *, draw: str = "independent", adjust: str | None = None
) -> Callable[[Callable[..., Law]], Callable[..., Law]]:
    """Register the decorated function `law(fan_in, fan_out, *, parameters) -> Law` under `name`.

    draw: "independent" (each weight from the law by itself) or another name in `spikeinit.initializers.sampling.DRAWS`,
    which draws a whole weight tensor. adjust: None, or a name in `sampling.ADJUSTMENTS`, which changes a layer's
    weights after they were drawn, on a batch of data. UserError for a name that is taken.
    """

    def decorate(law: Callable[..., Law]) -> Callable[..., Law]:
        REGISTRY.add(name, Initializer(name, law, draw, adjust), module=law.__module__)
        return law

    return decorate


def get(name: str) -> Initializer:
    """The initialiser of that name; `UserError` with suggestions if there is none."""
    return REGISTRY.get(name)


def names() -> list[str]:
    """All names: the package's and those of user files loaded so far."""
    return REGISTRY.names()
