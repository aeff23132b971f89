"""What the audit of the thesis's printed numbers says against its claims: the text that marks them in the scorecard."""

from __future__ import annotations

import pandas as pd


def contradicted_cells(audit: pd.DataFrame) -> dict[tuple[int, str, str], str]:
    """(table, row, measure) of every printed cell that other cells contradict, with the audit's comment."""
    marked: dict[tuple[int, str, str], list[str]] = {}
    for record in audit[_is_true(audit["contradicted"]) & (audit["kind"] == "cell")].to_dict("records"):
        text = f"{record['quantity']} {record['printed']}: {record['comment']}"
        marked.setdefault((int(record["table"]), str(record["row"]), str(record["layer"])), []).append(text)
    return {key: "; ".join(texts) for key, texts in marked.items()}


def _is_true(column: pd.Series) -> pd.Series:
    return column.astype(str).str.lower() == "true"


def contradicted_claims(audit: pd.DataFrame) -> dict[str, str]:
    """Claim id -> why the printed tables contradict it: sentences, and outcomes that no reading of the test gives."""
    rows = audit[_is_true(audit["contradicted"]) & audit["claim"].notna()]
    sentences = rows[rows["kind"] == "prose"]
    outcomes = rows[(rows["kind"] == "statement") & (rows["reading"] == "any")]
    marked = {str(claim): str(group["comment"].iloc[0]) for claim, group in outcomes.groupby("claim")}
    for claim, group in sentences.groupby("claim"):
        first = group.iloc[0]
        place = ", ".join(str(part) for part in (first["row"], first["layer"]) if not pd.isna(part))
        more = f" ({len(group) - 1} more)" if len(group) > 1 else ""
        comment = str(first["comment"]).rpartition(": ")[2]
        marked[str(claim)] = f"Table {int(first['table'])}, {place}: printed {first['printed']}, {comment}{more}"
    return marked
