"""What the study's runs answer, in a sentence or two."""

from __future__ import annotations

import pandas as pd

from spikeinit.studies.table_tools import StudyTables

TABLES = ("optimizers", "surrogates")
"""Tables A6 and A7: nine neurons with every optimiser and every surrogate."""


def answer(tables: StudyTables) -> str:
    """In how many cells of Tables A6 and A7 each initialiser trains, and how soon where all do."""
    cells = pd.concat([tables[name] for name in TABLES], ignore_index=True)
    if cells.empty:
        return ""
    trained = cells.assign(trained=cells["outcome"] == "trained").groupby("initializer")["trained"]
    counts = trained.agg(["sum", "size"]).sort_values("sum", ascending=False)
    said = ", ".join(f"{name} in {row['sum']} of {row['size']}" for name, row in counts.iterrows())
    return f"Cells of Tables A6 and A7 (neuron, optimiser, surrogate) in which training succeeds: {said}."
