"""CSV tables as data frames, the same way wherever they are read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from spikeinit.errors import UserError

if TYPE_CHECKING:
    import pandas

TEXT_COLUMNS = ("run", "dataset", "initializer", "seeds", "outcome", "printed", "published", "ours")
"""Columns of names in the tables of every study, which stay text even where every name looks like a number."""


def read_table(path: str | Path, text_columns: Iterable[str] = ()) -> pandas.DataFrame:
    """A CSV file as a data frame; only empty cells count as missing.

    text_columns: further columns that stay text, as a study declares them (`Study.text_columns`).
    Raises `UserError` for a missing or unreadable file.
    """
    import pandas

    text = dict.fromkeys((*TEXT_COLUMNS, *text_columns), "str")
    try:
        return pandas.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run the stage that writes it") from None
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError, ValueError) as error:
        raise UserError(f"{path}: not a readable CSV table ({error}); delete it and run again") from None
