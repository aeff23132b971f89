"""What the readers of zip archives share."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from spikeinit.errors import UserError


@contextlib.contextmanager
def damage_named(path: Path, remedy: str) -> Iterator[None]:
    """Turn what zipfile raises for a damaged archive into a `UserError` that ends in the remedy."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise UserError(f"{path}: damaged archive ({error}); {remedy}") from None
