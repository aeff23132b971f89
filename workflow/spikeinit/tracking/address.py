"""The address of the MLflow store: which one holds, where processes find it, and how it is shown without its secrets.

An address may hold a password: postgresql://alice:secret@host/mlflow. It reaches processes through the environment
alone, never through a command line or a file. Everything that is written or printed has postgresql://alice:***@host/mlflow.
"""

from __future__ import annotations

import os
import re
from urllib.parse import unquote

from spikeinit.io import with_home

VARIABLE = "SPIKEINIT_TRACKING_URI"
"""Variable of the environment in which the workflow hands the address to its jobs; empty when tracking is off."""

DEFAULT = "sqlite:///results/mlflow.db"
HIDDEN = "***"

_SECRET_NAMES = r"[^=&\s]*(?:password|passwd|pwd|token|secret|apikey|api_key)[^=&\s]*"
_QUERY = re.compile(rf"([?&]{_SECRET_NAMES}=)([^&\s\"']+)", re.IGNORECASE)
_PASSWORD = re.compile(r"(\w[\w+.-]*://[^:/@\s]*:)(.*)@", re.DOTALL)
_TOKEN = re.compile(r"(https?://)([^:/@\s]+)@")
_RESERVED = "@/?#[]: "
_SHORTEST_PIECE = 3
"""Letters of a part of a password that are hidden wherever they appear; shorter ones stand in ordinary words."""


def configured(uri: str | None) -> tuple[str, str]:
    """The address that holds for `tracking.uri`, and a line that says where it comes from; "" where nobody wonders.

    Without `tracking.uri` it is the one in MLflow's own variable MLFLOW_TRACKING_URI, or else an SQLite file.
    """
    if uri:
        return _with_home(uri), ""
    if given := os.environ.get("MLFLOW_TRACKING_URI"):
        return _with_home(given), f"tracking: MLFLOW_TRACKING_URI is set, so runs are recorded at {shown(given)}"
    return DEFAULT, ""


def shown(uri: str) -> str:
    """The address without passwords and tokens."""
    return _QUERY.sub(rf"\1{HIDDEN}", _TOKEN.sub(rf"\1{HIDDEN}@", _PASSWORD.sub(rf"\1{HIDDEN}@", uri)))


def without_secrets(text: str, uri: str = "") -> str:
    """`text` in which every address is `shown`, and in which the secrets of `uri` appear in no other way either."""
    if uri:
        text = text.replace(uri, shown(uri))
        for secret in sorted(_secrets(uri), key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
    return re.sub(r"\S+://\S+", lambda found: shown(found[0]), text)


def problem(uri: str) -> str:
    """What is wrong with an address, without its secrets; "" if nothing is.

    A password with reserved characters is read in different ways by different libraries, which then show parts of it.
    """
    found = _PASSWORD.search(uri)
    if found and any(letter in found[2] for letter in _RESERVED):
        return (
            f"= {shown(uri)}   the password holds one of {' '.join(_RESERVED.strip())} or a space; write it"
            " percent-encoded (@ as %40), or leave it out and set PGPASSWORD or MLFLOW_TRACKING_PASSWORD"
        )
    return ""


def _with_home(uri: str) -> str:
    scheme, found, path = uri.rpartition("sqlite:///")
    return scheme + found + with_home(path)


def _secrets(uri: str) -> set[str]:
    found = [match[2] for pattern in (_PASSWORD, _QUERY, _TOKEN) for match in pattern.finditer(uri)]
    pieces = {piece for secret in found for piece in (secret, *re.split(f"[{re.escape(_RESERVED)}]", secret))}
    return {form for piece in pieces for form in (piece, unquote(piece)) if len(form) >= _SHORTEST_PIECE}
