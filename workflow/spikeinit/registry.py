"""What is known by a name: to this package, whose modules are imported only when they are asked for, and to users.

FAMILIES = Registry("network family", {"mlp": "spikeinit.networks.mlp"})
FAMILIES.add("mine", function, module=function.__module__)
FAMILIES.get("mine"), FAMILIES.names(), FAMILIES.file("mine")
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from spikeinit import user_files
from spikeinit.errors import UserError
from spikeinit.names.slugs import NAME_PATTERN, NAME_RULE

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """Entries by name. `kind` says what an entry is, in messages; `remedy` ends the message on an unknown name.

    modules: name of an entry of this package -> the module that adds it. No user can take such a name.
    """

    def __init__(self, kind: str, modules: Mapping[str, str], remedy: str = "") -> None:
        self.kind = kind
        self.modules = modules
        self.remedy = remedy
        self._entries: dict[str, Entry] = {}
        self._files: dict[str, Path | None] = {}

    def add(self, name: str, entry: Entry, *, module: str) -> None:
        """Add an entry that the code of `module` registers.

        Raises `UserError` for a name that belongs to another module of this package or to another file of a user, that
        the file has given already, or that the configuration cannot name. Outside a file, as in a notebook, where cells
        are run again, the later of two entries replaces the earlier one.
        """
        if name in self.modules and module == self.modules[name]:
            self._entries[name] = entry
            return
        file = user_files.registering(self.kind, name)
        if name in self.modules:
            raise UserError(
                f"{self.kind} {name!r} is registered by {self.modules[name]} of this package and by {file or module};"
                " give yours another name"
            )
        if not re.fullmatch(NAME_PATTERN, name):
            raise UserError(f"{self.kind} {name!r}, registered by {file or module}: {NAME_RULE}; give it such a name")
        other = self._files.get(name)
        if file and other and file.resolve() != other.resolve():
            raise UserError(
                f"{self.kind} {name!r} is registered by {other} and by {file}; give one of them another name"
                " (if one file imports the other, move what both need into a third file, which registers nothing)"
            )
        self._entries[name] = entry
        self._files[name] = file

    def get(self, name: str) -> Entry:
        """The entry of that name; `UserError` with suggestions if there is none."""
        if name not in self._entries and name in self.modules:
            importlib.import_module(self.modules[name])
        if name not in self._entries:
            raise UserError(f"unknown {self.kind} {name!r}{near(name, self.names())} ({self._known()})")
        return self._entries[name]

    def names(self) -> list[str]:
        """All names: the package's in their order, then those of users' files that were loaded."""
        return [*self.modules, *(name for name in self._entries if name not in self.modules)]

    def file(self, name: str) -> Path | None:
        """The user's file that registers the entry; None for the package's own, and outside any file."""
        return self._files.get(name)

    def _known(self) -> str:
        return "; ".join(filter(None, (f"known: {', '.join(self.names())}", self.remedy)))


def near(name: str, known: Iterable[str]) -> str:
    """The hint of a message on an unknown name, "; did you mean this?"; "" if nothing known is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
