"""What lies beside data and is none: what systems, unpackers and browsers leave in folders and in archives.

Nothing in this module imports torch or numpy: the planner reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_SYSTEMS = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "lost+found", "icon\r"}
"""Beside names that begin with a dot, as .DS_Store and ._00001.bin do, and with ~$; in lower case."""

_UNFINISHED = (".part", ".partial", ".crdownload", ".opdownload", ".download", ".filepart", ".aria2", ".tmp", ".!ut")
"""How browsers and other programs end the name of what they have not wholly written yet."""

_SHOWN = 4


def is_leftover(name: str) -> bool:
    """Whether a file or folder of this name belongs to a system, not to the data."""
    return name.startswith((".", "~$")) or name.lower() in _SYSTEMS


def entries(folder: Path) -> list[Path]:
    """What else a folder holds, by name; of one that cannot be read, nothing."""
    try:
        return sorted(path for path in folder.iterdir() if not is_leftover(path.name))
    except OSError:
        return []


def entry_named(folder: Path, name: str) -> Path | None:
    """The file or folder of that name, else the only one whose name differs in upper and lower case; None without."""
    if (folder / name).exists():
        return folder / name
    alike = [path for path in entries(folder) if path.name.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def unfinished(names: Iterable[str]) -> list[str]:
    """Those of the names that are of partial downloads."""
    return [name for name in names if name.lower().endswith(_UNFINISHED)]


def few(names: Iterable[str]) -> str:
    """The first names, and how many more there are, for a message; "nothing" without any."""
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more or "nothing"
