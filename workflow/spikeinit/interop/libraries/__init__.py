"""The neurons of each library: which modules are neurons, what they do, and how to read what went in and came out.

A library's file is imported when a module of that library is met, and the library itself never: a class is known by
the package and the name that it or one of its bases has. Each file offers

    dynamics(module, kind)               its `Dynamics`, of a module whose class or base has the name `kind` in KINDS
    signals(module, received, output)    input current and spikes of one call, both [T, B, ...]; spikes are counts
    set_threshold(module, value)         give all neurons this threshold
    start_anew(module)                   forget the potentials of the last batch
    left_over(module)                    whether the next call would start from potentials of an earlier batch

`KINDS` are the names of classes that `dynamics` reads, `UNREAD` those of other neurons of the library: they are known
to fire, and what they do has to be told.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import nn

from spikeinit.interop.dynamics import Dynamics

LIBRARIES = {
    "snntorch": "snntorch",
    "spikingjelly": "spikingjelly",
    "norse": "norse",
    "sinabs": "sinabs",
    "spikeinit": "spikeinit",
}
"""Top-level package that a class belongs to -> the file of this package that reads its neurons."""


@dataclass(frozen=True)
class Reader:
    """One neuron module, and the file that reads it. kind: its class or base in KINDS; None for one in UNREAD."""

    module: nn.Module
    library: str
    file: ModuleType
    kind: str | None

    def dynamics(self) -> Dynamics | None:
        """What the neurons do; None where that cannot be read."""
        return None if self.kind is None else self.file.dynamics(self.module, self.kind)

    def signals(self, received: torch.Tensor, output: object) -> tuple[torch.Tensor, torch.Tensor]:
        """Input current and spike counts of one call, both [T, B, ...]: T = 1 for a module that sees single steps."""
        return self.file.signals(self.module, received, output)

    def set_threshold(self, value: float) -> None:
        """Give all neurons this threshold."""
        self.file.set_threshold(self.module, value)

    def start_anew(self) -> None:
        """Forget the potentials of the last batch."""
        self.file.start_anew(self.module)

    def left_over(self) -> bool:
        """Whether the next call, if it is handed no state, would start from potentials of an earlier batch."""
        return self.file.left_over(self.module)


def reader(module: nn.Module) -> Reader | None:
    """The reader of a module that fires; None for every other module."""
    for base in type(module).__mro__:
        package = base.__module__.split(".")[0]
        if package in LIBRARIES:
            file = importlib.import_module(f"{__name__}.{LIBRARIES[package]}")
            if base.__name__ in file.KINDS:
                return Reader(module, package, file, base.__name__)
            if base.__name__ in file.UNREAD:
                return Reader(module, package, file, None)
    return None


def known_neurons() -> str:
    """The neurons whose dynamics are read, for messages."""
    files = {name: importlib.import_module(f"{__name__}.{file}") for name, file in LIBRARIES.items()}
    return "; ".join(f"{name}: {', '.join(file.KINDS)}" for name, file in files.items())
