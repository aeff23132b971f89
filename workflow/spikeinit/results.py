"""Finished tables, for notebooks.

>>> from spikeinit.results import load_table
>>> load_table("laptop", "energy", "spikes_by_weight_mean")   # results/laptop/studies/energy/tables/...
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spikeinit.errors import UserError
from spikeinit.studies import STUDIES
from spikeinit.tables import read_table

if TYPE_CHECKING:
    import pandas


def load_table(name: str, study: str, table: str, root: str | Path = "results") -> pandas.DataFrame:
    """One table of a study as a data frame: `name` is the configuration's name, `table` a file name without `.csv`.

    Tables stand in `<root>/<name>/studies/<study>/tables/`, the statistics, the audit and the scorecard one folder
    above. Empty cells are NaN. Raises `UserError` that lists what there is.
    """
    root = Path(root)
    study_folder = root / name / "studies" / study
    folders = (study_folder / "tables", study_folder)
    for folder in folders:
        path = folder / f"{table}.csv"
        if path.is_file():
            return read_table(path, STUDIES[study].text_columns if study in STUDIES else ())
    for parent, what, given in ((root, "results", name), (root / name / "studies", "study", study)):
        if not (parent / given).is_dir():
            raise UserError(f"{parent / given}: no such {what}; there: {_listed(parent, '*/')}")
    found = ", ".join(sorted(file.stem for folder in folders for file in folder.glob("*.csv"))) or "none yet"
    raise UserError(f"{study_folder}: no table {table!r}; there: {found}")


def _listed(folder: Path, pattern: str) -> str:
    return ", ".join(sorted(path.name for path in folder.glob(pattern))) or "nothing yet (run snakemake)"
