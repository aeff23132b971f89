"""What the audit of the thesis's printed numbers says against its claims: the text that marks them in the scorecard.

A number that other printed numbers accuse, the mean 1.44 where the thesis's own Table 6 averages to 0.14 for instance,
is probably a misprint. It speaks against no claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd


def contradicted_cells(audit: pd.DataFrame) -> dict[tuple[int, str, str], str]:
    """(table, row, measure) of every printed cell that other cells contradict, with the audit's comment."""
    marked: dict[tuple[int, str, str], list[str]] = {}
    for record in _contradicted_cells(audit).to_dict("records"):
        text = f"{record['quantity']} {record['printed']}: {record['comment']}"
        marked.setdefault((int(record["table"]), str(record["row"]), str(record["layer"])), []).append(text)
    return {key: "; ".join(texts) for key, texts in marked.items()}


def _contradicted_cells(audit: pd.DataFrame) -> pd.DataFrame:
    return audit[_is_true(audit["contradicted"]) & (audit["kind"] == "cell")]


def _is_true(column: pd.Series) -> pd.Series:
    return column.astype(str).str.lower() == "true"


@dataclass(frozen=True)
class Accused:
    """Printed numbers that others contradict. For example `(2, "0.01", "layer 6") in accused`.

    found: table, row, measure and quantity ("mean", "standard deviation") of each.
    """

    found: frozenset[tuple[int, str, str, str]]

    @classmethod
    def by(cls, audit: pd.DataFrame) -> Accused:
        """Those that the audit found."""
        places = _contradicted_cells(audit)[["table", "row", "layer", "quantity"]].itertuples(index=False)
        return cls(
            frozenset((int(table), str(row), str(layer), str(quantity)) for table, row, layer, quantity in places)
        )

    def __contains__(self, cell: tuple[int, str, str]) -> bool:
        """Whether a cell (table, row, measure) is accused in its mean or in its deviation."""
        return any(self.of(cell, quantity) for quantity in ("mean", "standard deviation"))

    def of(self, cell: tuple[int, str, str], quantity: str) -> bool:
        """Whether one of the cell's two numbers is. A row that repeats another one is accused in all its deviations."""
        table, row, measure = cell
        repeated = {(table, row, measure, "repeated print")}
        if quantity == "standard deviation":
            repeated.add((table, row, "all", "repeated print"))
        return not self.found.isdisjoint({(*cell, quantity)} | repeated)


def _rests_on_misprint(record: Mapping[str, Any], accused: Accused) -> bool:
    """Whether a number that is against a sentence is accused itself."""
    cells = [(int(record["table"]), row, str(record["layer"])) for row in str(record["row"]).split(" against ")]
    if record["quantity"] == "outcome":
        return any(cell in accused for cell in cells)
    return any(accused.of(cell, record["quantity"]) for cell in cells)


def contradicted_claims(audit: pd.DataFrame) -> dict[str, str]:
    """Claim id -> why the printed tables contradict it: sentences, and outcomes that no reading of the test gives."""
    rows = audit[_is_true(audit["contradicted"]) & audit["claim"].notna()]
    accused = Accused.by(audit)
    sentences = rows[rows["kind"] == "prose"]
    sentences = sentences[[not _rests_on_misprint(record, accused) for record in sentences.to_dict("records")]]
    outcomes = rows[(rows["kind"] == "statement") & (rows["reading"] == "any")]
    marked = {str(claim): str(group["comment"].iloc[0]) for claim, group in outcomes.groupby("claim")}
    for claim, group in sentences.groupby("claim"):
        first = group.iloc[0]
        place = ", ".join(str(part) for part in (first["row"], first["layer"]) if not pd.isna(part))
        more = f" ({len(group) - 1} more)" if len(group) > 1 else ""
        comment = str(first["comment"]).rpartition(": ")[2]
        marked[str(claim)] = f"Table {int(first['table'])}, {place}: printed {first['printed']}, {comment}{more}"
    return marked
