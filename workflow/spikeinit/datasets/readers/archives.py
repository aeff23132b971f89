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
    """Turn what zipfile raises for an archive that it cannot read into a `UserError` that ends in the remedy."""
    try:
        yield
    except PermissionError as error:
        raise UserError(f"{path}: not readable ({error.strerror}); allow reading it") from None
    except NotImplementedError as error:
        raise UserError(f"{path}: packed in a way that Python cannot read ({error}); {remedy}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise UserError(f"{path}: damaged archive ({error}); {remedy}") from None
