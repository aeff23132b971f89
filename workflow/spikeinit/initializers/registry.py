"""Which initialisers there are. Each lives in the file named after its paper and registers itself there.

Files are imported only when their initialiser is asked for, and none of them imports torch, so the configuration
can be checked, and a run's source digest taken, without touching the others.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from spikeinit.errors import UserError
from spikeinit.initializers.law import Law

MODULES = {
    "normal": "normal",
    "glorot": "glorot",
    "he": "he",
    "lee2016": "lee2016",
    "wu2018": "wu2018",
    "bellec2018": "bellec2018",
    "zenke_vogels2021": "zenke_vogels2021",
    "ding2022": "ding2022",
    "rossbroich2022": "rossbroich2022",
    "micheli2024": "micheli2024",
    "micheli2024_soft_reset": "micheli2024",
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

    def measured(self, parameters: Collection[str]) -> tuple[str, ...]:
        """Parameters of the law to be measured on data when `parameters` are the ones given."""
        if "input_rate" in parameters:
            return ()
        return tuple(name for name in MEASURED_PARAMETERS if name in self.parameters and name not in parameters)

    def needs_inputs(self, parameters: Collection[str] = ()) -> bool:
        """Whether a batch of data is needed when `parameters` are the ones given."""
        return self.adjust is not None or bool(self.measured(parameters))


_REGISTERED: dict[str, Initializer] = {}


def register(
    name: str, *, draw: str = "independent", adjust: str | None = None
) -> Callable[[Callable[..., Law]], Callable[..., Law]]:
    """Register the decorated function `law(fan_in, fan_out, *, parameters) -> Law` under `name`.

    draw: "independent" (each weight from the law by itself) or another name in `spikeinit.initializers.sampling.DRAWS`,
    which draws a whole weight tensor. adjust: None, or a name in `sampling.ADJUSTMENTS`, which changes a layer's
    weights after they were drawn, on a batch of data. UserError for the name of an initialiser of this package.
    """

    def decorate(law: Callable[..., Law]) -> Callable[..., Law]:
        if name in MODULES and law.__module__ != f"{__package__}.{MODULES[name]}":
            raise UserError(f"initialiser {name!r} exists already; register yours under another name")
        _REGISTERED[name] = Initializer(name, law, draw, adjust)
        return law

    return decorate


def load_files(paths: Iterable[str | Path]) -> None:
    """`load_file` for each of them; an empty path stands for none, as a shell passes an empty list."""
    for path in filter(None, paths):
        load_file(path)


def load_file(path: str | Path) -> None:
    """Import a user's own file, which registers one or more initialisers; `UserError` if it cannot be."""
    path = Path(path)
    specification = importlib.util.spec_from_file_location(f"spikeinit_user_{path.stem}", path)
    if specification is None or specification.loader is None or not path.is_file():
        raise UserError(f"{path}: no such Python file; initializer_files lists files that register initialisers")
    module = importlib.util.module_from_spec(specification)
    before = dict(_REGISTERED)
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"{path}: failed on import, {type(error).__name__}: {error}") from error
    if before == _REGISTERED:
        raise UserError(f"{path}: registers no initialiser; decorate its law with @register(name)")


def get(name: str) -> Initializer:
    """The initialiser of that name; `UserError` with suggestions if there is none."""
    if name not in _REGISTERED and name in MODULES:
        importlib.import_module(f"spikeinit.initializers.{MODULES[name]}")
    if name not in _REGISTERED:
        known = names()
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UserError(f"unknown initialiser {name!r}{hint} (known: {', '.join(known)})")
    return _REGISTERED[name]


def names() -> list[str]:
    """All names: the package's and those of user files loaded so far."""
    return sorted({*MODULES, *_REGISTERED})
